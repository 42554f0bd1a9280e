"""Forms drawn here, and two real ones, laid onto their blanks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pypdfium2
import pytest

from hwdigitize.errors import PageError
from hwdigitize.forms.corner_marks import find_by_marks
from hwdigitize.forms.displacement import fit_displacement
from hwdigitize.forms.homography import move
from hwdigitize.forms.matching import index_pages, know_page, match_page
from hwdigitize.forms.records import Template, TemplatePage
from hwdigitize.forms.registration import Registration, register
from hwdigitize.forms.structure import find_structure

Grey = npt.NDArray[np.uint8]
SIZE = (1240, 1754)
TEMPLATE = Template(
    id="drawn", version="1", pages=(TemplatePage(blank="", size_px=SIZE, dpi=150),), fields=()
)
#: places beside print: where a page is blank, nothing tells how it bends
CORNERS = np.array([[110, 130], [620, 160], [600, 1560], [110, 1590], [500, 877]], float)


def draw_blank(seed: int) -> Grey:
    """A form of labels in no language, boxes and rules."""
    rng = np.random.default_rng(seed)
    page = np.full(SIZE[::-1], 255, np.uint8)
    for y in range(130, 1640, 75):
        label = "".join(chr(rng.integers(65, 91)) for _ in range(rng.integers(5, 14)))
        cv2.putText(page, label, (100, y), 0, 0.8, 0, 2, cv2.LINE_AA)
        x = int(rng.integers(420, 600))
        if rng.random() < 0.5:
            for i in range(int(rng.integers(2, 15))):
                cv2.rectangle(page, (x + 38 * i, y - 32), (x + 38 * i + 38, y + 8), 0, 2)
        else:
            cv2.line(page, (x, y), (int(rng.integers(x + 100, 1150)), y), 0, 2)
    return page


def write_on(page: Grey, seed: int = 0) -> Grey:
    rng, written = np.random.default_rng(seed), page.copy()
    for _ in range(120):
        at = rng.integers((420, 100), (1150, 1650))
        stroke = at + np.cumsum(rng.integers(-14, 15, (6, 2)), axis=0)
        cv2.polylines(written, [stroke.astype(np.int32)], False, 60, 4, cv2.LINE_AA)
    return written


def warp(degrees: float, scale: float = 1.0, tilt: float = 0.0) -> tuple[np.ndarray, tuple]:
    """From the blank's px to the scan's, and the scan's size."""
    width, height = SIZE
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    tilted = corners + tilt * width * np.array([[1, 1], [-0.5, 0], [0, -1], [0.3, 0]])
    lens = cv2.getPerspectiveTransform(corners, tilted.astype(np.float32))
    turn = np.vstack([cv2.getRotationMatrix2D((0, 0), -degrees, scale), [0, 0, 1]])
    turn[0] *= 1.015  # the scanner stretches
    reached = move(corners, turn @ lens)
    shift = np.eye(3)
    shift[:2, 2] = -reached.min(axis=0)
    size = np.ceil(np.ptp(reached, axis=0)).astype(int)
    return shift @ turn @ lens, (int(size[0]), int(size[1]))


def take(page: Grey, matrix: np.ndarray, size: tuple[int, int]) -> Grey:
    scale = np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
    soft = cv2.GaussianBlur(page, (0, 0), 0.5 / scale) if scale < 0.9 else page
    return np.asarray(cv2.warpPerspective(soft, matrix, size, borderValue=220), np.uint8)


def lay(grey: Grey, blank: Grey) -> Registration:
    return register(grey, TEMPLATE, 0, blank)


@pytest.mark.parametrize(
    ("degrees", "scale", "tilt"),
    [(0, 1, 0), (-14, 1, 0), (184, 1, 0), (92, 1, 0), (3, 0.5, 0), (-2, 3, 0), (5, 1, 0.05)],
)
def test_every_point_is_found(degrees: float, scale: float, tilt: float) -> None:
    blank = draw_blank(1)
    matrix, size = warp(degrees, scale, tilt)
    found = lay(take(write_on(blank), matrix, size), blank)
    off = move(found.to_scan(CORNERS), np.linalg.inv(matrix)) - CORNERS
    assert np.abs(off).max() < 1.5  # px at 150 dpi: a quarter of a millimetre
    assert found.residual_px < 0.5
    turned = (found.turned_degrees - degrees + 180) % 360 - 180
    assert abs(turned) < 4
    assert found.scale == pytest.approx(scale, rel=0.08)


