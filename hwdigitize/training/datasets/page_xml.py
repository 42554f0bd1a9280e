"""PAGE XML ground truth with images: lines cut out by their polygons.

Pletschacher and Antonacopoulos, "The PAGE (Page Analysis and Ground-truth Elements) format
framework" (2010), of any version.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from hwdigitize.errors import DataError
from hwdigitize.training.datasets.listing import Listing, Reader
from hwdigitize.training.datasets.sample import Broken, Sample
from hwdigitize.training.datasets.xml_pages import (
    XmlLine,
    children,
    descendants,
    find_by_root,
    image_of,
    page_samples,
    parse,
    points,
)


def find(listing: Listing) -> Sequence[Path]:
    """PAGE files."""
    return find_by_root(listing, "PcGts")


def read(listing: Listing, files: Sequence[Path]) -> Iterator[Sample | Broken]:
    """The lines of all pages."""
    for path in files:
        try:
            root = parse(path)
        except DataError as error:
            yield Broken(path.name, str(error))
            continue
        for page in children(root, "Page"):
            image = image_of(path, page.get("imageFilename", ""))
            lines = (_line(element) for element in descendants(page, "TextLine"))
            yield from page_samples(listing, path, image, lines)


def _line(element: Element) -> XmlLine | Broken:
    name = element.get("id", "")
    try:
        return XmlLine(name, _text(element), _outline(element))
    except ValueError as error:
        return Broken(name, str(error))


def _text(line: Element) -> str:
    """The line's own text of the lowest index, not that of its words."""
    texts = sorted(children(line, "TextEquiv"), key=lambda e: int(e.get("index", "0")))
    found = [unicode.text or "" for text in texts[:1] for unicode in children(text, "Unicode")]
    return found[0] if found else ""


def _outline(line: Element) -> tuple[tuple[float, float], ...]:
    """From the attribute of present versions, or the elements of those before 2013."""
    for coords in children(line, "Coords"):
        corners = [f"{p.get('x')},{p.get('y')}" for p in children(coords, "Point")]
        return points(coords.get("points") or " ".join(corners))
    raise ValueError("it has no outline")


READER = Reader("PAGE XML", find, read)
