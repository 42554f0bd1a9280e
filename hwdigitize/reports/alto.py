"""ALTO XML 4.4, as libraries and archives keep text: https://www.loc.gov/standards/alto/."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from hwdigitize.document import Box, Document, Line, Page, Word
from hwdigitize.reports.layout import Block, blocks, extent, within, xml_bytes

NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
SCHEMA = "https://www.loc.gov/standards/alto/v4/alto-4-4.xsd"


def to_alto(document: Document) -> bytes:
    """Make the ALTO file of a document, all its pages in one.

    Fields of a form are text blocks with a tag that holds their name. Other readings of a word
    are left out, as ``ALTERNATIVE`` means another spelling, not another reading.
    """
    root = Element(
        "alto",
        {
            "xmlns": NAMESPACE,
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:schemaLocation": f"{NAMESPACE} {SCHEMA}",
            "SCHEMAVERSION": "4.4",
        },
    )
    description = SubElement(root, "Description")
    SubElement(description, "MeasurementUnit").text = "pixel"
    source = SubElement(description, "sourceImageInformation")
    SubElement(source, "fileName").text = document.file
    processing = SubElement(description, "Processing", ID="hwdigitize")
    software = SubElement(processing, "processingSoftware")
    SubElement(software, "softwareName").text = "hwdigitize"
    tags = _add_tags(root, document)
    layout = SubElement(root, "Layout")
    for page in document.pages:
        _add_page(layout, page, tags)
    return xml_bytes(root)


def _add_tags(root: Element, document: Document) -> dict[str, str]:
    """Add a tag for each field name; their ids by name."""
    names = dict.fromkeys(block.field for page in document.pages for block in blocks(page))
    ids = {name: f"field_{number}" for number, name in enumerate(filter(None, names), 1)}
    if ids:
        tags = SubElement(root, "Tags")
        for name, tag in ids.items():
            SubElement(tags, "StructureTag", ID=tag, TYPE="form field", LABEL=name)
    return ids


def _add_page(layout: Element, page: Page, tags: dict[str, str]) -> None:
    name = f"page_{page.index + 1}"
    width, height = page.size_px
    element = SubElement(
        layout,
        "Page",
        ID=name,
        PHYSICAL_IMG_NR=str(page.index + 1),
        WIDTH=str(width),
        HEIGHT=str(height),
        ROTATION=str(page.rotation_degrees),
    )
    space = SubElement(element, "PrintSpace", _place((0, 0, width, height), page))
    for number, block in enumerate(blocks(page), 1):
        _add_block(space, f"{name}_block_{number}", block, page, tags)


def _add_block(
    space: Element, name: str, block: Block, page: Page, tags: dict[str, str]
) -> None:
    element = SubElement(space, "TextBlock", {"ID": name, **_place(block.box, page)})
    if block.field:
        element.set("TAGREFS", tags[block.field])
    for number, line in enumerate(block.lines, 1):
        _add_line(element, f"{name}_line_{number}", line, page)


def _add_line(block: Element, name: str, line: Line, page: Page) -> None:
    element = SubElement(block, "TextLine", {"ID": name, **_place(line.box, page)})
    if line.baseline:
        element.set("BASELINE", _points(line.baseline, page))
    shape = SubElement(element, "Shape")
    SubElement(shape, "Polygon", POINTS=_points(line.polygon, page))
    for number, word in enumerate(line.words, 1):
        if number > 1:
            SubElement(element, "SP")
        _add_word(element, f"{name}_word_{number}", word, page)


def _add_word(line: Element, name: str, word: Word, page: Page) -> None:
    element = SubElement(
        line,
        "String",
        {"ID": name, **_place(word.box, page), "CONTENT": word.text},
        WC=f"{word.confidence:.4f}",
    )
    if all(len(character.text) == 1 for character in word.characters):
        for character in word.characters:
            SubElement(
                element,
                "Glyph",
                {"CONTENT": character.text, "GC": f"{character.confidence:.4f}"},
                **_place(character.box, page),
            )


def _place(box: Box, page: Page) -> dict[str, str]:
    left, top, width, height = map(str, extent(box, page))
    return {"HPOS": left, "VPOS": top, "WIDTH": width, "HEIGHT": height}


def _points(points: tuple[tuple[int, int], ...], page: Page) -> str:
    return " ".join(f"{x},{y}" for x, y in within(points, page))
