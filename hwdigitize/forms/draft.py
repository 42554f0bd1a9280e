"""A first form template from a blank form: its fields, with sensible names and kinds.

What is drawn to be written in is found by ``forms.shapes``, the text beside it by
``forms.labels``; fillable fields of a PDF are taken as they are. A draft is to be looked
through by a person: notes say where it is unsure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from hwdigitize.document import Box
from hwdigitize.forms.check_groups import Question, group_checks
from hwdigitize.forms.date_parts import Labelled, joined_parts
from hwdigitize.forms.found import Found, apart, named, on_page
from hwdigitize.forms.labels import Page, around
from hwdigitize.forms.naming import MULTIPLE, find_format, guess_kind, plain, unique
from hwdigitize.forms.pdf_layers import COMB, MULTILINE, REQUIRED, Printed, Widget
from hwdigitize.forms.records import CELLED, Choice, Field, Grammar, Kind
from hwdigitize.forms.shapes import Shape, find_marks, find_shapes

#: how far a label may be from its place, in mm
LEFT_MM, FAR_MM, ABOVE_MM, BELOW_MM = 25.0, 75.0, 6.5, 5.0
#: boxes as high as this take several lines
LINES_MM, NOTES_MM = 17.0, 11.0
#: lines of one place to write are at most so far apart, and begin and end at the same place
APART_MM, ALIKE_MM = 14.0, 3.0
#: a line without a label that runs over so much of the page divides it
DIVIDER = 0.72
#: headings of parts of dates and times, and of one letter of two
PARTS = re.compile(r"(y{2,4}|m{2}|d{2,3}|h{2}|s{2})$", re.IGNORECASE)
EITHER = re.compile(r"(\w)\s*/\s*(\w)$")


@dataclass(frozen=True, slots=True)
class BlankPage:
    """One page of a blank form: grey (H, W) uint8 upright, and what its file says of it."""

    grey: NDArray[np.uint8]
    dpi: float = 300.0
    printed: tuple[Printed, ...] = ()
    widgets: tuple[Widget, ...] = ()

    @property
    def marks(self) -> tuple[Box, ...]:
        """The corner marks, where four alike stand near the corners; else none."""
        return find_marks(self.grey, self.dpi)


@dataclass(frozen=True, slots=True)
class Draft:
    """What was found: the title, the fields in reading order, and what a person should know."""

    title: str
    fields: tuple[Field, ...]
    notes: tuple[str, ...]


def draft_form(pages: Sequence[BlankPage]) -> Draft:
    """Find the fields of a blank form.

    Every field has a name of its own and lies inside its page; no two fields overlap.
    """
    found: list[Found] = []
    for number, page in enumerate(pages):
        drafted = _from_widgets(page) if page.widgets else _from_shapes(page)
        found += [on_page(one, number, page.grey.shape) for one in drafted]
    fields, notes = named(apart(found))
    return Draft(_title(pages[0]) if pages else "", fields, notes)


def _title(page: BlankPage) -> str:
    """The largest print of the upper third."""
    upper = [p for p in page.printed if p.box[1] < page.grey.shape[0] / 3]
    largest = max(upper, key=lambda p: (p.height, -p.box[1]), default=None)
    return largest.text if largest else ""


# Drawn fields.


def _from_shapes(blank: BlankPage) -> list[Found]:
    shapes = find_shapes(blank.grey, blank.dpi)
    page = Page(list(blank.printed), [shape.across for shape in shapes], blank.dpi)
    checks = [shape.across for shape in shapes if shape.kind == "check"]
    found = [_asked(question) for question in group_checks(checks, page)]
    written = [shape for shape in shapes if shape.kind != "check"]
    for row in _rows(written, page):
        found += _row_fields(row, page, blank)
    found = _joined_lines(found, page)
    found.sort(key=lambda one: _reading_order(one.field.box, blank.dpi))
    joined = joined_parts([Labelled(one.field, one.label) for one in found], blank.dpi)
    return [_under_heading(Found(*one), page) for one in joined]


def _reading_order(box: Box, dpi: float) -> tuple[int, int]:
    """Rows of some 8 mm from the top, from left to right in each."""
    return round((box[1] + box[3]) / 2 / (dpi * 0.31)), box[0]


def _under_heading(one: Found, page: Page) -> Found:
    heading = page.heading(one.field.box)
    return Found(one.field, one.label, heading.text if heading else "")


def _asked(question: Question) -> Found:
    if len(question.boxes) == 1:
        return Found(Field(name="", kind="mark", boxes=question.boxes), question.label)
    values = _values(question.answers)
    choices = tuple(
        Choice(value=value, label=label if label != value else "", box=box)
        for value, label, box in zip(values, question.answers, question.boxes, strict=True)
    )
    asked = " ".join((question.label, *question.answers))
    multiple = bool(MULTIPLE.search(plain(asked)))
    return Found(
        Field(name="", kind="choice", choices=choices, multiple=multiple), question.label
    )


def _values(labels: Sequence[str]) -> list[str]:
    """A value for each label: the label itself, or its number where it has none."""
    values: list[str] = []
    for number, label in enumerate(labels, 1):
        values.append(unique(label or str(number), values))
    return values


def _rows(shapes: Sequence[Shape], page: Page) -> list[list[Shape]]:
    """Shapes that touch side by side, as the parts of a date or the cells of a table do."""
    rows: list[list[Shape]] = []
    for shape in sorted(shapes, key=lambda s: (s.across[0], s.across[1])):
        box = shape.across
        for row in rows:
            last = row[-1].across
            level = max(abs(last[1] - box[1]), abs(last[3] - box[3])) <= page.mm(0.8)
            if level and shape.kind != "line" and 0 <= box[0] - last[2] <= page.mm(1.5):
                row.append(shape)
                break
        else:
            rows.append([shape])
    return sorted(rows, key=lambda row: (row[0].across[1], row[0].across[0]))


def _row_fields(row: list[Shape], page: Page, blank: BlankPage) -> Iterator[Found]:
    if len(row) == 1:
        yield from _single(row[0], page, blank)
        return
    label = page.take(page.left_of(row[0].across, FAR_MM))
    for shape in row:
        head = page.take(page.above(_top(shape.across, page), ABOVE_MM, True))
        text = f"{label} {head}".strip()
        kind = _kind(shape, head or label, page)
        grammar = _part_grammar(head)
        yield Found(_written(shape, kind, "text" if grammar.values else kind, grammar), text)


def _top(box: Box, page: Page) -> Box:
    """The topmost of the boxes that stand on each other: a table's heading is above it."""
    while True:
        over = [
            place
            for place in page.places
            if abs(place[0] - box[0]) <= page.mm(1)
            and abs(place[2] - box[2]) <= page.mm(1)
            and 0 <= box[1] - place[3] <= page.mm(1.5)
        ]
        if not over:
            return box
        box = over[0]


