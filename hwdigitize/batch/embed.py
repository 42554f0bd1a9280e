"""Writer embeddings of the pages of some files, made in a limited worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwdigitize.batch.executors import IsolatedExecutor
from hwdigitize.batch.records import Job
from hwdigitize.batch.tasks import count_pages, digitize_page, inspect_file, problem_of
from hwdigitize.document import PageRef, Writer
from hwdigitize.errors import NothingToReadError
from hwdigitize.pages.discovery import find_inputs
from hwdigitize.settings import Settings

_NO_HAND = np.zeros(0, np.float32)


class PageHand(NamedTuple):
    """The handwriting of a page: its embedding (d,), empty where there is none, and who.

    ``page`` counts from 1; ``problem`` says in a sentence why the page could not be read.
    """

    file: str
    page: int
    embedding: NDArray[np.float32]
    writer: Writer = Writer()
    problem: str = ""


def embed_files(paths: Sequence[Path], settings: Settings) -> Iterator[PageHand]:
    """Embed each page of files and folders, in order, and identify it with the gallery if any.

    Raises:
        NothingToReadError: no readable file among the paths.
        ModelError, UsageError: a network or the gallery cannot be loaded.
    """
    found = find_inputs(paths).files
    if not found:
        raise NothingToReadError(f"nothing to read in {', '.join(map(str, paths))}")
    with IsolatedExecutor(1, settings.page_seconds, settings.worker_megabytes) as worker:
        for file in found:
            yield from _embed_file(Job(file.file, str(file.path), ""), settings, worker)


def _embed_file(job: Job, settings: Settings, worker: Executor) -> Iterator[PageHand]:
    counted = worker.submit(inspect_file, count_pages, settings, job)
    if error := counted.exception():
        yield PageHand(job.file, 1, _NO_HAND, problem=problem_of(error).message)
        return
    inspection = counted.result()
    if inspection.problem:
        yield PageHand(job.file, 1, _NO_HAND, problem=inspection.problem.message)
    for index in range(inspection.pages or 0):
        ref = PageRef(path=job.path, file=job.file, sha256=inspection.sha256, index=index)
        yield _embed_page(ref, settings, worker)


def _embed_page(ref: PageRef, settings: Settings, worker: Executor) -> PageHand:
    future = worker.submit(digitize_page, ref, settings)
    if error := future.exception():
        return PageHand(ref.file, ref.index + 1, _NO_HAND, problem=problem_of(error).message)
    result = future.result()
    failure = " ".join(problem.message for problem in result.page.problems)
    return PageHand(
        ref.file,
        ref.index + 1,
        np.asarray(result.embedding, np.float32),
        result.page.writer,
        failure if result.page.status == "failed" else "",
    )
