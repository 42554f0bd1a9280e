"""Page functions for tests: fast, and as badly behaved as a page's file name says."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from hwdigitize.batch.tasks import digitize_page
from hwdigitize.document import Line, Page, PageRef, PageResult, Problem, Word
from hwdigitize.errors import ModelError, PageError
from hwdigitize.settings import Settings

MANY = 200_000_000


def count(path: Path, settings: Settings) -> int:
    """A file of n bytes modulo 3 has as many pages, and one more."""
    if "uncountable" in path.name:
        raise PageError("ingest", "damaged", "The file is damaged. Scan it again.")
    if "empty" in path.name:
        return 0
    if "countdeath" in path.name:
        os.abort()
    return path.stat().st_size % 3 + 1


def read(ref: PageRef, settings: Settings) -> PageResult:
    """Make a page up from the file's content; misbehave on the first page if so named."""
    if ref.index == 0:
        _misbehave(ref)
    return well_behaved(ref, settings)


def well_behaved(ref: PageRef, settings: Settings) -> PageResult:
    """Make a page up from the file's content."""
    digest = hashlib.sha256(Path(ref.path).read_bytes() + bytes([ref.index])).hexdigest()
    word = Word(
        box=(0, 0, 10, 10), text=digest[:8], confidence=0.75, flagged="flag" in ref.file
    )
    line = Line(
        box=(0, 0, 10, 10),
        baseline=((0, 9), (10, 9)),
        polygon=((0, 0), (10, 0), (10, 10)),
        ink="hand",
        text=word.text,
        confidence=0.75,
        words=(word,),
    )
    page = Page(index=ref.index, status="ok", size_px=(10, 10), lines=(line,))
    return PageResult(ref=ref, page=page, thumbnail=b"small", scan=b"large" + digest.encode())


def slow_read(ref: PageRef, settings: Settings) -> PageResult:
    """Read a page in a human moment, so that it can be interrupted."""
    time.sleep(0.03)
    return read(ref, settings)


def read_by_log(ref: PageRef, settings: Settings) -> PageResult:
    """Note each reading in the log named by the environment."""
    _log(ref)
    return slow_read(ref, settings)


def really_read_by_log(ref: PageRef, settings: Settings) -> PageResult:
    """Note the reading, and read with the networks."""
    _log(ref)
    return digitize_page(ref, settings)


def _log(ref: PageRef) -> None:
    with Path(os.environ["READING_LOG"]).open("a") as log:
        log.write(f"{ref.file} {ref.index} {os.getpid()}\n")


def _misbehave(ref: PageRef) -> None:
    if "hang" in ref.file:
        time.sleep(600)
    if "hog" in ref.file:
        hog = []
        while True:
            hog.append(bytearray(os.urandom(1)) * 10_000_000)
    if "abort" in ref.file:
        os.abort()
    if "exit" in ref.file:
        os._exit(3)
    if "kill" in ref.file:
        os.kill(os.getpid(), 9)
    if "bug" in ref.file:
        raise ZeroDivisionError("division by zero")
    if "model" in ref.file:
        raise ModelError("the weights are damaged")
    if "failed" in ref.file:
        raise PageError("ingest", "damaged", "The page is damaged. Scan it again.")
    if "once" in ref.file:
        mark = Path(ref.path).with_suffix(".mark")
        if not mark.exists():
            mark.touch()
            os.abort()


def partial(ref: PageRef, settings: Settings) -> PageResult:
    """A page that was read in part."""
    problem = Problem(stage="ingest", code="truncated", message="The end is missing.")
    return PageResult(
        ref=ref, page=Page(index=ref.index, status="partial", problems=(problem,))
    )


def short_of_memory(ref: PageRef, settings: Settings) -> PageResult:
    """A page refused memory inside its worker, as the pipeline says it; each time or once."""
    mark = Path(ref.path).with_suffix(".mark")
    if "hungry" in ref.file or ("peckish" in ref.file and not mark.exists()):
        mark.touch()
        problem = Problem(stage="page", code="out_of_memory", message="Too little memory.")
        page = Page(index=ref.index, status="failed", problems=(problem,))
        return PageResult(ref=ref, page=page)
    return read(ref, settings)
