from __future__ import annotations

import cv2
import numpy as np
import pytest

from hwdigitize.recognition.hands import (
    STRIP_CORE_PX,
    STRIP_HEIGHT_PX,
    STRIP_WIDTH_PX,
    binarise,
    centre_line,
    core_rows,
    cut_strips,
    page_scale,
    resize,
)
from hwdigitize.recognition.hinge import DIRECTIONS, LEGS_PX, hinge_histogram


def line(core: int = 30, width: int = 900) -> np.ndarray:
    """Stems of small letters ``core`` high, some with ascenders, in a line of three times."""
    image = np.full((3 * core, width), 255, np.uint8)
    for n, x in enumerate(range(10, width - 10, core // 2)):
        top = core if n % 6 else 2
        cv2.line(image, (x, top), (x, 2 * core), 0, 3)
    return image


def test_binary_is_the_same_for_grey_and_black_ink() -> None:
    black = line()
    grey = np.where(black == 0, 90, 200).astype(np.uint8)
    assert np.array_equal(binarise(black), binarise(grey))
    assert set(np.unique(binarise(grey))) == {0, 255}


def test_paper_without_contrast_has_no_ink() -> None:
    assert not binarise(np.full((20, 30), 180, np.uint8)).any()


def test_core_rows_are_those_of_the_small_letters() -> None:
    rows = core_rows(binarise(line(30)))
    assert abs(len(rows) - 31) <= 4
    assert abs(rows.mean() - 45) <= 2


def test_a_ruled_line_is_not_taken_for_letters() -> None:
    ruled = line(30)
    ruled[75:79] = 0
    assert np.array_equal(core_rows(binarise(line(30)))[:-4], core_rows(binarise(ruled))[:-4])


@pytest.mark.parametrize("core", [15, 30, 60])
def test_scale_takes_resolution_away(core: int) -> None:
    binaries = [binarise(line(core))]
    scaled = resize(binaries[0], page_scale(binaries, STRIP_CORE_PX))
    assert abs(len(core_rows(scaled)) - STRIP_CORE_PX) <= 3


def test_the_scale_of_nothing_is_one() -> None:
    assert page_scale([np.zeros((10, 10), np.uint8)], 20) == 1.0
    assert page_scale([], 20) == 1.0


def test_centring_puts_the_small_letters_in_the_middle() -> None:
    centred = centre_line(binarise(line(20)), 64)
    assert centred.shape == (64, 900)
    assert abs(core_rows(centred).mean() - 32) <= 1


def test_strips_hold_all_lines() -> None:
    strips = cut_strips([binarise(line()), binarise(line(width=500))])
    assert strips.shape[1:] == (STRIP_HEIGHT_PX, STRIP_WIDTH_PX, 1)
    assert strips.dtype == np.float32
    assert 0 <= strips.min() < strips.max() <= 1
    expected_px = (900 + 500) * STRIP_CORE_PX / 31
    assert abs(len(strips) - expected_px / STRIP_WIDTH_PX) <= 1


def test_no_ink_no_strips() -> None:
    assert len(cut_strips([])) == 0
    assert len(cut_strips([np.zeros((40, 400), np.uint8)])) == 0


def test_hinges_of_a_square_know_only_straights_and_corners() -> None:
    square = np.zeros((300, 300), np.uint8)
    square[50:250, 50:250] = 255
    histogram = hinge_histogram([square], [10])
    assert histogram.shape == (DIRECTIONS**2,)
    assert np.linalg.norm(histogram) == pytest.approx(1, abs=1e-5)
    shares = np.sort(histogram**2)[::-1]
    # four straights, each a quarter less the corners: 2 * leg of 200 points
    assert shares[:4] == pytest.approx([0.225] * 4, abs=0.01)


def test_hinges_tell_slants_apart_and_know_a_hand_again() -> None:
    def hand(slant: float, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        image = np.zeros((90, 900), np.uint8)
        for x in np.arange(50, 850, 22) + rng.integers(-4, 5, 37):
            cv2.line(image, (int(x + 40 * slant), 20), (int(x), 70), 255, 4)
        return image

    same = hinge_histogram([hand(0.4, 1)]) @ hinge_histogram([hand(0.4, 2)])
    other = hinge_histogram([hand(0.4, 1)]) @ hinge_histogram([hand(-0.2, 2)])
    assert same > 0.95 > other


def test_hinges_of_nothing_are_zeros() -> None:
    empty = hinge_histogram([np.zeros((20, 20), np.uint8)])
    assert empty.shape == (len(LEGS_PX) * DIRECTIONS**2,)
    assert not empty.any()


@pytest.mark.filterwarnings("error")
def test_lines_that_hold_no_stroke_have_no_say_in_the_scale() -> None:
    """Ink from the left edge to the right starts nowhere."""
    slab = np.full((30, 200), 255, np.uint8)
    assert page_scale([slab], 20) == 1.0
    written = np.zeros((60, 200), np.uint8)
    written[20:40, 10:190:6] = 255
    assert page_scale([slab, written], 40) == page_scale([written], 40)
