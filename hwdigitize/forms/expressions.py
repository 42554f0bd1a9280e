"""Expressions over characters, and the automata they become.

An expression is a tree of the classes below. It becomes a non-deterministic automaton
(Thompson, "Regular expression search algorithm", 1968), that a deterministic one by the subset
construction, and that the smallest one. Characters that no expression tells apart are carried
as one through all of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from hwdigitize.forms.automaton import Dfa, check_size, minimised


@dataclass(frozen=True)
class Chars:
    """One character of a set."""

    characters: frozenset[str]


@dataclass(frozen=True)
class Joined:
    """Parts one after another; none of them is the empty text."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Either:
    """One of several parts; none of them is nothing at all."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Repeated:
    """A part at least so often, and at most so often where that is not None."""

    part: Expression
    least: int
    most: int | None


Expression = Chars | Joined | Either | Repeated
EMPTY = Joined(())
DIGIT = Chars(frozenset("0123456789"))


def literal(text: str) -> Expression:
    """A text as it is."""
    return Joined(tuple(Chars(frozenset(character)) for character in text))


def one_of(words: Iterable[str]) -> Expression:
    """Any of some words."""
    return Either(tuple(literal(word) for word in words))


def build_dfa(expression: Expression) -> Dfa:
    """The smallest automaton of an expression.

    Raises:
        TooLargeError: it would have too many states.
    """
    nfa = _Nfa()
    start, end = nfa.new(), nfa.new()
    nfa.add(expression, start, end)
    return minimised(_subsets(nfa, start, end))


# Behind them.


class _Nfa:
    """States with moves on sets of characters and on nothing."""

    def __init__(self) -> None:
        self.moves: list[list[tuple[frozenset[str], int]]] = []
        self.free: list[list[int]] = []

    def new(self) -> int:
        self.moves.append([])
        self.free.append([])
        check_size(len(self.moves), 10)
        return len(self.moves) - 1

    def add(self, expression: Expression, start: int, end: int) -> None:
        """Lay an expression between two states."""
        if isinstance(expression, Chars):
            self.moves[start].append((expression.characters, end))
        elif isinstance(expression, Either):
            for part in expression.parts:
                self.add(part, start, end)
        elif isinstance(expression, Joined):
            for part in expression.parts:
                start = self._after(part, start)
            self.free[start].append(end)
        else:
            self._repeat(expression, start, end)

    def _after(self, part: Expression, start: int) -> int:
        inside, after = self.new(), self.new()
        self.free[start].append(inside)
        self.add(part, inside, after)
        return after

    def _repeat(self, expression: Repeated, start: int, end: int) -> None:
        for _ in range(expression.least):
            start = self._after(expression.part, start)
        if expression.most is None:
            loop = self.new()
            self.free[start].append(loop)
            self.free[self._after(expression.part, loop)].append(loop)
            start = loop
        else:
            for _ in range(expression.most - expression.least):
                self.free[start].append(end)
                start = self._after(expression.part, start)
        self.free[start].append(end)

    def closure(self, states: Iterable[int]) -> frozenset[int]:
        """All states reached on nothing."""
        reached = set(states)
        todo = list(reached)
        while todo:
            for state in self.free[todo.pop()]:
                if state not in reached:
                    reached.add(state)
                    todo.append(state)
        return frozenset(reached)


def _subsets(nfa: _Nfa, start: int, end: int) -> Dfa:
    """The subset construction over kinds of characters that no set tells apart."""
    kinds = _kinds({characters for moves in nfa.moves for characters, _ in moves})
    inside = {
        characters: [n for n, kind in enumerate(kinds) if kind[0] in characters]
        for characters in {characters for moves in nfa.moves for characters, _ in moves}
    }
    first = nfa.closure([start])
    numbers, todo = {first: 0}, [first]
    rows: list[dict[str, int]] = []
    accepting = set()
    for subset in todo:
        if end in subset:
            accepting.add(len(rows))
        reached: dict[int, set[int]] = defaultdict(set)
        for state in subset:
            for characters, target in nfa.moves[state]:
                for kind in inside[characters]:
                    reached[kind].add(target)
        row: dict[str, int] = {}
        for number, targets in sorted(reached.items()):
            after = nfa.closure(targets)
            if after not in numbers:
                numbers[after] = len(todo)
                todo.append(after)
            row |= dict.fromkeys(kinds[number], numbers[after])
        rows.append(row)
        check_size(len(todo))
    return Dfa(rows, accepting)


def _kinds(sets: Iterable[frozenset[str]]) -> list[list[str]]:
    """Characters grouped by the sets that hold them."""
    members: dict[str, list[int]] = defaultdict(list)
    for number, characters in enumerate(sets):
        for character in characters:
            members[character].append(number)
    groups: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for character in sorted(members):
        groups[tuple(members[character])].append(character)
    return list(groups.values())
