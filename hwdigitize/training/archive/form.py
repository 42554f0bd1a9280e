"""Lays out invented forms: rows of fields become a template, its blanks and its lexicons.

Lengths are millimetres on paper unless the name says px; blanks are drawn at DPI.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hwdigitize.document import Box
from hwdigitize.forms.records import Choice, Field, Grammar, Kind, Template, TemplatePage
from hwdigitize.forms.template import save_template
from hwdigitize.training.archive.values import Case
from hwdigitize.training.synthetic.ink import Ink
from hwdigitize.training.synthetic.paper import Colour, px
from hwdigitize.training.synthetic.printed import paste

DPI = 300
Maker: TypeAlias = Callable[[Case], str]
Cells = Literal["boxes", "comb", "gapped"]
Ground = Literal["line", "dots", "box", "none"]

A4, A5, LETTER, A6 = (210.0, 297.0), (148.0, 210.0), (215.9, 279.4), (105.0, 148.0)
NO_GRAMMAR = Grammar()
#: space between a label and what it names
LABEL_GAP = 1.0
MARK_MM = 5.0
#: pages that are not full get higher rows, by at most so much; tall rows stay as they are
MOST_STRETCH, TALL_MM = 1.3, 20.0
#: space under a row
BELOW_MM = 1.6


@dataclass(frozen=True)
class Style:
    """How a form is printed."""

    colour: Colour = (40, 40, 40)
    cells: Cells = "boxes"
    ground: Ground = "line"
    label: Literal["above", "before", "inside"] = "above"
    label_mm: float = 2.0
    """Height of the labels' capitals."""
    line_mm: float = 0.2
    cell_mm: tuple[float, float] = (5.2, 7.0)
    check_mm: float = 3.6
    margin: float = 14.0
    face: int = 0
    """Which of the printed typefaces."""
    corner_marks: bool = False
    band: bool = False
    """Section headings stand white on a dark band."""


@dataclass(frozen=True)
class Item:
    """One field in a row: ``span`` is its share of the row's width."""

    name: str
    label: str
    kind: Kind
    make: Maker | None = None
    span: float = 1.0
    grammar: Grammar = NO_GRAMMAR
    groups: tuple[int, ...] = ()
    """Cells of a letters, digits or date field, with gaps between the groups."""
    between: str = ""
    """Printed into the gaps between groups."""
    options: tuple[str, ...] = ()
    multiple: bool = False
    lines: int = 1
    required: bool = False


@dataclass(frozen=True)
class Print:
    """Words that are printed; a heading, or small print."""

    text: str
    mm: float = 2.0
    band: bool = False


@dataclass(frozen=True)
class Table:
    """Columns repeated down the page; names of fields get ``_1``, ``_2`` and so on."""

    columns: tuple[Item, ...]
    rows: int
    row_mm: float = 8.0
    numbered: bool = True


Part: TypeAlias = Print | Table | tuple[float, tuple[Item, ...]] | float
"""Words, a table, a row of a height with its fields, or empty space."""


@dataclass(frozen=True)
class Slot:
    """A field, how its value is made, its row in a table, and the lines it has room for."""

    field: Field
    make: Maker | None
    row: int = 0
    lines: int = 1


@dataclass(frozen=True)
class Design:
    """A form: its template, the ink (H, W) of each blank, its colour, and what fills it."""

    template: Template
    inks: tuple[Ink, ...]
    colour: Colour
    slots: tuple[Slot, ...]
    lexicons: dict[str, tuple[str, ...]]

    def save(self, folder: Path) -> None:
        """Write ``form.toml``, blanks and lexicons into a folder named after the form."""
        home = folder / self.template.id
        home.mkdir(parents=True, exist_ok=True)
        for page, ink in zip(self.template.pages, self.inks, strict=True):
            grey = round(float(np.dot(self.colour, (0.114, 0.587, 0.299))))
            blank = 255 - ink.astype(np.float32) * ((255 - grey) / 255)
            cv2.imwrite(str(home / page.blank), blank.astype(np.uint8))
        for name, values in self.lexicons.items():
            (home / name).write_text("\n".join(values) + "\n", "utf-8")
        save_template(self.template, home)


