"""Calibration, on samples whose right answer is known."""

import numpy as np
import pytest

from hwdigitize.recognition.confidence import Calibration, calibration_error, fit_isotonic


def test_identity_without_knots() -> None:
    assert Calibration()(0.3) == pytest.approx(0.3)


def test_overconfident_scores_are_brought_to_their_accuracy() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(20_000)
    right = rng.random(20_000) < truth
    scores = np.sqrt(truth)
    calibrate = Calibration(fit_isotonic(scores, right))
    confidences = np.array([calibrate(score) for score in scores])
    assert calibration_error(scores, right) > 0.1
    assert calibration_error(confidences, right) < 0.01


def test_knots_never_fall() -> None:
    rng = np.random.default_rng(1)
    knots = fit_isotonic(rng.random(500), rng.random(500) < 0.5)
    values = [value for _, value in knots]
    assert values == sorted(values)


def test_no_confidence_is_certain() -> None:
    knots = fit_isotonic(np.linspace(0, 1, 100), np.linspace(0, 1, 100) > 0.5)
    assert knots[0][1] > 0 and knots[-1][1] < 1


def test_calibration_error_by_hand() -> None:
    # Two bins: 0.2 said of two wrong ones, 0.9 of two right ones.
    confidences = np.array([0.2, 0.2, 0.9, 0.9])
    right = np.array([False, False, True, True])
    assert calibration_error(confidences, right) == pytest.approx((0.4 + 0.2) / 4)
