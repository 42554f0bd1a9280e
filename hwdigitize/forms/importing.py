"""Templates from the box files of other form readers.

queXF (banding XML) and formHTR (JSON of regions of interest) describe where the boxes of a form
are, in pixels of its page at 300 dpi. What they print around the boxes says more: a "HH" above
a box of formHTR, a currency sign in a label of queXF; it is used for kinds and grammars.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import numpy as np
from numpy.typing import NDArray

from hwdigitize.document import Box, Record
from hwdigitize.forms.checks import bad
from hwdigitize.forms.records import Choice, Field, Grammar, Kind, Template, TemplatePage

Grey = NDArray[np.uint8]

#: box groups of queXF by their number; 0 is one that was never finished
_QUEXF_KINDS: dict[str, Kind] = {
    "1": "choice",
    "2": "choice",
    "3": "letters",
    "4": "digits",
    "5": "barcode",
    "6": "lines",
}
_FORMHTR_KINDS: dict[str, Kind] = {
    "Handwritten": "text",
    "Number": "number",
    "Checkbox": "mark",
    "Barcode": "barcode",
}
#: a label that ends so stands before an amount
_CURRENCY = re.compile(r"[$€£]\s*$")
#: reach around a corner in which its mark is looked for, and what counts as its ink
_CORNER_PX, _CORNER_INK = 12, 100
#: shorter lines are no corner mark
_LEAST_MARK_PX = 40


def import_quexf(data: bytes, blanks: Sequence[Grey], form_id: str, file: Path) -> Template:
    """A template from queXF's banding XML.

    Args:
        data: the XML.
        blanks: the pages of the PDF that the boxes belong to, grey, at 300 dpi.
        form_id: of the template.
        file: where the data is from, for messages.

    Returns:
        The template; its blanks are named blank-1.png and so on (:func:`blank_names`). A choice
        has queXF's value and label.

    Raises:
        TemplateError: the data is not such XML, or the blanks are not the pages it describes.
    """
    try:
        if b"<!" in data.replace(b"<!--", b""):
            raise bad(file, "", "declares entities or types", "queXF writes none: remove them")
        pages = ElementTree.fromstring(data).findall(".//page")
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise bad(file, "", f"is not XML: {error}", "Export the banding from queXF") from error
    if not pages:
        raise bad(file, "page", "there is none", "Export the banding from queXF")
    _check_count(len(pages), len(blanks), file)
    ordered = [
        (int(_text(group, "sortorder") or 0), _quexf_field(group, number, file))
        for number, page in enumerate(pages)
        for group in page.findall("boxgroup")
        if _text(group, "type") != "0"
    ]
    ordered.sort(key=lambda item: item[0])
    names = blank_names(len(blanks))
    return Template(
        id=form_id,
        version="1",
        pages=tuple(
            _page(name, blank, _quexf_marks(page, blank, number, file))
            for number, (page, blank, name) in enumerate(zip(pages, blanks, names, strict=True))
        ),
        fields=tuple(field for _, field in ordered),
    )


class _Region(Record, frozen=True, kw_only=True):
    coords: Box
    type: str
    varname: str


class _Word(Record, frozen=True, kw_only=True):
    coords: Box
    content: str


class _Regions(Record, frozen=True, kw_only=True):
    height: int
    width: int
    content: tuple[_Region, ...]
    to_ignore: tuple[_Word, ...] = ()


def import_formhtr(data: bytes, blanks: Sequence[Grey], form_id: str, file: Path) -> Template:
    """A template of one page from formHTR's regions of interest; arguments as for queXF.

    The printed words that formHTR keeps give labels (to the left of a box) and grammars (above
    it): HH, MM, DD and YYYY are parts of times and dates, MM.MMM a number of three decimals,
    N/S one of two letters.

    Raises:
        TemplateError: the data is not such JSON.
    """
    try:
        regions = msgspec.json.decode(data, type=_Regions)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        remedy = "Give the file that formHTR's select_ROIs wrote"
        raise bad(file, "", f"is not its JSON: {error}", remedy) from error
    _check_count(1, len(blanks), file)
    if min(regions.width, regions.height) < 1:
        raise bad(file, "width", "no page has that size", "Select the regions again")
    height, width = blanks[0].shape
    scale = (width / regions.width, height / regions.height)
    fields = tuple(
        msgspec.structs.replace(field, boxes=(_scaled(field.boxes[0], scale),))
        for field in _formhtr_fields(regions, file)
    )
    pages = (_page(blank_names(1)[0], blanks[0], ()),)
    return Template(id=form_id, version="1", pages=pages, fields=fields)


def blank_names(count: int) -> tuple[str, ...]:
    """File names of the blanks of a form of so many pages."""
    return ("blank.png",) if count == 1 else tuple(f"blank-{n + 1}.png" for n in range(count))


# queXF


def _quexf_field(group: ElementTree.Element, page: int, file: Path) -> Field:
    name = _identifier(_text(group, "varname") or f"field_{_text(group, 'sortorder')}")
    kind = _QUEXF_KINDS.get(_text(group, "type"))
    if kind is None:
        what = f'the box group "{name}" has type {_text(group, "type") or "none"}'
        raise bad(file, "type", what, f"Known are {', '.join(sorted(_QUEXF_KINDS))}")
    label = _text(group, "label").removesuffix(":").strip()
    boxes = tuple(_quexf_box(box, file) for box in group.findall("box"))
    if kind == "choice":
        choices = tuple(
            Choice(value=_text(box, "value") or str(n), label=_text(box, "label"), box=place)
            for n, (box, place) in enumerate(zip(group.findall("box"), boxes, strict=True), 1)
        )
        several = _text(group, "type") == "2"
        return Field(
            name=name, kind=kind, page=page, label=label, choices=choices, multiple=several
        )
    if kind == "letters" and _CURRENCY.search(label):
        kind = "digits"
    cells = int(kind in ("letters", "digits"))
    return Field(name=name, kind=kind, page=page, label=label, boxes=boxes, cells=cells)


def _quexf_box(box: ElementTree.Element, file: Path) -> Box:
    left, top, right, bottom = (_number(box, key, file) for key in ("tlx", "tly", "brx", "bry"))
    return left, top, right, bottom


def _quexf_marks(
    page: ElementTree.Element, blank: Grey, number: int, file: Path
) -> tuple[Box, ...]:
    """The boxes of the corner marks, L-shaped lines, found on the blank where the XML says."""
    if not _text(page, "tlx"):
        return ()
    marks = []
    for corner in ("tl", "tr", "br", "bl"):
        x, y = (_number(page, corner + axis, file) for axis in "xy")
        mark = _corner_mark(blank, x, y, right=corner[1] == "r", low=corner[0] == "b")
        if mark is None:
            what = f"there is no corner mark at {x}, {y} of page {number + 1} of the blank"
            remedy = "Give as blank the PDF that these boxes were made for, not a scan of it"
            raise bad(file, "page", what, remedy)
        marks.append(mark)
    return tuple(marks)


def _corner_mark(blank: Grey, x: int, y: int, *, right: bool, low: bool) -> Box | None:
    """The box around a corner's two lines; None where there are none."""
    flipped = blank[:: -1 if low else 1, :: -1 if right else 1]
    height, width = blank.shape
    at_x = width - 1 - x if right else x
    at_y = height - 1 - y if low else y
    left, top = max(at_x - _CORNER_PX, 0), max(at_y - _CORNER_PX, 0)
    across = flipped[top : at_y + _CORNER_PX, left:] < _CORNER_INK
    down = flipped[top:, left : at_x + _CORNER_PX] < _CORNER_INK
    length = _line_length(np.any(across, axis=0))
    depth = _line_length(np.any(down, axis=1))
    if min(length, depth) < _LEAST_MARK_PX:
        return None
    first_x = left + int(down.any(0).argmax())
    first_y = top + int(across.any(1).argmax())
    last_x, last_y = left + length, top + depth
    if right:
        first_x, last_x = width - last_x, width - first_x
    if low:
        first_y, last_y = height - last_y, height - first_y
    return first_x, first_y, last_x, last_y