@dataclass
class Layout:
    """A form while it is laid out, page by page from top to bottom."""

    size: tuple[float, float]
    style: Style
    face: Path | None
    inks: list[Ink] = field(default_factory=list)
    marks: list[tuple[Box, ...]] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    y: float = 0.0
    stretch: float = 1.0

    def page(self, parts: Sequence[Part]) -> None:
        """Lay out one page."""
        width, height = (px(side, DPI) for side in self.size)
        self.inks.append(np.zeros((height, width), np.uint8))
        self.marks.append(self._corner_marks() if self.style.corner_marks else ())
        self.y = self.style.margin
        room = self.size[1] - 2 * self.style.margin
        self.stretch = min(MOST_STRETCH, max(1.0, room / sum(map(self._height, parts))))
        for part in parts:
            self._part(part)
        if self.y > self.size[1]:
            raise ValueError(f"the page is {self.y - self.size[1]:.0f} mm too short")

    def _height(self, part: Part) -> float:
        """How much of the page a part takes, not stretched."""
        if isinstance(part, float | int):
            return float(part)
        if isinstance(part, Print):
            return part.mm * 1.9 + 1.2
        if isinstance(part, Table):
            return 2.6 * self.style.label_mm + part.rows * part.row_mm + 1.0
        return part[0]

    def _part(self, part: Part) -> None:
        if isinstance(part, float | int):
            self.y += part * self.stretch
        elif isinstance(part, Print):
            self._words(part)
        elif isinstance(part, Table):
            self._table(part)
        else:
            height = part[0] * (self.stretch if part[0] < TALL_MM else 1.0)
            self._row(height, part[1], 0)
            self.y += height

    # Print.

    @property
    def _width(self) -> float:
        return self.size[0] - 2 * self.style.margin

    def _print(self, text: str, x: float, baseline: float, mm: float) -> float:
        """Print a text; returns its width."""
        ink = print_ink(text, self.face, mm)
        left, low = px(x, DPI), px(baseline, DPI)
        paste(self.inks[-1], ink.image, left, low - ink.ascent)
        return float(ink.image.shape[1] * 25.4 / DPI)

    def _words(self, part: Print) -> None:
        high = part.mm * 1.9
        if part.band and self.style.band:
            self._fill(
                (self.style.margin, self.y, self.size[0] - self.style.margin, self.y + high)
            )
            ink = print_ink(part.text, self.face, part.mm)
            top = px(self.y + 1.45 * part.mm, DPI) - ink.ascent
            left = px(self.style.margin + 2, DPI)
            under = self.inks[-1][top:, left:][: ink.image.shape[0], : ink.image.shape[1]]
            np.subtract(under, ink.image[: under.shape[0], : under.shape[1]], out=under)
        else:
            self._print(part.text, self.style.margin, self.y + 1.3 * part.mm, part.mm)
        self.y += high + 1.2

    def _fill(self, box: tuple[float, float, float, float], level: int = 255) -> None:
        left, top, right, bottom = _px_box(box)
        self.inks[-1][top:bottom, left:right] = level

    def _line(self, x0: float, y0: float, x1: float, y1: float, dotted: bool = False) -> None:
        start, end = (px(x0, DPI), px(y0, DPI)), (px(x1, DPI), px(y1, DPI))
        thick = max(1, px(self.style.line_mm, DPI))
        if not dotted:
            cv2.line(self.inks[-1], start, end, 255, thick)
            return
        for x in range(start[0], end[0], px(1.0, DPI)):
            cv2.circle(self.inks[-1], (x, start[1]), max(1, thick // 2), 255, -1)

    def _frame(self, box: tuple[float, float, float, float]) -> None:
        left, top, right, bottom = _px_box(box)
        thick = max(1, px(self.style.line_mm, DPI))
        cv2.rectangle(self.inks[-1], (left, top), (right, bottom), 255, thick)

    def _corner_marks(self) -> tuple[Box, ...]:
        edge, (width, height) = 6.0, self.size
        corners = [
            (x, y, x + MARK_MM, y + MARK_MM)
            for y in (edge, height - edge - MARK_MM)
            for x in (edge, width - edge - MARK_MM)
        ]
        for corner in corners:
            self._fill(corner)
        return tuple(_px_box(corner) for corner in corners)

    # Fields.

    def _row(self, height: float, items: Sequence[Item], row: int) -> None:
        total = sum(item.span for item in items)
        x, gap = self.style.margin, 3.0
        for item in items:
            width = (self._width + gap) * item.span / total - gap
            self._item(item, (x, self.y, x + width, self.y + height), row)
            x += width + gap

    def _item(self, item: Item, area: tuple[float, float, float, float], row: int) -> None:
        x0, y0, x1, y1 = area
        mm, way = self.style.label_mm, self.style.label
        if item.kind in ("choice", "lines") and way == "before":
            way = "above"
        if item.label and way == "before":
            x0 += self._print(item.label, x0, y1 - BELOW_MM - 1.0, mm) + 2 * LABEL_GAP
        elif item.label:
            self._print(item.label, x0 + (0.8 if way == "inside" else 0), y0 + 1.1 * mm, mm)
            if way == "above" or item.groups or item.kind in ("choice", "mark", "lines"):
                y0 += 1.5 * mm + LABEL_GAP / 2
        self._place(item, (x0, y0, x1, y1 - BELOW_MM), row)

    def _place(self, item: Item, area: tuple[float, float, float, float], row: int) -> None:
        if item.kind == "choice":
            self._choice(item, area, row)
        elif item.groups:
            self._cells(item, area, row)
        elif item.kind == "mark":
            x0, _, _, y1 = area
            side = self.style.check_mm
            self._frame((x0, y1 - side, x0 + side, y1))
            self._add(item, row, ((x0, y1 - side, x0 + side, y1),))
        elif item.kind == "lines":
            self._lines(item, area, row)
        else:
            self._ground(area)
            self._add(item, row, (area,))

    def _ground(self, area: tuple[float, float, float, float]) -> None:
        x0, _, x1, y1 = area
        if self.style.ground == "box" or self.style.label == "inside":
            self._frame(area)
        elif self.style.ground in ("line", "dots"):
            self._line(x0, y1, x1, y1, self.style.ground == "dots")

    def _lines(self, item: Item, area: tuple[float, float, float, float], row: int) -> None:
        x0, y0, x1, y1 = area
        if self.style.ground == "box":
            self._frame(area)
        else:
            for y in np.linspace(y0, y1, item.lines + 1)[1:]:
                self._line(x0, float(y), x1, float(y), self.style.ground == "dots")
        self._add(item, row, (area,))

    def _cells(self, item: Item, area: tuple[float, float, float, float], row: int) -> None:
        x, _, x1, bottom = area
        wide, high = self.style.cell_mm
        gap = 2.6
        wide = min(wide, (x1 - x - gap * (len(item.groups) - 1)) / sum(item.groups))
        boxes: list[tuple[float, float, float, float]] = []
        for number, count in enumerate(item.groups):
            if number:
                if item.between:
                    self._print(item.between, x + 0.5, bottom - 1.5, 2.4)
                x += gap
            group = [
                (x + i * wide, bottom - high, x + (i + 1) * wide, bottom) for i in range(count)
            ]
            self._draw_cells(group)
            joined = self.style.cells == "comb"
            boxes += [(x, bottom - high, x + count * wide, bottom)] if joined else group
            x += count * wide
        self._add(item, row, tuple(boxes))

    def _draw_cells(self, cells: list[tuple[float, float, float, float]]) -> None:
        first, last = cells[0], cells[-1]
        if self.style.cells != "comb":
            trim = 0.5 if self.style.cells == "gapped" else 0.0
            for x0, y0, x1, y1 in cells:
                self._frame((x0 + trim, y0, x1 - trim, y1))
            return
        high = first[3] - first[1]
        self._line(first[0], first[3], last[2], first[3])
        edges = [cell[0] for cell in cells] + [last[2]]
        for x in edges:
            tall = 0.75 if x in (edges[0], edges[-1]) else 0.3
            self._line(x, first[3] - tall * high, x, first[3])

    def _choice(self, item: Item, area: tuple[float, float, float, float], row: int) -> None:
        x0, _, x1, bottom = area
        side, step = self.style.check_mm, (x1 - x0) / len(item.options)
        places = []
        for number, option in enumerate(item.options):
            x = x0 + number * step
            box = (x, bottom - side, x + side, bottom)
            self._frame(box)
            label = option.partition("=")[2]
            self._print(label, x + side + 1.2, bottom - 0.6, self.style.label_mm)
            places.append((option, _px_box(box)))
        choices = tuple(
            Choice(value=option.partition("=")[0], label=option.partition("=")[2], box=box)
            for option, box in places
        )
        self._add(item, row, (), choices)

    def _table(self, table: Table) -> None:
        total = sum(column.span for column in table.columns)
        left = self.style.margin + (8.0 if table.numbered else 0.0)
        widths = [
            (self.size[0] - self.style.margin - left) * c.span / total for c in table.columns
        ]
        edges = [left, *(left + np.cumsum(widths)).tolist()]
        head, mm = 2.6 * self.style.label_mm, self.style.label_mm
        top = self.y
        for column, x in zip(table.columns, edges, strict=False):
            self._print(column.label, x + 0.8, top + head - 0.8 * mm, mm)
        row_mm = table.row_mm * min(self.stretch, 1.15)
        bottom = top + head + table.rows * row_mm
        for x in edges:
            self._line(x, top, x, bottom)
        for row in range(table.rows + 1):
            y = top + head + row * row_mm
            self._line(edges[0], y, edges[-1], y)
        self._line(edges[0], top, edges[-1], top)
        for row in range(table.rows):
            y = top + head + row * row_mm
            if table.numbered:
                self._print(str(row + 1), self.style.margin + 1, y + row_mm - 2, mm)
            for column, x0, x1 in zip(table.columns, edges, edges[1:], strict=False):
                self._table_cell(column, (x0, y, x1, y + row_mm), row + 1)
        self.y = bottom + 1.0

    def _table_cell(
        self, column: Item, area: tuple[float, float, float, float], row: int
    ) -> None:
        x0, y0, x1, y1 = area
        inner = (x0 + 0.4, y0 + 0.4, x1 - 0.4, y1 - 0.4)
        if column.kind == "mark":
            side = min(self.style.check_mm, y1 - y0 - 2)
            middle, low = (x0 + x1) / 2, (y0 + y1) / 2 + side / 2
            inner = (middle - side / 2, low - side, middle + side / 2, low)
            self._frame(inner)
        if column.kind == "choice":
            self._choice(column, (x0 + 1.5, y0, x1, y1 - 1.8), row)
        else:
            self._add(column, row, (inner,))

    def _add(
        self,
        item: Item,
        row: int,
        boxes: tuple[tuple[float, float, float, float], ...],
        choices: tuple[Choice, ...] = (),
    ) -> None:
        name = f"{item.name}_{row}" if row else item.name
        in_comb = self.style.cells == "comb" and bool(item.groups)
        cells = 0 if not item.groups else 1
        if in_comb:
            if len(set(item.groups)) > 1:
                raise ValueError(f"{name}: a comb's groups must be of one size")
            cells = item.groups[0]
        made = Field(
            name=name,
            kind=item.kind,
            page=len(self.inks) - 1,
            boxes=tuple(map(_px_box, boxes)),
            cells=cells,
            label=item.label,
            required=item.required,
            multiple=item.multiple,
            choices=choices,
            grammar=item.grammar,
        )
        self.slots.append(Slot(made, item.make, row, item.lines))


@dataclass(frozen=True)
class PrintInk:
    """A printed text and how far it reaches above its baseline (px)."""

    image: Ink
    ascent: int


def print_ink(text: str, face: Path | None, mm: float) -> PrintInk:
    """A text in print whose capitals are ``mm`` high; Pillow's own typeface by default."""
    size = max(8, round(mm / 0.71 * DPI / 25.4))
    font = ImageFont.load_default(size) if face is None else ImageFont.truetype(str(face), size)
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text, anchor="ls"))
    image = Image.new("L", (max(1, right - left + 1), max(1, bottom - top + 1)))
    ImageDraw.Draw(image).text((-left, -top), text, fill=255, font=font, anchor="ls")
    return PrintInk(np.array(image), -top)


