"""Glyphs as arrays in an .npz file: images, labels; classes, source, writer, split if known."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hwdigitize.errors import DataError
from hwdigitize.training.datasets.listing import Listing, Reader
from hwdigitize.training.datasets.pictures import ArrayPicture, Grey
from hwdigitize.training.datasets.sample import SPLITS, Broken, Sample

NEEDED = {"images.npy", "labels.npy"}
#: by fewer writers than this, glyphs without a split are not split by writer
FEWEST_WRITERS = 10


def find(listing: Listing) -> list[Path]:
    """Archives that hold images and labels."""
    return [path for path in listing.ending(".npz") if _members(path) >= NEEDED]


def _members(path: Path) -> set[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return set()


def read(listing: Listing, files: Sequence[Path]) -> Iterator[Sample | Broken]:
    """The glyphs of all files."""
    for path in files:
        yield from _glyphs(path)


def _glyphs(path: Path) -> Iterator[Sample]:
    arrays = _load(path)
    images = arrays["images"]
    count = len(images)
    if images.ndim != 3 or images.dtype != np.uint8 or len(arrays["labels"]) != count:
        raise DataError(f"{path} must hold images (n, height, width) uint8 and n labels")
    texts = _texts(path, arrays)
    sources = _column(arrays, "source", count, path.stem)
    writers = _column(arrays, "writer", count, "")
    splits = _column(arrays, "split", count, "")
    if "split" not in arrays and len(set(writers)) < FEWEST_WRITERS:
        splits = [image_split(image) for image in images]
    ink_light = _ink_is_light(images)
    for number, (image, split) in enumerate(zip(images, splits, strict=True)):
        yield Sample(
            id=f"{path.stem}/{number}",
            picture=ArrayPicture(image, ink_light),
            kind="character",
            text=texts[number],
            source=sources[number],
            writer=writers[number],
            split=SPLITS.get(split, split),
        )


def image_split(image: Grey) -> str:
    """A tenth each is valid and test, by a checksum of the image alone."""
    return {0: "valid", 1: "test"}.get(zlib.crc32(image.tobytes()) % 10, "train")


def _load(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as data:
            return {name: data[name] for name in data.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as arrays: {error}") from error


def _texts(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> list[str]:
    """Labels are characters, or numbers into ``classes``."""
    labels = arrays["labels"]
    if labels.dtype.kind == "U":
        return [str(label) for label in labels]
    if "classes" not in arrays or (len(labels) and labels.max() >= len(arrays["classes"])):
        raise DataError(f"{path} has numbers for labels and no classes that they could mean")
    return [str(arrays["classes"][label]) for label in labels]


def _column(
    arrays: dict[str, npt.NDArray[Any]], name: str, count: int, default: str
) -> list[str]:
    values = arrays.get(name)
    return [default] * count if values is None else [str(value) for value in values]


def _ink_is_light(images: Grey) -> bool:
    """Whether the images' edges, which are paper mostly, are dark."""
    rims = images[:: max(len(images) // 200, 1), [0, -1], :]
    return bool(rims.size and rims.mean() < 128)


READER = Reader("glyph arrays (.npz)", find, read)
