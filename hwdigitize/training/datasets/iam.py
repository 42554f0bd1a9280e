"""The IAM Handwriting Database as it is downloaded: words.txt, lines.txt, forms.txt, folders.

Marti and Bunke, "The IAM-database: an English sentence database for offline handwriting
recognition" (2002). Splits are read from the lists of the recognition task (``trainset.txt``,
``validationset1.txt``, …) or the Aachen ones (``train.uttlist``, …) where they lie beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hwdigitize.errors import DataError
from hwdigitize.training.datasets.listing import Listing, Reader, read_text
from hwdigitize.training.datasets.pictures import FilePicture
from hwdigitize.training.datasets.sample import Broken, Kind, Sample, clean

SOURCE = "IAM"
#: the kind of sample in each file, and how many fields stand before the text
TEXTS: dict[str, tuple[Kind, int]] = {"words.txt": ("word", 8), "lines.txt": ("line", 8)}
FORMS = "forms.txt"
SPLIT_LISTS = {
    "trainset.txt": "train",
    "train.uttlist": "train",
    "validationset1.txt": "valid",
    "validationset2.txt": "valid",
    "validation.uttlist": "valid",
    "testset.txt": "test",
    "test.uttlist": "test",
}


def find(listing: Listing) -> list[Path]:
    """The three files, told from others of their names by their first entry."""
    named = [path for path in listing.files if path.name in (*TEXTS, FORMS)]
    return [path for path in named if any(_is_entry(fields) for fields in _entries(path))]


def _is_entry(fields: Sequence[str]) -> bool:
    return len(fields) >= 8 and fields[0].count("-") >= 1


def _entries(path: Path) -> Iterator[list[str]]:
    for line in read_text(path).splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.split(maxsplit=8)


def read(listing: Listing, files: Sequence[Path]) -> Iterator[Sample | Broken]:
    """Words that were segmented well, lines, and whole forms with their writers."""
    images = {path.stem: path for path in listing.images()}
    writers = {
        fields[0]: fields[1]
        for path in files
        if path.name == FORMS
        for fields in _entries(path)
    }
    splits = _splits(listing)
    for path in files:
        if path.name in TEXTS:
            yield from _texts(path, images, writers, splits)
        else:
            yield from _forms(writers, images, splits)


def _splits(listing: Listing) -> dict[str, str]:
    """Split of each form, by line or form id as the lists have them."""
    return {
        entry: SPLIT_LISTS[path.name]
        for path in listing.files
        if path.name in SPLIT_LISTS
        for entry in read_text(path).split()
    }


def _texts(
    path: Path, images: dict[str, Path], writers: dict[str, str], splits: dict[str, str]
) -> Iterator[Sample | Broken]:
    kind, before = TEXTS[path.name]
    entries = list(_entries(path))
    if entries and not any(fields[0] in images for fields in entries):
        raise DataError(
            f"{path} names images such as {entries[0][0]}.png, and none of them is below its "
            f"folder; unpack the archive of {kind}s beside it"
        )
    for fields in entries:
        name = fields[0]
        if len(fields) <= before:
            yield Broken(name, f"its entry in {path.name} has no text")
        elif kind == "word" and fields[1] != "ok":
            yield Broken(name, "marked as badly segmented by its makers")
        elif name not in images:
            yield Broken(name, "its image is missing")
        else:
            yield _sample(name, images[name], kind, fields[before], writers, splits)


def _sample(
    name: str,
    image: Path,
    kind: Kind,
    text: str,
    writers: dict[str, str],
    splits: dict[str, str],
) -> Sample:
    parts = name.split("-")
    page, line = "-".join(parts[:2]), "-".join(parts[:3])
    return Sample(
        id=name,
        picture=FilePicture(image),
        kind=kind,
        # lines have | between words; a real bar does not occur
        text=clean(text.replace("|", " ")),
        source=SOURCE,
        writer=writers.get(page, ""),
        page=page,
        split=splits.get(line, splits.get(page, "")),
    )


def _forms(
    writers: dict[str, str], images: dict[str, Path], splits: dict[str, str]
) -> Iterator[Sample | Broken]:
    for name, writer in writers.items():
        if name in images:
            split = splits.get(name, "")
            picture = FilePicture(images[name])
            yield Sample(name, picture, "page", "", SOURCE, writer, name, split)


READER = Reader("IAM", find, read)
