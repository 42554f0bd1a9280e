"""What a form template says: pages, fields, boxes and what may be written in them.

Boxes are in template pixels, those of the page's blank: left, top, right, bottom, right and
bottom exclusive. Pages are counted from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal, get_args

from hwdigitize.document import Box, Record

Kind = Literal[
    "text",
    "lines",
    "letters",
    "digits",
    "number",
    "date",
    "time",
    "choice",
    "mark",
    "signature",
    "barcode",
]
Checksum = Literal["luhn", "mod11", "mod97"]
Case = Literal["exact", "upper", "lower", "ignore"]
#: a number, or a date or time as ISO 8601 writes it
Bound = float | str

KINDS: tuple[str, ...] = get_args(Kind)
#: kinds that are written in characters, and so may have a grammar
WRITTEN = ("text", "lines", "letters", "digits", "number", "date", "time", "barcode")
#: kinds that may have a place for each character
CELLED = ("text", "letters", "digits", "number", "date", "time")


class Choice(Record, frozen=True, kw_only=True):
    """One check box of a choice: the value it stands for and what is printed beside it."""

    value: str
    box: Box
    label: str = ""


class Grammar(Record, frozen=True, kw_only=True):
    """What a field's value may be; docs/templates.md describes each key.

    ``lexicon`` is a file beside form.toml, a value a line, optionally a tab and its frequency.
    ``minimum`` and ``maximum`` are numbers, for dates and times text such as 2024-12-31, 23:59;
    ``decimals`` is the most digits after the point. ``case`` "upper" and "lower" give the
    value that case whatever was written, "ignore" takes any case for that of the list.
    """

    pattern: str | None = None
    values: tuple[str, ...] = ()
    lexicon: str | None = None
    format: str | None = None
    minimum: Bound | None = None
    maximum: Bound | None = None
    decimals: int = 0
    checksum: Checksum | None = None
    language: str | None = None
    case: Case = "exact"


class Field(Record, frozen=True, kw_only=True):
    """One field of a form.

    ``boxes`` are the places where it is written, in reading order; a choice has none, but
    ``choices``. ``cells`` says how many characters each box has a place for: 0, it is not
    divided; 1, each box is one cell; more, each box is a comb of equal cells. ``multiple``
    allows a choice more than one answer. ``printed`` says that what the blank prints in the
    boxes is part of the value, such as "20" of a year, and is not taken out.
    """

    name: str
    kind: Kind
    page: int = 0
    boxes: tuple[Box, ...] = ()
    cells: int = 0
    label: str = ""
    required: bool = False
    multiple: bool = False
    printed: bool = False
    choices: tuple[Choice, ...] = ()
    grammar: Grammar = Grammar()

    @property
    def cell_boxes(self) -> tuple[Box, ...]:
        """The cells, one a character, in reading order; none where boxes are not divided."""
        return tuple(cell for box in self.boxes for cell in split(box, self.cells))

    @property
    def places(self) -> tuple[Box, ...]:
        """All boxes, those of the choices among them."""
        return self.boxes + tuple(choice.box for choice in self.choices)

    @property
    def box(self) -> Box:
        """The least box around all places."""
        left, top, right, bottom = zip(*self.places, strict=True)
        return min(left), min(top), max(right), max(bottom)


class TemplatePage(Record, frozen=True, kw_only=True):
    """One page: its blank, a file beside form.toml, and the marks printed to register it.

    ``size_px`` is width and height of the blank, taken from it where form.toml has none.
    """

    blank: str
    size_px: tuple[int, int] = (0, 0)
    dpi: float = 300.0
    marks: tuple[Box, ...] = ()


class Template(Record, frozen=True, kw_only=True):
    """A form: its pages, its fields in the order of the results, rules across fields.

    ``folder`` is where it was loaded from; it is not written to form.toml.
    """

    id: str
    version: str
    pages: tuple[TemplatePage, ...]
    fields: tuple[Field, ...]
    title: str = ""
    rules: tuple[str, ...] = ()
    folder: str = ""

    def on_page(self, page: int) -> tuple[Field, ...]:
        """The fields of one page."""
        return tuple(field for field in self.fields if field.page == page)

    def field(self, name: str) -> Field:
        """The field of that name.

        Raises:
            KeyError: there is none.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    def path(self, name: str) -> Path:
        """A file of the template's folder."""
        return Path(self.folder) / name


def split(box: Box, cells: int) -> Iterator[Box]:
    """A comb's cells, equal but for rounding."""
    left, top, right, bottom = box
    edges = [left + round((right - left) * i / max(cells, 1)) for i in range(cells + 1)]
    for first, last in pairwise(edges):
        yield first, top, last, bottom
