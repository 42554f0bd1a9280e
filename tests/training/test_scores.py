"""Figures that a person can check by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hwdigitize.training.scores import (
    Bin,
    Prediction,
    error_by_share,
    reliability,
    words_scores,
)

PREDICTIONS = [
    Prediction("1", "Dear", "Dear", 0.9, "IAM", "word"),
    Prediction("2", "Sir", "sir", 0.8, "IAM", "word"),
    Prediction("3", "the end", "the and", 0.4, "IAM", "line"),
    Prediction("4", "x", "", 0.1, "OWN", "word"),
]


def test_words_scores() -> None:
    scores = words_scores(PREDICTIONS, frozenset({"Dear"}))
    every = scores["all"]
    assert every["samples"] == 4
    assert every["cer"] == pytest.approx((0 + 1 + 1 + 1) / (4 + 3 + 7 + 1))
    assert every["wer"] == pytest.approx((0 + 1 + 1 + 1) / 5)
    assert (every["exact"], every["exact_caseless"]) == (0.25, 0.5)
    assert list(scores["by_source"]) == ["IAM-lines", "IAM-words", "OWN-words"]
    assert scores["by_source"]["IAM-words"]["exact"] == 0.5
    assert scores["seen"]["IAM seen"]["exact"] == 1.0
    assert scores["seen"]["IAM unseen"]["samples"] == 1  # lines are neither
    assert list(scores["by_length"]) == ["1", "3", "4", "7 to 8"]


def test_nothing_is_called_unseen_where_the_training_words_are_unknown() -> None:
    assert "seen" not in words_scores(PREDICTIONS)


def test_reliability_bins() -> None:
    confidences = np.array([0.95, 1.0, 0.1])
    right = np.array([True, False, False])
    assert reliability(confidences, right, bins=10) == [
        Bin(0.1, 0.0, 1),
        Bin(0.975, 0.5, 2),
    ]


def test_error_falls_with_the_share_accepted() -> None:
    confidences = np.array([0.9, 0.2, 0.8, 0.6])
    right = np.array([True, False, True, True])
    points = error_by_share(confidences, right, points=4)
    assert points == [(0.25, 0.0), (0.5, 0.0), (0.75, 0.0), (1.0, 0.25)]
