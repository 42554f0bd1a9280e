"""What passes between the run and its ledger."""

from __future__ import annotations

import hashlib
import time
import zlib
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from hwdigitize.batch.fingerprint import Part
from hwdigitize.batch.remote import version_of
from hwdigitize.document import Page, PageRef, PageResult, Problem
from hwdigitize.pages.formats import read_head, sniff

#: a file changed less than this before it was looked at may change again unnoticed by its time
_FRESH_NS = 2_000_000_000


class Stamp(NamedTuple):
    """Size and time by which a file is taken to be unchanged; all None: look at it again."""

    size: int | None
    mtime_ns: int | None


class Job(NamedTuple):
    """An input file to be inspected; ``known`` is its hash when last inspected, or empty."""

    file: str
    path: str
    known: str


class Inspection(NamedTuple):
    """What a file turned out to hold; ``pages`` is None when it holds what is known already."""

    sha256: str
    pages: int | None
    stamp: Stamp
    problem: Problem | None = None


class Reading(NamedTuple):
    """A page read, packed where it was read, so that the ledger's process only writes.

    ``result`` is the page's JSON, zlib; ``embedding`` is float32; times are Unix seconds.
    ``template`` and ``parts`` say what changes touch the page, see ``fingerprint``; ``images``
    are 16 bytes each of the SHA-256 of scan and thumbnail; ``seconds`` by stage are JSON.
    """

    ref: PageRef
    state: str
    flags: int
    problem: str | None
    result: bytes
    embedding: bytes
    worker: str
    started: float
    finished: float
    template: str | None = None
    parts: int = 0
    images: bytes = b""
    seconds: str = ""
    thumbnail: bytes = b""
    scan: bytes = b""


class Counts(NamedTuple):
    """Files and pages of this run's inputs; pages by state."""

    files: int
    skipped: int
    uncounted: int
    waiting: int
    running: int
    done: int
    review: int
    quarantined: int

    @property
    def finished(self) -> int:
        """Pages that are done, in review or quarantined."""
        return self.done + self.review + self.quarantined

    @property
    def pages(self) -> int:
        """All pages known of."""
        return self.finished + self.waiting + self.running


def pack(result: PageResult, worker: str, started: float) -> Reading:
    """Make the ledger's record of a page that was just read.

    Raises:
        msgspec.ValidationError: the page holds what its JSON cannot, such as NaN.
    """
    page = result.page
    data = msgspec.json.encode(page)
    msgspec.json.decode(data, type=Page)
    return Reading(
        ref=result.ref,
        state=state_of(page),
        flags=page.flag_count,
        problem=first_problem(page),
        result=zlib.compress(data, 1),
        embedding=np.asarray(result.embedding, np.float32).tobytes(),
        worker=worker,
        started=started,
        finished=time.time(),
        template=page.template.id if page.template else None,
        parts=_parts(result),
        images=short_hash(result.scan) + short_hash(result.thumbnail),
        seconds=msgspec.json.encode(result.seconds).decode() if result.seconds else "",
        thumbnail=result.thumbnail,
        scan=result.scan,
    )


def short_hash(data: bytes) -> bytes:
    """Take 16 bytes of the SHA-256 of an image, by which damage is noticed."""
    return hashlib.sha256(data).digest()[:16]


def sha256_of(path: str) -> str:
    """Hash an input file; empty when it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def failed_page(index: int, problem: Problem) -> Page:
    """Make the record of a page of which nothing could be read."""
    return Page(index=index, status="failed", problems=(problem,))


def first_problem(page: Page) -> str | None:
    """Name a page's first problem as ``stage:code``."""
    return next((f"{problem.stage}:{problem.code}" for problem in page.problems), None)


def _parts(result: PageResult) -> int:
    page = result.page
    has = {
        Part.LINES: page.lines,
        Part.BOXES: page.boxes,
        Part.FORM: page.template,
        Part.HAND: result.embedding,
        Part.PDF: _is_pdf(Path(result.ref.path)),
    }
    return int(Part.PAGE) + sum(int(part) for part, there in has.items() if there)


def _is_pdf(path: Path) -> bool:
    try:
        return sniff(read_head(path)) == "PDF"
    except OSError:
        return False


def state_of(page: Page) -> str:
    """Say what a page that was read is: done, for a person to review, or failed."""
    if page.status == "failed":
        return "quarantined"
    return "review" if page.status == "partial" or page.flag_count else "done"


def stamp(path: Path) -> Stamp:
    """Stamp a file, before its content is read; never raises."""
    if version := version_of(str(path)):  # a URL, which is no path but for its stamp
        return Stamp(*version)
    try:
        status = path.stat()
    except OSError:
        return Stamp(None, None)
    if time.time_ns() - status.st_mtime_ns < _FRESH_NS:
        return Stamp(None, None)
    return Stamp(status.st_size, status.st_mtime_ns)
