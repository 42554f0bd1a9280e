"""The commands ``train``, ``evaluate`` and ``data``: parse, one library call, print.

Keras and the tables' library are imported by the command that needs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwdigitize.errors import UsageError
from hwdigitize.training.cli_fields import evaluate_fields, train_fields
from hwdigitize.training.cli_shared import (
    MOST_NAMED,
    Data,
    Exclude,
    broken_reported,
    open_data,
    say,
    shown,
)
from hwdigitize.training.cli_train import train_app

if TYPE_CHECKING:
    from hwdigitize.training.inspection import Check
    from hwdigitize.training.measurement import Measurement

app = typer.Typer(no_args_is_help=True)
data_app = typer.Typer(help="Look into training data.", no_args_is_help=True)
evaluate_app = typer.Typer(
    help="Measure a network on data with known truth.", no_args_is_help=True
)
app.add_typer(train_app, name="train")
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(data_app, name="data")
evaluate_app.command("fields")(evaluate_fields)
train_app.command("fields")(train_fields)

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

    with broken_reported() as report:
        shown = preview(path, out, seed, count, plain, report)
    say(f"{shown} samples on {out}")


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
    dataset = open_data(data, exclude)
    with shown("reading") as progress:
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

    dataset = open_data(data, exclude)
    with shown("reading") as progress:
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

    dataset = open_data(data, exclude)
    with shown("looking") as progress:
        result = measure_writers(dataset, split, models, progress, run)
    _deliver(result, report, predictions, ("all", "one_line", "same_hand"))


# Behind the commands.


def _deliver(
    result: Measurement, report: Path | None, predictions: Path | None, shown: Sequence[str]
) -> None:
    """Print the figures as JSON and write what was asked for."""
    import json

    from hwdigitize.training.evaluation_report import write_report
    from hwdigitize.training.measurement import write_predictions

    with broken_reported() as tell:
        for item in result.broken:
            tell(item)
    if predictions:
        write_predictions(predictions, result)
    if report:
        write_report(report, result.view, result.scores)
        say(f"report: {report / 'report.html'}")
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