def test_a_curl_is_undone_locally() -> None:
    blank = draw_blank(2)
    y, x = np.mgrid[: SIZE[1], : SIZE[0]].astype(np.float32)
    bent = 6 * np.sin(2 * np.pi * y / SIZE[1])
    curled = np.asarray(cv2.remap(blank, x + bent, y, cv2.INTER_LINEAR, borderValue=255))
    found = lay(curled, blank)
    expected = CORNERS - np.stack(
        [6 * np.sin(2 * np.pi * CORNERS[:, 1] / SIZE[1]), 0 * CORNERS[:, 0]], 1
    )
    assert np.abs(found.to_scan(CORNERS) - expected).max() < 1.2
    flat = move(CORNERS, found.matrix)
    assert np.abs(flat - expected).max() > 2  # the matrix alone does not do it


@pytest.mark.parametrize("scale", [0.6, 1.0, 2.5])
def test_a_rectified_scan_is_the_blank_again(scale: float) -> None:
    blank = draw_blank(3)
    matrix, size = warp(7, scale)
    scan = take(blank, matrix, size)
    rectified = lay(scan, blank).rectify(scan)
    assert rectified.shape == blank.shape
    inside = (slice(60, -60), slice(60, -60))
    likeness = np.corrcoef(rectified[inside].ravel(), blank[inside].ravel())[0, 1]
    assert likeness > 0.85
    colour = lay(scan, blank).rectify(cv2.merge([scan, scan, scan]), SIZE)
    assert np.array_equal(colour[:, :, 1], rectified)


@pytest.mark.parametrize("seed", [1, 3, 4])
@pytest.mark.parametrize("bent_px", [0, 6])
def test_boxes_far_from_print_are_not_trusted(seed: int, bent_px: float) -> None:
    blank = draw_blank(seed)
    blank[600:] = 255  # nothing tells how the lower part lies
    y, x = np.mgrid[: SIZE[1], : SIZE[0]].astype(np.float32)
    bent = bent_px * np.sin(2 * np.pi * y / SIZE[1])
    scan = cv2.remap(write_on(blank), x + bent, y, cv2.INTER_LINEAR, borderValue=255)
    found = lay(np.asarray(scan, np.uint8), blank)
    assert not found.is_far_from_print((110, 480, 400, 520), 150)
    for top in range(700, 1600, 100):
        for left in (100, 950):
            box = (left, top, left + 150, top + 40)
            middle = np.array([[left + 75, top + 20]])
            there = middle - (bent_px * np.sin(2 * np.pi * middle[0, 1] / SIZE[1]), 0)
            off = np.linalg.norm(found.to_scan(middle) - there)
            assert off < 20 or found.is_far_from_print(box, 150), (box, off)
    assert found.is_far_from_print((100, 1550, 250, 1590), 150)


def test_boxes_between_print_are_trusted() -> None:
    blank = draw_blank(1)
    found = lay(write_on(blank), blank)
    boxes = [(left, y, left + 60, y + 40) for left in (110, 500) for y in range(140, 1560, 80)]
    assert not any(found.is_far_from_print(box, 150) for box in boxes)


def test_boxes_are_moved_with_the_page() -> None:
    blank = draw_blank(1)
    matrix, size = warp(0, 2)
    left, top, right, bottom = lay(take(blank, matrix, size), blank).box_to_scan(
        (300, 400, 500, 440)
    )
    assert right - left == pytest.approx(2 * 200 * 1.015, abs=4)
    assert bottom - top == pytest.approx(2 * 40, abs=4)


@pytest.mark.parametrize("other", [draw_blank(9), np.full(SIZE[::-1], 255, np.uint8)])
def test_another_page_is_refused(other: Grey) -> None:
    with pytest.raises(PageError) as caught:
        lay(other, draw_blank(1))
    assert (caught.value.stage, caught.value.code) == ("register", "weak_registration")
    assert "drawn" in caught.value.message


