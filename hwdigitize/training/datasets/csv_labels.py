"""CSV files that name images and their texts.

The Kaggle names set (``written_name_train_v2.csv`` with FILENAME, IDENTITY, images in
``train_v2/train``) and ``english.csv`` (image, label) are two of them; columns writer, source
and split are read where there are any.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwdigitize.errors import DataError
from hwdigitize.training.datasets import corrections
from hwdigitize.training.datasets.listing import Listing, Reader, read_text
from hwdigitize.training.datasets.pictures import FilePicture
from hwdigitize.training.datasets.sample import (
    SPLITS,
    Broken,
    Sample,
    clean,
    kind_of,
    split_in,
)

IMAGE_COLUMNS = ("filename", "image", "file", "file_name", "path")
TEXT_COLUMNS = ("identity", "label", "text", "transcription", "truth")
#: what the makers of the names set wrote where they could read nothing
UNREADABLE = frozenset({"UNREADABLE"})


@dataclass(frozen=True)
class Columns:
    """Names of the columns that matter, as the file has them."""

    image: str
    text: str


def columns_of(path: Path) -> Columns | None:
    """The columns of images and texts; None where the file has no such columns."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return None
    names = {name.strip().lower(): name for name in header}
    image = next((names[name] for name in IMAGE_COLUMNS if name in names), None)
    text = next((names[name] for name in TEXT_COLUMNS if name in names), None)
    return Columns(image, text) if image and text else None


def find(listing: Listing) -> list[Path]:
    """CSV files with a column of images and one of texts, but tables of a run."""
    own = set(corrections.find(listing))
    return [path for path in listing.ending(".csv") if path not in own and columns_of(path)]


def read(listing: Listing, files: Sequence[Path]) -> Iterator[Sample | Broken]:
    """The rows of all files; each file's name tells the split where no column does."""
    for path in files:
        yield from _rows(listing, path)


def _rows(listing: Listing, path: Path) -> Iterator[Sample | Broken]:
    columns = columns_of(path)
    assert columns is not None  # find() gave only such files
    rows = list(csv.DictReader(read_text(path).splitlines()))
    split = split_in([path.stem])
    images = _images(listing, path, [row[columns.image] or "" for row in rows], split)
    characters = all(len((row[columns.text] or "").strip()) == 1 for row in rows)
    for number, row in enumerate(rows, start=2):
        name, text = (row[columns.image] or "").strip(), clean(row[columns.text] or "")
        where = f"{path.name}:{number} {name}".strip()
        if name not in images:
            yield Broken(where, "its image is missing")
        elif not text:
            yield Broken(where, "its label is empty")
        elif text in UNREADABLE:
            yield Broken(where, f"its label is {text}")
        else:
            yield Sample(
                id=f"{path.stem}/{name}",
                picture=FilePicture(images[name]),
                kind="character" if characters else kind_of(text),
                text=text,
                source=_field(row, "source") or listing.name,
                writer=_field(row, "writer"),
                split=SPLITS.get(_field(row, "split"), _field(row, "split")) or split,
            )


def _field(row: dict[str, str | None], wanted: str) -> str:
    return next((v or "" for k, v in row.items() if k and k.strip().lower() == wanted), "")


def _images(listing: Listing, path: Path, names: Sequence[str], split: str) -> dict[str, Path]:
    """Images by the names that the file gives them.

    A name may be a path from the CSV's folder; else it is looked for in all folders below,
    those that speak of the file's split first, as the names set repeats names in its splits.

    Raises:
        DataError: not one image is there.
    """
    wanted = {name.strip() for name in names if name.strip()}
    below = Listing(path.parent, listing.files) if listing.root.is_dir() else None
    files = below.images() if below else _beside(path)
    ours = [
        f for f in files if split and split_in(f.parts[len(path.parent.parts) : -1]) == split
    ]
    by_name = {file.name: file for file in (*files, *ours)}
    found = {}
    for name in wanted:
        direct = path.parent / name
        if ".." not in Path(name).parts and direct.is_file():
            found[name] = direct
        elif Path(name).name in by_name:
            found[name] = by_name[Path(name).name]
    if wanted and not found:
        raise DataError(
            f"{path} names images such as {min(wanted)}, and none of them is below its folder; "
            f"put the image folder beside the CSV"
        )
    return found


def _beside(path: Path) -> list[Path]:
    return sorted(file for file in path.parent.rglob("*") if file.is_file())


READER = Reader("CSV", find, read)
