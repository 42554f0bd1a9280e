"""What is fitted for the identification of writers, on made-up hands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hwdigitize.recognition.writers import match_probability, same_hand_probability, whiten
from hwdigitize.training.identification import AXES, Parts, calibrate, fit_pairs, fit_whitening

RNG = np.random.default_rng(7)
#: what all pages have in common, and in which two directions they all differ most
COMMON = RNG.random(40) + 1


def hands(pages: int, writers: int, seed: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Pages that differ by writer a little, and by chance a lot in two directions."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(1).normal(0, 0.1, (writers, 40))
    names = np.arange(pages) % writers
    vectors = COMMON + centres[names] + rng.normal(0, 0.02, (pages, 40))
    vectors[:, :2] += rng.normal(0, 1.5, (pages, 2))
    return vectors.astype(np.float32), tuple(f"hand {n}" for n in names)


def parts(pages: int, seed: int, learnt: np.ndarray | None = None) -> Parts:
    hinges, writers = hands(pages, 15, seed)
    if learnt is None:
        learnt = np.random.default_rng(seed).normal(size=(pages, 8))
    return Parts(learnt.astype(np.float32), hinges, writers)


def share_nearest_right(vectors: np.ndarray, writers: tuple[str, ...]) -> float:
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -9)
    return float(
        np.mean([writers[i] == writers[int(r.argmax())] for i, r in enumerate(likeness)])
    )


def test_whitening_finds_the_hand_under_what_varies_most() -> None:
    hinges, writers = hands(90, 15, 3)
    whitening = fit_whitening(hands(90, 15, 2)[0])
    whitened = np.array([whiten(row, whitening) for row in hinges])
    assert whitened.shape == (90, 40)
    before, after = (share_nearest_right(v, writers) for v in (hinges, whitened))
    assert after > before + 0.1


def test_too_few_pages_are_not_whitened() -> None:
    assert fit_whitening(hands(10, 3, 2)[0]) == {}


def test_no_more_axes_than_wanted() -> None:
    wide = np.random.default_rng(0).random((200, 100)).astype(np.float32)
    assert whiten(wide[0], fit_whitening(wide)).shape == (AXES,)


def test_a_network_that_knows_nothing_has_no_share() -> None:
    fitted = calibrate(parts(75, 1), parts(45, 2))
    assert fitted["network_share"] == 0.0
    assert fitted["slope"] > 0


def test_a_network_that_knows_the_hands_has_one() -> None:
    def known(pages: int) -> np.ndarray:
        return np.eye(15)[np.arange(pages) % 15] + 0.01

    known_parts, asked = parts(75, 1, known(75)), parts(45, 2, known(45))
    blurred = [
        replace(p, hinges=RNG.random((len(p.writers), 40))) for p in (known_parts, asked)
    ]
    assert calibrate(*blurred)["network_share"] > 0


def test_probabilities_part_one_hand_from_two() -> None:
    learnt = np.zeros((75, 8))
    known, asked = parts(75, 1, learnt), parts(45, 2, learnt[:45])
    fitted = calibrate(known, asked)
    new = parts(45, 5, learnt[:45])
    vectors = new.joined(fitted["network_share"], fitted["whitening"])
    names = np.array(new.writers)
    same = names[:, None] == names[None, :]
    likeness = vectors @ vectors.T
    pairs = np.triu_indices(45, 1)
    probabilities = np.array([same_hand_probability(s, fitted) for s in likeness[pairs]])
    assert probabilities[same[pairs]].mean() > probabilities[~same[pairs]].mean() + 0.2
    certain = match_probability(1.0, fitted)
    assert certain == pytest.approx(max(value for _, value in fitted["isotonic"]), abs=0.2)
    assert match_probability(-1.0, fitted) < 0.3


def test_even_odds_lie_between_rare_pairs_and_frequent_ones() -> None:
    """However many more pairs there are by two hands than by one."""
    rng = np.random.default_rng(2)
    likeness = np.concatenate([rng.normal(0.8, 0.1, 300), rng.normal(0.2, 0.1, 20_000)])
    fitted = fit_pairs(likeness, np.arange(len(likeness)) < 300)
    assert same_hand_probability(0.5, fitted) == pytest.approx(0.5, abs=0.15)
    assert same_hand_probability(0.9, fitted) > 0.95
    assert same_hand_probability(0.1, fitted) < 0.05