def _px_box(box: tuple[float, float, float, float]) -> Box:
    left, top, right, bottom = (px(side, DPI) for side in box)
    return left, top, right, bottom


def make_design(
    form: str,
    title: str,
    size: tuple[float, float],
    style: Style,
    pages: Sequence[Sequence[Part]],
    faces: Sequence[Path] = (),
    rules: tuple[str, ...] = (),
    lexicons: dict[str, tuple[str, ...]] | None = None,
) -> Design:
    """Lay out a form.

    Raises:
        ValueError: what it holds does not fit on its page.
    """
    face = faces[style.face % len(faces)] if faces else None
    layout = Layout(size, style, face)
    for parts in pages:
        layout.page(parts)
    names = [f"blank-{i + 1}.png" if len(pages) > 1 else "blank.png" for i in range(len(pages))]
    template = Template(
        id=form,
        version="1",
        title=title,
        pages=tuple(
            TemplatePage(blank=name, size_px=(ink.shape[1], ink.shape[0]), dpi=DPI, marks=marks)
            for name, ink, marks in zip(names, layout.inks, layout.marks, strict=True)
        ),
        fields=tuple(slot.field for slot in layout.slots),
        rules=rules,
    )
    return Design(
        template, tuple(layout.inks), style.colour, tuple(layout.slots), lexicons or {}
    )
