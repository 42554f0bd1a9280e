"""Check digits as automata: what a pattern allows, less what does not check.

Spaces and hyphens are passed over. For Luhn and modulo 11 the automata hold for any length;
for modulo 97 the pattern has to say how long the value is and where its letters stand, as the
weight of a digit depends on what follows it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hwdigitize.forms.automaton import Dfa, intersection
from hwdigitize.forms.records import Checksum

_PASSED_OVER = " -"


class ChecksumError(ValueError):
    """A pattern to which a checksum cannot be applied."""


class _Checker(NamedTuple):
    """An automaton given by functions; see :func:`intersection`."""

    start: tuple[int, ...]
    step: Callable[[tuple[int, ...], str], tuple[int, ...] | None]
    accepts: Callable[[tuple[int, ...]], bool]


def checked(dfa: Dfa, checksum: Checksum) -> Dfa:
    """What of a language has a good checksum.

    Raises:
        ChecksumError: modulo 97 of a language whose lengths or letters vary.
        TooLargeError: the automaton would have too many states.
    """
    checker = {"luhn": _luhn, "mod11": _mod11, "mod97": _mod97}[checksum](dfa)

    def step(state: tuple[int, ...], character: str) -> tuple[int, ...] | None:
        return state if character in _PASSED_OVER else checker.step(state, character)

    return intersection(dfa, checker.start, step, checker.accepts)


def is_checked(text: str, checksum: Checksum) -> bool:
    """Whether one value has a good checksum."""
    dfa = Dfa([{c: n + 1} for n, c in enumerate(text)] + [{}], {len(text)})
    try:
        return checked(dfa, checksum).accepts(text)
    except ChecksumError:
        return False


def _luhn(dfa: Dfa) -> _Checker:
    """ISO/IEC 7812: every second digit from the right, the check digit first, counts double.

    From the left the two cases of even and odd length are carried along.
    """

    def double(digit: int) -> int:
        return digit * 2 - 9 * (digit > 4)

    def step(state: tuple[int, ...], character: str) -> tuple[int, ...] | None:
        if not character.isdecimal():
            return None
        plain, doubled = state
        digit = int(character)
        return (doubled + digit) % 10, (plain + double(digit)) % 10

    return _Checker((0, 0), step, lambda state: state[0] == 0)


def _mod11(dfa: Dfa) -> _Checker:
    """ISBN-10: digits weigh 1, 2, 3 … from the right, X at the end is ten; the sum is 0.

    State: the sum, the digits' sum, and whether X has ended it.
    """

    def step(state: tuple[int, ...], character: str) -> tuple[int, ...] | None:
        total, digits, ended = state
        if ended or not (character.isdecimal() or character in "Xx"):
            return None
        is_ten = character in "Xx"
        digits = (digits + (10 if is_ten else int(character))) % 11
        return (total + digits) % 11, digits, int(is_ten)

    return _Checker((0, 0, 0), step, lambda state: state[0] == 0)


def _mod97(dfa: Dfa) -> _Checker:
    """ISO 7064 modulo 97-10: the number is 1; letters are 10 to 35.

    A value that begins with two letters is taken for an IBAN (ISO 13616), whose first four
    characters go behind the others.
    """
    widths = _widths(dfa)
    order = list(range(len(widths)))
    if widths[:2] == [2, 2]:
        order = order[4:] + order[:4]
    weights, weight = [0] * len(widths), 1
    for position in reversed(order):
        weights[position] = weight
        weight = weight * 10 ** widths[position] % 97

    def step(state: tuple[int, ...], character: str) -> tuple[int, ...] | None:
        position, total = state
        if not (character.isascii() and character.isalnum()):
            return None
        return position + 1, (total + int(character, 36) * weights[position]) % 97

    return _Checker((0, 0), step, lambda state: state[1] == 1)


def _widths(dfa: Dfa) -> list[int]:
    """Decimal digits of each position, 1 for a digit and 2 for a letter.

    Raises:
        ChecksumError: lengths vary, or a position may be digit and letter.
    """
    widths: list[int] = []
    at: set[int] = {0}
    while True:
        while (
            passed := {t for s in at for c, t in dfa.moves[s].items() if c in _PASSED_OVER} - at
        ):
            at |= passed
        moves = [(c, t) for s in at for c, t in dfa.moves[s].items() if c not in _PASSED_OVER]
        if not moves:
            return widths
        kinds = {1 if c.isdecimal() else 2 for c, _ in moves}
        if len(kinds) > 1 or at & dfa.accepting or len(widths) > 64:
            raise ChecksumError(
                "modulo 97 needs a pattern of one length, with letters and digits each in "
                r"their places, such as DE\d{20}"
            )
        widths.append(kinds.pop())
        at = {t for _, t in moves}
