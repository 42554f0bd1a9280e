"""Words tell of their neighbours, and no more than they know."""

from __future__ import annotations

import numpy as np
import pytest

from hwdigitize.recognition.context import STEPS, Context, count_pairs, load_context


def small() -> Context:
    words = {"in": 400, "the": 500, "he": 300, "house": 100, "rare": 1}
    made = count_pairs(words, {("in", "the"): 360, ("the", "house"): 60, ("in", "unheard"): 9})
    counts = made["counts"].astype(np.int64)
    return Context(
        bytes(made["words"]).decode().split(),
        np.repeat(np.arange(len(counts)), counts),
        made["seconds"].astype(np.int64),
        made["ratios"].astype(float) / STEPS,
        made["others"].astype(float) / STEPS,
    )


def logs(**shares: float) -> list[tuple[str, float]]:
    return [(text, float(np.log(share))) for text, share in shares.items()]


def test_pairs_that_are_written_oftener_than_by_chance_count_more() -> None:
    ratios = small().ratios(["in", "nothing"], ["the", "house", "unheard"])
    assert ratios[0, 0] == pytest.approx(0.8 * 360 / 400 / (500 / 1301), rel=0.05)
    assert ratios[0, 1] == ratios[0, 2] < 1  # what is left for words that are in no pair
    assert (ratios[1] == 1).all()  # of a word that is not known nothing is said


def test_a_neighbour_decides_between_two_readings() -> None:
    unsure = [logs(In=1.0), logs(he=0.5, the=0.4), logs(house=1.0)]
    weighed = small().weigh(unsure)
    assert [texts[0][0] for texts in weighed] == ["In", "the", "house"]
    before, after = (sum(np.exp([p for _, p in texts])) for texts in (unsure[1], weighed[1]))
    assert after == pytest.approx(before)  # no surer than it was that one of them is right


def test_a_sentence_that_ends_says_nothing_of_the_next_word() -> None:
    weighed = small().weigh([logs(**{"in.": 1.0}), logs(he=0.5, the=0.4)])
    assert [text for text, _ in weighed[1]] == ["he", "the"]
    assert [p for _, p in weighed[1]] == pytest.approx([p for _, p in logs(he=0.5, the=0.4)])


def test_no_words_no_context() -> None:
    assert small().weigh([]) == []
    assert load_context("fr") is None and load_context("none") is None


def test_the_shipped_pairs_know_english() -> None:
    context = load_context("fr+en")
    assert context is not None
    ratios = context.ratios(["going", "of"], ["to", "the", "he"])
    assert ratios[0, 0] > 5 * ratios[0, 1] and ratios[1, 1] > 5 * ratios[1, 2]
