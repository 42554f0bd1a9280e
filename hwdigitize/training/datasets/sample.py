"""The record that all readers of data sets give: one image that is decoded when asked for."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hwdigitize.document import Box
from hwdigitize.training.datasets.pictures import Grey, Picture

Kind = Literal["character", "word", "line", "page"]

#: what data sets call their splits, and what they are called here
SPLITS = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "dev": "valid",
    "test": "test",
    "testing": "test",
}
#: where a set has no splits, these shares of it (by checksum) are valid and test
VALID_SHARE, TEST_SHARE = 0.1, 0.1
#: of fewer samples, this share is valid: a tenth of fifty lines would tell nothing
SMALL, SMALL_VALID_SHARE = 1000, 0.25


@dataclass(frozen=True)
class Sample:
    """One labelled image.

    Attributes:
        id: unique in its set; names the sample in reports and predictions.
        picture: decoded by :meth:`image`.
        kind: what is in the picture.
        text: the truth, NFC; empty where only the writer is known.
        source: the collection it comes from; what ``--exclude`` names.
        writer: who wrote it, empty where unknown.
        page: which page it was on, empty where unknown.
        split: train, valid, test, another name of the set's own, or empty.
        lines: boxes of the text lines of a page, in pixels of the picture; may be empty.
    """

    id: str
    picture: Picture
    kind: Kind
    text: str = ""
    source: str = ""
    writer: str = ""
    page: str = ""
    split: str = ""
    lines: tuple[Box, ...] = ()

    def image(self) -> Grey:
        """Grey uint8 (height, width), ink dark on light paper.

        Raises:
            DamagedSampleError: the picture cannot be decoded or is empty.
        """
        return self.picture.load()


@dataclass(frozen=True)
class Broken:
    """A sample that was left out, and why, in a sentence without a full stop."""

    id: str
    reason: str


def kind_of(text: str) -> Kind:
    """Line where there is a space in the text, else word."""
    return "line" if " " in text.strip() else "word"


def clean(text: str) -> str:
    """NFC, without white space at the ends; line ends become spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def split_in(names: Iterable[str]) -> str:
    """The split that a folder or file name speaks of (``train_v2``, ``val``), or nothing."""
    for name in names:
        for token in name.lower().replace("-", "_").replace(".", "_").split("_"):
            if token in SPLITS:
                return SPLITS[token]
    return ""


def split_of_path(path: Path, root: Path) -> str:
    """The split that a path speaks of, below the folder of its set."""
    return split_in(path.relative_to(root).parts)


def drawn_split(key: str, valid: float = VALID_SHARE) -> str:
    """Train, valid or test by a checksum of ``key``, the same on every machine and day."""
    share = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) / 2**32
    if share < valid:
        return "valid"
    return "test" if share >= 1 - TEST_SHARE else "train"
