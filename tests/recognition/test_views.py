"""Other views of a doubtful word."""

from __future__ import annotations

import numpy as np
import pytest

from hwdigitize.recognition.ctc import align, steps_needed
from hwdigitize.recognition.views import merge, other_views


def test_views_keep_the_height_and_all_ink() -> None:
    crop = np.full((40, 100), 255, np.uint8)
    crop[5:35, 20:24] = 0
    for view in other_views(crop):
        assert view.shape[0] == 40
        assert view.shape[1] > 100
        assert (view < 128).sum() >= 0.9 * (crop < 128).sum()


def test_a_line_is_read_once() -> None:
    assert other_views(np.full((40, 600), 255, np.uint8)) == ()


def test_what_two_views_agree_upon_beats_what_one_prefers() -> None:
    first = [("cat", np.log(0.6)), ("car", np.log(0.4))]
    second = [("car", np.log(0.9))]
    ranking = merge([first, second])
    assert [text for text, _ in ranking] == ["car", "cat"]
    assert np.exp(ranking[0][1]) == pytest.approx(0.65)


def test_doubles_need_a_blank() -> None:
    assert steps_needed("") == 0
    assert steps_needed("abba") == 5


def test_the_empty_text_has_no_places() -> None:
    scores = np.log(np.full((3, 4), 0.25, np.float32))
    assert align(scores, np.zeros(0, np.int32)) == ()
