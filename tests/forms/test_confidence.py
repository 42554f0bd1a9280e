"""What is claimed of accepted fields holds, as often as it is claimed to."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import beta, binom

from hwdigitize.errors import ModelError
from hwdigitize.forms.confidence import (
    FieldsCard,
    Judge,
    KindCard,
    Step,
    Weight,
    binomial_tail,
    load_fields_card,
    prove,
    samples_needed,
    save_fields_card,
    score_of,
    upper_bound,
)
from hwdigitize.training.fit_fields import count_steps

SURE = KindCard(
    weights={"probability": Weight(mean=0.0, scale=1.0, weight=1.0)},
    offset=0.0,
    knots=((0.0, 0.1), (1.0, 0.999)),
    steps=(Step(0.9, 400, 0, 600, 0), Step(0.1, 500, 60, 750, 90)),
)


@pytest.mark.parametrize("count", [1, 17, 150, 4000])
@pytest.mark.parametrize("wrong", [0, 1, 9, 130])
def test_binomial_is_that_of_scipy(count: int, wrong: int) -> None:
    for share in (0.0, 0.003, 0.02, 0.5, 1.0):
        expected = binom.cdf(wrong, count, share)
        assert binomial_tail(count, wrong, share) == pytest.approx(expected, abs=1e-9)
    exact = beta.ppf(0.95, wrong + 1, count - wrong) if wrong < count else 1.0
    assert upper_bound(count, wrong) == pytest.approx(exact, abs=1e-9)


def test_fields_needed_without_an_error() -> None:
    assert samples_needed(0.02) == 183  # at half of the risk, as two orders are tested
    assert upper_bound(183, 0, 0.025) <= 0.02 < upper_bound(182, 0, 0.025)
    assert samples_needed(0.01) == 368


def test_sure_fields_are_accepted_and_others_flagged() -> None:
    judge = Judge(FieldsCard(kinds={"digits": SURE}), 0.02)
    assert judge.judge("digits", {"probability": 0.97}).flag == ""
    doubtful = judge.judge("digits", {"probability": 0.6})
    assert doubtful.flag == "not_sure"
    assert doubtful.confidence < judge.judge("digits", {"probability": 0.97}).confidence
    assert judge.judge("date", {"probability": 0.97}).flag == "not_proven"
    assert "0 of 600" in judge.claim("digits").sentence


def test_too_few_fields_prove_nothing() -> None:
    few = KindCard(
        weights=SURE.weights, offset=0.0, knots=SURE.knots, steps=(Step(0.1, 90, 0, 140, 0),)
    )
    strict, lax = (Judge(FieldsCard(kinds={"digits": few}), e) for e in (0.02, 0.05))
    assert strict.judge("digits", {"probability": 1.0}).flag == "not_proven"
    assert "183" in strict.claim("digits").sentence
    assert lax.judge("digits", {"probability": 1.0}).flag == ""


def test_nothing_is_accepted_without_a_card() -> None:
    judgement = Judge(None, 0.5).judge("digits", {"probability": 0.9})
    assert (judgement.confidence, judgement.flag) == (0.9, "not_proven")


def test_missing_and_unknown_evidence_counts_as_average() -> None:
    assert score_of(SURE, {}) == 0.5
    assert score_of(SURE, {"weather": 3.0}) == 0.5
    assert score_of(SURE, {"probability": 0.0}) < 1e-5
    assert score_of(SURE, {"probability": 1.0}) > 1 - 1e-5


@pytest.mark.parametrize("max_error", [0.01, 0.02, 0.05])
@pytest.mark.parametrize("slope", [0.5, 4.0])
def test_the_bound_holds_in_95_of_100_samples(max_error: float, slope: float) -> None:
    """Scores uniform; the share wrong grows from 0 as a power of the doubt."""
    rng = np.random.default_rng(round(max_error * 1000))
    broken, accepted, runs = 0, 0, 150
    for _ in range(runs):
        scores = rng.uniform(0, 1, 2500)
        right = rng.uniform(0, 1, 2500) >= 0.3 * (1 - scores) ** slope
        trial = rng.uniform(0, 1, 2500) < 0.4
        claim = prove("digits", count_steps(scores, right, trial), max_error)
        if claim.score is None:
            continue
        accepted += 1
        # mean of 0.3 * doubt ** slope over the doubts that are accepted
        truly_wrong = 0.3 * (1 - claim.score) ** slope / (slope + 1)
        broken += truly_wrong > max_error
    # what so many samples allow above 5 % by chance
    assert broken <= binom.ppf(0.999, runs, 0.05)
    if slope == 4.0 and max_error >= 0.02:
        assert accepted > 0.9 * runs


def test_the_worst_case_breaks_the_bound_in_no_more_than_5_of_100() -> None:
    """All fields are alike and wrong a little more often than is allowed."""
    rng = np.random.default_rng(1)
    runs, broken = 400, 0
    for _ in range(runs):
        scores, wrong = rng.uniform(0, 1, 800), rng.uniform(0, 1, 800) < 0.0501
        trial = np.arange(800) < 300
        broken += prove("date", count_steps(scores, ~wrong, trial), 0.05).proven
    assert broken <= binom.ppf(0.999, runs, 0.05)


def test_a_looser_bound_accepts_no_less() -> None:
    rng = np.random.default_rng(3)
    scores = rng.uniform(0, 1, 4000)
    right = rng.uniform(0, 1, 4000) >= 0.2 * (1 - scores) ** 3
    steps = count_steps(scores, right, np.arange(4000) < 1600)
    edges = [prove("text", steps, error).score for error in (0.005, 0.01, 0.02, 0.04, 0.06)]
    known = [math.inf if edge is None else edge for edge in edges]
    assert known == sorted(known, reverse=True)
    assert known[-1] < 0.05


def test_the_card_comes_back_from_disk(tmp_path: Path) -> None:
    card = FieldsCard(kinds={"digits": SURE}, sample={"pages": 200, "data": "archive"})
    save_fields_card(card, tmp_path / "fields.json")
    assert load_fields_card(str(tmp_path)) == card
    assert load_fields_card(str(tmp_path / "none")) is None


def test_a_damaged_card_names_file_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "fields.json").write_text('{"kinds": 3}', "utf-8")
    with pytest.raises(ModelError, match=r"fields\.json is damaged.*calibrate again"):
        load_fields_card(str(tmp_path))


def test_a_small_sure_set_is_tested_before_a_larger_one_that_looks_as_good() -> None:
    """The trial has no error in either; the proof has, where readings are less sure."""
    steps = (Step(0.9, 160, 0, 390, 0), Step(0.5, 300, 0, 700, 15))
    assert prove("digits", steps, 0.01).score == 0.9


def test_that_a_field_is_empty_is_evidence_and_its_ink_is_none() -> None:
    known = KindCard(
        weights={
            "empty": Weight(mean=0.0, scale=1.0, weight=2.0),
            "ink": Weight(mean=0.5, scale=0.1, weight=1.0),
        },
        offset=0.0,
        knots=((0.0, 0.0), (1.0, 1.0)),
        steps=SURE.steps,
    )
    judge = Judge(FieldsCard(kinds={"text": known}), 0.02)
    nothing = judge.judge("text", {"ink": 0.0}, "empty").confidence
    faint = judge.judge("text", {"ink": 0.0}).confidence
    assert nothing > 0.85 and faint < 0.1
    assert (
        judge.judge("text", {"ink": -100.0}).confidence == faint
    )  # no farther than it is known
