"""The most probable texts of a language, by what a recognizer says of each step.

Prefix search (Graves, "Supervised sequence labelling with recurrent neural networks", 2012,
section 7.4) within an automaton. The probability that all legal continuations of a prefix have
together is computed backwards over the product of steps and automaton; prefixes are then tried
best first by it, so that texts come out in their true order, however unlikely they are.

One search serves two recognizers. With a CTC network a step is a time step, "nothing" the
blank, and a character may last for several steps. With cells of a form a step is a cell,
"nothing" an empty cell, and each character fills just one.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

#: edges above which only the likely part of an automaton is searched, and the paths kept then
MOST_EDGES, WIDTH = 5_000, 800
#: prefixes tried before the search only goes on where it is best
MOST_PREFIXES = 400
#: keeps maxima finite where nothing is possible
LOWEST = -1e300
NEVER = -np.inf


class Automaton(Protocol):
    """A language as a deterministic automaton; states are numbers, 0 the start.

    ``starts`` (states + 1,) bounds each state's edges, ``labels`` and ``targets`` (edges,) are
    the symbol of each and where it leads, ``finals`` (states,) the log weight of ending there,
    -inf where that is not legal.
    """

    @property
    def symbols(self) -> tuple[str, ...]:
        """The character that each symbol writes."""

    @property
    def spellings(self) -> tuple[str, ...]:
        """The characters as which each symbol may be read."""

    @property
    def starts(self) -> Ints:
        """Bounds of each state's edges."""

    @property
    def labels(self) -> Ints:
        """Symbol of each edge."""

    @property
    def targets(self) -> Ints:
        """State each edge leads to."""

    @property
    def finals(self) -> Floats:
        """Log weight of ending in each state."""

    def canonical(self, text: str, /) -> str:
        """The value of a text of the language."""


@dataclass(frozen=True)
class Steps:
    """What a recognizer says: log probabilities of each symbol and of nothing at each step.

    Attributes:
        symbols: (steps, symbols).
        nothing: (steps,).
        lasting: whether a character may last for several steps (CTC).
        gap: log weight of nothing between two characters.
    """

    symbols: Floats
    nothing: Floats
    lasting: bool
    gap: float = 0.0


@dataclass(frozen=True)
class _Part:
    """The part of an automaton that is searched, with the nodes of its product with steps.

    A node is a state with the symbol that led to it; ``node`` is that of each edge. ``source``
    is each edge's state, ``again`` for each node the edge that repeats its symbol, or -1.
    """

    starts: Ints
    labels: Ints
    targets: Ints
    finals: Floats
    source: NDArray[np.int64]
    node: NDArray[np.int64]
    node_state: NDArray[np.int64]
    node_label: NDArray[np.int64]
    again: NDArray[np.int64]


def search(
    steps: Steps, automaton: Automaton, count: int
) -> tuple[list[tuple[str, float]], float]:
    """The best texts of a language, and the log probability of all of it.

    Args:
        steps: what a recognizer says of the symbols of ``automaton``.
        automaton: the language.
        count: texts wanted; those of less than a thousandth of the whole are left out.

    Returns:
        Texts with the log of their share, by probability times weight, of the whole language,
        best first; empty where no text fits so many steps. And the log of the probability,
        without weights, that the recognizer gives to the language as a whole.
    """
    width, before = WIDTH, 0
    part = _likely_part(steps, automaton, width)
    found = _Search(steps, part)
    # No text may end among the likely paths; a wider search that finds no more will not do.
    while found.whole == NEVER and before < len(part.labels) < len(automaton.labels):
        width, before = width * 8, len(part.labels)
        part = _likely_part(steps, automaton, width)
        found = _Search(steps, part)
    if found.whole == NEVER:
        return [], NEVER
    ranked: list[tuple[str, float]] = []
    for labels, score in found.texts():
        if ranked and score < found.whole + np.log(1e-3):
            break
        text = "".join(automaton.symbols[label] for label in labels)
        ranked.append((text, score - found.whole))
        if len(ranked) == count:
            break
    whole = found.whole
    if np.any(part.finals[part.finals > NEVER] != 0):
        even = np.where(part.finals > NEVER, 0.0, NEVER)
        whole = _Search(steps, replace(part, finals=even)).whole
    return ranked, whole


