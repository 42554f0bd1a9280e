"""Finite automata over characters: as Python builds them and as a decoder follows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

#: more states than any field needs; more are refused
MOST_STATES = 20_000
Other = TypeVar("Other")

#: log weight of what is not allowed
NEVER = -np.inf


class TooLargeError(ValueError):
    """A language whose automaton would be too large."""


@dataclass
class Dfa:
    """A deterministic automaton as Python holds it: next state by character; 0 the start."""

    moves: list[dict[str, int]]
    accepting: set[int]

    def accepts(self, text: str) -> bool:
        """Whether a text belongs to the language."""
        state = 0
        for character in text:
            if character not in self.moves[state]:
                return False
            state = self.moves[state][character]
        return state in self.accepting

    @property
    def characters(self) -> list[str]:
        """Every character of any move, in order."""
        return sorted({character for moves in self.moves for character in moves})


@dataclass(frozen=True, eq=False)
class Automaton:
    """A language that a decoder can follow: arrays, states are numbers, 0 the start.

    Attributes:
        symbols: the character that each symbol writes.
        spellings: the characters as which each symbol may be read, such as both cases of it.
        starts: (states + 1,) the edges of state q are ``starts[q]`` to ``starts[q + 1]``.
        labels: (edges,) symbol of each edge.
        targets: (edges,) state each edge leads to.
        finals: (states,) log weight of ending in a state, -inf where the language does not
            allow it, 0 where all values are as likely.
        canonical: gives the value of a text of the language, such as a date with its
            separators.
    """

    symbols: tuple[str, ...]
    spellings: tuple[str, ...]
    starts: NDArray[np.int32]
    labels: NDArray[np.int32]
    targets: NDArray[np.int32]
    finals: NDArray[np.float64]
    canonical: Callable[[str], str] = field(default=str)

    def accepts(self, text: str) -> bool:
        """Whether a text, spelled as the symbols write, belongs to the language."""
        state = 0
        for character in text:
            edges = range(self.starts[state], self.starts[state + 1])
            found = [e for e in edges if self.symbols[self.labels[e]] == character]
            if not found:
                return False
            state = int(self.targets[found[0]])
        return bool(self.finals[state] > NEVER)

    def texts(self, longest: int = 100) -> Iterator[tuple[str, float]]:
        """All texts up to a length with their log weights; for small languages."""
        stack = [("", 0)]
        while stack:
            text, state = stack.pop()
            if self.finals[state] > NEVER:
                yield text, float(self.finals[state])
            if len(text) < longest:
                for e in range(self.starts[state], self.starts[state + 1]):
                    stack.append((text + self.symbols[self.labels[e]], int(self.targets[e])))


def intersection(
    dfa: Dfa,
    start: Other,
    step: Callable[[Other, str], Other | None],
    accepts: Callable[[Other], bool],
) -> Dfa:
    """What an automaton and a second one, given by functions, both allow.

    Args:
        dfa: the first.
        start: state of the second.
        step: its next state for a state and a character, None for none.
        accepts: whether one of its states is accepting.

    Raises:
        TooLargeError: there would be too many states.
    """
    numbers: dict[tuple[int, Other], int] = {(0, start): 0}
    todo: list[tuple[int, Other]] = [(0, start)]
    moves: list[dict[str, int]] = []
    accepting = set()
    for state, other in todo:
        if state in dfa.accepting and accepts(other):
            accepting.add(len(moves))
        row: dict[str, int] = {}
        for character, target in dfa.moves[state].items():
            after = step(other, character)
            if after is None:
                continue
            pair = (target, after)
            if pair not in numbers:
                numbers[pair] = len(todo)
                todo.append(pair)
            row[character] = numbers[pair]
        moves.append(row)
        check_size(len(todo))
    return minimised(Dfa(moves, accepting))


def both(one: Dfa, other: Dfa) -> Dfa:
    """What two automata both allow."""

    def step(state: int, character: str) -> int | None:
        return other.moves[state].get(character)

    return intersection(one, 0, step, other.accepting.__contains__)


def minimised(dfa: Dfa) -> Dfa:
    """The smallest automaton of the same language, without states that lead nowhere."""
    alive = _leading_to_end(dfa)
    if 0 not in alive:
        return Dfa([{}], set())
    rows = [
        [(c, t) for c, t in sorted(moves.items()) if t in alive] if s in alive else []
        for s, moves in enumerate(dfa.moves)
    ]
    block = [int(state in dfa.accepting) for state in range(len(rows))]
    count = 0
    while count != (count := len({block[state] for state in alive})):
        seen: dict[object, int] = {}
        block = [
            seen.setdefault((block[s], tuple((c, block[t]) for c, t in row)), len(seen))
            for s, row in enumerate(rows)
        ]
    order: dict[int, int] = {block[0]: 0}
    moves: list[dict[str, int]] = []
    todo = [0]
    for state in todo:
        row = {}
        for character, target in rows[state]:
            if block[target] not in order:
                order[block[target]] = len(todo)
                todo.append(target)
            row[character] = order[block[target]]
        moves.append(row)
    return Dfa(moves, {n for n, state in enumerate(todo) if state in dfa.accepting})


def to_automaton(dfa: Dfa, spellings: Mapping[str, str]) -> Automaton:
    """Arrays of an automaton; ``spellings`` where a symbol may be read otherwise."""
    symbols = dfa.characters
    number = {symbol: n for n, symbol in enumerate(symbols)}
    edges = [(number[c], t) for moves in dfa.moves for c, t in sorted(moves.items())]
    table = np.array(edges, np.int32).reshape(-1, 2)
    finals = np.full(len(dfa.moves), NEVER)
    finals[sorted(dfa.accepting)] = 0.0
    return Automaton(
        tuple(symbols),
        tuple(spellings.get(symbol, symbol) for symbol in symbols),
        np.cumsum([0, *(len(moves) for moves in dfa.moves)], dtype=np.int32),
        np.ascontiguousarray(table[:, 0]),
        np.ascontiguousarray(table[:, 1]),
        finals,
    )


def build_trie(
    words: Sequence[str], weights: Sequence[float], spellings: Mapping[str, str]
) -> Automaton:
    """The tree of a list of words: a state for each beginning of a word.

    Built a column of characters at a time on arrays: 200,000 words in about a second.

    Args:
        words: not empty, none twice.
        weights: log weight of each.
        spellings: where a character may be read otherwise.
    """
    order = sorted(range(len(words)), key=words.__getitem__)
    sorted_words = np.array([words[n] for n in order])
    width = sorted_words.dtype.itemsize // 4
    codes = sorted_words.view(np.uint32).reshape(len(words), width)
    used = np.flatnonzero(np.bincount(codes.ravel()))
    table = np.zeros(int(used[-1]) + 1, np.int32)
    table[used] = np.arange(len(used))
    present = codes > 0
    # a row begins a new node at each place from its first difference to the row above
    differs = np.ones_like(present)
    differs[1:] = np.logical_or.accumulate(codes[1:] != codes[:-1], axis=1)
    new = differs & present
    # breadth first: the edges of a node then lie side by side
    numbers = np.cumsum(new.T.ravel()).reshape(width, len(words)).T
    parents = np.concatenate([np.zeros((len(words), 1), numbers.dtype), numbers[:, :-1]], 1)
    at_column, at_row = np.nonzero(new.T)
    sources = parents[at_row, at_column]
    states = len(sources) + 1
    finals = np.full(states, NEVER)
    lengths = present.sum(1)
    finals[numbers[np.arange(len(words)), lengths - 1]] = np.asarray(weights)[order]
    first = int(used[0] == 0)
    characters = [chr(code) for code in used[first:]]
    return Automaton(
        tuple(characters),
        tuple(spellings.get(character, character) for character in characters),
        np.searchsorted(sources, np.arange(states + 1)).astype(np.int32),
        table[codes[at_row, at_column]] - np.int32(first),
        np.arange(1, states, dtype=np.int32),
        finals,
    )


# Behind them.


def _leading_to_end(dfa: Dfa) -> set[int]:
    before: dict[int, set[int]] = defaultdict(set)
    for state, moves in enumerate(dfa.moves):
        for target in moves.values():
            before[target].add(state)
    alive = set(dfa.accepting)
    todo = list(alive)
    while todo:
        for state in before[todo.pop()] - alive:
            alive.add(state)
            todo.append(state)
    return alive


def check_size(states: int, times: int = 1) -> None:
    """Refuse what would take too long to build.

    Raises:
        TooLargeError: there are too many states.
    """
    if states > MOST_STATES * times:
        raise TooLargeError("it allows too much at once: make it shorter or simpler")
