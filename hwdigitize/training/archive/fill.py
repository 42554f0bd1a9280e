"""Fills a form: values by their grammar, written into their boxes, now and then struck out.

What is written is kept as ink alone, (H, W) with 255 where the pen was, and joined with the
print by the scanner.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.document import Box, FieldState, Record
from hwdigitize.forms.records import Field
from hwdigitize.training.archive.form import Design, Slot
from hwdigitize.training.archive.hands import Penman, RealText, Written
from hwdigitize.training.archive.values import Case, free_line, free_word, sentence
from hwdigitize.training.synthetic.ink import Ink, smooth_noise

#: shares of fields left empty, struck out without another answer, and answered anew
EMPTY, STRUCK, CORRECTED = 0.07, 0.012, 0.03
#: share of free texts that are real words or lines, where there are any
REAL = 0.7


#: kinds that always have a value, "true" or "false"
YES_OR_NO = ("mark", "signature")


class FieldTruth(Record, frozen=True, kw_only=True):
    """What a field holds: its value, and why there is none."""

    name: str
    kind: str
    value: str
    state: FieldState = "value"


@dataclass
class Filler:
    """Fills one document; ``layers`` are the ink of its pages, ``codes`` what is printed."""

    design: Design
    penman: Penman
    case: Case
    rng: np.random.Generator
    layers: list[Ink]
    codes: list[Ink]
    room: dict[str, int] = field(default_factory=dict)
    """Lines that a field has room for."""
    real: dict[str, RealText] = field(default_factory=dict)
    """Texts that someone wrote, whose own ink is used."""

    def fill(self) -> tuple[FieldTruth, ...]:
        """Fill every field, in order."""
        return tuple(self._fill(slot) for slot in self.design.slots)

    def _fill(self, slot: Slot) -> FieldTruth:
        field, self.case.row = slot.field, slot.row
        self.room[field.name] = slot.lines
        value, text = self._value(slot)
        state: FieldState = "value" if value else "empty"
        if value and field.kind == "barcode":
            self._code(field, value)
        elif value:
            state = self._write(field, value, text)
            value = value if state == "value" else ""
        if field.kind in YES_OR_NO:
            value, state = ("true" if value else "false"), "value"
        self.case.values[field.name] = value
        return FieldTruth(name=field.name, kind=field.kind, value=value, state=state)

    def _value(self, slot: Slot) -> tuple[str, str]:
        """The value and how it is written."""
        field, rng = slot.field, self.case.rng
        must = field.required or slot.row > 0
        if not must and rng.random() < EMPTY:
            return "", ""
        if slot.make is None:
            if field.kind in YES_OR_NO:
                share = 0.85 if field.kind == "signature" else 0.4
                value = "x" if rng.random() < share and self.case.filled else ""
                return value, value
            return "", ""
        value = (
            self._free(slot) if slot.make in (free_line, free_word) else slot.make(self.case)
        )
        if slot.row and rng.random() < 0.04 and field.kind in ("text", "choice"):
            value = ""
        written = value
        if field.cells:
            written = "".join(c for c in value if c.isalnum() or c in " '-")
            if field.kind in ("date", "time", "digits"):
                written = "".join(c for c in value if c.isdigit())
        return value, written

    def _free(self, slot: Slot) -> str:
        """Free text: mostly what somebody wrote, in their own ink."""
        place, rng = slot.field.box, self.case.rng
        longest = max(8, (place[2] - place[0]) // 24)
        if slot.row and not self.case.filled:
            return ""
        if slot.make is free_word:
            found = [self.penman.real_word(rng, min(longest, 12))]
        else:
            count = rng.randint(1, slot.lines)
            found = [self.penman.real_line(rng, longest) for _ in range(count)]
        real = [text for text in found if text is not None]
        if not real or rng.random() > REAL:
            word = slot.make is free_word
            texts = [sentence(self.case, 12 if word else longest) for _ in found]
            return texts[0].split()[0] if word else "\n".join(texts)
        self.real |= {text.text: text for text in real}
        return "\n".join(text.text for text in real)

    # Writing.

    def _write(self, field: Field, value: str, text: str) -> FieldState:
        fate = self.rng.random()
        struck, corrected = fate < STRUCK, STRUCK <= fate < STRUCK + CORRECTED
        if field.kind == "choice":
            return self._choose(field, value, corrected)
        if field.kind == "mark":
            self._mark(field.boxes[0], field.page)
            if struck:
                self._scribble(field.boxes[0], field.page)
            return "crossed_out" if struck else "value"
        if field.kind == "signature":
            self._sign(field)
            return "value"
        if field.cells:
            return self._in_cells(field, text, struck, corrected)
        return self._on_line(field, text, struck, corrected)

    def _choose(self, field: Field, value: str, corrected: bool) -> FieldState:
        chosen = set(value.split("|"))
        others = [c for c in field.choices if c.value not in chosen]
        for choice in field.choices:
            if choice.value in chosen:
                self._mark(choice.box, field.page)
        if corrected and others and not field.multiple:
            wrong = others[int(self.rng.integers(len(others)))]
            self._mark(wrong.box, field.page)
            self._scribble(wrong.box, field.page)
        return "value"

    def _in_cells(self, field: Field, text: str, struck: bool, corrected: bool) -> FieldState:
        cells = field.cell_boxes
        if len(text) > len(cells):
            raise ValueError(f"{field.name}: {text!r} has more characters than cells")
        if field.kind in ("digits", "number") and self._right_aligned(field):
            cells = cells[len(cells) - len(text) :]
        wrong = int(self.rng.integers(len(text))) if corrected else -1
        for i, (character, cell) in enumerate(zip(text, cells, strict=False)):
            if character == " ":
                continue
            if i == wrong and character.isdigit():
                self._in_cell(str((int(character) + 1) % 10), cell, field.page)
                self._strike(cell, field.page, 1)
                self._in_cell(character, cell, field.page, heavy=True)
            else:
                self._in_cell(character, cell, field.page)
        if struck:
            used = cells[: len(text)]
            whole = (used[0][0], used[0][1], used[-1][2], used[0][3])
            self._strike(whole, field.page, 2)
        return "crossed_out" if struck else "value"

    @staticmethod
    def _right_aligned(field: Field) -> bool:
        return field.grammar.minimum is not None

    def _in_cell(self, character: str, cell: Box, page: int, heavy: bool = False) -> None:
        wide, high = cell[2] - cell[0], cell[3] - cell[1]
        capital = min(high * 0.68, wide * 0.95) * float(self.rng.normal(1, 0.06))
        written = self.penman.letter(character, capital)
        if written is None:
            return
        ink = cv2.dilate(written.ink, np.ones((3, 3), np.uint8)) if heavy else written.ink
        stray = self.rng.normal(0, self.penman.neat, 2)
        x = (cell[0] + cell[2] - ink.shape[1]) / 2 + stray[0] * wide
        y = cell[3] - 0.17 * high - written.baseline + stray[1] * high
        self._lay(np.asarray(ink, np.uint8), round(x), round(y), page)

    def _on_line(self, field: Field, text: str, struck: bool, corrected: bool) -> FieldState:
        lines, room = text.split("\n"), self.room[field.name]
        box = field.box
        high = (box[3] - box[1]) / max(room, 1)
        for number, line in enumerate(lines):
            bottom = box[1] + (number + 1) * high if field.kind == "lines" else box[3]
            area = (box[0], round(bottom - high), box[2], round(bottom))
            self._one_line(line, area, field.page, corrected and number == 0, struck)
        return "crossed_out" if struck else "value"

    def _one_line(self, text: str, area: Box, page: int, corrected: bool, struck: bool) -> None:
        left, top, right, bottom = area
        capital = min(0.55 * (bottom - top), 48.0) * float(self.rng.uniform(0.85, 1.1))
        inks = self._inks(text, capital)
        wrong = self.penman.word(text.split()[0][::-1].lower(), capital) if corrected else None
        inks = [wrong, *inks] if wrong else inks
        gap = capital * float(self.rng.uniform(0.45, 0.75))
        length = sum(w.ink.shape[1] for w in inks) + gap * max(len(inks) - 1, 0)
        room = (right - left) * 0.96
        scale = min(1.0, room / max(length, 1.0))
        x = left + max(2.0, min(0.06 * (right - left), 25.0) * float(self.rng.uniform(0.3, 1)))
        if scale > 0.9:
            x += float(self.rng.uniform(0, 0.3)) * max(0.0, room - length * scale - 25)
        slope = float(self.rng.normal(0, 0.006))
        baseline = (
            bottom - 0.16 * (bottom - top) + float(self.rng.normal(0, 0.03)) * (bottom - top)
        )
        start = x
        for number, written in enumerate(inks):
            ink = _shrunk(written, scale)
            y = baseline + slope * (x - start) - ink.baseline
            self._lay(ink.ink, round(x), round(y), page)
            here = (
                round(x),
                round(y),
                round(x) + ink.ink.shape[1],
                round(y) + ink.ink.shape[0],
            )
            if struck or (wrong and number == 0):
                self._strike(here, page, int(self.rng.integers(1, 4)))
            x += ink.ink.shape[1] + gap * scale

    def _inks(self, text: str, capital_px: float) -> list[Written]:
        if text in self.real:
            whole = self.penman.drawn(self.real[text], capital_px)
            return [whole] if whole else []
        words = (self.penman.word(word, capital_px) for word in text.split())
        return [written for written in words if written is not None]

    def _lay(self, ink: Ink, left: int, top: int, page: int) -> None:
        layer = self.layers[page]
        x0, y0 = max(left, 0), max(top, 0)
        x1 = min(left + ink.shape[1], layer.shape[1])
        y1 = min(top + ink.shape[0], layer.shape[0])
        if x0 < x1 and y0 < y1:
            under = layer[y0:y1, x0:x1]
            np.maximum(under, ink[y0 - top : y1 - top, x0 - left : x1 - left], out=under)

    # Marks.

    def _mark(self, box: Box, page: int) -> None:
        """A cross, a tick, a filled box or a single stroke."""
        side = box[2] - box[0]
        centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
        centre = centre + self.rng.normal(0, 0.08, 2) * side
        kind = self.rng.random()
        reach = float(self.rng.uniform(0.35, 0.75)) * side
        paths: list[list[tuple[float, float]]] = [[(-0.9, 0.9), (0.9, -0.9)]]
        if kind < 0.5:
            paths = [[(-1, -1), (1, 1)], [(1, -1), (-1, 1)]]
        elif kind < 0.85:
            paths = [[(-0.8, 0.0), (-0.2, 0.8), (1.2, -1.3)]]
        elif kind < 0.93:
            ys = np.linspace(-0.8, 0.8, 9).tolist()
            paths = [[(0.8 * (-1) ** i, y) for i, y in enumerate(ys)]]
        for path in paths:
            points = (
                centre
                + np.array(path) * reach
                + self.rng.normal(0, 0.07, (len(path), 2)) * side
            )
            self._stroke(points, page)

    def _scribble(self, box: Box, page: int) -> None:
        """Fill and overrun a box until nothing can be seen of its mark."""
        side, count = box[2] - box[0], int(self.rng.integers(12, 20))
        xs = np.linspace(box[0] - 0.25 * side, box[2] + 0.25 * side, count)
        reach = 0.65 * side
        middle = (box[1] + box[3]) / 2
        ys = middle + np.where(np.arange(count) % 2, reach, -reach)
        points = np.stack([xs, ys], axis=1) + self.rng.normal(0, 0.08, (count, 2)) * side
        self._stroke(points, page, 1.3)

    def _strike(self, box: Box, page: int, times: int) -> None:
        """Cross out with one to three lines."""
        left, top, right, bottom = box
        middle, high = (top + bottom) / 2, bottom - top
        for i in range(times):
            y = middle + (i - (times - 1) / 2) * 0.25 * high
            ends = np.array([(left - 6, y), ((left + right) / 2, y), (right + 6, y)])
            self._stroke(ends + self.rng.normal(0, 0.05, (3, 2)) * high, page)

    def _sign(self, field: Field) -> None:
        """A signature: fast loops along the line."""
        left, top, right, bottom = field.box
        high, count = bottom - top, int(self.rng.integers(60, 110))
        wide = min(right - left, int(high * self.rng.uniform(2.5, 5.0))) * 0.85
        t = np.linspace(0, 1, count)
        swing = 0.32 * high * (1 - 0.6 * t) * np.sin(t * self.rng.uniform(25, 55))
        y = top + 0.55 * high + swing + 0.12 * high * smooth_noise(self.rng, count, 9)
        x = left + 12 + wide * t + 0.12 * high * np.cos(t * self.rng.uniform(25, 55))
        self._stroke(np.stack([x, y], axis=1), field.page)

    def _stroke(self, points: npt.NDArray[np.float64], page: int, broader: float = 1.0) -> None:
        wide = max(2, round(self.penman.pen.width_px / self.penman.pen.line_px * 48 * broader))
        fixed = np.round(points * 16).astype(np.int32)
        cv2.polylines(self.layers[page], [fixed], False, 235, wide, cv2.LINE_AA, 4)

    def _code(self, field: Field, value: str) -> None:
        """Print a QR code into the field."""
        left, top, right, bottom = field.box
        modules = cv2.QRCodeEncoder.create().encode(value)
        side = min(right - left, bottom - top) // modules.shape[0] * modules.shape[0]
        image = cv2.resize(modules, (side, side), interpolation=cv2.INTER_NEAREST)
        self.codes[field.page][top : top + side, left : left + side] = 255 - image


def _shrunk(written: Written, scale: float) -> Written:
    if scale >= 0.99:
        return written
    size = (
        max(1, round(written.ink.shape[1] * scale)),
        max(1, round(written.ink.shape[0] * max(scale, 0.6))),
    )
    ink = np.asarray(cv2.resize(written.ink, size, interpolation=cv2.INTER_AREA), np.uint8)
    return Written(ink, round(written.baseline * size[1] / written.ink.shape[0]))


def fill_form(
    design: Design, penman: Penman, case: Case, rng: np.random.Generator
) -> tuple[list[Ink], list[Ink], tuple[FieldTruth, ...]]:
    """Fill all pages of a form.

    Returns:
        The pen's ink and the print of codes, each (H, W) a page, and the truth of each field.
    """
    layers = [np.zeros_like(ink) for ink in design.inks]
    codes = [np.zeros_like(ink) for ink in design.inks]
    filler = Filler(design, penman, case, rng, layers, codes)
    return layers, codes, filler.fill()