def _line_length(ink: NDArray[np.bool_]) -> int:
    """Where the first run of ink ends, beginning near the start; 0 if there is none."""
    start = int(ink.argmax())
    if start > 2 * _CORNER_PX or not ink[start]:
        return 0
    gaps = np.flatnonzero(~ink[start:])
    return start + int(gaps[0]) if len(gaps) else len(ink)


# formHTR


def _formhtr_fields(regions: _Regions, file: Path) -> list[Field]:
    fields = []
    for region in regions.content:
        if region.type not in _FORMHTR_KINDS:
            what = f'"{region.varname}" has type "{region.type}"'
            raise bad(file, "type", what, f"Known are {', '.join(_FORMHTR_KINDS)}")
        hint, joined = _word_above(region, regions), _joined(region, regions)
        before = _word_above(joined, regions) if joined else ""
        words = _words_left(region, regions)
        while joined and not words:
            words, joined = _words_left(joined, regions), _joined(joined, regions)
        fields.append(
            Field(
                name=_identifier(region.varname),
                kind=_FORMHTR_KINDS[region.type],
                boxes=(region.coords,),
                label=" ".join(filter(None, (words, hint))),
                grammar=_hinted(hint, before),
            )
        )
    return fields


def _word_above(region: _Region, regions: _Regions) -> str:
    """The word printed right above a box, over its middle."""
    left, top, right, bottom = region.coords
    for word in regions.to_ignore:
        middle = (word.coords[0] + word.coords[2]) / 2
        gap = top - word.coords[3]
        if left <= middle <= right and -4 <= gap <= (bottom - top) / 3:
            return word.content
    return ""


