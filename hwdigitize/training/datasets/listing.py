"""The files of a data set, and what of them a reader takes for its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwdigitize.errors import DataError
from hwdigitize.training.datasets.pictures import SUFFIXES
from hwdigitize.training.datasets.sample import Broken, Sample

#: folders that archives bring along and that hold nothing
IGNORED = frozenset({"__MACOSX"})


@dataclass(frozen=True)
class Listing:
    """The files below a folder (or one file), sorted, hidden ones left out."""

    root: Path
    files: tuple[Path, ...]

    def ending(self, *ends: str) -> list[Path]:
        """Files whose names end so, in lower or upper case."""
        return [path for path in self.files if path.name.lower().endswith(ends)]

    def images(self) -> list[Path]:
        """Files that are images by their names."""
        return [path for path in self.files if path.suffix.lower() in SUFFIXES]

    @property
    def name(self) -> str:
        """What the set is called where nothing says more."""
        return self.root.stem if self.root.is_file() else self.root.resolve().name


@dataclass(frozen=True)
class Reader:
    """A format: ``find`` gives a listing's files of it, ``read`` their samples.

    ``read`` yields what can be used and what is broken, and raises DataError for what makes
    all of it useless.
    """

    name: str
    find: Callable[[Listing], Sequence[Path]]
    read: Callable[[Listing, Sequence[Path]], Iterator[Sample | Broken]]


def list_files(path: Path) -> Listing:
    """The files below ``path``.

    Raises:
        DataError: there is nothing of that name.
    """
    if path.is_file():
        return Listing(path, (path,))
    if not path.is_dir():
        raise DataError(f"no such data: {path}; give a folder or file that exists")
    found = []
    for folder, inner, names in os.walk(path, followlinks=False):
        inner[:] = sorted(d for d in inner if d not in IGNORED and not d.startswith("."))
        found += [Path(folder, name) for name in sorted(names) if not name.startswith(".")]
    return Listing(path, tuple(found))


def read_text(path: Path) -> str:
    """A text file's contents.

    Raises:
        DataError: it cannot be read or is not UTF-8.
    """
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
