"""Pools of drawn words (.npz), as ``python -m hwdigitize.training.synthetic`` writes them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from hwdigitize.training.datasets.listing import Listing, Reader
from hwdigitize.training.datasets.pictures import ArrayPicture
from hwdigitize.training.datasets.sample import Broken, Sample, clean, kind_of, split_in
from hwdigitize.training.synthetic.pool import load_pool

NEEDED = {"pixels.npy", "widths.npy", "texts.npy"}


def find(listing: Listing) -> list[Path]:
    """Archives that hold drawn words."""
    return [path for path in listing.ending(".npz") if _members(path) >= NEEDED]


def _members(path: Path) -> set[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return set()


def read(listing: Listing, files: Sequence[Path]) -> Iterator[Sample | Broken]:
    """The words of all files; a file's name says its split (``strokes_test.npz``)."""
    for path in files:
        split = split_in([path.stem]) or "train"
        for number, word in enumerate(load_pool(path)):
            source, _, writer = word.source.partition(":")
            text = clean(word.text)
            yield Sample(
                id=f"{path.stem}/{number}",
                picture=ArrayPicture(word.ink, ink_light=True),
                kind=kind_of(text),
                text=text,
                source=source,
                writer=writer,
                split=split,
            )


READER = Reader("drawn words (.npz)", find, read)
