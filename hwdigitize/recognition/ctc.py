"""From a words network's logits to text: best path, prefix beam search, alignment.

Graves et al., "Connectionist temporal classification" (2006); prefix beam search after Hannun
et al., "First-pass large vocabulary continuous speech recognition using bi-directional
recurrent DNNs" (2014). Class 0 is the blank everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hwdigitize.recognition.alphabet import Alphabet

BLANK = 0
#: classes less likely than this at a step are not tried there; they could not win
LEAST_PROBABILITY = 2e-3
#: runs of steps at which the blank is surer than this are taken as one step
SURE_BLANK = 0.9999
#: keeps logarithms finite
TINY = 1e-300
#: of the hash of a prefix; odd, so that it loses nothing modulo 2**64
HASH_FACTOR = np.int64(6364136223846793005)

#: classes tried at a step, the likeliest
CLASSES_TRIED = 8


class LanguageModel(Protocol):
    """What a language says of a reading while it is decoded, a character at a time.

    A state stands for the characters read so far; 0 is the start.
    """

    def extend(
        self, states: NDArray[np.int64], labels: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Probability factors and next states for each state and label.

        Args:
            states: (readings, prefixes).
            labels: (readings, labels), classes of the alphabet.

        Returns:
            Two arrays (readings, prefixes, labels).
        """
        ...

    def finish(self, states: NDArray[np.int64]) -> NDArray[np.float64]:
        """Probability factors for ending in each state, in the shape of ``states``."""
        ...


@dataclass(frozen=True)
class Path:
    """A reading with the time steps (first, last exclusive) behind each character."""

    text: str
    spans: tuple[tuple[int, int], ...]


def log_softmax(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float32]:
    """Log probabilities a step, (time steps, classes); a temperature above 1 flattens them."""
    scaled = logits / temperature
    shifted = scaled - scaled.max(-1, keepdims=True)
    result: NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return result


def best_path(scores: NDArray[np.float32], alphabet: Alphabet) -> Path:
    """Greedy decoding: the best class a step, repeats merged, blanks dropped.

    Args:
        scores: logits or probabilities, (time steps, classes).
    """
    best = scores.argmax(1)
    starts = np.flatnonzero(np.r_[True, best[1:] != best[:-1]])
    ends = np.r_[starts[1:], len(best)]
    runs = [(int(best[s]), int(s), int(e)) for s, e in zip(starts, ends, strict=True)]
    kept = [run for run in runs if run[0] != BLANK]
    text = "".join(alphabet.characters[label - 1] for label, _, _ in kept)
    return Path(text, tuple((first, last) for _, first, last in kept))


def beam_search(
    scores: Sequence[NDArray[np.float32]],
    alphabet: Alphabet,
    width: int = 16,
    language: LanguageModel | None = None,
) -> list[list[tuple[str, float]]]:
    """The most probable texts of each reading with their log probabilities, best first.

    All readings are decoded side by side, a time step at a time, so that the work is done on
    arrays (readings, prefixes, classes) and not in Python.

    Args:
        scores: log probabilities of each reading, (time steps, classes), of
            :func:`log_softmax`; lengths may differ.
        alphabet: what the classes mean.
        width: prefixes kept at each step.
        language: a language model's say; None for none.

    Returns:
        For each reading at most ``width`` texts, at least one. Each probability sums all kept
        alignments of its text, so that with a wide beam they sum to nearly 1 (without a
        language model).
    """
    if not scores:
        return []
    rows = _padded([_worth_reading(np.exp(part)) for part in scores])
    beams = _Beams(len(scores), width)
    for step in range(rows.shape[1]):
        beams.advance(rows[:, step], language)
    return beams.texts(alphabet, language)