class _Search:
    """Backward probabilities, and prefixes tried best first by them."""

    def __init__(self, steps: Steps, part: _Part) -> None:
        self.steps = steps
        self.part = part
        self.after = _backward(steps, part)
        #: log probability of nothing at all before each step
        self.silence = np.concatenate([[0.0], np.cumsum(steps.nothing)])
        started = self.silence[:-1]
        masses = self._masses(0, started, started)
        empty = part.finals[0] + self.silence[-1]
        self.whole = float(np.logaddexp.reduce([empty, *masses]))

    def texts(self) -> Iterator[tuple[tuple[int, ...], float]]:
        """Texts as labels, with their log weights, best first."""
        part = self.part
        heap: list[tuple[float, int, tuple[int, ...], int, Floats, Floats]] = []
        empty = np.full(len(self.silence), NEVER)
        self._open(heap, (), 0, self.silence, empty, -1)
        tried = 0
        while heap:
            mass, _, labels, edge, enter, enter_again = heapq.heappop(heap)
            if edge < 0:
                yield labels, -mass
                continue
            tried += 1
            if tried > MOST_PREFIXES:
                heap.clear()
            label = int(part.labels[edge])
            last = labels[-1] if labels else -1
            lasts, rests = self._extended(label, enter_again if label == last else enter)
            state = int(part.targets[edge])
            self._open(heap, (*labels, label), state, rests, lasts, label)

    def _open(
        self,
        heap: list[tuple[float, int, tuple[int, ...], int, Floats, Floats]],
        labels: tuple[int, ...],
        state: int,
        rests: Floats,
        lasts: Floats,
        last: int,
    ) -> None:
        """Put a prefix's own text and its continuations on the heap.

        ``rests`` and ``lasts`` (steps + 1,) are its probabilities after each step, ended by
        nothing or by its last character.
        """
        part = self.part
        gapped = rests + (self.steps.gap if labels else 0.0)
        both = np.logaddexp(gapped, lasts)[:-1]
        again = gapped[:-1] if self.steps.lasting else both
        ended = float(np.logaddexp(rests[-1], lasts[-1]) + part.finals[state])
        if ended > NEVER:
            heapq.heappush(heap, (-ended, len(heap), labels, -1, both, again))
        masses = self._masses(state, both, again, last)
        first = int(part.starts[state])
        for offset in np.flatnonzero(masses > NEVER):
            item = (-float(masses[offset]), -1 - first - int(offset))
            heapq.heappush(heap, (*item, labels, first + int(offset), both, again))

    def _masses(self, state: int, both: Floats, again: Floats, last: int = -1) -> Floats:
        """Log weight of all texts through each edge of a state."""
        part = self.part
        edges = slice(int(part.starts[state]), int(part.starts[state + 1]))
        labels = part.labels[edges]
        entered = np.where((labels == last)[:, None], again, both)
        ways = entered + self.steps.symbols[:, labels].T + self.after[1:, part.node[edges]].T
        return _log_sum(ways)

    def _extended(self, label: int, enter: Floats) -> tuple[Floats, Floats]:
        """A prefix's probabilities after each step, ended by its new character or nothing."""
        said = self.steps.symbols[:, label]
        if self.steps.lasting:
            run = np.cumsum(said)
            before = np.concatenate([[0.0], run[:-1]])
            lasts = np.concatenate([[NEVER], np.logaddexp.accumulate(enter - before) + run])
        else:
            lasts = np.concatenate([[NEVER], enter + said])
        started = np.logaddexp.accumulate(lasts[:-1] - self.silence[:-1])
        rests = np.concatenate([[NEVER], started + self.silence[1:]])
        return lasts, rests


def _backward(steps: Steps, part: _Part) -> Floats:
    """Log weight of all legal continuations, (steps + 1, nodes), right after each node."""
    count = len(steps.nothing)
    after = np.empty((count + 1, len(part.node_state)))
    after[count] = part.finals[part.node_state]
    resting = part.finals.copy()
    sums = _EdgeSums(part)
    for step in range(count - 1, -1, -1):
        said = steps.symbols[step]
        grown = said[part.labels] + after[step + 1, part.node]
        onward, other = sums(grown)
        waited = steps.nothing[step] + resting
        moved = np.logaddexp(
            waited[part.node_state], other if steps.lasting else onward[part.node_state]
        )
        if steps.lasting:
            lasted = said[part.node_label] + after[step + 1]
            moved = np.logaddexp(moved, lasted)
        after[step] = moved
        resting = np.logaddexp(waited, steps.gap + onward)
    return after


