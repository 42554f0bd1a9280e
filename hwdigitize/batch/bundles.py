"""Inputs in bundles of some hundred pages: the piece that reports are written by.

What compares pages with each other (the order of need in the report, labels of hands) does so
within a bundle, and what shows many (tables, indexes) is put together from bundles. So one more
page costs the work of its bundle, however many others there are.

Where a bundle ends depends on the names around it alone (content-defined chunking;
Muthitacharoen, Chen and Mazieres, A low-bandwidth network file system, 2001): a file that comes
or goes changes its own bundle, seldom the next, and not all that follow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

#: a bundle has no more pages, unless one file has
MOST_PAGES = 2000
#: nor fewer, but for the last
LEAST_PAGES = 500
#: of the small folders, one in so many begins a bundle, if it may
_ONE_FOLDER_IN = 4
#: the key of the bundle that holds everything
WHOLE = "all"


class Content(NamedTuple):
    """A file among the inputs, its pages, and all that reports show of it, as bytes."""

    position: int
    file: str
    pages: int
    shown: bytes


class Bundle(NamedTuple):
    """Files that follow each other: positions and names of the first and last.

    ``key`` is letters and digits, ``digest`` that of all that reports show of these files.
    """

    key: str
    first: int
    last: int
    first_file: str
    last_file: str
    digest: str


def bundled(files: Iterable[Content], whole: bool) -> Iterator[Bundle]:
    """Put files together, in order; all of them in one bundle if ``whole``."""
    group = _Group()
    for file in files:
        if group.files and not whole and group.ends_before(file):
            yield _bundle(group.files, whole)
            group = _Group()
        group.add(file)
    if group.files:
        yield _bundle(group.files, whole)


class _Group:
    """A bundle in the making: its files, its pages, and those of its last folder."""

    def __init__(self) -> None:
        self.files: list[Content] = []
        self.pages = self.of_folder = 0
        self.folder = ""

    def add(self, file: Content) -> None:
        folder = _folder(file.file)
        self.of_folder = file.pages + (self.of_folder if folder == self.folder else 0)
        self.pages += file.pages
        self.folder = folder
        self.files.append(file._replace(shown=hashlib.sha256(file.shown).digest()))

    def ends_before(self, file: Content) -> bool:
        """Whether a file begins the next bundle."""
        if self.pages + file.pages > MOST_PAGES:
            return True
        if self.pages < LEAST_PAGES:
            return False
        folder = _folder(file.file)
        if folder == self.folder:
            return _one_in(LEAST_PAGES, file.file)
        return self.of_folder >= LEAST_PAGES or _one_in(_ONE_FOLDER_IN, folder)


def _folder(file: str) -> str:
    return file.rpartition("/")[0]


def _one_in(many: int, name: str) -> bool:
    return int(digest_of(name)[:8], 16) % many == 0


def digest_of(text: str) -> str:
    """Digest a name, which may hold what is no text, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def _bundle(group: list[Content], whole: bool) -> Bundle:
    first, last = group[0], group[-1]
    return Bundle(
        key=WHOLE if whole else digest_of(first.file)[:10],
        first=first.position,
        last=last.position,
        first_file=first.file,
        last_file=last.file,
        digest=hashlib.sha256(b"".join(file.shown for file in group)).hexdigest(),
    )