def test_the_right_page_is_matched_and_a_stranger_is_not() -> None:
    blanks = [draw_blank(seed) for seed in range(12)]
    index = index_pages([know_page(blank, "drawn", i) for i, blank in enumerate(blanks)])
    for i in (0, 5, 11):
        matrix, size = warp(190, 0.7)
        best = match_page(take(write_on(blanks[i]), matrix, size), index)[0]
        assert (best.template_id, best.page) == ("drawn", i)
        assert np.abs(move(CORNERS, best.matrix) - move(CORNERS, matrix)).max() < 12
    assert match_page(draw_blank(50), index) == ()
    assert match_page(np.full((400, 300), 255, np.uint8), index) == ()
    assert match_page(blanks[0], index_pages([])) == ()


def draw_table() -> Grey:
    """A heading and rows that differ in their number alone."""
    page = np.full(SIZE[::-1], 255, np.uint8)
    cv2.putText(page, "List of the parish", (100, 110), 0, 1.4, 0, 2, cv2.LINE_AA)
    for row, y in enumerate(range(200, 1600, 70), 1):
        cv2.putText(page, f"{row}", (40, y + 46), 0, 0.8, 0, 2, cv2.LINE_AA)
        for x, right in ((90, 400), (400, 700), (700, 900), (900, 1150)):
            cv2.rectangle(page, (x, y), (right, y + 70), 0, 2)
        for x in (720, 810):
            cv2.rectangle(page, (x, y + 20), (x + 30, y + 50), 0, 2)
            cv2.putText(page, "M" if x == 720 else "F", (x + 40, y + 46), 0, 0.7, 0, 2)
    return page


def test_rows_that_are_much_alike_are_told_apart() -> None:
    table = draw_table()
    index = index_pages([know_page(table, "table", 0), know_page(draw_blank(0), "drawn", 0)])
    matrix, size = warp(3, 1.2)
    best = match_page(take(write_on(table), matrix, size), index)[0]
    assert best.template_id == "table"
    assert np.abs(move(CORNERS, best.matrix) - move(CORNERS, matrix)).max() < 12


@pytest.mark.parametrize("degrees", [0, 4, 92, 178, -87])
def test_a_nearly_empty_form_is_found_by_its_marks(degrees: float) -> None:
    blank = np.full(SIZE[::-1], 255, np.uint8)
    marks = [(x, y, x + 24, y + 24) for x in (60, 1150) for y in (60, 1660)]
    for left, top, right, bottom in marks:
        blank[top:bottom, left:right] = 0
    cv2.putText(blank, "Remarks", (200, 160), 0, 1.2, 0, 3, cv2.LINE_AA)
    matrix, size = warp(degrees, 1.3)
    scan = take(write_on(blank), matrix, size)
    found = find_by_marks(scan, find_structure(blank, 150, marks))
    assert found is not None
    assert np.abs(move(CORNERS, found) - move(CORNERS, matrix)).max() < 12
    assert find_by_marks(scan, find_structure(blank, 150)) is None
    assert find_by_marks(np.full_like(blank, 255), find_structure(blank, 150, marks)) is None


def test_hidden_places_do_not_bend_the_page() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1000, (200, 2))
    seen = np.tile([3.0, -2.0], (200, 1)) + rng.normal(0, 0.1, (200, 2))
    seen[:40] += 25
    certainty = np.tile(np.eye(2), (200, 1, 1))
    fitted = fit_displacement(points, seen, certainty, np.ones(200), 0.5, (1000, 1000))
    assert np.abs(fitted.at(points) - (3, -2)).max() < 0.5


def render(path: Path, page: int = 0) -> Grey:
    with pypdfium2.PdfDocument(path) as document:
        return np.asarray(document[page].render(scale=300 / 72).to_pil().convert("L"))


@pytest.mark.parametrize(
    ("blank", "filled", "page"),
    [
        ("survey/original.pdf", "survey/filled_1.pdf", 0),
        ("survey/original.pdf", "survey/filled_2.pdf", 1),
        ("logsheet/front_template.pdf", "logsheet/front.pdf", 0),
    ],
)
def test_real_forms(shared_data: Path, blank: str, filled: str, page: int) -> None:
    empty = render(shared_data / "forms" / blank, page)
    template = Template(id="real", version="1", pages=(TemplatePage(blank=""),) * 2, fields=())
    for turned in (0, 1):
        scan = np.rot90(render(shared_data / "forms" / filled, page), 2 * turned).copy()
        assert register(scan, template, page, empty).residual_px < 2
