"""What a worker does: look at a file, read a page. Only here are input files parsed."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from hwdigitize.batch.records import Inspection, Job, Reading, pack, stamp
from hwdigitize.document import PageRef, PageResult, Problem
from hwdigitize.errors import HwdigitizeError, PageError
from hwdigitize.settings import Settings

Digitize = Callable[[PageRef, Settings], PageResult]
CountPages = Callable[[Path, Settings], int]


def digitize_page(ref: PageRef, settings: Settings) -> PageResult:
    """``pipeline.digitize_page``, imported by the worker that calls it."""
    from hwdigitize import pipeline

    return pipeline.digitize_page(ref, settings)


def count_pages(path: Path, settings: Settings) -> int:
    """``ingest.count_pages``, imported by the worker that calls it."""
    from hwdigitize.pages import ingest

    return ingest.count_pages(path, settings)


def inspect_file(count: CountPages, settings: Settings, job: Job) -> Inspection:
    """Hash a file and count its pages; one that cannot be counted comes with the problem."""
    from hwdigitize.pages.ingest import hash_file

    path, sha256 = Path(job.path), ""
    seen = stamp(path)
    try:
        sha256 = hash_file(path)
        if sha256 == job.known:
            return Inspection(sha256, None, seen)
        pages = count(path, settings)
    except PageError as error:
        return Inspection(sha256, 0, seen, problem_of(error))
    if pages < 1:
        message = "The file has no pages. Export or scan it again."
        problem = Problem(stage="ingest", code="no_pages", message=message)
        return Inspection(sha256, 0, seen, problem)
    return Inspection(sha256, pages, seen)


def read_page(digitize: Digitize, settings: Settings, ref: PageRef) -> Reading:
    """Read a page and pack what was read for the ledger."""
    started = time.time()
    result = digitize(ref, settings)
    return pack(result, f"{socket.gethostname()}:{os.getpid()}", started)


def problem_of(error: BaseException) -> Problem:
    """Say in a page's record what stopped it.

    Raises:
        HwdigitizeError: the error concerns the whole run.
    """
    match error:
        case HwdigitizeError():
            raise error
        case PageError():
            return Problem(stage=error.stage, code=error.code, message=error.message)
        case _:
            message = (
                f"A bug stopped this page, please report it: {type(error).__name__}: {error}"
            )
            return Problem(stage="page", code="bug", message=message)
