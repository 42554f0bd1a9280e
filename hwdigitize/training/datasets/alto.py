"""ALTO ground truth with images: lines cut out by their polygons or boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from hwdigitize.errors import DataError
from hwdigitize.training.datasets.listing import Listing, Reader
from hwdigitize.training.datasets.pictures import Points
from hwdigitize.training.datasets.sample import Broken, Sample
from hwdigitize.training.datasets.xml_pages import (
    XmlLine,
    descendants,
    find_by_root,
    image_of,
    local,
    page_samples,
    parse,
    points,
)


def find(listing: Listing) -> Sequence[Path]:
    """ALTO files."""
    return find_by_root(listing, "alto")


def read(listing: Listing, files: Sequence[Path]) -> Iterator[Sample | Broken]:
    """The lines of all pages."""
    for path in files:
        try:
            root = parse(path)
        except DataError as error:
            yield Broken(path.name, str(error))
            continue
        named = next((e.text or "" for e in descendants(root, "fileName")), "")
        image = image_of(path, named.strip())
        in_pixels = next((e.text for e in descendants(root, "MeasurementUnit")), "") == "pixel"
        for page in descendants(root, "Page"):
            width = 0.0 if in_pixels else float(page.get("WIDTH", "0"))
            lines = (_line(element) for element in descendants(page, "TextLine"))
            yield from page_samples(listing, path, image, lines, width)


def _line(element: Element) -> XmlLine | Broken:
    name = element.get("ID", "")
    try:
        return XmlLine(name, _text(element), _outline(element))
    except (ValueError, KeyError) as error:
        return Broken(name, f"its outline cannot be used: {error}")


def _text(line: Element) -> str:
    """Words, the spaces between them, and the hyphen at the end."""
    parts = []
    for child in line:
        if local(child) in ("String", "HYP"):
            parts.append(child.get("CONTENT", ""))
        elif local(child) == "SP":
            parts.append(" ")
    # files without SP elements have a space between all strings
    return ("" if " " in parts else " ").join(parts)


def _outline(line: Element) -> Points:
    for polygon in descendants(line, "Polygon"):
        return points(polygon.get("POINTS", ""))
    left, top, width, height = (
        float(line.attrib[side]) for side in ("HPOS", "VPOS", "WIDTH", "HEIGHT")
    )
    right, bottom = left + width, top + height
    return ((left, top), (right, top), (right, bottom), (left, bottom))


READER = Reader("ALTO", find, read)
