"""Corrections: ``words.csv`` or ``fields.csv`` of a run with a column ``correct`` added.

A person who reviews writes what stands on the page into that column; rows without are left
out. The scans are looked for beside the file and below its folder, by the names of the run.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from hwdigitize.document import Box, PageRef
from hwdigitize.errors import PageError
from hwdigitize.pages.ingest import load_page
from hwdigitize.settings import Settings
from hwdigitize.training.datasets.listing import Listing, Reader, read_text
from hwdigitize.training.datasets.pictures import DamagedSampleError, Grey
from hwdigitize.training.datasets.sample import Broken, Sample, clean, kind_of

SIDES = ("left", "top", "right", "bottom")
NEEDED = frozenset({"file", "page", *SIDES})
CORRECT = "correct"
#: what a person may say of a field instead of what stands in it
RIGHT, EMPTY, CROSSED_OUT = "(right)", "(empty)", "(crossed out)"


@dataclass(frozen=True)
class ScanPicture:
    """A box of a page of a scan, turned as the run turned the page."""

    path: Path
    page: int
    box: Box
    rotation_degrees: int = 0

    def load(self) -> Grey:
        """Cut it out of the page, which is decoded once for all its boxes.

        Raises:
            DamagedSampleError: the page cannot be read, or the box is not on it.
        """
        left, top, right, bottom = self.box
        crop = _page(self.path, self.page)[max(top, 0) : bottom, max(left, 0) : right]
        if not crop.size:
            raise DamagedSampleError("its box is empty or outside the page")
        return np.ascontiguousarray(np.rot90(crop, -self.rotation_degrees // 90))


@functools.lru_cache(maxsize=2)
def _page(path: Path, index: int) -> Grey:
    ref = PageRef(path=str(path), file=path.name, sha256="", index=index)
    try:
        image = load_page(ref, Settings()).image
    except PageError as error:
        raise DamagedSampleError(error.message) from error
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def find(listing: Listing) -> list[Path]:
    """Tables of a run, corrected or not: as labelled images they would be nonsense."""
    return [path for path in listing.ending(".csv") if _header(path) >= NEEDED]


def _header(path: Path) -> set[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {name.strip().lower() for name in next(csv.reader(file), [])}
    except (OSError, UnicodeDecodeError, csv.Error):
        return set()


def read(listing: Listing, files: Sequence[Path]) -> Iterator[Sample | Broken]:
    """The corrected rows of all tables."""
    for path in files:
        if CORRECT not in _header(path):
            yield Broken(
                path.name, f"it has no column {CORRECT!r}: add it, and write the truth"
            )
            continue
        yield from _rows(listing, path)


def _rows(listing: Listing, path: Path) -> Iterator[Sample | Broken]:
    turns = _turns(path.with_name("pages.csv"))
    for number, row in enumerate(table(path), start=2):
        text = clean(row.get(CORRECT) or "")
        if not text or text in (RIGHT, EMPTY, CROSSED_OUT):
            continue
        name, page = row["file"], row["page"]
        where = f"{path.name}:{number} {name}"
        scan = _scan(listing, path, name)
        if scan is None:
            yield Broken(where, "its scan is not below the folder of the table")
            continue
        try:
            box = tuple(int(row[side]) for side in SIDES)
            picture = ScanPicture(scan, int(page) - 1, box, turns.get((name, page), 0))  # type: ignore[arg-type]
        except ValueError:
            yield Broken(where, "its page or box is no number")
            continue
        yield Sample(
            id=f"{path.stem}/{number}",
            picture=picture,
            kind=kind_of(text),
            text=text,
            source="corrections",
            page=f"{name}:{page}",
        )


def table(path: Path) -> list[dict[str, str]]:
    """Rows of a table of a run, by the names of its columns in small letters."""
    rows = csv.DictReader(read_text(path).lstrip("\ufeff").splitlines())
    return [{k.strip().lower(): v or "" for k, v in row.items() if k} for row in rows]


def _turns(path: Path) -> dict[tuple[str, str], int]:
    """How pages were turned, by file and page; empty without the run's table of pages."""
    if not path.is_file():
        return {}
    return {
        (row["file"], row["page"]): int(row.get("rotation_degrees") or 0) for row in table(path)
    }


def _scan(listing: Listing, table: Path, name: str) -> Path | None:
    """The scan that a table names; the longest common end of paths decides."""
    wanted = tuple(part for part in Path(name).parts if part not in ("..", "/"))
    files = listing.files if listing.root.is_dir() else tuple(table.parent.rglob("*"))
    ends = (file for file in files if file.parts[-len(wanted) :] == wanted and file.is_file())
    return next(ends, None)


READER = Reader("corrections of a run (CSV)", find, read)
