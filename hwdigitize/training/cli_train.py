"""The commands ``train words``, ``train characters`` and ``train writers``.

Keras is imported when the data have been opened, so that what is wrong with them is said at
once.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwdigitize.errors import EXIT_INTERRUPTED, UsageError
from hwdigitize.training.cli_shared import Data, Exclude, broken_reported, open_data, say

if TYPE_CHECKING:
    from hwdigitize.recognition.runtime import Name
    from hwdigitize.training.datasets import Dataset
    from hwdigitize.training.loop import Watch
    from hwdigitize.training.runs import Start

train_app = typer.Typer(help="Train a network on your own data.", no_args_is_help=True)

Out = Annotated[Path, typer.Option(help="Folder of the run; a run begun there goes on.")]
From = Annotated[
    str | None,
    typer.Option(
        "--from", help="Start from these weights: .keras file, run, 'words' or 'shipped'."
    ),
]
Steps = Annotated[int | None, typer.Option(help="Batches to train on.", min=1)]
SkipUnknown = Annotated[
    bool,
    typer.Option("--skip-unknown", help="Leave out samples with characters no network has."),
]
Force = Annotated[
    bool, typer.Option("--force", help="Install it even if it reads worse than the one there.")
]
Others = Annotated[
    list[Path] | None,
    typer.Option(
        help="Other hands, to see whether it got worse on them; repeatable.",
        show_default="drawn words",
    ),
]
Seed = Annotated[int | None, typer.Option(help="The same seed gives the same run.")]
Config = Annotated[
    Path | None, typer.Option(help="Sizes and rates (TOML); docs/training.md.", metavar="FILE")
]


@train_app.command("words")
def train_words(
    data: Data,
    out: Out,
    start_from: From = None,
    others: Others = None,
    exclude: Exclude = None,
    steps: Steps = None,
    seed: Seed = None,
    config: Config = None,
    skip_unknown: SkipUnknown = False,
    force: Force = False,
) -> None:
    """Train on words and lines, and put the network into OUT/models.

    Drawn words (pools of hwdigitize.training.synthetic) may be among the data.
    """
    _need_keras()
    from hwdigitize.recognition.alphabet import Alphabet
    from hwdigitize.training.pools import read_drawn
    from hwdigitize.training.preview import is_pool

    start = _start("words", out, start_from, steps, seed, config, skip_unknown, force)
    real = [path for path in data if not is_pool(path)]
    pools = [path for path in data if is_pool(path)]
    dataset = open_data(real, exclude, drawn=bool(pools)) if real else None
    drawn = [read_drawn(path, Alphabet(), exclude or ()) for path in pools]
    from hwdigitize.training.fit_words import export_words, fit_words

    with broken_reported() as report, _training_shown() as watch:
        ready = fit_words(dataset, drawn, start, report, watch)
    _finish("words", start, watch, ready, export_words, others)


@train_app.command("characters")
def train_characters(
    data: Data,
    out: Out,
    start_from: From = None,
    others: Others = None,
    exclude: Exclude = None,
    steps: Steps = None,
    seed: Seed = None,
    config: Config = None,
    skip_unknown: SkipUnknown = False,
    force: Force = False,
) -> None:
    """Train on isolated characters, and put the network into OUT/models."""
    _need_keras()
    start = _start("characters", out, start_from, steps, seed, config, skip_unknown, force)
    dataset = open_data(data, exclude)
    from hwdigitize.training.fit_characters import export_characters, fit_characters

    with broken_reported() as report, _training_shown() as watch:
        ready = fit_characters(dataset, start, report, watch)
    _finish("characters", start, watch, ready, export_characters, others)


@train_app.command("writers")
def train_writers(
    data: Data,
    out: Out,
    start_from: From = None,
    others: Others = None,
    exclude: Exclude = None,
    steps: Steps = None,
    seed: Seed = None,
    config: Config = None,
    force: Force = False,
) -> None:
    """Train on pages of known writers, and put the network into OUT/models."""
    _need_keras()
    start = _start("writers", out, start_from, steps, seed, config, False, force)
    dataset = open_data(data, exclude)
    from hwdigitize.training.fit_writers import export_writers, fit_writers

    with broken_reported() as report, _training_shown() as watch:
        ready = fit_writers(dataset, start, report, watch)
    _finish("writers", start, watch, ready, export_writers, others)


# Behind the commands.


def _need_keras() -> None:
    """Stop where what training needs is not installed; quieten what is."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if find_spec("keras") is None:
        raise UsageError("training needs more packages: pip install 'hwdigitize[train]'")


def _start(
    name: Name,
    out: Path,
    start_from: str | None,
    steps: int | None,
    seed: int | None,
    config: Path | None,
    skip_unknown: bool,
    force: bool,
) -> Start:
    from hwdigitize.training.plans import read_plan
    from hwdigitize.training.runs import Start, weights_file

    weights = weights_file(name, start_from)
    return Start(out, read_plan(config), weights, steps, seed, skip_unknown, force)


@contextmanager
def _training_shown() -> Iterator[Watch]:
    """A bar on standard error with the loss, and a line a validation; Ctrl-C stops in order."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from hwdigitize.training.loop import Watch

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True, soft_wrap=True), transient=True) as bar:
        task = bar.add_task("training", total=None)
        rate = ""

        def show_step(step: int, end: int, loss: float) -> None:
            text = f"loss {loss:.3f}{rate}"
            bar.update(task, completed=step, total=end, description=text)

        def show_record(record: dict[str, float]) -> None:
            nonlocal rate
            bar.console.print(_sentence(record), highlight=False)
            if "cer" in record:
                rate = f", CER {100 * record['cer']:.1f} %"

        watch = Watch(show_step, show_record)
        before = signal.signal(signal.SIGINT, lambda number, frame: watch.stop.set())
        try:
            yield watch
        finally:
            signal.signal(signal.SIGINT, before)


def _sentence(record: dict[str, float]) -> str:
    """One validation in words."""
    known = ("step", "minutes", "loss", "learning_rate", "images_per_second", "score")
    scores = ", ".join(f"{k} {v:.3f}" for k, v in record.items() if k not in known)
    done = f"step {record['step']:.0f}, {record['minutes']:.1f} min"
    return f"{done}, loss {record['loss']:.3f}: {scores}"


def _finish(
    name: Name,
    start: Start,
    watch: Watch,
    ready: Dataset,
    export: Callable[[Path, Dataset, Path], None],
    others: list[Path] | None,
) -> None:
    """Export, compare with the network in place, install, and say how it went."""
    import json

    from hwdigitize.training.install import as_scores, finish

    if watch.stop.is_set():
        say(f"stopped; the same command goes on, with the checkpoint in {start.out}")
        raise typer.Exit(EXIT_INTERRUPTED)
    elsewhere = open_data(others, None) if others else None
    comparisons = finish(name, start, ready, export, elsewhere, say)
    models = start.out / "models"
    say(f"network: {models}; read with it: hwdigitize run --models {models}")
    print(json.dumps(as_scores(comparisons), indent=2, ensure_ascii=False))
