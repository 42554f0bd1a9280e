"""Expressions for numbers in a range, real dates and times of day."""

from __future__ import annotations

import datetime
import functools
import math
import re
from collections.abc import Iterator
from decimal import Decimal

from hwdigitize.forms.expressions import (
    DIGIT,
    EMPTY,
    Chars,
    Either,
    Expression,
    Joined,
    literal,
    one_of,
)

#: digits before the point where no maximum says otherwise, and most after it
MOST_DIGITS, MOST_DECIMALS = 12, 9
POINT = Chars(frozenset("."))
#: the format's parts; of days and months one digit is enough where separators are written
_PARTS = re.compile(r"yyyy|yy|dd|mm|hh|ss")
_DATE_PARTS = ({"dd", "mm", "yyyy"}, {"dd", "mm", "yy"})
_TIME_PARTS = (("hh", "mm"), ("hh", "mm", "ss"))
#: years of dates without bounds
FIRST_YEAR, LAST_YEAR = 1000, 2999
#: two-digit years from here on are of the 1900s where no bounds say otherwise (as POSIX has it)
PIVOT = 69

Span = tuple[int, int]


class FormatError(ValueError):
    """A date or time format that cannot be."""


def number(low: Decimal | None, high: Decimal | None, decimals: int, digits: int) -> Expression:
    """Numbers from ``low`` to ``high`` with at most ``decimals`` digits after the point.

    Zeros may stand in front, up to as many digits as the largest number has, or ``digits``
    where there is no maximum. A minus is possible only where ``low`` is negative.
    """
    low = Decimal(0) if low is None else low
    largest = Decimal(10) ** digits - 1
    high = largest if high is None else high
    parts = list(_from_to(max(low, Decimal(0)), high, decimals)) if high >= 0 else []
    if low < 0:
        below = _from_to(max(-high, Decimal(0)), -low, decimals)
        parts += [Joined((Chars(frozenset("-")), part)) for part in below]
    return Either(tuple(parts))


def _from_to(low: Decimal, high: Decimal, decimals: int) -> Iterator[Expression]:
    """Numbers from 0 up, an expression for each count of digits before and after the point."""
    for places in range(decimals + 1):
        first = math.ceil(low.scaleb(places))
        last = math.floor(high.scaleb(places))
        for whole in range(1, len(str(int(high))) + 1):
            top = min(last, 10 ** (whole + places) - 1)
            if first <= top:
                width = whole + places
                yield fixed(f"{first:0{width}d}", f"{top:0{width}d}", places)


def fixed(low: str, high: str, point: int = 0) -> Expression:
    """Digits of one length from ``low`` to ``high``, a point before the last ``point``."""
    if point and len(low) == point:
        return Joined((POINT, fixed(low, high)))
    if not low:
        return EMPTY
    rest = len(low) - 1
    if low == "0" * len(low) and high == "9" * len(high):
        return Joined((DIGIT, fixed("0" * rest, "9" * rest, point)))
    if low[0] == high[0]:
        return Joined((literal(low[0]), fixed(low[1:], high[1:], point)))
    parts = [
        Joined((literal(low[0]), fixed(low[1:], "9" * rest, point))),
        Joined((literal(high[0]), fixed("0" * rest, high[1:], point))),
    ]
    between = frozenset(map(str, range(int(low[0]) + 1, int(high[0]))))
    if between:
        parts.append(Joined((Chars(between), fixed("0" * rest, "9" * rest, point))))
    return Either(tuple(parts))


def parse_format(form: str, kind: str) -> tuple[list[str], list[str]]:
    """The parts of a date or time format and what separates them.

    Raises:
        FormatError: a part is missing, twice or unknown.
    """
    parts = _PARTS.findall(form)
    separators = _PARTS.split(form)
    known = set(parts) in _DATE_PARTS if kind == "date" else tuple(parts) in _TIME_PARTS
    plain = all(len(s) <= 1 and not s.isalnum() for s in separators)
    if (
        not known
        or len(parts) != len(set(parts))
        or not plain
        or separators[0] + separators[-1]
    ):
        example = "dd/mm/yyyy, dd.mm.yy or yyyymmdd" if kind == "date" else "hh:mm or hh:mm:ss"
        raise FormatError(f'"{form}" is no format of a {kind}; write one such as {example}')
    return parts, separators[1:-1]


def date(form: str, low: datetime.date | None, high: datetime.date | None) -> Expression:
    """Real dates in a format such as dd/mm/yyyy, separators written or not."""
    parts, separators = parse_format(form, "date")
    first = low or datetime.date(FIRST_YEAR, 1, 1)
    last = high or datetime.date(LAST_YEAR, 12, 31)
    pieces = list(_dates(_ordered(first), _ordered(last)))
    order = ["yyyy" if "yyyy" in parts else "yy", "mm", "dd"]
    return _laid_out(parts, separators, pieces, order)


def time(form: str, low: datetime.time | None, high: datetime.time | None) -> Expression:
    """Times of day in a format such as hh:mm, separators written or not."""
    parts, separators = parse_format(form, "time")
    first, last = low or datetime.time(0, 0), high or datetime.time(23, 59, 59)
    bounds = [(t.hour, t.minute, t.second)[: len(parts)] for t in (first, last)]
    spans = _between(bounds[0], bounds[1], ((0, 23), (0, 59), (0, 59))[: len(parts)])
    pieces = [[list(range(a, b + 1)) for a, b in piece] for piece in spans]
    return _laid_out(parts, separators, pieces, parts)


