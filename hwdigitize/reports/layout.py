"""What the exports share: a page as blocks of lines, and text and points that XML can hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple
from xml.etree import ElementTree

from hwdigitize.document import Box, FieldValue, Line, Page, Point, Word

#: what XML 1.0 cannot hold, not even escaped
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Extent(NamedTuple):
    """A box as its corner and size, cut to the page, in pixels of the page as loaded."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together: the running text, or one field of a form with its name."""

    field: str
    lines: tuple[Line, ...]

    @property
    def box(self) -> Box:
        """The box around all lines."""
        lefts, tops, rights, bottoms = zip(*(line.box for line in self.lines), strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)


def blocks(page: Page) -> Iterator[Block]:
    """Blocks of a page: its running text, then each field that has a value."""
    lines = tuple(line for line in page.lines if line.words)
    if lines:
        yield Block("", lines)
    for field in page.fields:
        if field.value:
            yield Block(field.name, (_line(field),))


def extent(box: Box, page: Page) -> Extent:
    """Cut a box to the page, as formats have no room for what lies outside."""
    (left, top), (right, bottom) = within([box[:2], box[2:]], page)
    return Extent(left, top, right - left, bottom - top)


def within(points: Iterable[Point], page: Page) -> list[Point]:
    """Pull points that a turned page put outside back to its edge."""
    width, height = page.size_px
    return [(min(max(x, 0), width), min(max(y, 0), height)) for x, y in points]


def corners(box: Box) -> list[Point]:
    """Give the corners of a box, clockwise from the top left."""
    left, top, right, bottom = box
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def xml_bytes(root: ElementTree.Element) -> bytes:
    """Serialise a tree, with what XML cannot hold as U+FFFD."""
    for element in root.iter():
        element.text = element.text and NOT_XML.sub("\ufffd", element.text)
        for name, value in element.items():
            element.set(name, NOT_XML.sub("\ufffd", value))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _line(field: FieldValue) -> Line:
    """Show a field's value as a line of one word, without a baseline."""
    word = Word(
        box=field.box, text=field.value, confidence=field.confidence, flagged=bool(field.flags)
    )
    return Line(
        box=field.box,
        baseline=(),
        polygon=field.polygon or tuple(corners(field.box)),
        ink="unknown",
        text=field.value,
        confidence=field.confidence,
        words=(word,),
    )
