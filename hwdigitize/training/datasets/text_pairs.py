"""Images with their texts beside them, as Calamari, kraken and OCRopus have them.

``0001.gt.txt`` holds the text of ``0001.png`` (or ``.jpg``, ``.bin.png``, ``.nrm.png``, …).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hwdigitize.errors import DataError
from hwdigitize.training.datasets.listing import Listing, Reader, read_text
from hwdigitize.training.datasets.pictures import FilePicture
from hwdigitize.training.datasets.sample import Broken, Sample, clean, kind_of, split_of_path

END = ".gt.txt"


def find(listing: Listing) -> list[Path]:
    """The text files."""
    return listing.ending(END)


def read(listing: Listing, files: Sequence[Path]) -> Iterator[Sample | Broken]:
    """The pairs; texts without image and images without text beside others are broken."""
    root = listing.root if listing.root.is_dir() else listing.root.parent
    images = listing.images() if listing.root.is_dir() else sorted(root.iterdir())
    by_stem = {_stem(path): path for path in images if not path.name.endswith(END)}
    for path in files:
        yield _pair(path, by_stem.get(_stem(path)), root, listing.name)
    stems, folders = {_stem(path) for path in files}, {path.parent for path in files}
    for stem, image in by_stem.items():
        if listing.root.is_dir() and stem not in stems and image.parent in folders:
            yield Broken(str(image.relative_to(root)), f"has no {stem.name}{END} beside it")


def _stem(path: Path) -> Path:
    """The path up to the first dot of its name, which is all that a pair has in common."""
    return path.parent / path.name.partition(".")[0]


def _pair(path: Path, image: Path | None, root: Path, source: str) -> Sample | Broken:
    name = str(path.relative_to(root))[: -len(END)]
    if image is None:
        return Broken(name, "its image is missing")
    try:
        text = clean(read_text(path))
    except DataError as error:
        return Broken(name, str(error))
    if not text:
        return Broken(name, "its text is empty")
    split = split_of_path(path.parent, root)
    return Sample(name, FilePicture(image), kind_of(text), text, source, split=split)


READER = Reader("images with .gt.txt", find, read)
