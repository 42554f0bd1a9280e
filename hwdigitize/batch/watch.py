"""A folder watched for months: files are read as they become complete.

Looking costs a look at each file's size and time; nothing is kept but the files that may still
be growing. A file is complete when its size and time have not changed for a while. Names of
files under way (``scan.pdf.part``, ``~$scan.pdf``) and hidden files wait for their final name.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hwdigitize.batch import exports
from hwdigitize.batch.executors import IsolatedExecutor
from hwdigitize.batch.metrics import Publisher, Work, render
from hwdigitize.batch.run import Batch, Listener, Progress, open_batch
from hwdigitize.batch.tasks import CountPages, Digitize, count_pages, digitize_page
from hwdigitize.errors import UsageError
from hwdigitize.settings import Settings

if TYPE_CHECKING:
    from hwdigitize.pages.discovery import InputFile, Inputs

_UNDER_WAY = frozenset(
    f".{suffix}"
    for suffix in (
        *("part", "partial", "tmp", "temp", "crdownload", "download", "filepart"),
        *("swp", "lock", "writing", "upload", "incomplete"),
    )
)
_PUBLISH_SECONDS = 15.0
#: writing reports has no page's limits
_REPORT_SECONDS, _REPORT_MEGABYTES = 7 * 86400.0, 1_000_000


class Pace(NamedTuple):
    """How often to look (seconds), how long a file must be still, and when to report."""

    look_seconds: float = 10.0
    settle_seconds: float = 10.0
    report_seconds: float = 600.0


def watch_folder(
    folder: Path,
    out: Path,
    settings: Settings,
    jobs: int | None,
    stop: threading.Event,
    *,
    pace: Pace = Pace(),  # noqa: B008 - immutable
    publisher: Publisher,
    listener: Listener = lambda progress: None,
    digitize: Digitize = digitize_page,
    count: CountPages = count_pages,
) -> None:
    """Read what comes into ``folder`` until ``stop`` is set; see :func:`run.run_batch`.

    A file's JSON is written as soon as its last page is read; tables and report when the folder
    has been quiet or ``pace.report_seconds`` have gone by, and at the end.

    Raises:
        OutputError: ``out`` cannot be written or is full, or another run is writing to it.
        ModelError, TemplateError, UsageError: found by a worker, or in the settings.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; there is nothing to watch")
    work = (digitize, count)
    counter = _Counter(listener)
    with open_batch(out, settings, jobs, work, listener=counter.listen, stop=stop) as batch:
        watch = _Watch(folder, batch, pace, publisher, counter)
        counter.after_page = watch.publish_now_and_then
        while not stop.is_set():
            watch.look()
            stop.wait(pace.look_seconds)
        watch.report()
        watch.publish()


class _Counter:
    """Adds up what is done on its way to the listener."""

    def __init__(self, listener: Listener) -> None:
        self.work = Work()
        self.listener = listener
        self.after_page: Callable[[], None] = lambda: None

    def listen(self, progress: Progress) -> None:
        if progress.state:
            pages, failures, flags, seconds = self.work
            failed = progress.state == "quarantined"
            self.work = Work(
                pages + 1, failures + failed, flags + progress.flags, seconds + progress.seconds
            )
            self.after_page()
        self.listener(progress)


class _Seen(NamedTuple):
    """How a file was when it was first seen so, and when (monotonic seconds)."""

    size: int
    mtime_ns: int
    since: float


@dataclass
class _Watch:
    """A watch under way; ``settling`` are files that may still be growing."""

    folder: Path
    batch: Batch
    pace: Pace
    publisher: Publisher
    counter: _Counter
    settling: dict[str, _Seen] = field(default_factory=dict)
    first: bool = True
    reported: float = float("-inf")
    dirty: bool = True
    published: float = float("-inf")

    def look(self) -> None:
        """Read what is complete and new, and report when it is time."""
        found, news = self._complete()
        if found.files and (news or self.first):
            self.batch.take_in([self.folder], found)
            self.batch.read_all()
            self.first, self.dirty = False, True
        if self.dirty and time.monotonic() - self.reported > self.pace.report_seconds:
            self.report()
        self.publish()

    def _complete(self) -> tuple[Inputs, bool]:
        """Files that are complete, in order, and whether one of them is not read yet."""
        from hwdigitize.pages.discovery import Inputs, find_inputs

        try:
            found = find_inputs([self.folder], exclude=self.batch.out)
        except UsageError:  # not there for a moment: its disk was taken off
            return Inputs((), ()), False
        before, self.settling = self.settling, {}
        complete, news = [], False
        for file in found.files:
            if not _is_under_way(file.file):
                known, still = self._look_at(file, before)
                news |= still and not known
                if known or still:
                    complete.append(file)
        skipped = tuple(file for file in found.skipped if not _is_under_way(file.file))
        return Inputs(tuple(complete), skipped), news

    def _look_at(self, file: InputFile, before: dict[str, _Seen]) -> tuple[bool, bool]:
        """Whether a file is as it was read, and else whether it has been still long enough."""
        try:
            status = Path(file.path).stat()
        except OSError:  # it is gone again
            return False, False
        now = time.monotonic()
        seen = _Seen(status.st_size, status.st_mtime_ns, now)
        if self.batch.ledger.seen(file.file) == seen[:2]:
            return True, False
        earlier = before.get(file.file, seen)
        if earlier[:2] == seen[:2]:
            seen = earlier
        still = now - seen.since >= self.pace.settle_seconds
        if not still:
            self.settling[file.file] = seen
        return False, still

    def report(self) -> None:
        """Check the ledger and bring tables and report up to date, if anything was taken in.

        In a process of its own: what reports hold in memory grows with the pages in the ledger,
        and months of watching must not keep it.
        """
        if self.first or not self.dirty:
            return
        self.batch.ledger.check_conservation()
        self.batch.listener(Progress("reporting"))
        began, now = self.batch.ledger.last_run().began, time.time()
        times = exports.RunTimes(began, now - began, interrupted=False)
        with IsolatedExecutor(1, _REPORT_SECONDS, _REPORT_MEGABYTES) as elsewhere:
            args = (self.batch.out, self.batch.settings, times)
            elsewhere.submit(exports.bring_folder_up_to_date, *args).result()
        self.reported, self.dirty = time.monotonic(), False

    def publish_now_and_then(self) -> None:
        """Publish, if the last time is a while ago."""
        if time.monotonic() - self.published > _PUBLISH_SECONDS:
            self.publish()

    def publish(self) -> None:
        """Publish how things stand."""
        counts = self.batch.ledger.counts()
        self.publisher.publish(render(counts, len(self.settling), self.counter.work))
        self.published = time.monotonic()


def _is_under_way(name: str) -> bool:
    last = name.rsplit("/", 1)[-1].lower()
    return Path(last).suffix in _UNDER_WAY or last.startswith("~$") or last.endswith("~")
