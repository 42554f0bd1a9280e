"""How a run shows on a terminal, in a pipe and in the log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

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
                extra={"about": _fields(progress)},
            )
        show(progress)

    return listener


def _sentence(progress: Progress) -> str:
    page = f", page {progress.page}" if progress.page else ""
    state = f": {progress.state}" if progress.state else ""
    problem = f" ({progress.problem})" if progress.problem else ""
    return f"{printable(progress.file)}{page}{state}{problem}"


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


def printable(text: str) -> str:
    """File names may hold anything, commands to the terminal too."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def counted(number: int, what: str) -> str:
    """Write a number of things: ``1 page``, ``2 pages``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


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
    """Say on standard error what changed since the last run, before it is read."""
    if plan.vanished_files:
        gone = counted(plan.vanished_files, "file")
        print(f"vanished from the inputs: {gone}, whose results stay", file=sys.stderr)
    for name, pages in plan.changes:
        print(f"{name} changed: to be read again, {counted(pages, 'page')}", file=sys.stderr)


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
    took = f"{counted(summary.read, 'page')} in {clock(summary.seconds)}"
    rows = [("pages in", conservation(counts)), ("read by this run", took)]
    rows += left_out(counts, summary.vanished)
    if counts.quarantined:
        rows.append(("failed files", str(summary.out / "quarantine")))
    rows.append(("look at", str(summary.out / "report" / "index.html")))
    print_rows(rows + worst(summary.problems), sys.stderr)
    if summary.interrupted:
        print("interrupted; start the same command again to go on", file=sys.stderr)


def left_out(counts: Counts, vanished: int) -> list[tuple[str, str]]:
    """Rows on files that have no page in the sum, if there are any."""
    why = {
        "files not looked into": counts.uncounted,
        "files skipped": counts.skipped,
        "files vanished": vanished,
    }
    return [(name, str(files)) for name, files in why.items() if files]


def worst(problems: Iterable[tuple[str, int, str]]) -> list[tuple[str, str]]:
    """Rows on the commonest problems: how many pages, and a file to look at."""
    return [
        (name, f"{counted(pages, 'page')}, such as {printable(file)}")
        for name, pages, file in problems
    ]


def print_rows(rows: Iterable[tuple[str, str]], where: TextIO) -> None:
    """Print names and values in two columns."""
    for name, value in rows:
        print(f"{name:>22}  {value}", file=where)
