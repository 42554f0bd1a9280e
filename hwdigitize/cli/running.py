"""A run from the command line: shown, stopped in order, ended with the promised code."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hwdigitize import errors
from hwdigitize.cli.display import log, print_plan, print_summary, printable, shown

if TYPE_CHECKING:
    from hwdigitize.settings import Settings


def carry_out(
    inputs: Sequence[Path | str],
    out: Path | str,
    settings: Settings,
    jobs: int | None,
    quiet: bool,
    cluster: str | None = None,
) -> None:
    """Run and say what came of it; raises ``typer.Exit`` where not all pages are done.

    Inputs and ``out`` are paths or URLs.
    """
    from hwdigitize.batch.remote import results_at
    from hwdigitize.batch.run import run_batch

    stop = threading.Event()
    log.info("began: %s", printable(" ".join(map(str, [*inputs, "to", out]))))
    announce = (lambda plan: None) if quiet else print_plan
    with results_at(str(out)) as folder, stopping(stop), shown(quiet) as listener:
        summary = run_batch(
            inputs,
            folder,
            settings,
            jobs,
            cluster=cluster,
            listener=listener,
            announce=announce,
            stop=stop,
        )
    if not quiet:
        print_summary(summary)
    ended = summary.counts._asdict() | {"read": summary.read}
    words = " ".join(f"{name}={number}" for name, number in ended.items())
    log.info("ended: %s", words, extra={"about": ended})
    if summary.interrupted:
        raise typer.Exit(errors.EXIT_INTERRUPTED)
    if summary.counts.quarantined:
        raise typer.Exit(errors.EXIT_PAGES_FAILED)


@contextmanager
def stopping(stop: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C (or SIGTERM) stop the run in order, the second at once."""

    def on_signal(number: int, frame: object) -> None:
        if stop.is_set():
            os._exit(errors.EXIT_INTERRUPTED)  # the workers die with this process
        stop.set()
        os.write(2, b"\nhwdigitize: stopping; what is done is kept. Again to stop at once.\n")

    before = {
        number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