def _part_grammar(head: str) -> Grammar:
    """What the heading of a small box says of its value: N/S is one of two, HH two digits."""
    either = EITHER.match(head.strip())
    if either:
        return Grammar(values=(either[1], either[2]))
    if PARTS.match(head.strip()):
        return Grammar(pattern=r"\d" * len(head.strip()))
    return Grammar()


def _single(shape: Shape, page: Page, blank: BlankPage) -> Iterator[Found]:
    label = _label(shape, page)
    wide = shape.across[2] - shape.across[0] >= DIVIDER * blank.grey.shape[1]
    if shape.kind == "line" and wide and not label:
        return
    kind = _kind(shape, label, page)
    grammar = Grammar(format=find_format(label, kind))
    drafted = _written(shape, kind, kind, grammar)
    yield Found(drafted, label, line=shape.kind == "line")


def _label(shape: Shape, page: Page) -> str:
    box = shape.across
    looks = (
        page.left_of(box, LEFT_MM),
        page.above(box, ABOVE_MM),
        page.left_of(box, FAR_MM),
        page.below(box, BELOW_MM) if shape.kind == "line" else [],
    )
    unused = (found for found in looks if found and not page.used.issuperset(found))
    return page.take(next(unused, []))


def _kind(shape: Shape, label: str, page: Page) -> Kind:
    """What the label speaks of, where the place can hold it; else by the place."""
    height = shape.across[3] - shape.across[1]
    guess: Kind = guess_kind(label) or "text"
    if shape.kind == "cells":
        return guess if guess in CELLED and guess != "text" else "letters"
    if guess == "lines":
        return "lines" if height >= page.mm(NOTES_MM) else "text"
    if guess == "text" and height >= page.mm(LINES_MM):
        return "lines"
    return guess


