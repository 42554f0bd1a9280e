"""Writing that is crossed out, and writing that only has long strokes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hwdigitize.forms.strikes import is_crossed_out, is_struck_character

Mask = NDArray[np.bool_]


def written(text: str = "Hamburg 42") -> Mask:
    canvas = np.zeros((120, 520), np.uint8)
    cv2.putText(canvas, text, (20, 85), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 2.2, 255, 4)
    return canvas > 0


@pytest.mark.parametrize("ends", [(60, 60), (75, 50), (50, 75)])
def test_a_line_through_the_writing_crosses_it_out(ends: tuple[int, int]) -> None:
    canvas = written().astype(np.uint8)
    cv2.line(canvas, (15, ends[0]), (450, ends[1]), 1, 4)
    assert is_crossed_out(canvas > 0, 120)


@pytest.mark.parametrize("text", ["Hamburg 42", "TTTT", "E", "-", "09", "42", "1177"])
def test_writing_alone_is_not_crossed_out(text: str) -> None:
    assert not is_crossed_out(written(text), 120)


def test_underlined_writing_is_not_crossed_out() -> None:
    canvas = written().astype(np.uint8)
    cv2.line(canvas, (15, 112), (450, 112), 1, 4)
    assert not is_crossed_out(canvas > 0, 120)


def test_nothing_is_not_crossed_out() -> None:
    assert not is_crossed_out(np.zeros((40, 200), bool), 40)


def test_a_scribble_over_the_writing_crosses_it_out() -> None:
    canvas = written().astype(np.uint8)
    for x in range(20, 440, 8):
        cv2.line(canvas, (x, 30), (x + 14, 95), 1, 5)
    assert is_crossed_out(canvas > 0, 120)


def test_bold_letters_that_run_together_are_not_crossed_out() -> None:
    bold = cv2.dilate(written("clear rain").astype(np.uint8), np.ones((9, 9), np.uint8))
    assert not is_crossed_out(bold > 0, 120)


def test_lines_through_a_whole_comb_cross_it_out() -> None:
    canvas = np.zeros((120, 520), np.uint8)
    for number, digit in enumerate("93182"):
        cv2.putText(canvas, digit, (30 + 95 * number, 90), cv2.FONT_HERSHEY_SIMPLEX, 2, 1, 4)
    assert not is_crossed_out(canvas > 0, 120)
    for y in (58, 76):
        cv2.polylines(canvas, [np.array([[10, y], [250, y - 4], [500, y + 2]])], False, 1, 4)
    assert is_crossed_out(canvas > 0, 120)


def lone(character: str, *strike: tuple[int, int]) -> Mask:
    """A character, struck through from the first point to the second, cut tight."""
    canvas = np.zeros((160, 160), np.uint8)
    cv2.putText(canvas, character, (50, 110), cv2.FONT_HERSHEY_SIMPLEX, 2.2, 1, 4)
    if strike:
        cv2.line(canvas, *strike, 1, 4)
    left, top, width, height = cv2.boundingRect(canvas)
    return canvas[top : top + height, left : left + width] > 0


@pytest.mark.parametrize("digit", "023568")
def test_a_line_that_juts_out_on_both_sides_strikes_a_digit(digit: str) -> None:
    assert is_struck_character(lone(digit, (40, 88), (106, 84)))


@pytest.mark.parametrize("digit", "0123456789")
def test_a_digit_alone_is_not_struck(digit: str) -> None:
    assert not is_struck_character(lone(digit))


@pytest.mark.parametrize(
    ("digit", "bar"), [("7", ((60, 84), (94, 84))), ("0", ((50, 112), (98, 62)))]
)
def test_bars_that_belong_to_a_digit_do_not_strike_it(
    digit: str, bar: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    assert not is_struck_character(lone(digit, *bar))


def test_a_digit_with_a_line_below_is_not_struck() -> None:
    assert not is_struck_character(lone("3", (40, 114), (106, 114)))
