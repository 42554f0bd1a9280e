"""What passes through a field, or lies apart from all writing, is not written there."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hwdigitize.forms.cutting import cut_field
from hwdigitize.forms.foreign import Mask, components, dust, lines_from_outside
from hwdigitize.forms.records import Field
from tests.forms.sheets import frame, grey, paper, stroke

BOX = (100, 60, 300, 140)
FIELD = Field(name="a", kind="text", boxes=(BOX,))


def dust_of(mask: Mask) -> Mask:
    labels, stats = components(mask)
    return dust(stats, np.arange(len(stats)) > 0)[labels]


@pytest.mark.parametrize("ends", [((200, 5), (201, 195)), ((60, 100), (340, 101))])
def test_a_line_all_through_is_no_writing(ends: tuple[tuple[int, int], ...]) -> None:
    blank = frame(paper(), BOX)
    cut = cut_field(stroke(blank.copy(), *ends, width=3), grey(blank), FIELD)
    assert not cut.ink.mask.any()


def test_a_thick_fold_is_dropped_and_the_strokes_across_it_stay() -> None:
    blank = frame(paper(), BOX)
    page = stroke(blank.copy(), (60, 100), (340, 100), colour=(120, 120, 120), width=11)
    page = stroke(page, (180, 75), (180, 125))
    cut = cut_field(page, grey(blank), FIELD)
    assert cut.grey.shape[1] < 40 and cut.grey.shape[0] > 45


def test_the_ring_of_a_stamp_is_no_writing() -> None:
    blank = frame(paper(), BOX)
    page = blank.copy()
    cv2.circle(page, (60, 150), 110, (60, 60, 60), 5, cv2.LINE_AA)
    assert not cut_field(page, grey(blank), FIELD).ink.mask.any()


def test_writing_that_leaves_its_box_is_kept() -> None:
    mask = np.zeros((80, 200), np.uint8)
    for x in range(20, 180, 20):  # a word like mmmm, from side to side and out of the top
        cv2.line(mask, (x, 20), (x, 60), 1, 4)
        cv2.line(mask, (x, 20), (x + 20, 60), 1, 4)
    cv2.line(mask, (40, 20), (40, 0), 1, 4)
    assert not lines_from_outside(mask > 0).any()


def test_dust_lies_apart_and_dots_do_not() -> None:
    mask = np.zeros((100, 300), bool)
    mask[30:80, 20:26] = True
    mask[30:80, 60:66] = True
    point, speck = (slice(74, 80), slice(40, 46)), (slice(50, 56), slice(250, 256))
    dot = (slice(12, 18), slice(61, 66))
    for place in (point, speck, dot):
        mask[place] = True
    found = dust_of(mask)
    assert found[speck].all() and found.sum() == 36
    alone = np.zeros((100, 300), bool)
    alone[speck] = True
    assert not dust_of(alone).any()


def test_components_are_those_of_opencv() -> None:
    mask = np.random.default_rng(0).random((60, 90)) < 0.3
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), None, 8)
    labels, found = components(mask)
    assert np.array_equal(found[1:], stats[1:]) and np.array_equal(labels > 0, mask)
