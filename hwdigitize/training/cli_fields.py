"""The commands ``evaluate fields`` and ``train fields``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Archive = Annotated[
    Path, typer.Option("--data", help="Folder with truth.json, its pages and templates.")
]
Archives = Annotated[
    list[Path] | None,
    typer.Option("--data", help="Folder with truth.json and its pages; repeatable."),
]
Reviewed = Annotated[
    list[Path] | None,
    typer.Option(
        help="Results whose fields.csv has a column 'correct'; repeatable.", metavar="RESULTS"
    ),
]
Models = Annotated[
    Path | None, typer.Option(help="Folder with the weights.", show_default="as shipped")
]
Templates = Annotated[
    Path | None, typer.Option(help="Folder of templates.", show_default="those of the data")
]
Readings = Annotated[
    Path | None,
    typer.Option(help="File to keep what was read; pages in it are not read again."),
]

Jobs = Annotated[
    int | None, typer.Option(help="Worker processes.", show_default="one a core", min=1)
]


def evaluate_fields(
    data: Archive,
    models: Models = None,
    max_error: Annotated[
        float, typer.Option(help="Share of wrong values that may be accepted.", min=0, max=1)
    ] = 0.02,
    templates: Templates = None,
    readings: Readings = None,
    jobs: Jobs = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder for report.html and scores.json.", metavar="DIR")
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Write all fields to a CSV file.", metavar="FILE")
    ] = None,
) -> None:
    """Read filled forms, and compare their fields with the truth."""
    from hwdigitize.training.cli import _deliver
    from hwdigitize.training.cli_shared import available_cores, shown
    from hwdigitize.training.measure_fields import measure_fields

    with shown("reading") as progress:
        result = measure_fields(
            data, models, max_error, templates, readings, progress, jobs or available_cores()
        )
    _deliver(result, report, predictions, ("pages", "all", "by_kind", "automation"))


def train_fields(
    out: Annotated[Path, typer.Option(help="Models folder that fields.json goes to.")],
    data: Archives = None,
    reviewed: Reviewed = None,
    models: Models = None,
    templates: Templates = None,
    readings: Readings = None,
    jobs: Jobs = None,
    seed: Annotated[int, typer.Option(help="Chooses the pages that are fitted on.")] = 0,
) -> None:
    """Calibrate the confidence of fields on filled forms with known truth.

    The pages must be none that a network was trained on. Give an archive, results of your own
    that were looked through, or both.
    """
    from hwdigitize.errors import UsageError
    from hwdigitize.forms.confidence import Judge
    from hwdigitize.settings import Settings
    from hwdigitize.training.cli_shared import available_cores, say, shown
    from hwdigitize.training.measure_fields import train_fields as fit

    if not data and not reviewed:
        raise UsageError("give --data with an archive, or --reviewed with results")
    with shown("reading") as progress:
        card = fit(
            data or (),
            out,
            models,
            templates,
            readings,
            seed,
            progress,
            jobs or available_cores(),
            reviewed or (),
        )
    sample = ", ".join(f"{name} {value}" for name, value in card.sample.items())
    say(f"calibration: {out / 'fields.json'} ({sample})")
    for claim in Judge(card, Settings().max_error).claims.values():
        print(claim.sentence)
