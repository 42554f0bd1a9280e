"""Images sorted into folders: one for each character, or one for each writer.

Folders of characters are named by the character (``A``, ``a``, ``7``), with its case spelled
out where the file system folds case (``A_upper``, ``a_lower``), by number as in Chars74K
(``Sample001`` to ``Sample062``) or by code as in NIST SD 19 (``30`` to ``7a``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from hwdigitize.training.datasets.listing import Listing, Reader
from hwdigitize.training.datasets.pictures import FilePicture
from hwdigitize.training.datasets.sample import SPLITS, Broken, Sample, split_of_path

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_UPPER = frozenset({"upper", "uppercase", "caps", "cap", "capital", "u"})
_LOWER = frozenset({"lower", "lowercase", "small", "l"})
_DIGIT = frozenset({"digit", "num", "number"})
_SAMPLE = re.compile(r"sample(\d{3})", re.IGNORECASE)
#: fewer folders than this with two-digit names could be pages or years
_FEWEST_CODES = 3


def class_names(folders: Sequence[str]) -> dict[str, str] | None:
    """Character of each folder; None where a name is no character's."""
    named = {folder: _character(folder) for folder in folders}
    if all(named.values()):
        return {folder: character for folder, character in named.items() if character}
    return _codes(folders)


def _character(name: str) -> str | None:
    if len(name) == 1:
        return name
    if match := _SAMPLE.fullmatch(name):
        number = int(match[1])
        return ALPHANUMERIC[number - 1] if 1 <= number <= len(ALPHANUMERIC) else None
    words = re.split(r"[_\- ]+", name)
    letter = next((word for word in words if len(word) == 1 and word.isalnum()), None)
    marks = {word.lower() for word in words if word != letter}
    if letter is None or len(marks) != 1:
        return None
    if marks <= _UPPER:
        return letter.upper()
    if marks <= _LOWER:
        return letter.lower()
    return letter if marks <= _DIGIT else None


def _codes(folders: Sequence[str]) -> dict[str, str] | None:
    """Names that are hexadecimal codes of letters and digits, all of them."""
    if len(folders) < _FEWEST_CODES:
        return None
    codes = {f: chr(int(f, 16)) for f in folders if re.fullmatch(r"[3-7][0-9a-fA-F]", f)}
    good = len(codes) == len(folders) and all(c in ALPHANUMERIC for c in codes.values())
    return codes if good else None


def label_folder(path: Path, root: Path) -> str | None:
    """The folder below ``root`` (and below its split folders) that an image lies in."""
    parts = path.relative_to(root).parts[:-1]
    names = [part for part in parts if part.lower().partition("_")[0] not in SPLITS]
    return names[0] if names else None


def _sorted_in(listing: Listing) -> dict[str, list[Path]] | None:
    """Images by their folder; None where one lies in no folder."""
    if listing.root.is_file():
        return None
    by_folder: dict[str, list[Path]] = {}
    for image in listing.images():
        folder = label_folder(image, listing.root)
        if folder is None:
            return None
        by_folder.setdefault(folder, []).append(image)
    return by_folder


def find_classes(listing: Listing) -> list[Path]:
    """Images, where every folder is a character's."""
    by_folder = _sorted_in(listing)
    classes = by_folder and class_names(list(by_folder))
    return listing.images() if classes else []


def find_writers(listing: Listing) -> list[Path]:
    """Images, where all lie in at least two folders."""
    by_folder = _sorted_in(listing)
    return listing.images() if by_folder and len(by_folder) > 1 else []


def read_classes(listing: Listing, files: Sequence[Path]) -> Iterator[Sample | Broken]:
    """One character an image."""
    classes = class_names(list(_sorted_in(listing) or {})) or {}
    for folder, sample in _in_folders(listing, files):
        yield replace(sample, text=classes[folder])


def read_writers(listing: Listing, files: Sequence[Path]) -> Iterator[Sample | Broken]:
    """One page an image, its writer the folder's name."""
    for folder, sample in _in_folders(listing, files):
        yield replace(sample, kind="page", writer=folder, page=sample.id)


def _in_folders(listing: Listing, files: Sequence[Path]) -> Iterator[tuple[str, Sample]]:
    for path in files:
        yield (
            label_folder(path, listing.root) or "",
            Sample(
                id=str(path.relative_to(listing.root)),
                picture=FilePicture(path),
                kind="character",
                source=listing.name,
                split=split_of_path(path.parent, listing.root),
            ),
        )


BY_CLASS = Reader("folder for each character", find_classes, read_classes)
BY_WRITER = Reader("folder for each writer", find_writers, read_writers)
