"""What PAGE XML and ALTO have in common: safe parsing, the image of a page, its lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import defusedxml
from defusedxml.ElementTree import fromstring

from hwdigitize.errors import DataError
from hwdigitize.training.datasets.listing import Listing
from hwdigitize.training.datasets.pictures import SUFFIXES, CutPicture, Points
from hwdigitize.training.datasets.sample import Broken, Sample, clean, split_of_path

#: the root element stands within this much of a file
HEAD_BYTES = 4096
#: folders, beside the one of the XML file, in which its image is looked for
IMAGE_FOLDERS = (".", "images", "img", "..", "../images", "../img")


@dataclass(frozen=True)
class XmlLine:
    """One text line of a page: its id, text, and outline in the units of the page."""

    id: str
    text: str
    outline: Points


def root_is(path: Path, name: str) -> bool:
    """Whether an XML file's first element has this local name."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return False
    match = re.search(rb"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)[\s>]", head)
    return bool(match and match[1].decode() == name)


def parse(path: Path) -> Element:
    """Root element; entities, external ones above all, are refused.

    Raises:
        DataError: not well-formed, or with entities.
    """
    try:
        root: Element = fromstring(path.read_bytes())
    except (OSError, ParseError, ValueError, defusedxml.DefusedXmlException) as error:
        raise DataError(f"its XML cannot be used: {error}") from error
    return root


def local(element: Element) -> str:
    """Name of an element without its namespace, which differs by version of the format."""
    return str(element.tag).rpartition("}")[2]


def children(element: Element, name: str) -> list[Element]:
    """Direct children of a name."""
    return [child for child in element if local(child) == name]


def descendants(element: Element, name: str) -> Iterator[Element]:
    """All elements of a name below one."""
    return (child for child in element.iter() if local(child) == name)


def image_of(xml: Path, named: str) -> Path | None:
    """The image that an XML file names, or one of its own name, beside it or near by."""
    name = re.split(r"[/\\]", named)[-1]
    for folder in (xml.parent / near for near in IMAGE_FOLDERS):
        wanted = [folder / name] if name else []
        for path in (*wanted, *(folder / f"{xml.stem}{suffix}" for suffix in sorted(SUFFIXES))):
            if path.is_file():
                return path
    return None


def points(text: str) -> Points:
    """Corners from ``x,y x,y …`` or ``x y x y …``.

    Raises:
        ValueError: something else, or fewer than three corners.
    """
    numbers = [float(number) for number in text.replace(",", " ").split()]
    if len(numbers) < 6 or len(numbers) % 2:
        raise ValueError("its outline has fewer than three corners")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def page_samples(
    listing: Listing,
    xml: Path,
    image: Path | None,
    lines: Iterable[XmlLine | Broken],
    page_width: float = 0,
) -> Iterator[Sample | Broken]:
    """The samples of a page; a page without image is broken as a whole."""
    root = listing.root if listing.root.is_dir() else listing.root.parent
    name = str(xml.relative_to(root).with_suffix(""))
    if image is None:
        yield Broken(name, "its image is missing")
        return
    split = split_of_path(xml.parent, root)
    for line in lines:
        where = f"{name}#{line.id}"
        if isinstance(line, Broken):
            yield Broken(where, line.reason)
        elif not (text := clean(line.text)):
            yield Broken(where, "its text is empty")
        else:
            picture = CutPicture(image, line.outline, page_width)
            yield Sample(where, picture, "line", text, listing.name, "", page=name, split=split)


def find_by_root(listing: Listing, name: str) -> Sequence[Path]:
    """XML files with this root element."""
    return [path for path in listing.ending(".xml") if root_is(path, name)]
