"""Open text in cells, read by both networks and a language together.

A name has no grammar that would tell an ``A`` like an ``H`` from an ``H``, but a language does:
what is likely is searched for among the characters of the cells with the language's help, and
then every candidate is weighed by all three: the characters in their cells, the words network
on the whole row, the language.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwdigitize.forms.automaton import Automaton
from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.characters import CLASSES, EMPTY
from hwdigitize.recognition.ctc import BLANK, LanguageModel, beam_search
from hwdigitize.recognition.language import Language

Floats = NDArray[np.float64]

#: how much the words network counts beside the characters in their cells: it was trained on
#: words written without cells
WORDS_WEIGHT = 0.5
#: texts that the search keeps
BEAM_WIDTH = 24
#: least probability of a character in a cell: networks are surer than they are right
LEAST = 1e-4
#: least factor of a language
LEAST_FACTOR = 1e-12
#: shapes that are drawn alike, each with the letter and the digit it may be
TWINS = ("0Oo", "1Il|", "2Zz", "5Ss", "8B", "Cc", "Kk", "Pp", "Uu", "Vv", "Ww", "Xx")
#: letters that are taken for a digit: of no use the other way round
TAKEN_FOR = {"0": "D", "1": "T"}
#: words long enough to be looked up
WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, eq=False)
class Spelled:
    """What each cell says: log probabilities (cells, labels of the alphabet); 0 is nothing."""

    rows: Floats
    alphabet: Alphabet

    def likeness(self, text: str) -> float:
        """How likely a text is against the likeliest one, in 0 to 1, by the cells alone."""
        return float(np.exp(min(self.log_probability(text) - self.rows.max(1).sum(), 0.0)))

    def log_probability(self, text: str) -> float:
        """Of a text with a character in each cell; cells before and after may be empty."""
        labels = [int(label) for label in self.alphabet.encode(text)]
        spare = len(self.rows) - len(labels)
        if spare < 0:
            return float(len(labels) * np.log(LEAST))
        empty = self.rows[:, BLANK]
        return max(
            float(
                self.rows[range(shift, shift + len(labels)), labels].sum()
                + empty[:shift].sum()
                + empty[shift + len(labels) :].sum()
            )
            for shift in range(spare + 1)
        )


def spell(shares: Floats, alphabet: Alphabet, automaton: Automaton) -> Spelled:
    """What the characters network says of cells, in the words network's alphabet.

    Args:
        shares: probabilities, (cells, classes) of ``characters.CLASSES``.
        alphabet: of the words network.
        automaton: only its characters count; one drawn like one of them is taken for it.
    """
    allowed = set(automaton.symbols) & set(alphabet.characters)
    rows = np.full((len(shares), len(alphabet.characters) + 1), 0.0)
    rows[:, BLANK] = shares[:, EMPTY]
    for number, name in enumerate(CLASSES):
        meant = _meant(name, allowed)
        for character in meant:
            rows[:, alphabet.characters.index(character) + 1] += shares[:, number] / len(meant)
    if " " in allowed:
        inner = _between(shares[:, EMPTY] < 0.5)
        rows[inner, alphabet.characters.index(" ") + 1] = rows[inner, BLANK]
        rows[inner, BLANK] = 0.0
    return Spelled(np.log(np.maximum(rows, LEAST)), alphabet)


def _between(filled: NDArray[np.bool_]) -> slice:
    """The cells from the first to the last that is filled: an empty one there is a space."""
    places = np.flatnonzero(filled)
    return slice(int(places[0]), int(places[-1]) + 1) if places.size else slice(0, 0)


def _meant(name: str, allowed: set[str]) -> list[str]:
    """The allowed characters that a class may stand for."""
    if name in allowed:
        return [name]
    if len(name) > 1:
        return []
    twins = next((set(group) for group in TWINS if name in group), set())
    folded = {name.upper(), name.lower(), *TAKEN_FOR.get(name, "")}
    return sorted((twins | folded) & allowed)


def read_spelled(
    spelled: Spelled,
    words: NDArray[np.float32],
    candidates: Sequence[str],
    automaton: Automaton,
    language: LanguageModel,
) -> list[tuple[str, float]]:
    """Legal texts with their probabilities among those found, best first.

    Args:
        spelled: what the cells say.
        words: log probabilities of the words network for the row, (steps, labels).
        candidates: legal texts that the networks found without the language.
        automaton: the language in the narrow sense: what is legal.
        language: how likely texts are.
    """
    found = beam_search([_as_steps(spelled.rows)], spelled.alphabet, BEAM_WIDTH, language)[0]
    known = set(spelled.alphabet.characters)
    texts = {text.strip() for text, _ in found} | set(candidates)
    legal = sorted(
        text for text in texts if text and set(text) <= known and _is_legal(text, automaton)
    )
    if not legal:
        return []
    by_words = forward(words, [spelled.alphabet.encode(text) for text in legal])
    scores = np.array(
        [
            spelled.log_probability(text) + _log_language(text, spelled.alphabet, language)
            for text in legal
        ]
    )
    scores += WORDS_WEIGHT * by_words
    shares = np.exp(scores - np.logaddexp.reduce(scores))
    order = np.argsort(-shares, kind="stable")
    return [(legal[i], float(shares[i])) for i in order]


def known_words(text: str, language: Language | None) -> dict[str, float]:
    """Evidence ``known``: the share of a text's words in the lexicon; none without words."""
    words = WORD.findall(text) if language else []
    return {"known": sum(map(language.knows, words)) / len(words)} if language and words else {}


