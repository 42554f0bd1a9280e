"""MNIST and EMNIST as they are downloaded: IDX files, packed by gzip or not.

LeCun, Cortes and Burges, "The MNIST database of handwritten digits" (1998); Cohen et al.,
"EMNIST: extending MNIST to handwritten letters" (2017), whose images lie transposed.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hwdigitize.errors import DataError
from hwdigitize.training.datasets.listing import Listing, Reader, list_files, read_text
from hwdigitize.training.datasets.pictures import ArrayPicture
from hwdigitize.training.datasets.sample import Broken, Sample, split_in

IMAGES, LABELS = b"\0\0\x08\x03", b"\0\0\x08\x01"
GZIP = b"\x1f\x8b"
_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: characters of the EMNIST parts where no mapping file lies beside them
_MERGED = _DIGITS + _LETTERS + "abdefghnqrt"
CHARACTERS = {
    "byclass": _DIGITS + _LETTERS + _LETTERS.lower(),
    "bymerge": _MERGED,
    "balanced": _MERGED,
    "letters": " " + _LETTERS.lower(),
}


def find(listing: Listing) -> list[Path]:
    """Files of images, by their first bytes; those of labels belong to them."""
    return [path for path in listing.files if "idx" in path.name and _magic(path) == IMAGES]


def _magic(path: Path) -> bytes:
    """First four bytes, unpacked; nothing where they cannot be read."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP
            file.seek(0)
            return gzip.open(file).read(4) if packed else file.read(4)
    except (OSError, EOFError, zlib.error):
        return b""


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """The array of a file.

    Raises:
        DataError: truncated, damaged or of another kind.
    """
    try:
        data = path.read_bytes()
        if data[:2] == GZIP:
            data = gzip.decompress(data)
        dimensions = data[3]
        shape = struct.unpack(f">{dimensions}I", data[4 : 4 + 4 * dimensions])
        return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    except (OSError, EOFError, ValueError, IndexError, struct.error, zlib.error) as error:
        raise DataError(f"{path} is damaged ({error}); download it again") from error


def read(listing: Listing, files: Sequence[Path]) -> Iterator[Sample | Broken]:
    """All images with their labels; EMNIST's are put upright."""
    for path in files:
        yield from _samples(path, listing)


def _samples(path: Path, listing: Listing) -> Iterator[Sample]:
    images, labels = read_idx(path), read_idx(_labels_of(path))
    if len(images) != len(labels):
        raise DataError(f"{path} has {len(images)} images and {len(labels)} labels")
    emnist = "emnist" in path.name.lower()
    characters = _characters(path)
    if len(labels) and int(labels.max()) not in characters:
        raise DataError(
            f"{path} has the label {labels.max()}, which is no character of its part; put the "
            f"mapping file ({_part_name(path)}-mapping.txt) beside it"
        )
    source = "EMNIST" if emnist else "MNIST"
    split = "test" if path.name.startswith("t10k") else split_in([path.name])
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        picture = ArrayPicture(image, ink_light=True, transposed=emnist)
        name = f"{path.name.partition('.')[0]}/{number}"
        yield Sample(name, picture, "character", characters[int(label)], source, split=split)


def _labels_of(path: Path) -> Path:
    """The file of labels that belongs to one of images, packed or not."""
    wanted = path.name.replace("images", "labels").replace("idx3", "idx1")
    plain = wanted.removesuffix(".gz")
    for name in (wanted, plain, plain + ".gz"):
        if (path.parent / name).is_file() and name != path.name:
            return path.parent / name
    raise DataError(f"{path} has no labels; put {plain} or {plain}.gz beside it")


def _part_name(path: Path) -> str:
    return path.name.partition("-train")[0].partition("-test")[0]


def _characters(path: Path) -> dict[int, str]:
    """Character of each label: from the mapping file beside, else as the part has them."""
    part = _part_name(path)
    for file in list_files(path.parent).files:
        if file.name == f"{part}-mapping.txt":
            return _mapping(file)
    named = next((CHARACTERS[key] for key in CHARACTERS if key in path.name.lower()), _DIGITS)
    return dict(enumerate(named))


def _mapping(path: Path) -> dict[int, str]:
    """Lines of label, code of the capital and, in the letters part, of the small letter."""
    try:
        rows = [[int(field) for field in line.split()] for line in read_text(path).splitlines()]
        # a letter that may be either case is written small, as in the mixed parts
        return {row[0]: chr(row[-1]) for row in rows if row}
    except (ValueError, IndexError) as error:
        raise DataError(f"{path} is no mapping of labels to characters: {error}") from error


READER = Reader("MNIST/EMNIST", find, read)