class _EdgeSums:
    """Sums over the edges of each state, and for each node over all but its own symbol's.

    An edge is left out by subtraction, except the greatest of its state: that would lose all
    digits, so the others are added up by themselves.
    """

    def __init__(self, part: _Part) -> None:
        self.part = part
        self.busy = np.flatnonzero(np.diff(part.starts))
        self.firsts = part.starts[self.busy]
        self.repeating = np.flatnonzero(part.again >= 0)
        self.edges = part.again[self.repeating]
        self.states = part.node_state[self.repeating]

    def __call__(self, values: Floats) -> tuple[Floats, Floats]:
        """Log sums of states (states,), and of nodes without the repeated symbol's edge."""
        onward, shares, top = self._sums(values)
        other = onward[self.part.node_state]
        if not len(self.repeating):
            return onward, other
        greatest = np.full(len(onward), -1)
        numbers = np.where(shares == 1.0, np.arange(len(values)), -1)
        greatest[self.busy] = np.maximum.reduceat(numbers, self.firsts)
        rest = values.copy()
        rest[greatest[greatest >= 0]] = NEVER
        without_greatest, _, _ = self._sums(rest)
        with np.errstate(divide="ignore"):
            left = np.exp(onward[self.states] - top[self.states]) - shares[self.edges]
            left = np.log(np.maximum(left, 0.0)) + top[self.states]
        is_greatest = self.edges == greatest[self.states]
        other[self.repeating] = np.where(is_greatest, without_greatest[self.states], left)
        return onward, other

    def _sums(self, values: Floats) -> tuple[Floats, Floats, Floats]:
        """Log sum of each state, each edge's share of the greatest, and the greatest."""
        states = len(self.part.finals)
        onward, top = np.full(states, NEVER), np.full(states, LOWEST)
        if len(self.busy):
            top[self.busy] = np.maximum(np.maximum.reduceat(values, self.firsts), LOWEST)
        shares = np.exp(values - top[self.part.source])
        if len(self.busy):
            with np.errstate(divide="ignore"):
                sums = np.log(np.add.reduceat(shares, self.firsts))
            onward[self.busy] = sums + top[self.busy]
        return onward, shares, top


def _log_sum(rows: Floats) -> Floats:
    """Log of the sum of exponentials along the last axis."""
    top = np.maximum(rows.max(-1, initial=NEVER), LOWEST)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(rows - top[..., None]).sum(-1)) + top


# The part of an automaton that is worth searching.


def _likely_part(steps: Steps, automaton: Automaton, width: int) -> _Part:
    if len(automaton.labels) <= MOST_EDGES:
        return _linked(automaton.starts, automaton.labels, automaton.targets, automaton.finals)
    edges = np.flatnonzero(_touched(steps, automaton, width))
    states = np.unique(np.concatenate([[0], automaton.targets[edges]]))
    sources = np.searchsorted(automaton.starts, edges, side="right") - 1
    kept = np.isin(sources, states)
    edges, sources = edges[kept], np.searchsorted(states, sources[kept])
    starts = np.searchsorted(sources, np.arange(len(states) + 1)).astype(np.int32)
    targets = np.searchsorted(states, automaton.targets[edges]).astype(np.int32)
    return _linked(starts, automaton.labels[edges], targets, automaton.finals[states])


def _touched(steps: Steps, automaton: Automaton, width: int) -> NDArray[np.bool_]:
    """Edges on the best paths, of which ``width`` are kept at each step (Viterbi beam)."""
    count = len(automaton.labels)
    # the start counts as one more edge, with a symbol of its own that nothing says
    labels = np.append(automaton.labels, steps.symbols.shape[1])
    targets = np.append(automaton.targets, 0)
    best = np.full(count + 1, NEVER)
    touched = np.zeros(count + 1, bool)
    active, scores = np.array([count]), np.zeros(1)
    for symbols, nothing in zip(steps.symbols, steps.nothing, strict=True):
        said = np.append(symbols, NEVER)
        stay = scores + (
            np.maximum(nothing, said[labels[active]]) if steps.lasting else nothing
        )
        states = targets[active]
        firsts = automaton.starts[states]
        sizes = automaton.starts[states + 1] - firsts
        parents = np.repeat(np.arange(len(active)), sizes)
        offsets = np.arange(len(parents)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        grown = firsts[parents] + offsets
        reached = np.concatenate([active, grown])
        values = np.concatenate([stay, scores[parents] + said[labels[grown]]])
        np.maximum.at(best, reached, values)
        candidates = reached
        if len(reached) > 2 * width:
            candidates = reached[np.argpartition(-values, 2 * width)[: 2 * width]]
        # np.unique hashes, which is slower for so few
        active = np.sort(candidates)
        active = active[np.r_[True, active[1:] != active[:-1]]]
        scores = best[active]
        best[reached] = NEVER
        if len(active) > width:
            kept = np.argpartition(-scores, width)[:width]
            active, scores = active[kept], scores[kept]
        touched[active] = True
    return touched[:count]


def _linked(starts: Ints, labels: Ints, targets: Ints, finals: Floats) -> _Part:
    """Number the nodes: pairs of a state and a symbol that leads to it."""
    symbols = int(labels.max(initial=0)) + 1
    keys, node = np.unique(targets.astype(np.int64) * symbols + labels, return_inverse=True)
    node_state, node_label = keys // symbols, keys % symbols
    source = np.repeat(np.arange(len(finals)), np.diff(starts))
    edge_keys = source * symbols + labels
    order = np.argsort(edge_keys)
    at = np.searchsorted(edge_keys[order], keys)
    at = np.minimum(at, max(len(order) - 1, 0))
    again = np.where(edge_keys[order][at] == keys, order[at], -1) if len(order) else at
    return _Part(starts, labels, targets, finals, source, node, node_state, node_label, again)
