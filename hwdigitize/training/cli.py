"""The commands ``train``, ``evaluate`` and ``data``: parse, one library call, print.

Keras and the tables' library are imported by the command that needs them.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwdigitize.errors import EXIT_INTERRUPTED, UsageError

if TYPE_CHECKING:
    from hwdigitize.recognition.runtime import Name
    from hwdigitize.training.datasets import Broken, Dataset
    from hwdigitize.training.inspection import Check
    from hwdigitize.training.loop import Watch
    from hwdigitize.training.measurement import Measurement, Progress
    from hwdigitize.training.runs import Start

app = typer.Typer(no_args_is_help=True)
data_app = typer.Typer(help="Look into training data.", no_args_is_help=True)
evaluate_app = typer.Typer(
    help="Measure a network on data with known truth.", no_args_is_help=True
)
train_app = typer.Typer(help="Train a network on your own data.", no_args_is_help=True)
app.add_typer(train_app, name="train")
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(data_app, name="data")

#: damaged samples that are named one by one
MOST_NAMED = 20

Data = Annotated[list[Path], typer.Option("--data", help="Data set; repeatable.")]
Exclude = Annotated[
    list[str] | None, typer.Option(help="Source to leave out; repeatable.", metavar="SOURCE")
]
Split = Annotated[str, typer.Option(help="Which part of the data to measure on.")]
Models = Annotated[
    Path | None, typer.Option(help="Folder with the weights.", show_default="as shipped")
]
Report = Annotated[
    Path | None, typer.Option(help="Folder for report.html and scores.json.", metavar="DIR")
]
Predictions = Annotated[
    Path | None, typer.Option(help="Write all predictions to a CSV file.", metavar="FILE")
]
Run = Annotated[
    Path | None,
    typer.Option(help="Folder of the run whose curves the report shows.", metavar="DIR"),
]
Out = Annotated[Path, typer.Option(help="Folder of the run; a run begun there goes on.")]
From = Annotated[
    str | None,
    typer.Option("--from", help="Start from these weights: .keras file, or 'shipped'."),
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


@data_app.command("check")
def data_check(
    paths: Annotated[list[Path], typer.Argument(help="Data sets: folders or files.")],
    fast: Annotated[bool, typer.Option("--fast", help="Do not decode the images.")] = False,
) -> None:
    """Say what is in data sets, what is broken, and which characters the alphabet lacks."""
    from hwdigitize.recognition.alphabet import Alphabet
    from hwdigitize.training.datasets import open_dataset
    from hwdigitize.training.inspection import check_dataset

    for path in paths:
        _print_check(check_dataset(open_dataset(path), Alphabet(), decode=not fast))


@data_app.command("preview")
def data_preview(
    path: Annotated[Path, typer.Argument(help="Data set, or pool of drawn words.")],
    out: Annotated[Path, typer.Option(help="Picture to write, .png.")],
    seed: Annotated[int, typer.Option(help="Chooses samples and distortions.")] = 0,
    count: Annotated[int, typer.Option(help="How many samples.", min=1)] = 120,
    plain: Annotated[bool, typer.Option("--plain", help="Show samples as they are.")] = False,
) -> None:
    """Write a contact sheet of samples, distorted as in training."""
    from hwdigitize.training.preview import preview

    with _broken_reported() as report:
        shown = preview(path, out, seed, count, plain, report)
    _say(f"{shown} samples on {out}")


@evaluate_app.command("words")
def evaluate_words(
    data: Data,
    split: Split = "test",
    exclude: Exclude = None,
    models: Models = None,
    decoder: Annotated[str, typer.Option(help="greedy, or beam.")] = "beam",
    language: Annotated[
        str, typer.Option(help="Words to expect: none, en, fr, names, en+fr, …")
    ] = "none",
    report: Report = None,
    run: Run = None,
    predictions: Predictions = None,
) -> None:
    """Read words and lines, and compare with the truth."""
    from hwdigitize.training.measure_words import measure_words

    if decoder not in ("greedy", "beam"):
        raise UsageError(f"unknown decoder {decoder!r}; use greedy or beam")
    dataset = _open(data, exclude)
    with _shown("reading") as progress:
        result = measure_words(
            dataset,
            split,
            models,
            decoder,  # type: ignore[arg-type]
            language,
            progress,
            run,
        )
    _deliver(result, report, predictions, ("language", "all", "by_source", "seen"))


@evaluate_app.command("characters")
def evaluate_characters(
    data: Data,
    split: Split = "test",
    exclude: Exclude = None,
    models: Models = None,
    report: Report = None,
    run: Run = None,
    predictions: Predictions = None,
) -> None:
    """Read isolated characters, and compare with the truth."""
    from hwdigitize.training.measure_characters import measure_characters

    dataset = _open(data, exclude)
    with _shown("reading") as progress:
        result = measure_characters(dataset, split, models, progress, run)
    _deliver(result, report, predictions, ("accuracy", "ece", "by_source", "junk"))


@evaluate_app.command("writers")
def evaluate_writers(
    data: Data,
    split: Split = "test",
    exclude: Exclude = None,
    models: Models = None,
    report: Report = None,
    run: Run = None,
    predictions: Predictions = None,
) -> None:
    """Identify the writers of pages among those of the other splits."""
    from hwdigitize.training.measure_writers import measure_writers

    dataset = _open(data, exclude)
    with _shown("looking") as progress:
        result = measure_writers(dataset, split, models, progress, run)
    _deliver(result, report, predictions, ("all", "one_line", "same_hand"))


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
    from hwdigitize.training.fit_words import export_words, fit_words
    from hwdigitize.training.pools import read_drawn
    from hwdigitize.training.preview import is_pool

    start = _start("words", out, start_from, steps, seed, config, skip_unknown, force)
    real = [path for path in data if not is_pool(path)]
    pools = [path for path in data if is_pool(path)]
    dataset = _open(real, exclude, drawn=bool(pools)) if real else None
    drawn = [read_drawn(path, Alphabet(), exclude or ()) for path in pools]
    with _broken_reported() as report, _training_shown() as watch:
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
    from hwdigitize.training.fit_characters import export_characters, fit_characters

    start = _start("characters", out, start_from, steps, seed, config, skip_unknown, force)
    dataset = _open(data, exclude)
    with _broken_reported() as report, _training_shown() as watch:
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
    from hwdigitize.training.fit_writers import export_writers, fit_writers

    start = _start("writers", out, start_from, steps, seed, config, False, force)
    dataset = _open(data, exclude)
    with _broken_reported() as report, _training_shown() as watch:
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
        _say(f"stopped; the same command goes on, with the checkpoint in {start.out}")
        raise typer.Exit(EXIT_INTERRUPTED)
    elsewhere = _open(others, None) if others else None
    comparisons = finish(name, start, ready, export, elsewhere, _say)
    models = start.out / "models"
    _say(f"network: {models}; read with it: hwdigitize run --models {models}")
    print(json.dumps(as_scores(comparisons), indent=2, ensure_ascii=False))


def _open(paths: Sequence[Path], exclude: Sequence[str] | None, drawn: bool = False) -> Dataset:
    """Data sets as one; what is excluded must be in them, or may be in drawn words."""
    from hwdigitize.training.datasets import join_datasets, open_dataset

    dataset = join_datasets([open_dataset(path) for path in paths])
    unwanted = [name for name in exclude or () if not drawn or name in dataset.sources()]
    return dataset.without(unwanted)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


@contextmanager
def _broken_reported() -> Iterator[Callable[[Broken], None]]:
    """Name the first samples that are left out, and count the others."""
    broken: list[Broken] = []

    def report(item: Broken) -> None:
        broken.append(item)
        if len(broken) <= MOST_NAMED:
            _say(f"left out: {item.id}: {item.reason}")

    yield report
    if len(broken) > MOST_NAMED:
        _say(f"left out: {len(broken) - MOST_NAMED} more")


@contextmanager
def _shown(what: str) -> Iterator[Progress]:
    """A bar on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _deliver(
    result: Measurement, report: Path | None, predictions: Path | None, shown: Sequence[str]
) -> None:
    """Print the figures as JSON and write what was asked for."""
    import json

    from hwdigitize.training.evaluation_report import write_report
    from hwdigitize.training.measurement import write_predictions

    with _broken_reported() as tell:
        for item in result.broken:
            tell(item)
    if predictions:
        write_predictions(predictions, result)
    if report:
        write_report(report, result.view, result.scores)
        _say(f"report: {report / 'report.html'}")
    printed: dict[str, Any] = {key: result.scores[key] for key in shown if key in result.scores}
    print(json.dumps(printed, indent=2, ensure_ascii=False))


def _print_check(check: Check) -> None:
    print(f"{check.path}: {', '.join(check.formats)}; {check.samples} samples")
    for (kind, source, split), count in check.counts.items():
        print(f"  {count:7} {kind}s  {source}  {split or '(no split)'}")
    print(f"  {len(check.writers)} writers known")
    print(f"  {len(check.characters)} different characters: {_listed(check.characters)}")
    for character, where in check.missing.items():
        print(f"  not in the alphabet: {character!r} (U+{ord(character[0]):04X}), in {where}")
    print(f"  {len(check.broken)} broken{'' if check.decoded else '; images were not decoded'}")
    for item in check.broken[:MOST_NAMED]:
        print(f"    {item.id}: {item.reason}")
    if len(check.broken) > MOST_NAMED:
        print(f"    and {len(check.broken) - MOST_NAMED} more")


def _listed(characters: dict[str, int]) -> str:
    return "".join(sorted(characters)).strip()
