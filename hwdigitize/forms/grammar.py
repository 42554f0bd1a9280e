"""What a field may hold, compiled into an automaton that a decoder follows.

Each key of a grammar says something that every value must obey: pattern, list, format, range,
checksum. The automaton allows what obeys them all.
"""

from __future__ import annotations

import datetime
import functools
import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import numpy as np

from hwdigitize.errors import TemplateError
from hwdigitize.forms import ranges
from hwdigitize.forms.automaton import (
    Automaton,
    Dfa,
    TooLargeError,
    both,
    build_trie,
    to_automaton,
)
from hwdigitize.forms.checks import bad
from hwdigitize.forms.checksums import ChecksumError, checked, is_checked
from hwdigitize.forms.expressions import (
    DIGIT,
    Chars,
    Either,
    Expression,
    Joined,
    Repeated,
    build_dfa,
)
from hwdigitize.forms.patterns import ANY, PatternError, parse_pattern
from hwdigitize.forms.records import Field, Grammar

#: entries of a list of values, and characters of one
MOST_ENTRIES, LONGEST_ENTRY = 200_000, 100
#: what separates the parts of a date or time, and a number's whole part, when people write it
_DATE_SEPARATORS, _TIME_SEPARATORS, _POINTS = "/.-, ", ":.h- ", ".,"
_TYPOGRAPHIC = {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-"}
_NUMERIC = ("number", "digits")


class _WrongError(Exception):
    """A key of a grammar that is wrong: key, what, remedy."""


def compile_grammar(field: Field, folder: Path | str = "") -> Automaton | None:
    """The automaton of what a field may hold; None where anything may be written.

    Compiled once a process for all fields of one kind, size and grammar.

    Args:
        field: of a template.
        folder: of the template, where its lexicon lies.

    Raises:
        TemplateError: a key is wrong; the message names it and says what to change.
    """
    if field.kind in ("choice", "mark", "signature"):
        return None
    grammar, stamp = field.grammar, 0
    plain = Field(
        name="_",
        kind=field.kind,
        boxes=((0, 0, 1, 1),) * max(len(field.cell_boxes), 1),
        cells=int(bool(field.cells)),
        grammar=grammar,
    )
    try:
        if grammar.lexicon is not None:
            stamp = _lexicon_path(grammar, folder).stat().st_mtime_ns
        return _compiled(plain, str(folder), stamp)
    except _WrongError as error:
        key, what, remedy = error.args
        place = f'field "{field.name}", grammar.{key}'
        raise bad(Path(folder) / "form.toml", place, what, remedy) from error
    except OSError as error:
        place = f'field "{field.name}", grammar.lexicon'
        what = f"{grammar.lexicon} cannot be read: {error.strerror}"
        remedy = "Put the list beside form.toml, a value a line"
        raise bad(Path(folder) / "form.toml", place, what, remedy) from error


def format_of(field: Field) -> str:
    """The format of a date or time field; without one that of its cells, days first."""
    if field.grammar.format is not None:
        return field.grammar.format
    if field.kind == "time":
        return {4: "hhmm", 6: "hhmmss"}.get(len(field.cell_boxes), "hh:mm")
    return {6: "ddmmyy", 8: "ddmmyyyy"}.get(len(field.cell_boxes), "dd/mm/yyyy")


def bounds(
    field: Field,
) -> tuple[Decimal | datetime.date | datetime.time | None, ...]:
    """Minimum and maximum in the type of the field's kind.

    Raises:
        TemplateError: one is of another type.
    """
    try:
        return _bound(field, "minimum"), _bound(field, "maximum")
    except _WrongError as error:
        raise TemplateError(f'field "{field.name}", grammar.{": ".join(error.args)}') from error


@functools.lru_cache(maxsize=4096)
def _compiled(field: Field, folder: str, stamp: int) -> Automaton | None:
    """As :func:`compile_grammar`; ``stamp`` is the time of the lexicon's last change."""
    grammar = field.grammar
    _check_keys(field)
    try:
        spellings = _spellings(field)
        dfa = _without_list(field)
    except ranges.FormatError as error:
        raise _WrongError("format", str(error), "Correct it") from error
    except TooLargeError as error:
        raise _WrongError("pattern", str(error), "Describe less of it") from error
    except ChecksumError as error:
        raise _WrongError("checksum", str(error), "Add such a pattern") from error
    if grammar.values or grammar.lexicon:
        return _listed(field, folder, dfa, spellings)
    if dfa is None:
        return None
    if not dfa.accepting:
        key = "checksum" if grammar.checksum else "pattern" if grammar.pattern else "minimum"
        raise _WrongError(key, "nothing can be written that the grammar allows", "Widen it")
    compiled = to_automaton(dfa, spellings)
    if field.kind in ("date", "time"):
        parts, separators = ranges.parse_format(format_of(field), field.kind)
        return replace(compiled, canonical=_Separated(tuple(parts), tuple(separators)))
    return compiled


# What is said without a list.


def _without_list(field: Field) -> Dfa | None:
    """What kind, range, pattern and checksum allow together; None for anything."""
    grammar = field.grammar
    cased = _CASES[grammar.case]
    parts = [part for part in (_of_kind(field), _of_pattern(grammar)) if part is not None]
    if not parts and (grammar.checksum or grammar.case in ("upper", "lower")):
        listed = grammar.values or grammar.lexicon
        parts = [] if listed else [Repeated(Chars(ANY), 1, None)]
    if not parts:
        return None
    dfa = build_dfa(cased(parts[0]))
    for part in parts[1:]:
        dfa = both(dfa, build_dfa(cased(part)))
    return dfa if grammar.checksum is None else checked(dfa, grammar.checksum)


def _of_pattern(grammar: Grammar) -> Expression | None:
    if grammar.pattern is None:
        return None
    try:
        return parse_pattern(grammar.pattern)
    except PatternError as error:
        remedy = "docs/templates.md lists what a pattern may use"
        raise _WrongError("pattern", f"does not parse: {error}", remedy) from error


def _of_kind(field: Field) -> Expression | None:
    grammar, kind = field.grammar, field.kind
    low, high = _bound(field, "minimum"), _bound(field, "maximum")
    if kind in ("date", "time"):
        if grammar.values or grammar.lexicon or grammar.pattern:
            what, remedy = (
                f"a {kind} is described by its format",
                'Use kind = "text" or leave it',
            )
            raise _WrongError("pattern", what, remedy)
        make = ranges.date if kind == "date" else ranges.time
        return make(format_of(field), low, high)  # type: ignore[arg-type]
    ranged = low is not None or high is not None
    if kind not in _NUMERIC or (grammar.pattern is not None and not ranged):
        return None
    cells = len(field.cell_boxes)
    if kind == "digits" and not ranged:
        return Repeated(DIGIT, 1, cells or None)
    decimals = ranges.MOST_DECIMALS if grammar.pattern is not None else grammar.decimals
    digits = cells or ranges.MOST_DIGITS
    return ranges.number(low, high, decimals, digits)  # type: ignore[arg-type]


def _bound(field: Field, key: str) -> Decimal | datetime.date | datetime.time | None:
    given, kind = getattr(field.grammar, key), field.kind
    if given is None:
        return None
    try:
        if kind == "date":
            return datetime.date.fromisoformat(given)
        if kind == "time":
            return datetime.time.fromisoformat(given).replace(tzinfo=None)
        if kind in _NUMERIC and not isinstance(given, str) and abs(given) < 1e12:
            return Decimal(repr(given))
    except (TypeError, ValueError):
        pass
    wanted = {"date": 'a date, such as "2024-12-31"', "time": 'a time, such as "23:59"'}
    remedy = f"It must be {wanted.get(kind, 'a number below a million million')}"
    if kind not in (*_NUMERIC, "date", "time"):
        remedy = "Only numbers, digits, dates and times have a range"
    raise _WrongError(key, f"{given!r} is no bound of a {kind}", remedy)


def _check_keys(field: Field) -> None:
    """What needs no automaton to be seen wrong."""
    grammar, kind = field.grammar, field.kind
    low, high = _bound(field, "minimum"), _bound(field, "maximum")
    if low is not None and high is not None and low > high:  # type: ignore[operator]
        what = f"{grammar.minimum} is above the maximum, {grammar.maximum}"
        raise _WrongError("minimum", what, "Exchange them")
    if not 0 <= grammar.decimals <= ranges.MOST_DECIMALS:
        what = f"{grammar.decimals} cannot be"
        raise _WrongError("decimals", what, f"Use 0 to {ranges.MOST_DECIMALS}")
    if grammar.decimals and kind != "number":
        raise _WrongError("decimals", f"a {kind} has none", 'Make it kind = "number"')
    if grammar.format is not None and kind not in ("date", "time"):
        raise _WrongError("format", f"a {kind} has none", "Use a pattern, or kind date or time")
    if grammar.checksum and kind in ("date", "time"):
        raise _WrongError("checksum", f"a {kind} has none", "Leave it out")


# Lists of values.


def _listed(field: Field, folder: str, dfa: Dfa | None, spellings: dict[str, str]) -> Automaton:
    grammar = field.grammar
    entries = [(unicodedata.normalize("NFC", value), 1.0) for value in grammar.values]
    source = ["values"] * len(entries)
    if grammar.lexicon is not None:
        read = _read_lexicon(grammar, folder)
        source += ["lexicon"] * len(read)
        entries += read
    counts: dict[str, float] = {}
    for (text, frequency), key in zip(entries, source, strict=True):
        value = {"upper": text.upper(), "lower": text.lower()}.get(grammar.case, text)
        _check_entry(value, key, dfa, grammar)
        counts[value] = counts.get(value, 0.0) + frequency
    frequencies = np.array(list(counts.values()))
    weights = np.log(frequencies / frequencies.sum())
    if frequencies.min() == frequencies.max():
        weights[:] = 0.0
    return build_trie(list(counts), list(weights), spellings | _variants("".join(counts)))


def _check_entry(value: str, key: str, dfa: Dfa | None, grammar: Grammar) -> None:
    if not value.strip() or value != value.strip() or not value.isprintable():
        what = f'"{value}" is empty or has spaces around it'
        raise _WrongError(key, what, "Leave out empty values; they are no answer")
    if len(value) > LONGEST_ENTRY:
        what = f'"{value[:20]}…" has {len(value)} characters'
        raise _WrongError(key, what, f"Most are {LONGEST_ENTRY}")
    if dfa is not None and not dfa.accepts(value):
        what = f'"{value}" is not what pattern, range or checksum of the field allow'
        raise _WrongError(key, what, "Correct the one or the other")
    if dfa is None and grammar.checksum and not is_checked(value, grammar.checksum):
        raise _WrongError(key, f'"{value}" fails the checksum', "Correct it")


def _lexicon_path(grammar: Grammar, folder: Path | str) -> Path:
    name = grammar.lexicon or ""
    if not name or Path(name).name != name or "\0" in name:
        remedy = "Name a list beside form.toml"
        raise _WrongError("lexicon", f'"{name}" is not a file name', remedy)
    return Path(folder) / name


def _read_lexicon(grammar: Grammar, folder: str) -> list[tuple[str, float]]:
    """Values and their frequencies, 1 where none is given; empty lines are passed over."""
    try:
        text = _lexicon_path(grammar, folder).read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _WrongError("lexicon", "is not UTF-8 text", "Save it as UTF-8") from error
    entries: list[tuple[str, float]] = []
    for number, line in enumerate(text.split("\n"), 1):
        value, _, frequency = line.strip("\r").partition("\t")
        if not line.strip():
            continue
        if len(entries) == MOST_ENTRIES:
            remedy = "Leave out the rarest, or describe them by a pattern"
            raise _WrongError("lexicon", f"has more than {MOST_ENTRIES:,} values", remedy)
        try:
            count = float(frequency) if frequency else 1.0
        except ValueError:
            count = math.nan
        if not (0 < count < math.inf):
            what = f'line {number}: "{frequency}" is no frequency'
            raise _WrongError("lexicon", what, "Write value, tab, a number above 0")
        entries.append((unicodedata.normalize("NFC", value), count))
    if not entries:
        raise _WrongError("lexicon", f"{grammar.lexicon} is empty", "Write a value a line")
    return entries


# How symbols may be read, and values are written.


def _spellings(field: Field) -> dict[str, str]:
    """The characters as which a symbol may be read, where it is not that symbol alone."""
    if field.kind == "number":
        return {".": _POINTS}
    if field.kind in ("date", "time"):
        common = _DATE_SEPARATORS if field.kind == "date" else _TIME_SEPARATORS
        _, separators = ranges.parse_format(format_of(field), field.kind)
        return {s: "".join(dict.fromkeys(s + common)) for s in separators if s}
    if field.grammar.case == "exact":
        return {}
    letters = (c for c in ANY if len(c.swapcase()) == 1 and c.swapcase() != c)
    return {c: c + c.swapcase() for c in letters}


def _variants(text: str) -> dict[str, str]:
    """Characters that no network writes, and the plain ones they are read as."""
    strange = set(text) - ANY
    plain = {c: _TYPOGRAPHIC.get(c) or unicodedata.normalize("NFKD", c)[0] for c in strange}
    return {c: c + p for c, p in plain.items() if p != c}


def _upper(expression: Expression) -> Expression:
    return _recased(expression, str.upper)


def _lower(expression: Expression) -> Expression:
    return _recased(expression, str.lower)


def _recased(expression: Expression, case: Callable[[str], str]) -> Expression:
    if isinstance(expression, Chars):
        return Chars(frozenset(c for c in map(case, expression.characters) if len(c) == 1))
    if isinstance(expression, Repeated):
        part = _recased(expression.part, case)
        return Repeated(part, expression.least, expression.most)
    parts = tuple(_recased(part, case) for part in expression.parts)
    return Joined(parts) if isinstance(expression, Joined) else Either(parts)


_CASES: dict[str, Callable[[Expression], Expression]] = {
    "exact": lambda expression: expression,
    "ignore": lambda expression: expression,
    "upper": _upper,
    "lower": _lower,
}


@dataclass(frozen=True)
class _Separated:
    """Gives a date or time its separators and its zeros in front."""

    parts: tuple[str, ...]
    separators: tuple[str, ...]

    def __call__(self, text: str) -> str:
        digits = re.findall(r"\d+", text)
        if len(digits) != len(self.parts):
            joined, digits = "".join(digits), []
            for part in self.parts:
                digits.append(joined[: len(part)])
                joined = joined[len(part) :]
        filled = [d.zfill(len(part)) for d, part in zip(digits, self.parts, strict=True)]
        return "".join(a + b for a, b in zip(filled, (*self.separators, ""), strict=True))