def _written(shape: Shape, kind: Kind, use: Kind, grammar: Grammar) -> Field:
    return Field(
        name="",
        kind=use if use in CELLED or not grammar.values else "text",
        boxes=shape.boxes,
        cells=1 if shape.kind == "cells" else 0,
        grammar=grammar if kind in CELLED else Grammar(),
    )


def _joined_lines(found: list[Found], page: Page) -> list[Found]:
    """Lines below each other of which only the first has a label are one place to write."""
    joined: list[Found] = []
    for one in found:
        above = next((i for i, other in enumerate(joined) if _follows(other, one, page)), None)
        if above is None:
            joined.append(one)
            continue
        first = joined[above]
        boxes = first.field.boxes + one.field.boxes
        joined[above] = Found(
            replace(first.field, kind="lines", boxes=boxes), first.label, line=True
        )
    return joined


def _follows(first: Found, one: Found, page: Page) -> bool:
    if (
        one.label
        or not (first.line and one.line)
        or {first.field.kind, one.field.kind} - {"text", "lines"}
    ):
        return False
    if not first.field.boxes or first.field.cells or one.field.cells:
        return False
    last, box = first.field.boxes[-1], one.field.boxes[0]
    alike = max(abs(last[0] - box[0]), abs(last[2] - box[2])) <= page.mm(ALIKE_MM)
    return alike and box[1] - last[3] + 4 >= 0 and box[3] - last[3] <= page.mm(APART_MM)


# Fillable fields of a PDF.


def _from_widgets(blank: BlankPage) -> list[Found]:
    """The fields as their PDF describes them; boxes of one name are one field."""
    by_name: dict[str, list[Widget]] = {}
    for number, widget in enumerate(blank.widgets):
        by_name.setdefault(widget.name or f"#{number}", []).append(widget)
    places = [widget.box for widget in blank.widgets]
    page = Page(list(blank.printed), places, blank.dpi)
    return [_from_widget(widgets, page) for widgets in by_name.values()]


def _from_widget(widgets: list[Widget], page: Page) -> Found:
    first = widgets[0]
    boxes = tuple(widget.box for widget in widgets)
    # the last part of a name such as form1.page1.surname[0] is the field's own
    name = re.sub(r"\[\d+\]", "", first.name).rpartition(".")[2] or first.label
    label = first.label or _label(Shape("box", (around(boxes),)), page)
    required = bool(first.flags & REQUIRED)
    if first.kind in ("check", "radio") and len(widgets) > 1:
        values = _values([widget.value or widget.label for widget in widgets])
        texts = [page.take(page.right_of(box, 9.0)) for box in boxes]
        choices = tuple(
            Choice(value=value, label=text, box=box)
            for value, text, box in zip(values, texts, boxes, strict=True)
        )
        drafted = Field(name=name, kind="choice", choices=choices, required=required)
    elif first.kind in ("check", "radio"):
        drafted = Field(name=name, kind="mark", boxes=boxes, required=required)
    elif first.kind == "signature":
        drafted = Field(name=name, kind="signature", boxes=boxes, required=required)
    else:
        drafted = _text_widget(first, boxes, f"{label} {name}", required, page)
        drafted = replace(drafted, name=name)
    return Found(drafted, label)


def _text_widget(
    widget: Widget, boxes: tuple[Box, ...], about: str, required: bool, page: Page
) -> Field:
    combed = bool(widget.flags & COMB) and widget.length > 1
    cells = widget.length if combed and widget.length <= 200 else 0
    kind = _kind(Shape("cells" if cells else "box", boxes), about.replace("_", " "), page)
    if widget.flags & MULTILINE and not cells:
        kind = "lines"
    if widget.kind == "list":
        kind = "text"
    values = tuple(dict.fromkeys(filter(None, widget.options)))
    return Field(
        name="",
        kind=kind,
        boxes=boxes,
        cells=cells,
        required=required,
        grammar=Grammar(values=values),
    )
