"""A batch: inputs in, a results folder out, every page accounted for whatever dies.

The order of things: find the inputs, count their pages, read the pages, read alone those that
broke a limit, label the writers, write the reports. Each step goes on where a run before it
ended. Hostile files are parsed in the executor's workers only; this process sees records.
"""

from __future__ import annotations

import functools
import os
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

import msgspec

from hwdigitize.batch import exports
from hwdigitize.batch.executors import (
    IsolatedExecutor,
    LimitError,
    SerialExecutor,
    completed,
)
from hwdigitize.batch.fingerprint import fingerprint
from hwdigitize.batch.intake import Plan
from hwdigitize.batch.ledger import Ledger
from hwdigitize.batch.outputs import check_room, locked, output_errors
from hwdigitize.batch.plan import check_settings, find_files, listed
from hwdigitize.batch.records import (
    Counts,
    Inspection,
    Job,
    Reading,
    failed_page,
    first_problem,
    sha256_of,
    stamp,
)
from hwdigitize.batch.remote import RemoteInputs, is_url
from hwdigitize.batch.tasks import (
    CountPages,
    Digitize,
    count_pages,
    digitize_page,
    inspect_file,
    problem_of,
    read_page,
)
from hwdigitize.document import PageRef, Problem
from hwdigitize.errors import UsageError
from hwdigitize.reports.files import write_together
from hwdigitize.reports.names import image_paths
from hwdigitize.settings import Settings

if TYPE_CHECKING:
    from hwdigitize.pages.discovery import Inputs

#: a page that asked for memory and was refused it; its worker lived on
OUT_OF_MEMORY = "page:out_of_memory"

Stage = Literal["counting", "reading", "reporting"]
ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Progress(NamedTuple):
    """How far a run is: ``done`` of ``total`` files (counting) or pages (reading).

    ``file`` and ``page`` (from 1) are what came last, with its state, first problem, flags and
    the seconds it took.
    """

    stage: Stage
    done: int = 0
    total: int = 0
    file: str = ""
    page: int = 0
    state: str = ""
    problem: str = ""
    flags: int = 0
    seconds: float = 0.0


Listener = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """What came of a run. ``read`` pages were read by it, the others were found done.

    ``problems`` are the commonest: ``stage:code``, how many pages, and a file that has it.
    """

    out: Path
    counts: Counts
    read: int
    seconds: float
    interrupted: bool
    vanished: int
    problems: tuple[tuple[str, int, str], ...]


def run_batch(
    inputs: Sequence[Path | str],
    out: Path,
    settings: Settings,
    jobs: int | None = None,
    *,
    cluster: str | None = None,
    listener: Listener = lambda progress: None,
    announce: Callable[[Plan], None] = lambda plan: None,
    stop: threading.Event | None = None,
    digitize: Digitize = digitize_page,
    count: CountPages = count_pages,
) -> RunSummary:
    """Read all pages of ``inputs`` into the results folder ``out``.

    Args:
        inputs: files and folders; or URLs, as text, which need a cluster.
        out: made if it is not there; a run that ended early in it is gone on with.
        settings: how to read.
        jobs: worker processes; None for one a core, 0 to read in this process, without limits.
        cluster: where to read instead of here, see ``cluster.cluster_executor``.
        listener: told of progress, in this thread.
        announce: told what will be read anew, and why, before it is.
        stop: when set, no further page is begun, and what is done is reported.
        digitize: what reads a page; importable, as it is called in the workers.
        count: what counts a file's pages; importable too.

    Raises:
        NothingToReadError: no readable file among the inputs.
        OutputError: ``out`` cannot be written, or another run is writing to it.
        ModelError, TemplateError, UsageError: found in the settings, or by a worker.
    """
    began = time.time()
    if cluster is None and any(map(is_url, inputs)):
        raise UsageError(
            "inputs at URLs are fetched by workers of a cluster: add --cluster local:2"
        )
    found = find_files(inputs, out)
    work = (digitize, count)
    with open_batch(
        out, settings, jobs, work, cluster=cluster, listener=listener, stop=stop
    ) as batch:
        announce(batch.take_in(inputs, found))
        del found  # the ledger has it; a million names are a gigabyte
        batch.read_all()
        return batch.report(began)


@contextmanager
def open_batch(
    out: Path,
    settings: Settings,
    jobs: int | None,
    work: tuple[Digitize, CountPages],
    *,
    cluster: str | None = None,
    listener: Listener,
    stop: threading.Event | None,
) -> Iterator[Batch]:
    """Lock the results folder, open its ledger and start workers; see :func:`run_batch`."""
    check_settings(settings)
    jobs = len(os.sched_getaffinity(0)) if jobs is None else jobs
    digitize, count = work
    with (
        output_errors(out),
        locked(out),
        closing(Ledger(out)) as ledger,
        _executor(jobs, settings, cluster) as (executor, ahead),
    ):
        yield Batch(
            out=out,
            ledger=ledger,
            executor=executor,
            ahead=ahead,
            settings=settings,
            cluster=cluster,
            inspect=functools.partial(inspect_file, count, settings),
            read_page=functools.partial(read_page, digitize, settings),
            listener=listener,
            stop=stop or threading.Event(),
        )


@contextmanager
def _executor(
    jobs: int, settings: Settings, cluster: str | None
) -> Iterator[tuple[Executor, Callable[[], int]]]:
    """Workers for a run, and how many pages keep them busy; whatever ends the run ends them."""
    if cluster is not None:
        from hwdigitize.batch.cluster import cluster_executor  # Dask, only if asked for

        with cluster_executor(cluster, settings) as remote:
            yield remote, lambda: remote.ahead
        return
    executor: Executor = (
        IsolatedExecutor(jobs, settings.page_seconds, settings.worker_megabytes)
        if jobs
        else SerialExecutor()
    )
    try:
        yield executor, lambda: 2 * jobs or 1
    finally:
        executor.shutdown(cancel_futures=True)


