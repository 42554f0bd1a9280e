"""The form's ink goes, the hand's stays: whole, however faint, and wherever it crosses."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hwdigitize.forms.ink import find_ink, handwriting
from tests.forms.sheets import PALE_RED, frame, grey, paper, stroke

BOX = (60, 50, 340, 150)


def test_an_empty_form_leaves_nothing() -> None:
    page = frame(paper(), BOX)
    assert handwriting(page, grey(page)).min() == 255
    assert find_ink(page, grey(page)).quality == 0


@pytest.mark.parametrize("shift", [(0, 0), (2, -2), (-3, 1)])
def test_print_that_lies_beside_the_blanks_is_the_forms(shift: tuple[int, int]) -> None:
    page = frame(paper(), BOX, 6)
    moved = np.roll(page, shift, (1, 0))
    ink = find_ink(moved, grey(frame(paper(), BOX)))
    assert not ink.mask[60:140, 75:325].any()
    assert ink.mask.sum() < 30


def test_a_stroke_across_a_line_stays_whole() -> None:
    blank = frame(paper(), BOX)
    page = stroke(blank.copy(), (150, 90), (190, 190))
    ink = find_ink(page, grey(blank))
    count, _ = cv2.connectedComponents(ink.mask.astype(np.uint8))
    assert count == 2
    assert ink.mask[90:190].any(1).all()


def test_pale_red_ink_is_found_and_shown_dark() -> None:
    blank = frame(paper(), BOX)
    page = stroke(blank.copy(), (100, 70), (130, 130), (160, 70), colour=PALE_RED)
    ink = find_ink(page, grey(blank))
    written = (stroke(paper(), (100, 70), (130, 130), (160, 70), width=3) < 128).any(2)
    assert ink.mask[written].mean() > 0.95
    assert ink.grey[ink.mask].mean() < 80
    assert 0 < ink.quality < 0.25


def test_shadow_and_coloured_paper_are_no_ink() -> None:
    blank = frame(paper(), BOX)
    shade = np.linspace(1.0, 0.85, 400)[None, :, None] * np.array([0.7, 0.9, 1.0])
    page = (blank * shade).astype(np.uint8)
    assert find_ink(page, grey(blank)).mask.sum() == 0


def test_a_line_the_copy_lost_hides_no_ink() -> None:
    blank = paper()
    for x in range(100, 340, 40):
        blank[50:150, x : x + 2] = 190
    page = stroke(paper(), (125, 60), (155, 140), width=3)
    ink = find_ink(page, grey(blank))
    assert ink.mask[62:138].any(1).all()


def test_a_faint_broad_band_that_goes_on_is_a_stain_and_strokes_on_it_stay() -> None:
    blank = frame(paper(), BOX)
    ring = paper()
    cv2.circle(ring, (200, 260), 190, (200, 205, 210), 22)
    stained = np.minimum(cv2.GaussianBlur(ring, (0, 0), 3), blank)
    assert find_ink(stained, grey(blank)).mask.sum() < 60
    page = stroke(stained, (150, 70), (200, 130), width=4)
    mask = find_ink(page, grey(blank)).mask
    assert mask[80:125, 155:195].any(1).all()
    assert mask.sum() < 800


def test_a_few_specks_stronger_than_the_noise_are_no_ink() -> None:
    blank = frame(paper(), BOX)
    page = blank.copy()
    page[90:93, 150:156] = 200
    assert not find_ink(page, grey(blank)).mask.any()
