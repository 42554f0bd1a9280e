"""The calibration of fields, on readings whose probability of being right is known."""

from __future__ import annotations

import numpy as np
import pytest

from hwdigitize.forms.confidence import Judge
from hwdigitize.training.fit_fields import (
    LEAST_FIELDS,
    FieldSample,
    fit_fields,
    fit_knots,
    fit_regression,
)


def readings(
    count: int, seed: int, kind: str = "digits", fields: int = 10
) -> list[FieldSample]:
    """The decoder is too sure of itself, and even more so on blurred ink."""
    rng = np.random.default_rng(seed)
    samples = []
    for i in range(count):
        ink, doubt = rng.uniform(0, 1), rng.exponential(1.0)
        truly = 1 / (1 + np.exp(-(8 - 3 * doubt + 3 * (ink - 0.5))))
        told = 1 / (1 + np.exp(-(11 - 3 * doubt)))
        evidence = {"probability": float(told), "ink": float(ink), "always": 1.0}
        right = bool(rng.uniform() < truly)
        samples.append(FieldSample(kind, f"page {i // fields}", evidence, right))
    return samples


def test_confidence_is_the_share_that_is_right() -> None:
    judge = Judge(fit_fields(readings(4000, seed=1)), 0.02)
    fresh = readings(8000, seed=2)
    confidences = np.array([judge.judge("digits", s.evidence).confidence for s in fresh])
    right = np.array([s.right for s in fresh])
    for low, high in ((0.3, 0.7), (0.7, 0.9), (0.9, 0.97), (0.97, 1.0)):
        within = (confidences >= low) & (confidences < high)
        assert within.sum() > 100
        assert right[within].mean() == pytest.approx(confidences[within].mean(), abs=0.06)


def test_accepted_fields_keep_the_bound_on_fresh_data() -> None:
    fresh = readings(8000, seed=99)
    broken = 0
    for seed in range(12):
        judge = Judge(fit_fields(readings(2500, seed)), 0.03)
        taken = [s.right for s in fresh if not judge.judge("digits", s.evidence).flag]
        assert len(taken) > 0.3 * len(fresh)
        broken += np.mean(taken) < 0.97
    assert broken <= 3  # at 5 % each, more of 12 would come about once in 450 times


def test_evidence_that_never_varies_is_left_out_and_ink_helps() -> None:
    weights, _ = fit_regression(readings(1500, seed=5))
    assert set(weights) == {"probability", "ink"}
    assert weights["ink"].weight > 0.3
    assert weights["probability"].weight > 1


def test_rare_kinds_are_not_calibrated_and_flagged() -> None:
    few = readings(LEAST_FIELDS - 1, seed=1, kind="time")
    card = fit_fields([*readings(600, seed=2), *few])
    assert set(card.kinds) == {"digits"}
    assert Judge(card, 0.1).judge("time", few[0].evidence).flag == "not_proven"


def test_a_kind_that_is_always_right_stays_finite() -> None:
    samples = [FieldSample("mark", f"p{i}", {"probability": 0.999}, True) for i in range(500)]
    judgement = Judge(fit_fields(samples), 0.02).judge("mark", {"probability": 0.999})
    assert judgement.flag == ""
    assert 0.99 < judgement.confidence < 1


def test_the_seed_decides_the_pages() -> None:
    samples = readings(900, seed=4)
    assert fit_fields(samples, seed=1) == fit_fields(samples, seed=1)
    assert fit_fields(samples, seed=1) != fit_fields(samples, seed=2)


def test_knots_rise_and_never_reach_one() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 1, 3000)
    knots = fit_knots(scores, rng.uniform(0, 1, 3000) < scores)
    x, y = zip(*knots, strict=True)
    assert list(x) == sorted(x) and list(y) == sorted(y)
    assert 0 < y[0] < y[-1] < 1
    assert max(abs(a - b) for a, b in knots) < 0.1