@dataclass(kw_only=True)
class Batch:
    """A run under way."""

    out: Path
    ledger: Ledger
    executor: Executor
    ahead: Callable[[], int]
    settings: Settings
    cluster: str | None
    inspect: Callable[[Job], Inspection]
    read_page: Callable[[PageRef], Reading]
    listener: Listener
    stop: threading.Event
    read: int = 0

    def take_in(self, inputs: Sequence[Path | str], found: Inputs | RemoteInputs) -> Plan:
        """Note what there is to read, what of it anew, and how it was asked for."""
        self.ledger.note_run(inputs, self.settings, self.cluster)
        return self.ledger.take_in(*listed(found), fingerprint(self.settings))

    def read_all(self) -> None:
        """Read what waits; what broke a limit at last, with nothing beside it."""
        for alone in (False, True):
            self._inspect_files(alone)
        counts = self.ledger.counts()
        self.listener(Progress("reading", counts.finished, counts.pages))
        for alone in (False, True):
            self._read_pages(alone, counts)
        self.ledger.give_back()

    def _inspect_files(self, alone: bool) -> None:
        """Have the pages counted of each file that is not known yet."""
        total, looked_at = self.ledger.counts().files, 0
        jobs = self.ledger.files_to_inspect(alone)
        for job, future in self._completed(self.inspect, jobs, alone):
            error = future.exception()
            if isinstance(error, LimitError) and not alone:
                self.ledger.inspect_alone(job.file)
                continue
            found = _uncounted(job, problem_of(error)) if error else future.result()
            self.ledger.record_inspection(job.file, found)
            looked_at += 1
            self.listener(_counted(job.file, found.problem, looked_at, total))

    def _read_pages(self, alone: bool, before: Counts) -> None:
        """Have each waiting page read; one that breaks a limit twice is given up."""
        done = before.finished - self.read
        refs = self.ledger.claim(alone, 1 if alone else self.ahead())
        for ref, future in self._completed(self.read_page, refs, alone):
            if not alone and _broke_limit(future):
                self.ledger.read_alone(ref)
                continue
            error = future.exception()
            reading = _unread(ref, problem_of(error)) if error else future.result()
            self._keep(reading)
            self.listener(_progress(reading, done + self.read, before.pages))

    def _completed(
        self, call: Callable[[ItemT], ResultT], items: Iterable[ItemT], alone: bool
    ) -> Iterator[tuple[ItemT, Future[ResultT]]]:
        return completed(self.executor, call, items, 1 if alone else self.ahead, self.stop)

    def _keep(self, reading: Reading) -> None:
        """Put a finished page on disk: images first, as the ledger says that all is there."""
        check_room(self.out)
        images = image_paths(reading.ref.file, reading.ref.index)
        pair = ((images.scan, reading.scan), (images.thumbnail, reading.thumbnail))
        write_together({self.out / name: data for name, data in pair if data})
        self.ledger.record(reading)
        self.read += 1
        if self.ledger.is_finished(reading.ref.file):
            exports.write_document(self.ledger, self.out, reading.ref.file)

    def report(self, began: float) -> RunSummary:
        """Check that no page is lost, and bring what is written up to date."""
        self.ledger.check_conservation()
        self.listener(Progress("reporting"))
        counts = self.ledger.counts()
        interrupted = self.stop.is_set() and bool(counts.waiting + counts.uncounted)
        times = exports.RunTimes(began, time.time() - began, interrupted)
        exports.bring_up_to_date(self.ledger, self.out, self.settings, times)
        return RunSummary(
            out=self.out,
            counts=counts,
            read=self.read,
            seconds=time.time() - began,
            interrupted=interrupted,
            vanished=self.ledger.vanished(),
            problems=tuple(self.ledger.worst_problems()),
        )


def _broke_limit(future: Future[Reading]) -> bool:
    """Whether the page may fare better with nothing beside it."""
    if error := future.exception():
        return isinstance(error, LimitError)
    return future.result().problem == OUT_OF_MEMORY


def _progress(reading: Reading, done: int, total: int) -> Progress:
    return Progress(
        stage="reading",
        done=done,
        total=total,
        file=reading.ref.file,
        page=reading.ref.index + 1,
        state=reading.state,
        problem=reading.problem or "",
        flags=reading.flags,
        seconds=reading.finished - reading.started,
    )


def _counted(file: str, problem: Problem | None, done: int, total: int) -> Progress:
    """Tell of a file; one that cannot be counted is a page that failed."""
    if problem is None:
        return Progress("counting", done, total, file)
    name = f"{problem.stage}:{problem.code}"
    return Progress("counting", done, total, file, 1, "quarantined", name)


def _uncounted(job: Job, problem: Problem) -> Inspection:
    """Inspect a file no further than its hash, after a worker failed on it."""
    seen = stamp(Path(job.path))
    return Inspection(sha256_of(job.path), 0, seen, problem)


def _unread(ref: PageRef, problem: Problem) -> Reading:
    """Give a page up, with the problem as all that is known of it."""
    page = failed_page(ref.index, problem)
    now = time.time()
    return Reading(
        ref=ref,
        state="quarantined",
        flags=0,
        problem=first_problem(page),
        result=zlib.compress(msgspec.json.encode(page), 1),
        embedding=b"",
        worker="",
        started=now,
        finished=now,
    )
