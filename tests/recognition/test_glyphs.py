from __future__ import annotations

import cv2
import numpy as np
import pytest

from hwdigitize.recognition.glyphs import GLYPH_PX, SIDE_PX, prepare_glyph, prepare_glyphs


def page(height: int = 60, width: int = 60, paper: int = 255) -> np.ndarray:
    return np.full((height, width), paper, np.uint8)


def test_fills_and_centres_whatever_the_place_and_size() -> None:
    small, large = page(), page(200, 200)
    small[10:22, 30:36] = 0
    large[90:150, 20:50] = 0
    for crop in (small, large):
        ink = prepare_glyph(crop) > 0.5
        rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
        assert abs(len(rows) - GLYPH_PX) <= 1
        assert abs(len(columns) - GLYPH_PX / 2) <= 1
        assert abs(rows.mean() - (SIDE_PX - 1) / 2) <= 1
        assert abs(columns.mean() - (SIDE_PX - 1) / 2) <= 1


def test_faint_ink_on_grey_paper_is_as_good_as_black_on_white() -> None:
    black, faint = page(), page(paper=190)
    for crop, ink in ((black, 0), (faint, 120)):
        cv2.circle(crop, (30, 30), 14, ink, 4)
    assert np.abs(prepare_glyph(black) - prepare_glyph(faint)).max() < 0.02


@pytest.mark.parametrize("value", [0, 128, 255])
def test_nothing_to_see_is_all_paper(value: int) -> None:
    assert not prepare_glyph(page(paper=value)).any()


def test_lines_of_the_box_at_the_edges_are_dropped() -> None:
    clean = page()
    cv2.circle(clean, (30, 30), 12, 0, 3)
    boxed = clean.copy()
    boxed[:3] = boxed[:, -2:] = 0
    boxed[57:59, 5:40] = 0
    assert np.array_equal(prepare_glyph(clean), prepare_glyph(boxed))


def test_an_empty_box_with_its_lines_is_empty() -> None:
    crop = page()
    crop[:2] = crop[-2:] = 0
    crop[:, :2] = crop[:, -2:] = 0
    assert not prepare_glyph(crop).any()


def test_a_stroke_cut_tight_is_the_glyph() -> None:
    assert prepare_glyph(np.zeros((40, 6), np.uint8)).sum() == 0, "no paper, no contrast"
    tight = page(40, 9)
    tight[:, 1:-1] = 0
    assert prepare_glyph(tight).sum() > 50


def test_grain_does_not_shrink_the_glyph() -> None:
    crop = page()
    cv2.rectangle(crop, (20, 15), (40, 45), 0, 4)
    dirty = crop.copy()
    dirty[3, 3] = dirty[55, 50] = 0
    assert np.array_equal(prepare_glyph(crop), prepare_glyph(dirty))


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (300, 2), (0, 10)])
def test_odd_shapes_give_the_shape_of_the_input(shape: tuple[int, int]) -> None:
    assert prepare_glyph(np.full(shape, 255, np.uint8)).shape == (SIDE_PX, SIDE_PX)


def test_the_crop_itself_is_left_alone() -> None:
    crop = page()
    crop[10:20, 10:20] = 0
    before = crop.copy()
    prepare_glyph(crop)
    assert np.array_equal(crop, before)


def test_stack_of_none() -> None:
    assert prepare_glyphs([]).shape == (0, SIDE_PX, SIDE_PX, 1)
