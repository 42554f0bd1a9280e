from __future__ import annotations

import numpy as np
import pytest

from hwdigitize.recognition.characters import CLASSES
from hwdigitize.training.calibration import (
    best_of_boxes,
    fit_glyphs,
    fit_logistic,
    fit_same_hand,
    fit_temperature,
    pairs_of,
)


def test_temperature_undoes_overconfidence() -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, (4000, 5))
    shares = np.exp(honest) / np.exp(honest).sum(1, keepdims=True)
    truth = np.array([rng.choice(5, p=row) for row in shares])
    assert fit_temperature(3 * honest, truth) == pytest.approx(3, rel=0.1)
    assert fit_temperature(honest / 2, truth) == pytest.approx(0.5, rel=0.1)


def test_temperature_leaves_forbidden_classes_and_weightless_samples_out() -> None:
    logits = np.array([[2.0, 0.0, -np.inf], [2.0, 0.0, -np.inf], [9.0, 0.0, -np.inf]])
    truth = np.array([0, 1, 1])
    # one right, one wrong at equal odds: no confidence is too small
    assert fit_temperature(logits, truth, np.array([1.0, 1.0, 0.0])) == pytest.approx(5.0)


def test_logistic_finds_the_curve_that_made_the_data() -> None:
    rng = np.random.default_rng(1)
    scores = rng.uniform(0, 1, 20_000)
    right = rng.random(20_000) < 1 / (1 + np.exp(-(12 * scores - 8)))
    slope, offset = fit_logistic(scores, right)
    assert (slope, offset) == (pytest.approx(12, rel=0.1), pytest.approx(-8, rel=0.1))


def test_scores_that_separate_perfectly_stay_finite() -> None:
    slope, offset = fit_logistic(
        np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True])
    )
    assert np.isfinite([slope, offset]).all()
    assert slope * 0.2 + offset < 0 < slope * 0.8 + offset


def test_same_hand_is_told_at_the_similarity_that_parts_the_pairs() -> None:
    angles = np.deg2rad([0, 20, 90, 105])
    pages = np.stack([np.cos(angles), np.sin(angles)], 1)
    threshold = fit_same_hand(*pairs_of(pages, ["ann", "ann", "bob", "bob"], 2))
    # own pairs are 20 and 15 degrees apart, the nearest others 70
    assert threshold == pytest.approx(np.cos(np.deg2rad(20)), abs=1e-3)


def test_a_busy_hand_supplies_no_more_pairs_than_it_may() -> None:
    likeness, same = pairs_of(np.eye(50), ["ann"] * 48 + ["bob"] * 2, most=4)
    assert len(likeness) == len(same) == 15
    assert same.sum() == 6 + 1


def noisy_glyphs(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of digits that are three times too sure of themselves."""
    rng = np.random.default_rng(4)
    honest = rng.normal(0, 1.5, (count, 10))
    shares = np.exp(honest) / np.exp(honest).sum(1, keepdims=True)
    truth = np.array([rng.choice(10, p=row) for row in shares])
    logits = np.full((count, len(CLASSES)), -60.0)
    logits[:, :10] = 3 * honest
    return logits, truth


def test_glyphs_are_calibrated_to_what_they_are_worth() -> None:
    logits, truth = noisy_glyphs(3000)
    sources = np.array(["x"] * len(truth))
    card = fit_glyphs(logits, truth, sources)
    assert card["temperature"] == pytest.approx(3, rel=0.1)
    read, confidences = best_of_boxes(logits, truth, sources, card)
    right = read == truth
    assert confidences.mean() == pytest.approx(right.mean(), abs=0.01)
    sure = confidences > np.median(confidences)
    assert confidences[sure].mean() == pytest.approx(right[sure].mean(), abs=0.03)
    _, raw = best_of_boxes(logits, truth, sources, {})
    assert raw.mean() > right.mean() + 0.1
