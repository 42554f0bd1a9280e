"""PAGE XML 2019-07-15, as layout tools and transcription platforms exchange pages.

https://www.primaresearch.org/schema/PAGE/gts/pagecontent/2019-07-15
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement

from hwdigitize.document import Document, Line, Page, Point, Word
from hwdigitize.reports.layout import Block, blocks, corners, within, xml_bytes

NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"


def to_page_xml(document: Document, index: int, made: datetime) -> bytes:
    """Make the PAGE file of one page; PAGE holds a single page a file.

    Fields of a form are text regions whose ``custom`` attribute holds their name. Other
    readings of a word follow the first as ``TextEquiv`` with a higher ``index``.

    Args:
        document: the input file.
        index: which of ``document.pages``, from 0.
        made: the moment to write into the file, with its time zone.

    Raises:
        IndexError: the document has no such page.
    """
    page = document.pages[index]
    root = Element(
        "PcGts",
        {
            "xmlns": NAMESPACE,
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:schemaLocation": f"{NAMESPACE} {NAMESPACE}/pagecontent.xsd",
        },
    )
    metadata = SubElement(root, "Metadata")
    SubElement(metadata, "Creator").text = "hwdigitize"
    for name in ("Created", "LastChange"):
        SubElement(metadata, name).text = made.astimezone(UTC).isoformat(timespec="seconds")
    _add_page(root, document.file, page)
    return xml_bytes(root)


def _add_page(root: Element, file: str, page: Page) -> None:
    width, height = page.size_px
    degrees = page.rotation_degrees
    element = SubElement(
        root,
        "Page",
        imageFilename=file,
        imageWidth=str(width),
        imageHeight=str(height),
        orientation=str(degrees if degrees <= 180 else degrees - 360),
    )
    found = list(blocks(page))
    if found:
        order = SubElement(SubElement(element, "ReadingOrder"), "OrderedGroup", id="order")
        for number in range(len(found)):
            SubElement(
                order, "RegionRefIndexed", index=str(number), regionRef=f"region_{number + 1}"
            )
    for number, block in enumerate(found, 1):
        _add_region(element, f"region_{number}", block, page)


def _add_region(parent: Element, name: str, block: Block, page: Page) -> None:
    element = SubElement(parent, "TextRegion", id=name)
    if block.field:
        element.set("custom", f"field {{name:{_custom(block.field)};}}")
    _add_coords(element, corners(block.box), page)
    for number, line in enumerate(block.lines, 1):
        _add_line(element, f"{name}_line_{number}", line, page)
    _add_text(element, "\n".join(line.text for line in block.lines))


def _add_line(region: Element, name: str, line: Line, page: Page) -> None:
    element = SubElement(region, "TextLine", id=name)
    if line.ink == "print":
        element.set("production", "printed")
    _add_coords(element, line.polygon, page)
    if len(line.baseline) > 1:
        SubElement(element, "Baseline", points=_points(line.baseline, page))
    for number, word in enumerate(line.words, 1):
        _add_word(element, f"{name}_word_{number}", word, page)
    _add_text(element, line.text, line.confidence)


def _add_word(line: Element, name: str, word: Word, page: Page) -> None:
    element = SubElement(line, "Word", id=name)
    _add_coords(element, corners(word.box), page)
    for number, character in enumerate(word.characters, 1):
        glyph = SubElement(element, "Glyph", id=f"{name}_glyph_{number}")
        _add_coords(glyph, corners(character.box), page)
        _add_text(glyph, character.text, character.confidence)
    _add_text(element, word.text, word.confidence, 0 if word.alternatives else None)
    for number, other in enumerate(word.alternatives, 1):
        _add_text(element, other.text, other.confidence, number)


def _add_text(
    parent: Element, text: str, confidence: float | None = None, index: int | None = None
) -> None:
    element = SubElement(parent, "TextEquiv")
    if index is not None:
        element.set("index", str(index))
    if confidence is not None:
        element.set("conf", f"{confidence:.4f}")
    SubElement(element, "Unicode").text = text


def _add_coords(parent: Element, points: Iterable[Point], page: Page) -> None:
    SubElement(parent, "Coords", points=_points(points, page))


def _points(points: Iterable[Point], page: Page) -> str:
    return " ".join(f"{x},{y}" for x, y in within(points, page))


def _custom(name: str) -> str:
    """Escape a name for the CSS-like ``custom`` attribute, as Transkribus does."""
    return "".join(f"\\u{ord(c):04x}" if c in "\\{}:;" else c for c in name)
