"""From a words network's logits to text: best path, prefix beam search, alignment.

Graves et al., "Connectionist temporal classification" (2006); prefix beam search after Hannun
et al., "First-pass large vocabulary continuous speech recognition using bi-directional
recurrent DNNs" (2014). Class 0 is the blank everywhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hwdigitize.recognition.alphabet import Alphabet

BLANK = 0
#: classes less likely than this at a step are not tried there; they could not win
LEAST_PROBABILITY = 2e-3
#: prefixes less likely than this share of their reading's best are dropped
LEAST_SHARE = 1e-5
#: runs of steps at which the blank is surer than this are taken as one step
SURE_BLANK = 0.9999
#: no class is less likely than this, so that no reading runs out of prefixes
TINY = 1e-30
#: of the hash of a prefix; odd, so that it loses nothing modulo 2**64
HASH_FACTOR = np.int64(6364136223846793005)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class LanguageModel(Protocol):
    """What a language says of a reading while it is decoded, a character at a time.

    A state stands for the characters read so far; 0 is the start.
    """

    def extend(self, states: Ints, labels: Ints) -> tuple[Floats, Ints]:
        """Probability factors and next states, one by one.

        Args:
            states: of the prefixes, (n,).
            labels: the class of the alphabet that each is extended by, (n,).

        Returns:
            Factors, 0 for what may not be, and next states; (n,) each.
        """
        ...

    def finish(self, states: Ints) -> Floats:
        """Probability factors for ending in each state, (n,)."""
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


def steps_needed(text: str) -> int:
    """Time steps that a text takes at least: one a character, and a blank in each double."""
    return len(text) + sum(a == b for a, b in itertools.pairwise(text))


def best_path(scores: NDArray[np.float32], alphabet: Alphabet) -> Path:
    """Greedy decoding: the best class a step, repeats merged, blanks dropped.

    Args:
        scores: logits or probabilities, (time steps, classes).
    """
    best = scores.argmax(1)
    changes = (np.flatnonzero(best[1:] != best[:-1]) + 1).tolist()
    bounds = [0, *changes, len(best)]
    runs = [(int(best[s]), s, e) for s, e in itertools.pairwise(bounds)]
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
    arrays and not in Python; each reading has only the prefixes and classes that it needs.

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
    rows = _side_by_side([_worth_reading(np.exp(part)) for part in scores])
    beams = _Beams(len(scores), width, language)
    for row in rows:
        beams.advance(row)
    return beams.texts(alphabet)


def _worth_reading(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """The steps without the repeats of sure blanks."""
    sure = probabilities[:, BLANK] > SURE_BLANK
    sure[1:] &= sure[:-1].copy()
    sure[:1] = False
    return probabilities[~sure]


def _side_by_side(parts: Sequence[NDArray[np.float32]]) -> Floats:
    """(time steps, readings, classes); shorter readings begin later, after sure blanks.

    Blanks change no reading, and before its first character one has a single prefix.
    """
    longest = max(len(part) for part in parts)
    rows = np.zeros((longest, len(parts), parts[0].shape[1]))
    rows[:, :, BLANK] = 1.0
    for reading, part in enumerate(parts):
        rows[longest - len(part) :, reading] = part
    return np.maximum(rows, TINY, out=rows)


class _Prefixes(NamedTuple):
    """Prefixes of all readings, column by column, those of one reading together.

    A prefix is known by a hash of its reading and its labels. Its probability is the sum of
    the alignments that end in a blank and in its last label, times what the language says.
    """

    reading: Ints
    ends_blank: Floats
    ends_label: Floats
    language: Floats
    state: Ints
    last: Ints
    hash: Ints

    def take(self, which: NDArray[np.generic]) -> _Prefixes:
        return _Prefixes(*(column[which] for column in self))

    def joined(self, more: _Prefixes) -> _Prefixes:
        return _Prefixes(*(np.concatenate(pair) for pair in zip(self, more, strict=True)))

    @property
    def weight(self) -> Floats:
        return (self.ends_blank + self.ends_label) * self.language


class _Beams:
    """The best prefixes of all readings after each time step.

    Labels of prefixes are found by walking back through ``_history``, which holds for each
    step the parent of each prefix and the label that it added.
    """

    def __init__(self, readings: int, width: int, language: LanguageModel | None) -> None:
        ones, zeros = np.ones(readings), np.zeros(readings, np.int64)
        of = np.arange(readings, dtype=np.int64)
        self._kept = _Prefixes(of, ones, ones * 0, ones, zeros, zeros + BLANK, of + 1)
        self._width = width
        self._language = language
        self._log_scale = np.zeros(readings)
        self._history: list[tuple[Ints, Ints]] = []

    def advance(self, row: Floats) -> None:
        """Extend all prefixes by one time step; ``row`` is (readings, classes)."""
        old = self._kept
        stayed = old._replace(
            ends_blank=(old.ends_blank + old.ends_label) * row[old.reading, BLANK],
            ends_label=old.ends_label * row[old.reading, old.last],
        )
        parents, grown = self._grown(row)
        new = _merge(stayed, grown)
        starts = np.searchsorted(stayed.reading, np.arange(len(row)))
        best = np.maximum.reduceat(stayed.weight, starts)
        new &= grown.weight > LEAST_SHARE * best[grown.reading]
        parents, grown = parents[new], self._spoken(grown.take(new))
        every = stayed.joined(grown)
        kept, scale = _best(every.reading, every.weight, self._width)
        self._log_scale += np.log(scale)
        chosen = every.take(kept)
        self._kept = chosen._replace(
            ends_blank=chosen.ends_blank / scale[chosen.reading],
            ends_label=chosen.ends_label / scale[chosen.reading],
        )
        parents = np.concatenate([np.arange(len(old.last)), parents])
        added = np.concatenate([np.full(len(old.last), BLANK), grown.last])
        self._history.append((parents[kept], added[kept]))

    def _grown(self, row: Floats) -> tuple[Ints, _Prefixes]:
        """Every prefix extended by each likely class, with the indices of their parents."""
        old = self._kept
        reading, labels = np.nonzero(row[:, BLANK + 1 :] > LEAST_PROBABILITY)
        tried = np.bincount(reading, minlength=len(row))
        first = np.cumsum(tried) - tried
        times = tried[old.reading]
        parents = np.repeat(np.arange(len(times)), times)
        turn = np.arange(len(parents)) - np.repeat(np.cumsum(times) - times, times)
        label = labels[first[old.reading][parents] + turn] + BLANK + 1
        grown = old.take(parents)
        # A label can only follow itself after a blank.
        from_label = np.where(label == grown.last, 0.0, grown.ends_label)
        grown = grown._replace(
            ends_blank=np.zeros(len(parents)),
            ends_label=(grown.ends_blank + from_label) * row[grown.reading, label],
            last=label,
            hash=grown.hash * HASH_FACTOR + label,
        )
        return parents, grown

    def _spoken(self, grown: _Prefixes) -> _Prefixes:
        """With what the language says of the last labels."""
        if self._language is None:
            return grown
        factors, states = self._language.extend(grown.state, grown.last)
        return grown._replace(language=grown.language * factors, state=states)

    def texts(self, alphabet: Alphabet) -> list[list[tuple[str, float]]]:
        """The readings of all kept prefixes, best first."""
        ended = self._kept
        if self._language is not None:
            factors = self._language.finish(ended.state)
            ended = ended._replace(language=ended.language * factors)
        labels = self._labels()
        result: list[list[tuple[str, float]]] = [[] for _ in self._log_scale]
        order, _ = _best(ended.reading, ended.weight, self._width)
        scores = np.log(np.maximum(ended.weight, TINY)) + self._log_scale[ended.reading]
        symbols = ["", *alphabet.characters]
        for at in order.tolist():
            text = "".join([symbols[label] for label in labels[at] if label])
            result[ended.reading[at]].append((text, float(scores[at])))
        return result

    def _labels(self) -> list[list[int]]:
        """Labels of all prefixes, blank at the steps where none was added."""
        at = np.arange(len(self._kept.last))
        labels = np.zeros((len(at), len(self._history)), np.int64)
        for step in range(len(self._history) - 1, -1, -1):
            parents, added = self._history[step]
            labels[:, step] = added[at]
            at = parents[at]
        return labels.tolist()


def _merge(stayed: _Prefixes, grown: _Prefixes) -> NDArray[np.bool_]:
    """Give what grew into a prefix that is there to that prefix; which of it is new."""
    order = np.argsort(stayed.hash)
    place = np.searchsorted(stayed.hash, grown.hash, sorter=order)
    target = order[np.minimum(place, len(order) - 1)]
    same = stayed.hash[target] == grown.hash
    stayed.ends_label[target[same]] += grown.ends_label[same]
    return ~same


def _best(reading: Ints, weight: Floats, width: int) -> tuple[Ints, Floats]:
    """Indices of the best of each reading, together and best first, and each one's best."""
    order = np.lexsort((-weight, reading))
    starts = np.searchsorted(reading[order], np.arange(reading.max() + 1))
    best = np.maximum(weight[order[starts]], TINY)
    rank = np.arange(len(order)) - starts[reading[order]]
    likely = weight[order] >= LEAST_SHARE * best[reading[order]]
    return order[(rank < width) & (likely | (rank == 0))], best


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
    if not len(classes):
        return ()
    extended = np.zeros(2 * len(classes) + 1, np.int64)
    extended[1::2] = classes
    emitted = log_probabilities[:, extended]
    skips = (extended[2:] != BLANK) & (extended[2:] != extended[:-2])
    no_skip = np.where(np.concatenate([[False, False], skips]), 0.0, -np.inf)
    room = np.full(len(extended) + 2, -np.inf)  # two impossible states before the first
    score, one_before, two_before = room[2:], room[1:-1], room[:-2]
    score[:2] = emitted[0, :2]
    back = np.zeros(emitted.shape, np.int8)
    for t in range(1, len(emitted)):
        stepped = one_before > score
        best = np.maximum(score, one_before)
        skipping = two_before + no_skip
        back[t] = np.where(skipping > best, 2, stepped)
        np.add(np.maximum(best, skipping), emitted[t], out=score)
    state = len(extended) - 1 - int(score[-2] > score[-1])
    states = [state]
    for t in range(len(emitted) - 1, 0, -1):
        state -= int(back[t, state])
        states.append(state)
    at = np.array(states[::-1])
    spans = (np.flatnonzero(at == 2 * i + 1) for i in range(len(classes)))
    return tuple((int(s[0]), int(s[-1]) + 1) if len(s) else (0, 0) for s in spans)
