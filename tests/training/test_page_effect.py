"""Errors that come together on a page, drawn with a correlation that is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from hwdigitize.forms.confidence import prove, upper_bound
from hwdigitize.training.fit_fields import count_steps
from hwdigitize.training.page_effect import (
    Flags,
    Pages,
    design_effect,
    effect_of,
    number_pages,
    page_correlation,
)


def errors(pages: int, fields: int, share: float, correlation: float, seed: int) -> Flags:
    """Beta-binomial errors, page by page."""
    rng = np.random.default_rng(seed)
    both = 1 / correlation - 1
    chances = rng.beta(share * both, (1 - share) * both, pages)
    return rng.uniform(size=(pages, fields)).ravel() < np.repeat(chances, fields)


def on_pages(pages: int, fields: int) -> Pages:
    return np.repeat(np.arange(pages), fields)


@pytest.mark.parametrize("correlation", [0.02, 0.2, 0.6])
def test_the_correlation_is_found(correlation: float) -> None:
    wrong = errors(6000, 8, 0.1, correlation, seed=1)
    assert page_correlation(wrong, on_pages(6000, 8)) == pytest.approx(correlation, abs=0.03)


def test_fields_drawn_alone_have_none() -> None:
    wrong = np.random.default_rng(2).uniform(size=40_000) < 0.05
    assert page_correlation(wrong, on_pages(4000, 10)) < 0.005
    assert page_correlation(wrong, np.arange(40_000)) == 0.0
    assert page_correlation(np.zeros(9, np.bool_), on_pages(3, 3)) == 0.0


def test_pages_that_are_wrong_as_a_whole_count_once() -> None:
    wrong = np.repeat(np.arange(100) < 10, 5)
    pages = on_pages(100, 5)
    assert page_correlation(wrong, pages) == pytest.approx(1.0, abs=1e-9)
    assert design_effect(1.0, pages) == 5.0
    assert effect_of(wrong, pages, otherwise=0.0) == pytest.approx(5.0)


def test_with_few_errors_another_correlation_is_taken() -> None:
    wrong = np.arange(500) < 3
    assert effect_of(wrong, on_pages(100, 5), otherwise=0.25) == pytest.approx(2.0)


def test_names_of_pages_become_numbers() -> None:
    assert number_pages(["b", "a", "b"]).tolist() == [1, 0, 1]


def test_the_bound_holds_where_errors_come_together() -> None:
    """Without the effect it breaks in far more than 5 of 100 samples."""
    runs, share, broken, naive = 300, 0.02, 0, 0
    pages = on_pages(150, 10)
    for seed in range(runs):
        wrong = errors(150, 10, share, 0.15, seed)
        effect = effect_of(wrong, pages, otherwise=0.15)
        broken += upper_bound(1500 / effect, wrong.sum() / effect) < share
        naive += upper_bound(1500, int(wrong.sum())) < share
    assert broken <= binom.ppf(0.999, runs, 0.05)
    assert naive > binom.ppf(0.999, runs, 0.05)


def test_steps_carry_the_effect_and_claims_say_it() -> None:
    pages = on_pages(400, 10)
    wrong = errors(400, 10, 0.01, 0.2, seed=3)
    scores = np.random.default_rng(4).uniform(size=4000)
    steps = count_steps(scores, ~wrong, pages < 120, pages)
    assert 1.8 < steps[-1].effect < 4.0
    assert steps[0].effect < steps[-1].effect
    together = prove("digits", steps, 0.03)
    assert together.proven and "errors of a page come together" in together.sentence
    alone = prove("digits", count_steps(scores, ~wrong, pages < 120), 0.03)
    assert "come together" not in alone.sentence
    assert together.samples / together.effect < alone.samples