def _worth_reading(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """The steps without the repeats of sure blanks."""
    sure = probabilities[:, BLANK] > SURE_BLANK
    return probabilities[~(sure & np.r_[False, sure[:-1]])].astype(np.float64)


def _padded(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """(readings, time steps, classes), ended by sure blanks, which change no reading."""
    longest = max(len(part) for part in parts)
    rows = np.zeros((len(parts), longest, parts[0].shape[1]))
    rows[:, :, BLANK] = 1.0
    for row, part in zip(rows, parts, strict=True):
        row[: len(part)] = part
    return rows


class _Beams:
    """The prefixes of all readings; each array is (readings, prefixes).

    A prefix is known by a hash of its labels; its labels are found by walking back through
    ``_history``, which holds for each step the parent of each prefix and the label it added.
    """

    def __init__(self, readings: int, width: int) -> None:
        shape = (readings, width)
        self.width = width
        self.ends_blank = np.zeros(shape)
        self.ends_blank[:, 0] = 1.0
        self.ends_label = np.zeros(shape)
        self.language = np.ones(shape)
        self.states = np.zeros(shape, np.int64)
        self.last = np.full(shape, BLANK, np.int64)
        # Prefixes that do not exist yet must not be taken for one another.
        self.hashes = -np.tile(np.arange(width, dtype=np.int64), (readings, 1))
        self.log_scale = np.zeros(readings)
        self._history: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []

    def advance(self, row: NDArray[np.float64], language: LanguageModel | None) -> None:
        """Extend all prefixes by one time step; ``row`` is (readings, classes)."""
        labels, chances = _likeliest(row)
        whole = self.ends_blank + self.ends_label
        stay_blank = whole * row[:, BLANK, None]
        stay_label = self.ends_label * np.take_along_axis(row, self.last, 1)
        repeats = labels[:, None, :] == self.last[:, :, None]
        grown = np.where(repeats, self.ends_blank[:, :, None], whole[:, :, None])
        grown *= chances[:, None, :]
        says, states = self._language(labels, language)
        hashes = self.hashes[:, :, None] * HASH_FACTOR + labels[:, None, :]
        self._merge(stay_label, grown, hashes)
        self._keep(labels, (stay_blank, stay_label), grown, hashes, says, states)

    def _language(
        self, labels: NDArray[np.int64], language: LanguageModel | None
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        if language is None:
            shape = (*self.states.shape, labels.shape[1])
            return np.broadcast_to(self.language[:, :, None], shape), np.zeros(shape, np.int64)
        factors, states = language.extend(self.states, labels)
        return self.language[:, :, None] * factors, states

    def _merge(
        self,
        stay_label: NDArray[np.float64],
        grown: NDArray[np.float64],
        hashes: NDArray[np.int64],
    ) -> None:
        """Give what grew into a prefix that is there already to that prefix."""
        readings, width, tried = grown.shape
        same = hashes.reshape(readings, -1, 1) == self.hashes[:, None, :]
        reading, source, target = np.nonzero(same)
        flat = grown.reshape(readings, width * tried)
        np.add.at(stay_label, (reading, target), flat[reading, source])
        flat[reading, source] = 0.0

    def _keep(
        self,
        labels: NDArray[np.int64],
        stay: tuple[NDArray[np.float64], NDArray[np.float64]],
        grown: NDArray[np.float64],
        hashes: NDArray[np.int64],
        says: NDArray[np.float64],
        states: NDArray[np.int64],
    ) -> None:
        """Choose the best prefixes among those that stayed and those that grew."""
        readings, width, tried = grown.shape

        def joined(old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
            return np.concatenate([old, new.reshape(readings, width * tried)], 1)

        ends_blank = joined(stay[0], np.zeros_like(grown))
        ends_label = joined(stay[1], grown)
        language = joined(self.language, says)
        weight = (ends_blank + ends_label) * language
        best = np.argpartition(-weight, width - 1, axis=1)[:, :width]

        def chosen(values: NDArray[Any]) -> NDArray[Any]:
            return np.take_along_axis(values, best, 1)

        everywhere = np.broadcast_to(labels[:, None, :], grown.shape)
        added = chosen(joined(np.full((readings, width), BLANK), everywhere))
        parents = np.where(best < width, best, (best - width) // tried)
        self._history.append((parents, added))
        total = np.maximum(chosen(weight).max(1), TINY)
        self.log_scale += np.log(total)
        self.ends_blank = chosen(ends_blank) / total[:, None]
        self.ends_label = chosen(ends_label) / total[:, None]
        self.language = chosen(language)
        self.states = chosen(joined(self.states, states))
        self.hashes = chosen(joined(self.hashes, hashes))
        last = np.take_along_axis(self.last, parents, 1)
        self.last = np.where(added == BLANK, last, added)

    def texts(
        self, alphabet: Alphabet, language: LanguageModel | None
    ) -> list[list[tuple[str, float]]]:
        weight = (self.ends_blank + self.ends_label) * self.language
        if language is not None:
            weight = weight * language.finish(self.states)
        symbols = np.array(["", *alphabet.characters], dtype="<U1")
        spelled = symbols[self._labels()]
        order = np.argsort(-weight, axis=1, kind="stable")
        scores = np.log(np.maximum(weight, TINY)) + self.log_scale[:, None]
        return [
            [("".join(spelled[n, k]), float(scores[n, k])) for k in ranks if weight[n, k] > 0]
            or [("", float(scores[n, ranks[0]]))]
            for n, ranks in enumerate(order)
        ]

    def _labels(self) -> NDArray[np.int64]:
        """Labels of all prefixes (readings, prefixes, steps), blank where none was added."""
        at = np.tile(np.arange(self.width), (len(self.last), 1))
        labels = []
        for parents, added in reversed(self._history):
            labels.append(np.take_along_axis(added, at, 1))
            at = np.take_along_axis(parents, at, 1)
        return np.stack(labels[::-1], 2)


def _likeliest(row: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels but blank, and their probabilities, (readings, tried); unlikely ones at 0."""
    tried = min(CLASSES_TRIED, row.shape[1] - 1)
    labels = np.argpartition(-row[:, 1:], tried - 1, axis=1)[:, :tried] + 1
    chances = np.take_along_axis(row, labels, 1)
    # Columns in which no reading has a likely class would be work for nothing.
    order = np.argsort(-chances, axis=1)
    labels = np.take_along_axis(labels, order, 1)
    chances = np.take_along_axis(chances, order, 1)
    chances = np.where(chances > LEAST_PROBABILITY, chances, 0.0)
    used = max(int((chances > 0).any(0).sum()), 1)
    return labels[:, :used], chances[:, :used]


def align(
    log_probabilities: NDArray[np.float32], classes: NDArray[np.int32]
) -> tuple[tuple[int, int], ...]:
    """The time steps of each character of a text on its best path (Viterbi).

    Args:
        log_probabilities: (time steps, classes).
        classes: of the text, at most as many as there are time steps.

    Returns:
        For each character its first step and its last, exclusive.
    """
    extended = np.zeros(2 * len(classes) + 1, np.int64)
    extended[1::2] = classes
    emitted = log_probabilities[:, extended]
    can_skip = np.r_[False, False, (extended[2:] != BLANK) & (extended[2:] != extended[:-2])]
    score = np.full(len(extended), -np.inf)
    score[:2] = emitted[0, :2]
    back = np.zeros(emitted.shape, np.int8)
    for t in range(1, len(emitted)):
        moves = np.stack(
            [
                score,
                np.r_[-np.inf, score[:-1]],
                np.where(can_skip, np.r_[-np.inf, -np.inf, score[:-2]], -np.inf),
            ]
        )
        back[t] = moves.argmax(0)
        score = moves.max(0) + emitted[t]
    state = len(extended) - 1 - int(len(classes) > 0 and score[-2] > score[-1])
    states = [state]
    for t in range(len(emitted) - 1, 0, -1):
        state -= int(back[t, state])
        states.append(state)
    at = np.array(states[::-1])
    spans = (np.flatnonzero(at == 2 * i + 1) for i in range(len(classes)))
    return tuple((int(s[0]), int(s[-1]) + 1) if len(s) else (0, 0) for s in spans)
