"""What the invented forms have in common: colours, formats, fields that come often."""

from __future__ import annotations

from collections.abc import Sequence

from hwdigitize.forms.records import Grammar
from hwdigitize.training.archive import values as v
from hwdigitize.training.archive.form import Item

BLACK, GREEN, BLUE, RED, SEPIA = (
    (35, 35, 35),
    (110, 140, 50),
    (150, 90, 30),
    (70, 70, 190),
    (60, 85, 110),
)
ISO_DAY, SLASHED, DOTTED = "yyyy-mm-dd", "dd/mm/yyyy", "dd.mm.yyyy"
CLOCK = Grammar(format="hh:mm")
UPPER = Grammar(pattern=r"[A-Z][A-Z' -]{1,24}", case="upper")
TOWNS, SURNAMES = "towns.txt", "surnames.txt"


def dated(
    name: str,
    label: str,
    shape: str = SLASHED,
    first: int = 1930,
    last: int = 2024,
    **kept: object,
) -> Item:
    """A date field; in cells where ``groups`` are given."""
    grammar = Grammar(format=shape, minimum=f"{first}-01-01", maximum=f"{last}-12-31")
    return Item(name, label, "date", v.date(shape, first, last), grammar=grammar, **kept)  # type: ignore[arg-type]


def choice(
    name: str, label: str, options: Sequence[str], span: float = 1.0, many: bool = False
) -> Item:
    """Check boxes; an option is its value, or ``value=label``."""
    full = tuple(o if "=" in o else f"{o}={o}" for o in options)
    make = (v.some_of if many else v.one_of)([o.partition("=")[0] for o in full])
    return Item(name, label, "choice", make, span, options=full, multiple=many)


def numbered(name: str, label: str, low: int, high: int, span: float = 1.0) -> Item:
    """A whole number on a line."""
    grammar = Grammar(minimum=low, maximum=high)
    return Item(name, label, "number", v.whole(low, high), span, grammar)


def coded(name: str, label: str, letters: str, span: float = 0.5) -> Item:
    """A printed code: letters, a hyphen and six digits."""
    grammar, number = Grammar(pattern=f"{letters}-[0-9]{{6}}"), v.shaped("999999")
    return Item(name, label, "barcode", lambda case: f"{letters}-{number(case)}", span, grammar)


def figures(name: str, label: str, count: int, span: float = 1.0) -> Item:
    """Digits, one in each box."""
    grammar = Grammar(pattern=f"[0-9]{{{count}}}")
    return Item(name, label, "digits", v.shaped("9" * count), span, grammar, (count,))


def signed(name: str, label: str, span: float = 1.0) -> Item:
    """A line to sign on."""
    return Item(name, label, "signature", span=span)


def remarks(name: str, label: str, lines: int = 2) -> Item:
    """Lines for the writer's own words."""
    return Item(name, label, "lines", v.free_line, lines=lines)


def towns() -> tuple[str, ...]:
    """The towns that lists of towns name."""
    return v.towns(400)