def _words_left(region: _Region, regions: _Regions) -> str:
    """What is printed to the left of a box on its row, up to the next gap or box."""
    left, top, _, bottom = region.coords
    reach, words = left, []
    for word in sorted(regions.to_ignore, key=lambda word: -word.coords[2]):
        middle = (word.coords[1] + word.coords[3]) / 2
        if top <= middle < bottom and 0 <= reach - word.coords[2] <= bottom - top:
            words.append(word.content)
            reach = word.coords[0]
    return " ".join(reversed(words))


def _joined(region: _Region, regions: _Regions) -> _Region | None:
    """The box that touches this one on the left."""
    left, top, _, bottom = region.coords
    for other in regions.content:
        joins = other.coords[0] < left and left - other.coords[2] <= (bottom - top) / 8
        if (
            joins
            and other.coords[2] - left <= 8
            and (other.coords[1] < (top + bottom) / 2 < other.coords[3])
        ):
            return other
    return None


def _hinted(hint: str, before: str) -> Grammar:
    """What a word such as HH or MM.MMM above a box says of what belongs in it.

    ``before`` is the hint of the box to the left: MM after HH is minutes, after YYYY months.
    """
    ranges = {("HH", ""): (0, 23), ("MM", "HH"): (0, 59), ("SS", "MM"): (0, 59)}
    ranges |= {("MM", "YYYY"): (1, 12), ("DD", "MM"): (1, 31)}
    if hint in ("YYYY", "YY"):
        return Grammar(pattern=rf"\d{{{len(hint)}}}")
    if (hint, before) in ranges:
        low, high = ranges[hint, before]
        return Grammar(minimum=low, maximum=high)
    if re.fullmatch(r"[A-Z](/[A-Z])+", hint):
        return Grammar(values=tuple(hint.split("/")))
    if decimal := re.fullmatch(r"([DM]+)\.(M+)", hint):
        whole, part = (len(digits) for digits in decimal.groups())
        return Grammar(pattern=rf"\d{{1,{whole}}}\.\d{{{part}}}")
    return Grammar()


# Both


def _page(name: str, blank: Grey, marks: tuple[Box, ...]) -> TemplatePage:
    height, width = blank.shape
    return TemplatePage(blank=name, size_px=(width, height), marks=marks)


def _scaled(box: Box, scale: tuple[float, float]) -> Box:
    left, top, right, bottom = (round(side * scale[i % 2]) for i, side in enumerate(box))
    return left, top, right, bottom


def _check_count(described: int, given: int, file: Path) -> None:
    if described != given:
        what = f"describes {described} pages, the blank has {given}"
        raise bad(file, "", what, "Give the PDF of the whole empty form")


def _identifier(name: str) -> str:
    """A field name from any name: spaces and signs become _, a digit in front gets one."""
    clean = re.sub(r"\W+", "_", name.strip()).strip("_") or "field"
    return f"_{clean}" if clean[0].isdigit() else clean


def _text(element: ElementTree.Element, key: str) -> str:
    return (element.findtext(key) or "").strip()


def _number(element: ElementTree.Element, key: str, file: Path) -> int:
    text = _text(element, key)
    try:
        return round(float(text))
    except (ValueError, OverflowError) as error:
        what = f'"{text}" is not a number of pixels'
        raise bad(file, f"{element.tag}.{key}", what, "Export the banding again") from error
