"""What the training commands share: opening data, and naming what is left out of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hwdigitize.training.datasets import Broken, Dataset
    from hwdigitize.training.measurement import Progress

#: lines of progress in a log
LINES = 20
#: damaged samples that are named one by one
MOST_NAMED = 20

Data = Annotated[list[Path], typer.Option("--data", help="Data set; repeatable.")]
Exclude = Annotated[
    list[str] | None, typer.Option(help="Source to leave out; repeatable.", metavar="SOURCE")
]


def open_data(
    paths: Sequence[Path], exclude: Sequence[str] | None, drawn: bool = False
) -> Dataset:
    """Data sets as one; what is excluded must be in them, or may be in drawn words."""
    from hwdigitize.training.datasets import join_datasets, open_dataset

    dataset = join_datasets([open_dataset(path) for path in paths])
    unwanted = [name for name in exclude or () if not drawn or name in dataset.sources()]
    return dataset.without(unwanted)


def say(text: str) -> None:
    """Print to standard error."""
    print(text, file=sys.stderr)


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def broken_reported() -> Iterator[Callable[[Broken], None]]:
    """Name the first samples that are left out, and count the others."""
    broken: list[Broken] = []

    def report(item: Broken) -> None:
        broken.append(item)
        if len(broken) <= MOST_NAMED:
            say(f"left out: {item.id}: {item.reason}")

    yield report
    if len(broken) > MOST_NAMED:
        say(f"left out: {len(broken) - MOST_NAMED} more")


@contextmanager
def shown(what: str) -> Iterator[Progress]:
    """A bar on standard error; in a log, a line each twentieth."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(what)
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(what: str) -> Progress:
    told = -1

    def tell(done: int, total: int) -> None:
        nonlocal told
        if (part := LINES * done // max(total, 1)) > told:
            told = part
            say(f"{what}: {done} of {total}")

    return tell
