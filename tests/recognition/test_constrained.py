"""Decoding within a language is exact: compared with all paths, one by one."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hwdigitize.forms.automaton import Automaton, build_trie, to_automaton
from hwdigitize.forms.expressions import build_dfa
from hwdigitize.forms.patterns import parse_pattern
from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.characters import CLASSES, EMPTY, REJECT
from hwdigitize.recognition.constrained import GAP, decode_cells, decode_words
from hwdigitize.recognition.trellis import MOST_EDGES, Steps, search

LETTERS = "abc"
PATTERNS = ["a*b*", "[ab]{2,3}", "(ab|ba|aa)c?", "abc", ".*", "(a|bb)+", "c", "aab?a", "a?"]


def language(pattern: str, spellings: dict[str, str] | None = None) -> Automaton:
    dfa = build_dfa(parse_pattern(pattern.replace(".", f"[{LETTERS}]")))
    return to_automaton(dfa, spellings or {})


def log_rows(size: int, steps: int) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.float64, (steps, size), elements=st.floats(-12, 0, width=32)).map(
        lambda logits: logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    )


def all_texts(rows: np.ndarray) -> dict[str, float]:
    """The probability of every text, by every path of a CTC network; class 0 is the blank."""
    found: dict[str, float] = defaultdict(float)
    for path in itertools.product(range(rows.shape[1]), repeat=len(rows)):
        merged = [c for c, _ in itertools.groupby(path)]
        text = "".join(LETTERS[c - 1] for c in merged if c)
        found[text] += float(np.exp(rows[np.arange(len(rows)), path].sum()))
    return found


def by_symbol(automaton: Automaton, rows: np.ndarray, letters: str = LETTERS) -> Steps:
    columns = [1 + letters.index(symbol) for symbol in automaton.symbols]
    return Steps(rows[:, columns], rows[:, 0], lasting=True)


@given(st.sampled_from(PATTERNS), st.integers(1, 4).flatmap(lambda n: log_rows(4, n)))
@settings(deadline=None, max_examples=60)
def test_words_are_found_in_their_true_order(pattern: str, rows: np.ndarray) -> None:
    automaton = language(pattern)
    truth = {t: p for t, p in all_texts(rows).items() if automaton.accepts(t)}
    ranked, legal = search(by_symbol(automaton, rows), automaton, 5)
    if not truth:
        assert ranked == []
        return
    whole = sum(truth.values())
    assert np.exp(legal) == pytest.approx(whole, rel=1e-6)
    expected = sorted(truth.values(), reverse=True)
    for (text, share), probability in zip(ranked, expected, strict=False):
        assert np.exp(share) == pytest.approx(truth[text] / whole, rel=1e-6)
        assert truth[text] == pytest.approx(probability, rel=1e-6)
    assert len(ranked) == 5 or sum(np.exp(s) for _, s in ranked) > 0.99


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=4), st.floats(-5, 0), min_size=1),
    st.integers(2, 4).flatmap(lambda n: log_rows(4, n)),
)
@settings(deadline=None, max_examples=60)
def test_frequencies_weigh(words: dict[str, float], rows: np.ndarray) -> None:
    automaton = build_trie(list(words), list(words.values()), {})
    likely = all_texts(rows)
    truth = {w: likely[w] * np.exp(weight) for w, weight in words.items() if likely.get(w)}
    ranked, legal = search(by_symbol(automaton, rows), automaton, 3)
    if not truth:
        assert ranked == []
        return
    assert truth[ranked[0][0]] == pytest.approx(max(truth.values()), rel=1e-6)
    assert np.exp(ranked[0][1]) == pytest.approx(max(truth.values()) / sum(truth.values()))
    assert np.exp(legal) == pytest.approx(sum(likely[w] for w in truth), rel=1e-6)


def all_fillings(rows: np.ndarray, letters: str) -> dict[str, float]:
    """The probability of every text over the cells of a comb; class 0 is an empty cell."""
    found: dict[str, float] = defaultdict(float)
    for path in itertools.product(range(rows.shape[1]), repeat=len(rows)):
        written = [n for n, c in enumerate(path) if c]
        inside = path[written[0] : written[-1] + 1] if written else ()
        gaps = sum(1 for c, _ in itertools.groupby(inside) if not c)
        text = "".join(letters[c - 1] for c in path if c)
        weight = np.exp(rows[np.arange(len(rows)), path].sum())
        found[text] += float(weight) * GAP**gaps
    return found


@given(st.sampled_from(PATTERNS), st.integers(1, 4).flatmap(lambda n: log_rows(4, n)))
@settings(deadline=None, max_examples=60)
def test_cells_are_found_in_their_true_order(pattern: str, rows: np.ndarray) -> None:
    automaton = language(pattern)
    truth = {t: p for t, p in all_fillings(rows, LETTERS).items() if automaton.accepts(t)}
    columns = [1 + LETTERS.index(symbol) for symbol in automaton.symbols]
    steps = Steps(rows[:, columns], rows[:, 0], lasting=False, gap=float(np.log(GAP)))
    ranked, legal = search(steps, automaton, 4)
    if not truth:
        assert ranked == []
        return
    assert np.exp(legal) == pytest.approx(sum(truth.values()), rel=1e-6)
    assert truth[ranked[0][0]] == pytest.approx(max(truth.values()), rel=1e-6)


def peaked(text: str, alphabet: Alphabet, sure: float = 12.0) -> np.ndarray:
    """Scores of a network that is sure of a text."""
    rows = np.zeros((2 * len(text) + 1, 1 + len(alphabet.characters)), np.float32)
    rows[::2, 0] = sure
    rows[np.arange(1, len(rows), 2), alphabet.encode(text)] = sure
    return np.asarray(rows - np.logaddexp.reduce(rows, axis=1, keepdims=True), np.float32)


def test_the_best_legal_value_is_found_however_unlikely() -> None:
    alphabet = Alphabet()
    words = ("harbour", "house", "zoo", "mouse", "horse")
    automaton = build_trie(words, [0.0] * len(words), {})
    (read,) = decode_words([peaked("hqqqe", alphabet, 30.0)], alphabet, [automaton])
    assert read.text in ("house", "horse")
    assert read.raw.text == "hqqqe"
    assert read.none_fits > 0.999
    (read,) = decode_words([peaked("mouse", alphabet)], alphabet, [automaton])
    assert read.text == "mouse"
    assert read.probability > 0.999
    assert read.none_fits < 0.01
    (read,) = decode_words([peaked("mo", alphabet)], alphabet, [language("a{40}")])
    assert (read.text, read.probability, read.none_fits) == ("", 0.0, 1.0)


def test_any_text_without_a_language() -> None:
    alphabet = Alphabet()
    (read,) = decode_words([peaked("Any text", alphabet)], alphabet, [None])
    assert read.text == read.raw.text == "Any text"
    assert read.none_fits == 0.0


def test_case_and_twins() -> None:
    alphabet = Alphabet()
    capitals = to_automaton(build_dfa(parse_pattern("[A-Z]+")), {"N": "Nn"})
    (read,) = decode_words([peaked("aNnE", alphabet)], alphabet, [capitals])
    assert read.text.endswith("NNE")
    digits = to_automaton(build_dfa(parse_pattern(r"\d{3}")), {})
    (read,) = decode_words([peaked("1O7", alphabet)], alphabet, [digits])
    assert read.text == "107"
    assert read.none_fits < 0.01
    both = to_automaton(build_dfa(parse_pattern("[0-9O]{3}")), {})
    (read,) = decode_words([peaked("1O7", alphabet)], alphabet, [both])
    assert read.text == "1O7"


def cells(text: str, sure: float = 0.98) -> np.ndarray:
    """Shares of a network that is sure of each cell; a space is an empty cell, ? junk."""
    rows = np.full((len(text), len(CLASSES)), (1 - sure) / (len(CLASSES) - 1))
    places = {name: n for n, name in enumerate(CLASSES)} | {" ": EMPTY, "?": REJECT}
    rows[np.arange(len(text)), [places[character] for character in text]] = sure
    return rows


def test_cells_of_a_comb() -> None:
    names = to_automaton(build_dfa(parse_pattern("[A-Z]+( [A-Z]+)*")), {})
    read = decode_cells(cells("  VAN DYKE   "), names)
    assert read.text == read.raw.text == "VAN DYKE"
    assert read.none_fits < 0.4
    digits = to_automaton(build_dfa(parse_pattern(r"\d{1,6}")), {})
    assert decode_cells(cells(" 12 34"), digits).text == "1234"
    assert decode_cells(cells(" 12 34"), digits).none_fits > 0.9
    assert decode_cells(cells("1234  "), digits).none_fits < 0.2
    junk = decode_cells(cells("12?4  "), digits)
    assert junk.none_fits > 0.9
    assert decode_cells(cells("AB 1"), None).text == "AB 1"
    assert decode_cells(cells("  "), digits).none_fits > 0.9


def test_a_large_language_is_searched_in_its_likely_part() -> None:
    """Many words, so that pruning sets in; the truth by scoring every word is the same."""
    rng = np.random.default_rng(7)
    letters = np.array(list("etaoinshrdlu"))
    words = sorted({"".join(rng.choice(letters, rng.integers(3, 9))) for _ in range(6000)})
    automaton = build_trie(words, [0.0] * len(words), {})
    assert len(automaton.labels) > 2 * MOST_EDGES
    alphabet = Alphabet("".join(letters))
    for _ in range(20):
        rows = rng.normal(0, 3, (14, 1 + len(letters)))
        rows[:, 0] += 2
        rows -= np.logaddexp.reduce(rows, axis=1, keepdims=True)
        (read,) = decode_words([rows.astype(np.float32)], alphabet, [automaton])
        assert read.text == best_word(rows, words, alphabet)
    (short,) = decode_words([rows[:2].astype(np.float32)], alphabet, [automaton])
    assert (short.text, short.none_fits) == ("", 1.0)


def best_word(rows: np.ndarray, words: list[str], alphabet: Alphabet) -> str:
    """The likeliest word, all of one length scored side by side (Graves 2006)."""
    found = []
    for length in {len(word) for word in words}:
        same = [word for word in words if len(word) == length]
        extended = np.zeros((len(same), 2 * length + 1), int)
        extended[:, 1::2] = [alphabet.encode(word) for word in same]
        score = np.full(extended.shape, -np.inf)
        score[:, :2] = rows[0, extended[:, :2]]
        skip = np.zeros(extended.shape, bool)
        skip[:, 2:] = (extended[:, 2:] != 0) & (extended[:, 2:] != extended[:, :-2])
        for row in rows[1:]:
            shifted = np.pad(score, ((0, 0), (1, 0)), constant_values=-np.inf)[:, :-1]
            jumped = np.pad(score, ((0, 0), (2, 0)), constant_values=-np.inf)[:, :-2]
            jumped = np.where(skip, jumped, -np.inf)
            score = np.logaddexp(np.logaddexp(score, shifted), jumped) + row[extended]
        ended = np.logaddexp(score[:, -1], score[:, -2])
        found.append((ended.max(), same[int(ended.argmax())]))
    return max(found)[1]
