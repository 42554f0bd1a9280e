"""Reading words: each by itself, whatever else is on its page."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hwdigitize.recognition import words
from hwdigitize.recognition.inputs import Crop
from hwdigitize.recognition.words import read_words, score_words


def crop(text: str) -> Crop:
    """A word drawn with OpenCV's font."""
    page = np.full((60, 40 + 34 * len(text)), 255, np.uint8)
    cv2.putText(page, text, (20, 45), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 1.4, 0, 3, cv2.LINE_AA)
    return page


WORDS = ("minimum", "at", "letters", "a", "no", "longer", "in", "of", "handwriting", "to", "an")


def test_neighbours_do_not_change_what_is_read() -> None:
    crops = [crop(text) for text in WORDS]
    together = score_words(crops)
    for one, scores in zip(crops, together, strict=True):
        assert np.array_equal(score_words([one])[0], scores)
    assert read_words(crops, language="en")[2:5] == read_words(crops[2:5], language="en")


def test_batches_are_of_one_width_and_no_larger_than_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(words, "BATCH_SIZE", 2)
    widths = [64, 32, 64, 64, 32, 80]
    batches = list(words._batches(widths))
    assert sorted(i for batch in batches for i in batch) == list(range(6))
    assert all(len({widths[i] for i in batch}) == 1 for batch in batches)
    assert [len(batch) for batch in batches] == [2, 2, 1, 1]


@pytest.mark.parametrize("connected", [False, True])
def test_other_readings_share_what_the_best_leaves(connected: bool) -> None:
    crops = [crop(text)[10:48:3, ::3] for text in WORDS]  # small enough to be doubted
    readings = read_words(crops, language="en", connected=connected)
    assert any(reading.alternatives for reading in readings)
    for reading in readings:
        others = [probability for _, probability in reading.alternatives]
        assert others == sorted(others, reverse=True)
        assert reading.confidence + sum(others) <= 1 + 1e-9
