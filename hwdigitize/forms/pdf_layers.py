"""What a PDF says about its page besides pixels: its text, and its fillable fields (AcroForm).

Boxes are in pixels of the page as rendered at a resolution, turned as the PDF says.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from hwdigitize.document import Box

#: what pypdfium2 raises on broken files
PDFIUM_ERRORS = (pdfium.PdfiumError, OSError, ValueError, ctypes.ArgumentError)
#: characters that are drawn for ticking or writing, and tell nothing
DRAWN = re.compile("[\u2610-\u2612\u25a1\u25a2\u25cb\u25ef\u274f-\u2752\ue000-\uf8ff_\u2026]")
#: a row of dots is a line to write on
LEADER = re.compile(r"[.\u2024\u00b7_]{4,}")
#: flags of fields, as the PDF reference numbers them
REQUIRED, MULTILINE, COMB = 1 << 1, 1 << 12, 1 << 24
#: what PDFium calls 0x02 at the end of a line
HYPHEN = "-"
MOST_CHARACTERS = 200_000


@dataclass(frozen=True, slots=True)
class Printed:
    """A piece of printed text on one line: words not far apart."""

    text: str
    box: Box

    @property
    def height(self) -> int:
        """Height of its line in pixels."""
        return self.box[3] - self.box[1]


@dataclass(frozen=True, slots=True)
class Widget:
    """One fillable place of a PDF form, as PDFium names its ``kind``."""

    name: str
    kind: str
    box: Box
    label: str = ""
    value: str = ""
    options: tuple[str, ...] = ()
    flags: int = 0
    length: int = 0


KINDS = {
    pdfium_c.FPDF_FORMFIELD_CHECKBOX: "check",
    pdfium_c.FPDF_FORMFIELD_RADIOBUTTON: "radio",
    pdfium_c.FPDF_FORMFIELD_COMBOBOX: "list",
    pdfium_c.FPDF_FORMFIELD_LISTBOX: "list",
    pdfium_c.FPDF_FORMFIELD_TEXTFIELD: "text",
    pdfium_c.FPDF_FORMFIELD_SIGNATURE: "signature",
}


def read_layers(
    path: Path, page: int, size_px: tuple[int, int]
) -> tuple[list[Printed], list[Widget]]:
    """The printed text and the fillable fields of a PDF page; none where it has none.

    ``size_px`` is width and height of the page as rendered.
    """
    try:
        with _opened(path, page) as (document, opened):
            return _read_text(opened, size_px), _read_widgets(document, opened, size_px)
    except PDFIUM_ERRORS:
        return [], []


@contextmanager
def _opened(path: Path, page: int) -> Iterator[tuple[pdfium.PdfDocument, pdfium.PdfPage]]:
    document = pdfium.PdfDocument(path)
    try:
        if document.get_formtype() != pdfium_c.FORMTYPE_NONE:
            document.init_forms()
        yield document, document[page]
    finally:
        document.close()


@dataclass(frozen=True, slots=True)
class _ToPixels:
    """Page units to pixels, as PDFium renders."""

    page: pdfium.PdfPage
    size_px: tuple[int, int]

    def point(self, x: float, y: float) -> tuple[int, int]:
        across, down = ctypes.c_int(), ctypes.c_int()
        pdfium_c.FPDF_PageToDevice(self.page, 0, 0, *self.size_px, 0, x, y, across, down)
        return across.value, down.value

    def box(self, left: float, bottom: float, right: float, top: float) -> Box:
        (x0, y0), (x1, y1) = self.point(left, bottom), self.point(right, top)
        return min(x0, x1), min(y0, y1), max(x0, x1) + 1, max(y0, y1) + 1


# Text.


@dataclass(frozen=True, slots=True)
class _Glyph:
    text: str
    box: Box


def _read_text(page: pdfium.PdfPage, size_px: tuple[int, int]) -> list[Printed]:
    """Characters joined while they stand on one line, less than their height apart."""
    pieces: list[list[_Glyph]] = [[]]
    for glyph in _glyphs(page, _ToPixels(page, size_px)):
        if glyph is None or (pieces[-1] and not _goes_on(pieces[-1], glyph)):
            pieces.append([])
        if glyph is not None:
            pieces[-1].append(glyph)
    return [printed for piece in pieces for printed in _printed(piece)]


def _glyphs(page: pdfium.PdfPage, to_pixels: _ToPixels) -> Iterator[_Glyph | None]:
    """Every visible character, None where a line ends or something is to be filled in."""
    text_page = page.get_textpage()
    for index in range(min(text_page.count_chars(), MOST_CHARACTERS)):
        letter = chr(pdfium_c.FPDFText_GetUnicode(text_page, index) or 32)
        if letter in "\r\n" or DRAWN.match(letter):
            yield None
        elif not letter.isspace():
            box = to_pixels.box(*text_page.get_charbox(index, loose=True))
            yield _Glyph(HYPHEN if letter == "\x02" else letter, box)


def _goes_on(piece: list[_Glyph], glyph: _Glyph) -> bool:
    last = piece[-1].box
    height = max(last[3] - last[1], 1)
    level = abs(glyph.box[3] - last[3]) <= 0.4 * height
    return level and -0.5 * height <= glyph.box[0] - last[2] <= 0.9 * height


def _printed(piece: list[_Glyph]) -> Iterator[Printed]:
    """The text of a piece, spaces put where characters are apart, without rows of dots."""
    text = ""
    where: list[int] = []
    for i, glyph in enumerate(piece):
        gap = glyph.box[0] - piece[i - 1].box[2] if i else 0
        if gap > 0.12 * (glyph.box[3] - glyph.box[1]):
            text, where = text + " ", [*where, i]
        text, where = text + glyph.text, [*where, i]
    start = 0
    for dots in [*LEADER.finditer(text), None]:
        end = len(text) if dots is None else dots.start()
        part = text[start:end]
        if any(letter.isalnum() or letter in "$£€%" for letter in part):
            glyphs = [piece[i] for i in where[start:end]]
            yield Printed(part.strip(), _around(glyphs))
        start = end if dots is None else dots.end()


def _around(glyphs: list[_Glyph]) -> Box:
    left, top, right, bottom = zip(*(glyph.box for glyph in glyphs), strict=True)
    return min(left), min(top), max(right), max(bottom)


# Fillable fields.


def _read_widgets(
    document: pdfium.PdfDocument, page: pdfium.PdfPage, size_px: tuple[int, int]
) -> list[Widget]:
    if document.formenv is None:
        return []
    found = []
    for index in range(pdfium_c.FPDFPage_GetAnnotCount(page)):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, index)
        try:
            if pdfium_c.FPDFAnnot_GetSubtype(annotation) == pdfium_c.FPDF_ANNOT_WIDGET:
                found.append(_widget(document.formenv, annotation, _ToPixels(page, size_px)))
        finally:
            pdfium_c.FPDFPage_CloseAnnot(annotation)
    return [widget for widget in found if widget is not None]


def _widget(form: pdfium.PdfFormEnv, annotation: object, to_pixels: _ToPixels) -> Widget | None:
    kind = KINDS.get(pdfium_c.FPDFAnnot_GetFormFieldType(form, annotation))
    rect = pdfium_c.FS_RECTF()
    if kind is None or not pdfium_c.FPDFAnnot_GetRect(annotation, rect):
        return None
    number = ctypes.c_float()
    pdfium_c.FPDFAnnot_GetNumberValue(annotation, b"MaxLen", number)
    count = max(pdfium_c.FPDFAnnot_GetOptionCount(form, annotation), 0)
    return Widget(
        name=_string(pdfium_c.FPDFAnnot_GetFormFieldName, form, annotation),
        kind=kind,
        box=to_pixels.box(rect.left, rect.bottom, rect.right, rect.top),
        label=_string(pdfium_c.FPDFAnnot_GetFormFieldAlternateName, form, annotation),
        value=_string(pdfium_c.FPDFAnnot_GetFormFieldExportValue, form, annotation),
        options=tuple(
            _string(pdfium_c.FPDFAnnot_GetOptionLabel, form, annotation, i)
            for i in range(count)
        )
        if kind == "list"
        else (),
        flags=pdfium_c.FPDFAnnot_GetFormFieldFlags(form, annotation),
        length=max(int(number.value), 0),
    )


def _string(call: object, *args: object) -> str:
    """What one of PDFium's calls writes into a buffer of UTF-16."""
    length = call(*args, None, 0)  # type: ignore[operator]
    buffer = ctypes.create_string_buffer(max(length, 2))
    call(*args, ctypes.cast(buffer, ctypes.POINTER(pdfium_c.FPDF_WCHAR)), length)  # type: ignore[operator]
    return buffer.raw[: max(length - 2, 0)].decode("utf-16-le", "replace").strip()