def _ordered(day: datetime.date) -> tuple[int, int, int]:
    return day.year, day.month, day.day


def _dates(low: tuple[int, ...], high: tuple[int, ...]) -> Iterator[list[list[int]]]:
    """Years, months and days that all go together, piece by piece, between two dates."""
    for years, months, days in _between(low, high, ((1, 9999), (1, 12), (1, 31))):
        every = list(range(years[0], years[1] + 1))
        leap = [y for y in every if y % 4 == 0 and (y % 100 != 0 or y % 400 == 0)]
        for which, longest, in_years in (
            ((1, 3, 5, 7, 8, 10, 12), 31, every),
            ((4, 6, 9, 11), 30, every),
            ((2,), 28, every),
            ((2,), 29, leap),
        ):
            some_months = [m for m in which if months[0] <= m <= months[1]]
            some_days = list(range(days[0], min(days[1], longest) + 1))
            if in_years and some_months and some_days:
                yield [in_years, some_months, some_days]


def _between(
    low: tuple[int, ...], high: tuple[int, ...], limits: tuple[Span, ...]
) -> Iterator[list[Span]]:
    """Tuples from ``low`` to ``high`` in their order, as boxes of spans."""
    if not limits:
        yield []
        return
    if low > high:
        return
    least, most = (tuple(limit[side] for limit in limits) for side in (0, 1))
    if low == least and high == most:
        yield list(limits)
    elif low[0] == high[0]:
        yield from ([(low[0], low[0]), *r] for r in _between(low[1:], high[1:], limits[1:]))
    else:
        yield from ([(low[0], low[0]), *r] for r in _between(low[1:], most[1:], limits[1:]))
        if low[0] + 1 < high[0]:
            yield [(low[0] + 1, high[0] - 1), *limits[1:]]
        yield from ([(high[0], high[0]), *r] for r in _between(least[1:], high[1:], limits[1:]))


def _laid_out(
    parts: list[str],
    separators: list[str],
    pieces: list[list[list[int]]],
    order: list[str],
) -> Expression:
    """The pieces in the order of the format; one digit will do only between separators."""
    without = Either(
        tuple(
            Joined(tuple(_values(part, piece[order.index(part)], False) for part in parts))
            for piece in pieces
        )
    )
    if not all(separators):
        return without
    spaced = [[*parts[:1]], *([s, p] for s, p in zip(separators, parts[1:], strict=True))]
    with_them = Either(
        tuple(
            Joined(
                tuple(
                    literal(word)
                    if word in separators
                    else _values(word, piece[order.index(word)], True)
                    for words in spaced
                    for word in words
                )
            )
            for piece in pieces
        )
    )
    return Either((without, with_them))


def _values(part: str, values: list[int], short: bool) -> Expression:
    return _written(part, tuple(values), short and part in ("dd", "mm", "hh"))


@functools.lru_cache(maxsize=256)
def _written(part: str, values: tuple[int, ...], short: bool) -> Expression:
    """Values of a part as written; ``short`` allows 3 for 03."""
    width = len(part)
    if part == "yyyy" and values == tuple(range(values[0], values[-1] + 1)):
        return fixed(f"{values[0]:04d}", f"{values[-1]:04d}")
    texts = {f"{value % 10**width:0{width}d}" for value in values}
    if short:
        texts |= {str(value) for value in values}
    return one_of(sorted(texts))


def read_date(
    form: str, text: str, low: datetime.date | None, high: datetime.date | None
) -> datetime.date | None:
    """The date that a value means; None where there is none.

    A year of two digits is the one within the bounds where there is just one, else of the
    century from 1969 on.
    """
    parts, separators = parse_format(form, "date")
    digits = _read(parts, separators, text)
    if digits is None:
        return None
    values = dict(zip(parts, digits, strict=True))
    years = [values["yyyy"]] if "yyyy" in values else _centuries(values["yy"], low, high)
    try:
        return datetime.date(years[0], values["mm"], values["dd"])
    except ValueError:
        return None


def read_time(form: str, text: str) -> datetime.time | None:
    """The time of day that a value means; None where there is none."""
    digits = _read(*parse_format(form, "time"), text)
    if digits is None:
        return None
    try:
        return datetime.time(digits[0], digits[1], sum(digits[2:]))
    except ValueError:
        return None


def _read(parts: list[str], separators: list[str], text: str) -> list[int] | None:
    pattern = rf"(\d{{{len(parts[0])}}})"
    for separator, part in zip(separators, parts[1:], strict=True):
        pattern += re.escape(separator) + rf"(\d{{{len(part)}}})"
    match = re.fullmatch(pattern, text, re.ASCII)
    return None if match is None else [int(digits) for digits in match.groups()]


def _centuries(year: int, low: datetime.date | None, high: datetime.date | None) -> list[int]:
    """Years that two digits may mean, the likeliest first."""
    usual = year + (1900 if year >= PIVOT else 2000)
    first, last = low.year if low else usual, high.year if high else usual
    within = [y for y in range(year, 10000, 100) if first <= y <= last and y >= FIRST_YEAR]
    return within if len(within) == 1 else [usual]
