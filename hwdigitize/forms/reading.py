"""Reading the fields of a page by their kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hwdigitize.document import Box
from hwdigitize.forms.barcodes import read_barcode
from hwdigitize.forms.choices import NO, YES, choose, tick
from hwdigitize.forms.cutting import Cut, crop, cut_boxes, cut_field, relative
from hwdigitize.forms.fields import FieldReading
from hwdigitize.forms.foreign import lines_from_outside
from hwdigitize.forms.ink import Ink
from hwdigitize.forms.marks import Mark, read_mark
from hwdigitize.forms.records import Field
from hwdigitize.forms.sight import paper_level, with_sight
from hwdigitize.forms.written import ink_amount, read_written, write_out

Grey = NDArray[np.uint8]
Image = NDArray[np.uint8]

#: share of a mark's ink that must lie in its box: crosses reach far out
MARK_SHARE = 0.3
#: and how strong it is, of the box's own lines: in so small a box noise looks like marks
MARK_STRENGTH = 0.3
#: what a signature leaves at least, of its box's height squared, and how fast that turns
SIGNED, SIGNED_SCALE = 0.05, 0.4
#: inset of what counts as printed in a box, px
FRAME_PX = 6
#: marks whose ink is less clear than this are doubtful
FAINT = 0.3
#: kinds whose writing tells the writer; single characters in boxes tell little
TELLING = ("text", "lines")


@dataclass(frozen=True, eq=False)
class FieldPage:
    """A page to read fields of.

    Attributes:
        page: rectified, uint8, grey (height, width) or BGR, in template px.
        blank: the template's, grey uint8 (height, width).
        on_scan: gives a template box as it lies on the scan.
        folder: of the template, for its lexicons.
    """

    page: Image
    blank: Grey
    on_scan: Callable[[Box], Image]
    folder: str


def read_fields(
    sheet: FieldPage,
    fields: Sequence[Field],
    *,
    models: str | None = None,
    language: str = "none",
) -> tuple[list[FieldReading], list[Grey]]:
    """Read fields of one page.

    Args:
        sheet: the page.
        fields: those to read.
        models: folder of the networks; None for the shipped ones.
        language: of free text, as in :func:`hwdigitize.recognition.words.read_words`.

    Returns:
        A reading a field, in order; and crops of handwriting by which the writer can be known.

    Raises:
        ModelError: a network cannot be loaded.
    """
    readings: dict[int, FieldReading] = {}
    cuts: dict[int, Cut] = {}
    for number, field in enumerate(fields):
        match field.kind:
            case "choice":
                readings[number] = _read_choice(sheet, field)
            case "mark":
                mark, look = _mark(sheet, field.boxes[0])
                readings[number] = _with_looks(tick(mark), [mark], [look])
            case "signature":
                readings[number] = _read_signature(_cut(sheet, field))
            case "barcode":
                readings[number] = _read_barcode(sheet, field)
            case _:
                cuts[number] = _cut(sheet, field)
    written = [write_out(cut) for cut in cuts.values()]
    found = read_written(written, sheet.folder, models, language)
    readings |= dict(zip(cuts, found, strict=True))
    hands = [cut.grey for cut in cuts.values() if cut.field.kind in TELLING and cut.grey.size]
    grey = sheet.page if sheet.page.ndim == 2 else cv2.cvtColor(sheet.page, cv2.COLOR_BGR2GRAY)
    paper = paper_level(grey)
    seen = [
        with_sight(readings[number], field, grey, sheet.blank, paper)
        for number, field in enumerate(fields)
    ]
    return seen, hands


def _cut(sheet: FieldPage, field: Field) -> Cut:
    blank = sheet.blank
    if field.printed:
        blank = blank.copy()
        for left, top, right, bottom in field.boxes:
            blank[top + FRAME_PX : bottom - FRAME_PX, left + FRAME_PX : right - FRAME_PX] = 255
    return cut_field(sheet.page, blank, field)


def _mark(sheet: FieldPage, box: Box) -> tuple[Mark, Ink]:
    window, ink = cut_boxes(sheet.page, sheet.blank, (box,), MARK_SHARE, MARK_STRENGTH)
    return read_mark(ink.mask, relative(box, window)), ink


def _read_choice(sheet: FieldPage, field: Field) -> FieldReading:
    looks = [_mark(sheet, choice.box) for choice in field.choices]
    marks, inks = [mark for mark, _ in looks], [ink for _, ink in looks]
    return _with_looks(choose(field.choices, marks, field.multiple), marks, inks)


def _with_looks(
    reading: FieldReading, marks: Sequence[Mark], inks: Sequence[Ink]
) -> FieldReading:
    """Add what makes marks doubtful: faint ink, a scribble, a line that only passes through."""
    seen = [ink for mark, ink in zip(marks, inks, strict=True) if mark.empty < 0.5]
    return reading.with_evidence(
        faint=max((max(FAINT - ink.quality, 0.0) for ink in seen), default=0.0),
        scribbled=max(mark.scribbled for mark in marks),
        passing=float(any(lines_from_outside(ink.mask).any() for ink in seen)),
    )


def _read_signature(cut: Cut) -> FieldReading:
    """Whether there is a signature; whose it is is not asked."""
    amount = max(ink_amount(cut), 1e-6)
    signed = float(1 / (1 + (SIGNED / amount) ** (1 / SIGNED_SCALE)))
    value, probability = (YES, signed) if signed >= 0.5 else (NO, 1 - signed)
    return FieldReading(
        value, "", evidence={"probability": probability, "ink": cut.ink.quality}
    )


def _read_barcode(sheet: FieldPage, field: Field) -> FieldReading:
    box = field.box
    found = read_barcode([sheet.on_scan(box), crop(sheet.page, box)])
    evidence = {"probability": found.confidence, "length": float(len(found.text))}
    if found.text and found.confidence:
        return FieldReading(found.text, found.text, evidence=evidence)
    if found.text:
        several = FieldReading("", found.text, "unreadable", evidence, found.alternatives)
        return several.flagged("holds more than one bar code")
    amount = ink_amount(_cut(sheet, field))
    if amount < SIGNED:
        return FieldReading("", "", "empty", {"probability": 0.99})
    unread = FieldReading("", "", "unreadable", {"probability": 0.0})
    return unread.flagged("its bar code cannot be read")
