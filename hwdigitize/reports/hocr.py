"""hOCR 1.2, text with its places as XHTML: http://kba.github.io/hocr-spec/1.2/."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from hwdigitize.document import Box, Document, Line, Page, Word
from hwdigitize.reports.layout import Block, blocks, extent, xml_bytes

CLASSES = "ocr_page ocr_carea ocr_line ocrx_word"


def to_hocr(document: Document) -> bytes:
    """Make the hOCR file of a document, all its pages in one.

    Fields of a form are content areas with their name in ``data-field``.
    """
    root = Element("html", {"xmlns": "http://www.w3.org/1999/xhtml", "lang": "en"})
    head = SubElement(root, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "title").text = document.file
    SubElement(head, "meta", name="ocr-system", content="hwdigitize")
    SubElement(head, "meta", name="ocr-capabilities", content=CLASSES)
    body = SubElement(root, "body")
    for page in document.pages:
        _add_page(body, document.file, page)
    return xml_bytes(root)


def _add_page(body: Element, file: str, page: Page) -> None:
    width, height = page.size_px
    name = f"page_{page.index + 1}"
    # a quoted string of hOCR has no escape for quotes
    image = file.replace('"', "'")
    title = f'image "{image}"; bbox 0 0 {width} {height}; ppageno {page.index}'
    if page.dpi:
        title += f"; scan_res {page.dpi:.0f} {page.dpi:.0f}"
    element = SubElement(body, "div", {"class": "ocr_page", "id": name, "title": title})
    for number, block in enumerate(blocks(page), 1):
        _add_block(element, f"{name}_area_{number}", block, page)


def _add_block(parent: Element, name: str, block: Block, page: Page) -> None:
    title = _bbox(block.box, page)
    element = SubElement(parent, "div", {"class": "ocr_carea", "id": name, "title": title})
    if block.field:
        element.set("data-field", block.field)
    for number, line in enumerate(block.lines, 1):
        _add_line(element, f"{name}_line_{number}", line, page)


def _add_line(area: Element, name: str, line: Line, page: Page) -> None:
    title = _bbox(line.box, page) + _direction(line, page)
    element = SubElement(area, "span", {"class": "ocr_line", "id": name, "title": title})
    for number, word in enumerate(line.words, 1):
        _add_word(element, f"{name}_word_{number}", word, page)


def _add_word(line: Element, name: str, word: Word, page: Page) -> None:
    title = f"{_bbox(word.box, page)}; x_wconf {int(100 * word.confidence)}"
    element = SubElement(line, "span", {"class": "ocrx_word", "id": name, "title": title})
    element.text = word.text


def _bbox(box: Box, page: Page) -> str:
    left, top, width, height = extent(box, page)
    return f"bbox {left} {top} {left + width} {top + height}"


def _direction(line: Line, page: Page) -> str:
    """Say how the line runs: the angle of a turned page, else the baseline.

    The baseline is a slope and an offset from the lower left corner of the line's box.
    """
    if page.rotation_degrees:
        return f"; textangle {page.rotation_degrees}"
    if len(line.baseline) < 2 or line.baseline[0][0] == line.baseline[-1][0]:
        return ""
    (x0, y0), (x1, y1) = line.baseline[0], line.baseline[-1]
    slope = (y1 - y0) / (x1 - x0)
    offset = y0 + slope * (line.box[0] - x0) - line.box[3]
    return f"; baseline {slope:.4f} {offset:.0f}"