def _is_legal(text: str, automaton: Automaton) -> bool:
    return automaton.accepts(text) and automaton.canonical(text) == text


def _as_steps(rows: Floats) -> NDArray[np.float32]:
    """Cells as time steps with a sure blank between, so that doubled letters stay two."""
    steps = np.full((2 * len(rows), rows.shape[1]), -50.0)
    steps[0::2, BLANK] = 0.0
    steps[1::2] = rows
    return steps.astype(np.float32)


def _log_language(text: str, alphabet: Alphabet, language: LanguageModel) -> float:
    state, total = np.zeros(1, np.int64), 0.0
    for label in alphabet.encode(text):
        factors, state = language.extend(state, np.array([label], np.int64))
        total += float(np.log(max(float(factors[0]), LEAST_FACTOR)))
    return total + float(np.log(max(float(language.finish(state)[0]), LEAST_FACTOR)))


def forward(scores: NDArray[np.float32], texts: Sequence[NDArray[np.int32]]) -> Floats:
    """Log probability of each text by the CTC forward algorithm (Graves et al., 2006).

    Args:
        scores: log probabilities, (steps, labels); label 0 is the blank.
        texts: labels of each text.

    Returns:
        (texts,), -inf for a text longer than there are steps.
    """
    states = 2 * max(len(text) for text in texts) + 1
    labels = np.zeros((len(texts), states), np.int64)
    for row, text in zip(labels, texts, strict=True):
        row[1 : 2 * len(text) : 2] = text
    skips = np.zeros(labels.shape, bool)
    skips[:, 2:] = (labels[:, 2:] != BLANK) & (labels[:, 2:] != labels[:, :-2])
    alpha = np.full(labels.shape, -np.inf)
    alpha[:, :2] = scores[0, labels[:, :2]]
    for step in scores[1:].astype(np.float64):
        before = np.pad(alpha, ((0, 0), (2, 0)), constant_values=-np.inf)
        moved = np.logaddexp(alpha, before[:, 1:-1])
        alpha = np.logaddexp(moved, np.where(skips, before[:, :-2], -np.inf)) + step[labels]
    ends = np.array([2 * len(text) for text in texts])
    each = np.arange(len(texts))
    return np.logaddexp(alpha[each, ends], alpha[each, np.maximum(ends - 1, 0)])
