"""How a run shows on a terminal, in a pipe and in the log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hwdigitize.batch.intake import Plan
    from hwdigitize.batch.records import Counts
    from hwdigitize.batch.run import Listener, Progress, RunSummary

log = logging.getLogger("hwdigitize")
log.addHandler(logging.NullHandler())

PLAIN_PROGRESS_SECONDS = 10.0


@contextmanager
def shown(quiet: bool) -> Iterator[Listener]:
    """Show progress as fits: a bar on a terminal, now and then a line elsewhere."""
    if not quiet and sys.stderr.isatty():
        with _Bar() as bar:
            yield _logging(bar.show)
    else:
        yield _logging((lambda progress: None) if quiet else _Lines().show)


def _logging(show: Listener) -> Listener:
    def listener(progress: Progress) -> None:
        level = logging.WARNING if progress.problem else logging.INFO
        if progress.file:
            log.log(
                level,
                "%s %s",
                progress.stage,
                _sentence(progress),
                extra={"page": _fields(progress)},
            )
        show(progress)

    return listener


def _sentence(progress: Progress) -> str:
    page = f", page {progress.page}" if progress.page else ""
    state = f": {progress.state}" if progress.state else ""
    problem = f" ({progress.problem})" if progress.problem else ""
    return f"{_printable(progress.file)}{page}{state}{problem}"


def _fields(progress: Progress) -> dict[str, Any]:
    """What a JSON log says of a page."""
    if not progress.page:
        return {"stage": progress.stage, "file": progress.file}
    from hwdigitize.reports.names import page_id

    return {
        "stage": progress.stage,
        "page_id": page_id(progress.file, progress.page - 1),
        "file": progress.file,
        "page": progress.page,
        "state": progress.state,
        "problem": progress.problem or None,
        "flags": progress.flags,
        "seconds": round(progress.seconds, 3),
    }


def _printable(text: str) -> str:
    """File names may hold anything, commands to the terminal too."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def clock(seconds: float) -> str:
    """Write a span of time as hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


class _Pace:
    """Pages a second of this run, and the time left at that pace."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.found_done: int | None = None

    def text(self, progress: Progress) -> str:
        if progress.stage != "reading":
            return ""
        if self.found_done is None:
            self.began, self.found_done = time.monotonic(), progress.done
        read, spent = progress.done - self.found_done, time.monotonic() - self.began
        if not read or not spent:
            return ""
        left = (progress.total - progress.done) * spent / read
        return f"{read / spent:.2f} pages/s, {clock(left)} left"


class _Lines:
    """Progress as plain lines, one in ten seconds."""

    def __init__(self) -> None:
        self.pace = _Pace()
        self.last = time.monotonic()

    def show(self, progress: Progress) -> None:
        pace = self.pace.text(progress)
        if time.monotonic() - self.last < PLAIN_PROGRESS_SECONDS:
            return
        self.last = time.monotonic()
        counted = f" {progress.done} of {progress.total}" if progress.total else ""
        print(
            f"{progress.stage}{counted}{', ' * bool(pace)}{pace}", file=sys.stderr, flush=True
        )


class _Bar:
    """Progress as a bar that stays in its line."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self.bar = Progress(
            TextColumn("{task.description:>9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self.task = self.bar.add_task("counting", total=None, pace="")
        self.pace = _Pace()

    def __enter__(self) -> _Bar:
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def show(self, progress: Progress) -> None:
        self.bar.update(
            self.task,
            description=progress.stage,
            completed=progress.done,
            total=progress.total or None,
            pace=self.pace.text(progress),
        )


def print_plan(plan: Plan) -> None:
    """Say on standard error what is read again because something changed, before it is."""
    for name, pages in plan.changes:
        print(f"{name} changed: {pages} pages are read again", file=sys.stderr)


def conservation(counts: Counts) -> str:
    """Say where all pages are, as a sum that was checked."""
    parts = {
        "done": counts.done,
        "review": counts.review,
        "quarantined": counts.quarantined,
        "waiting": counts.waiting + counts.running,
    }
    terms = (f"{pages} {name}" for name, pages in parts.items() if pages or name != "waiting")
    return f"{counts.pages} = {' + '.join(terms)}"


def print_summary(summary: RunSummary) -> None:
    """Print what came of a run and where to look, on standard error."""
    counts = summary.counts
    rows = [
        ("pages in", conservation(counts)),
        ("pages done", str(counts.done + counts.review)),
        ("to be reviewed", str(counts.review)),
        ("failed", str(counts.quarantined)),
        ("left to read", str(counts.waiting)),
        ("files skipped", str(counts.skipped)),
        ("files vanished", str(summary.vanished)),
        ("seconds", f"{summary.seconds:.1f}"),
        ("quarantine", str(summary.out / "quarantine") if counts.quarantined else "0"),
        ("look at", str(summary.out / "report" / "index.html")),
    ]
    always = {"pages done", "to be reviewed", "failed"}
    for name, value in rows:
        if value != "0" or name in always:
            print(f"{name:>15}  {value}", file=sys.stderr)
    for problem, pages in summary.problems[:5]:
        print(f"{problem:>30}  {pages} pages", file=sys.stderr)
    if summary.interrupted:
        print("interrupted; start the same command again to go on", file=sys.stderr)
