"""A blank made from filled scans is that of the form, without what was written."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hwdigitize.drafting import blank_from_filled, draft_template
from hwdigitize.errors import PageError, TemplateError
from hwdigitize.forms.from_filled import make_blank

Grey = NDArray[np.uint8]
WIDTH, HEIGHT = 1240, 900  # A5 across, at 150 dpi
SCANS = 9


def form() -> Grey:
    page = np.full((HEIGHT, WIDTH), 255, np.uint8)
    cv2.putText(page, "RIVER WATCH RECORD", (90, 110), 0, 1.4, 70, 3)
    cv2.putText(page, "FORM 12 B", (930, 110), 0, 1.2, 70, 2)
    cv2.putText(page, "Please return to the warden", (640, 830), 0, 1.0, 70, 2)
    labels = ("Observer", "River", "Weather", "Depth cm", "Remarks")
    for i, text in enumerate(labels):
        y = 220 + 120 * i
        cv2.putText(page, text, (90, y), 0, 1.0, 70, 2)
        if i % 2:
            page[y + 8 : y + 10, 420:1150] = 90
        else:
            cv2.rectangle(page, (420, y - 45), (1150, y + 12), 90, 2)
    return page


def posed(page: Grey, number: int) -> Grey:
    """As that scan lies: skewed, shifted and scaled a little."""
    rng = np.random.default_rng(number)
    turn = cv2.getRotationMatrix2D(
        (WIDTH / 2, HEIGHT / 2), rng.normal(0, 0.5), rng.uniform(0.99, 1.01)
    )
    turn[:, 2] += rng.normal(0, 6, 2)
    return np.asarray(cv2.warpAffine(page, turn, (WIDTH, HEIGHT), borderValue=255), np.uint8)


def filled(number: int) -> Grey:
    """One scan: scribbles in every place, and the grain of paper."""
    rng = np.random.default_rng(100 + number)
    page = form()
    for i in range(5):
        y = 205 + 120 * i
        points = [(int(rng.integers(430, 520)), y + int(rng.integers(-25, 12)))]
        for _ in range(int(rng.integers(20, 50))):
            x = points[-1][0] + int(rng.integers(6, 18))
            points.append((min(x, 1130), y + int(rng.integers(-25, 12))))
        cv2.polylines(page, [np.array(points)], False, 30, 3)
    page = posed(page, number)
    return np.clip(page + rng.normal(0, 3, page.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def scans() -> list[Grey]:
    return [filled(number) for number in range(SCANS)]


def test_writing_goes_and_print_stays(scans: list[Grey]) -> None:
    made = make_blank(scans, 150.0)
    assert sorted(made.used) == list(range(SCANS))
    # the blank lies as the scan does that the others were laid onto
    true, found = posed(form(), made.used[0]) < 160, made.grey < 200
    around = cv2.dilate(true.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    near = cv2.dilate(found.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert (true & near).sum() > 0.98 * true.sum()
    written = np.mean([(scan < 100).sum() for scan in scans]) - (form() < 100).sum()
    assert (found & ~around).sum() < 0.02 * written


def test_a_scan_of_another_form_is_left_out(scans: list[Grey]) -> None:
    other = np.full((HEIGHT, WIDTH), 255, np.uint8)
    for i in range(12):
        cv2.putText(other, "quite another page of text", (60, 60 + 70 * i), 0, 1.5, 0, 3)
    made = make_blank([*scans[:4], other], 150.0)
    assert 4 not in made.used and len(made.used) == 4


def test_too_few_scans_are_refused(scans: list[Grey], tmp_path: Path) -> None:
    with pytest.raises(PageError, match="only 2 scans"):
        make_blank(scans[:2], 150.0)
    Image.fromarray(scans[0]).save(tmp_path / "one.png")
    with pytest.raises(TemplateError, match="at least 3"):
        blank_from_filled(tmp_path)


def test_a_folder_of_scans_gives_a_template(scans: list[Grey], tmp_path: Path) -> None:
    for number, scan in enumerate(scans):
        Image.fromarray(scan).save(tmp_path / f"{number}.png", dpi=(150, 150))
    template, (blank,), _ = draft_template(blank_from_filled(tmp_path), "river")
    assert template.pages[0].size_px == (blank.shape[1], blank.shape[0])
    assert template.pages[0].dpi == 150
    assert len(template.fields) == 5
    lefts = [field.box[0] for field in template.fields]
    assert max(abs(left - 420) for left in lefts) < 25
