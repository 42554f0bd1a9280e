"""Boxes for hours and minutes, or day, month and year, joined to one time or date.

Forms print HH and MM over two boxes, or DD MM YYYY over three; what is written is one value,
and only as one can it be checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from hwdigitize.forms.labels import around
from hwdigitize.forms.naming import plain
from hwdigitize.forms.records import Field, Grammar, Kind

#: parts that stand on one line, at most so far apart in mm
LEVEL_MM, APART_MM = 1.5, 8.0
#: what parts make together, by how many there are; the longer is tried first
TIMES = (("hh", "mm", "ss"), ("hh", "mm"))
DATES = (frozenset({"dd", "mm", "yyyy"}), frozenset({"dd", "mm", "yy"}))
PARTS = frozenset({"hh", "mm", "ss", "dd", "yy", "yyyy"})


class Labelled(NamedTuple):
    """A drafted field and the text beside it."""

    field: Field
    label: str

    @property
    def part(self) -> str:
        """The part of a date or time that it is for; empty if for none."""
        last = plain(self.label).rpartition(" ")[2].strip("():.")
        return last if last in PARTS else ""

    @property
    def asked(self) -> str:
        """Its label without the part."""
        return self.label.rpartition(" ")[0] if self.part else self.label


def joined_parts(drafted: Sequence[Labelled], dpi: float) -> list[Labelled]:
    """The fields in their order, with parts beside each other as one date or time.

    Args:
        drafted: in reading order.
        dpi: of the page.
    """
    return list(_joined(list(drafted), dpi / 25.4))


def _joined(left: list[Labelled], mm: float) -> Iterator[Labelled]:
    while left:
        count, kind = _whole(left, mm)
        yield _one(left[:count], kind) if kind else left[0]
        del left[:count]


def _whole(left: Sequence[Labelled], mm: float) -> tuple[int, Kind | None]:
    """How many of the first fields are one value, and what it is."""
    for count in (3, 2):
        group = left[:count]
        parts = tuple(one.part for one in group)
        kind: Kind | None = (
            "time" if parts in TIMES else "date" if frozenset(parts) in DATES else None
        )
        if kind and len(group) == count and _beside(group, mm):
            return count, kind
    return 1, None


def _beside(group: Sequence[Labelled], mm: float) -> bool:
    """Whether boxes stand on one line, close, and only the first has more of a label."""
    return all(
        abs(a.field.box[3] - b.field.box[3]) <= LEVEL_MM * mm
        and -mm <= b.field.box[0] - a.field.box[2] <= APART_MM * mm
        and b.asked in ("", group[0].asked)
        for a, b in pairwise(group)
    )


def _one(group: Sequence[Labelled], kind: Kind) -> Labelled:
    """One field of parts: their cells side by side, or one box around them."""
    first, parts = group[0], [one.part for one in group]
    celled = all(one.field.cells for one in group)
    boxes = tuple(box for one in group for box in one.field.boxes)
    separator = "" if celled else ":" if kind == "time" else "/"
    field = replace(
        first.field,
        kind=kind,
        boxes=boxes if celled else (around(boxes),),
        cells=1 if celled else 0,
        grammar=Grammar(format=separator.join(parts)),
    )
    return Labelled(field, first.asked)
