"""Writing is cut into lines, words and characters with all of its ink."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hwdigitize.forms.cutting import Cut, cut_field
from hwdigitize.forms.pieces import cut_glyphs, cut_lines, cut_words, part_struck
from hwdigitize.forms.records import Field
from tests.forms.sheets import Image, grey, paper, stroke

BOX = (100, 60, 300, 140)


def cut_of(page: Image, kind: str = "text") -> Cut:
    return cut_field(page, grey(paper()), Field(name="a", kind=kind, boxes=(BOX,)))


def comb(page: Image, *columns: int, top: int = 80, bottom: int = 120) -> Image:
    for x in columns:
        page = stroke(page, (x, top), (x, bottom))
    return page


def test_glyphs_come_from_left_to_right() -> None:
    field = Field(name="a", kind="number", boxes=(BOX,))
    page = stroke(paper(), (220, 80), (220, 120), width=9)
    page = stroke(page, (150, 80), (150, 120), width=3)
    glyphs = cut_glyphs(cut_field(page, grey(paper()), field))
    widths = [int((glyph < 128).any(0).sum()) for glyph in glyphs]
    assert len(widths) == 2 and widths[0] < widths[1]


def test_words_of_a_line_are_cut_at_wide_gaps_with_all_of_their_ink() -> None:
    first, second = cut_words(cut_of(comb(paper(), 120, 128, 136, 190, 198)))
    assert first.shape[1] > second.shape[1]
    assert [int((word < 128).sum()) > 0 for word in (first, second)] == [True, True]


def test_lines_are_told_apart_and_long_strokes_stay_whole() -> None:
    page = comb(paper(), *range(120, 280, 10), top=66, bottom=84)
    page = comb(page, *range(120, 280, 10), top=112, bottom=130)
    page = stroke(page, (200, 66), (200, 96))  # a descender of the first line
    cut = cut_of(page, "lines")
    first, second = cut_lines(cut)
    assert first.grey.shape[0] > second.grey.shape[0]
    together = first.ink.mask.astype(int) + second.ink.mask
    assert np.array_equal(together, cut.ink.mask.astype(int))


def test_one_line_is_one_and_nothing_is_none() -> None:
    page = comb(paper(), *range(120, 280, 10))
    assert len(cut_lines(cut_of(page, "lines"))) == 1
    assert cut_lines(cut_of(paper(), "lines")) == []


def struck_word(page: Image) -> Image:
    for x in range(112, 180, 11):
        cv2.circle(page, (x, 100), 10, (40, 30, 30), 3, cv2.LINE_AA)
    return stroke(page, (98, 98), (190, 102))


def test_what_was_struck_out_before_a_word_is_left_out() -> None:
    cut, all_struck = part_struck(cut_of(comb(struck_word(paper()), 220, 235)), 80)
    assert not all_struck and cut.grey.shape[1] < 40


def test_writing_that_is_struck_out_as_a_whole_is_kept_and_told() -> None:
    whole = cut_of(struck_word(paper()))
    cut, all_struck = part_struck(whole, 80)
    assert all_struck and cut is whole


def digits(*columns: int) -> Image:
    page = paper()
    for x in columns:
        cv2.putText(page, "3", (x, 118), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (40, 30, 30), 3)
    return page


def test_a_single_digit_that_was_struck_out_before_another_is_left_out() -> None:
    page = stroke(digits(125, 190), (117, 101), (157, 103))
    cut, all_struck = part_struck(cut_of(page, "number"), 80)
    assert not all_struck and cut.grey.shape[1] < 45


def test_a_single_digit_that_was_struck_out_is_crossed_out() -> None:
    assert part_struck(cut_of(stroke(digits(125), (117, 101), (157, 103)), "number"), 80)[1]


@pytest.mark.parametrize(("kind", "second"), [("text", 190), ("number", 163)])
def test_a_letter_or_the_first_digit_of_a_number_is_not_taken_for_a_struck_one(
    kind: str, second: int
) -> None:
    whole = cut_of(stroke(digits(125, second), (117, 101), (157, 103)), kind)
    assert part_struck(whole, 80) == (whole, False)


def test_writing_without_a_strike_stays_as_it_is() -> None:
    whole = cut_of(comb(paper(), 120, 140, 160))
    assert part_struck(whole, 80) == (whole, False)
