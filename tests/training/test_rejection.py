"""Junk, empty boxes and good glyphs, with networks that answer as told."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hwdigitize.recognition.characters import CLASSES, EMPTY, REJECT
from hwdigitize.training.glyphs import CANVAS_PX, JUNK, draw_junk
from hwdigitize.training.rejection import rejection_scores


def glyphs() -> np.ndarray:
    """A 1 and a 7."""
    images = np.zeros((2, CANVAS_PX, CANVAS_PX), np.uint8)
    images[0, 8:56, 30:34] = 255
    images[1, 8:12, 20:44] = 255
    cv2.line(images[1], (42, 10), (26, 55), 255, 4)
    return images


def answers(kind: np.ndarray) -> np.ndarray:
    return np.eye(len(CLASSES))[kind]


def test_a_network_that_rejects_all_finds_all_junk_and_refuses_all_glyphs() -> None:
    scores = rejection_scores(lambda crops: answers([REJECT] * len(crops)), glyphs(), 1, each=6)
    assert scores["reject"] == {"precision": round(30 / 66, 4), "recall": 1.0}
    assert scores["empty"] == {"precision": 0.0, "recall": 0.0}
    assert scores["junk found"] == dict.fromkeys(JUNK, 1.0)
    assert scores["good glyphs refused"] == 1.0


def test_empty_boxes_are_told_by_their_want_of_ink() -> None:
    def read(crops: list[np.ndarray]) -> np.ndarray:
        middles = [crop[20:44, 20:44].min() for crop in crops]
        return answers([EMPTY if middle > 140 else 1 for middle in middles])

    scores = rejection_scores(read, glyphs(), 1, each=20)
    assert scores["empty"]["recall"] > 0.6
    assert scores["empty"]["precision"] > 0.6
    assert scores["reject"]["recall"] == 0.0


@pytest.mark.parametrize("kind", JUNK)
def test_every_kind_of_junk_is_another_picture_than_a_glyph(kind: str) -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        junk = draw_junk(glyphs(), rng, kind)
        assert junk.shape == (CANVAS_PX, CANVAS_PX)
        assert junk.any()
        assert not any(np.array_equal(junk, glyph) for glyph in glyphs())
