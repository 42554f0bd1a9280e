"""Cells, the whole row and a language weighed together."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hwdigitize.forms.grammar import compile_grammar
from hwdigitize.forms.records import Field, Grammar
from hwdigitize.forms.spelling import forward, known_words, read_spelled, spell
from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.characters import CLASSES
from hwdigitize.recognition.language import load_language

ALPHABET = Alphabet()
LETTERS = Field(
    name="a",
    kind="letters",
    boxes=((0, 0, 90, 20),),
    cells=6,
    grammar=Grammar(pattern="[A-Z]+( [A-Z]+)*", case="upper"),
)


def shares(*cells: dict[str, float]) -> np.ndarray:
    rows = np.full((len(cells), len(CLASSES)), 1e-4)
    for row, cell in zip(rows, cells, strict=True):
        for name, share in cell.items():
            row[CLASSES.index(name)] = share
    return rows / rows.sum(1, keepdims=True)


def read(cells: np.ndarray) -> tuple[str, float]:
    automaton = compile_grammar(LETTERS)
    language = load_language("en", ALPHABET)
    assert automaton and language
    words = np.full((30, len(ALPHABET) + 1), -np.log(len(ALPHABET) + 1), np.float32)
    spelled = spell(cells, ALPHABET, automaton)
    text = read_spelled(spelled, words, (), automaton, language)[0][0]
    return text, spelled.likeness(text)


def test_a_language_decides_what_the_cells_leave_open() -> None:
    text, likeness = read(
        shares({"H": 0.9}, {"0": 0.6, "O": 0.3}, {"M": 0.5, "N": 0.4}, {"E": 0.9})
    )
    assert text == "HOME" and likeness == pytest.approx(1.0)


def test_overruling_the_cells_shows_in_the_likeness() -> None:
    text, likeness = read(shares({"W": 1.0}, {"H": 1.0}, {"F": 0.96, "E": 0.04}, {"N": 1.0}))
    assert text == "WHEN" and likeness < 0.1


def test_an_empty_cell_between_words_is_a_space() -> None:
    text, _ = read(shares({"O": 1.0}, {"F": 1.0}, {"empty": 1.0}, {"I": 1.0}, {"T": 1.0}))
    assert text == "OF IT"


def test_the_forward_algorithm_sums_all_alignments() -> None:
    rng = np.random.default_rng(3)
    scores = np.log(rng.dirichlet(np.ones(3), 4)).astype(np.float32)
    texts = [[1], [1, 1], [1, 2, 1], [2, 1, 2, 1, 2]]
    sums = {tuple(text): 0.0 for text in texts}
    for path in itertools.product(range(3), repeat=4):
        merged = tuple(k for k, _ in itertools.groupby(path) if k)
        if merged in sums:
            sums[merged] += float(np.exp(sum(scores[t, k] for t, k in enumerate(path))))
    found = forward(scores, [np.array(text, np.int32) for text in texts])
    with np.errstate(divide="ignore"):
        assert found == pytest.approx(np.log(list(sums.values())), abs=1e-5)


def test_letters_that_look_like_digits_are_taken_for_letters_where_no_digit_may_be() -> None:
    letters = compile_grammar(LETTERS)
    assert letters is not None
    spelled = spell(shares({"0": 0.9}, {"1": 0.9}), ALPHABET, letters)
    assert spelled.likeness("DT") == pytest.approx(spelled.likeness("OI"), rel=0.01)
    assert spelled.likeness("DT") > 100 * spelled.likeness("CT")


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Morgan Street 12", 1.0),
        ("MURGXN", 0.0),
        ("the brwn hound", 2 / 3),
        ("4 x 7", None),
        ("", None),
    ],
)
def test_the_share_of_words_in_the_lexicon_is_evidence(text: str, share: float | None) -> None:
    found = known_words(text, load_language("en+names", ALPHABET))
    assert found == ({} if share is None else {"known": pytest.approx(share)})


def test_without_a_language_nothing_is_known_of_words() -> None:
    assert known_words("the", None) == {}
