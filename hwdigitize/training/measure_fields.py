"""What reading forms is worth: right values, what is accepted unseen, and the errors in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hwdigitize.errors import DataError
from hwdigitize.forms.confidence import (
    FieldsCard,
    Judge,
    load_fields_card,
    save_fields_card,
)
from hwdigitize.settings import Settings
from hwdigitize.training.field_readings import read_archive
from hwdigitize.training.field_rows import PageRow
from hwdigitize.training.field_scores import (
    Judged,
    field_scores,
    free_text_scores,
    grouped_scores,
    judge_rows,
    reasons,
    state_confusion,
)
from hwdigitize.training.fields_report import fields_view
from hwdigitize.training.fit_fields import LEAST_FIELDS, fit_fields
from hwdigitize.training.measurement import Measurement, Progress
from hwdigitize.training.reviewed_fields import reviewed_pages
from hwdigitize.training.scores import Prediction, confidence_scores

HEADER = ("file", "field", "kind", "truth", "value", "state", "right", "confidence", "flags")
MAX_ERRORS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)


def measure_fields(
    folder: Path,
    models: Path | None = None,
    max_error: float = 0.02,
    templates: Path | None = None,
    keep: Path | None = None,
    progress: Progress = lambda done, total: None,
    jobs: int = 0,
) -> Measurement:
    """Read an archive with known truth, and judge its fields by the card of the models.

    Args:
        folder: see :func:`hwdigitize.training.field_readings.read_archive`.
        models: folder of networks and ``fields.json``; None: as shipped.
        max_error: share of wrong fields that may be accepted.
        templates: folder of templates; None: those of the archive.
        keep: readings that are kept, and not done again.
        progress: told of pages done.
        jobs: worker processes; 0 reads in this one.

    Raises:
        DataError: the archive cannot be used.
        ModelError: networks or card cannot be loaded.
    """
    settings = _settings(models, templates)
    pages = read_archive(folder, settings, keep, progress, jobs)
    card = load_fields_card(settings.models)
    judge = Judge(card, max_error)
    judged = judge_rows([row for page in pages for row in page.fields], judge)
    if not judged:
        raise DataError(f"{folder} has no field to measure")
    scores = _scores(folder, pages, judged, judge, card, max_error)
    return Measurement(
        header=HEADER,
        rows=tuple(_csv_row(one) for one in judged),
        scores=scores,
        view=fields_view(folder, scores, judged, card),
    )


def train_fields(
    folders: Sequence[Path],
    out: Path,
    models: Path | None = None,
    templates: Path | None = None,
    keep: Path | None = None,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
    jobs: int = 0,
    reviewed: Sequence[Path] = (),
) -> FieldsCard:
    """Calibrate fields with known truth, and write ``fields.json`` into ``out``.

    The pages must be none that the networks were trained on, and like those to be read.

    Args:
        folders: archives, see :func:`hwdigitize.training.field_readings.read_archive`.
        out: models folder that the card goes to.
        models: folder of the networks; None: as shipped.
        templates: folder of templates; None: those of the data.
        keep: readings that are kept, and not done again.
        seed: chooses the pages that are fitted on.
        progress: told of pages done.
        jobs: worker processes; 0 reads in this one.
        reviewed: results of runs, see :mod:`hwdigitize.training.reviewed_fields`.

    Raises:
        DataError: data cannot be used, or has too few fields of every kind.
    """
    settings = _settings(models, templates)
    sources = [read_archive(f, settings, keep, progress, jobs) for f in folders]
    sources += [tuple(reviewed_pages(results, settings)) for results in reviewed]
    pages = [page for source in sources for page in source]
    # two archives may have files of one name
    samples = [
        replace(row.sample, page=f"{number}/{row.file}")
        for number, source in enumerate(sources)
        for page in source
        for row in page.fields
        if row.evidence
    ]
    about: dict[str, str | int] = {
        "data": ", ".join(folder.name for folder in (*folders, *reviewed)),
        "failed pages": sum(page.failed for page in pages),
    }
    card = fit_fields(samples, seed, about)
    if not card.kinds:
        raise DataError(f"no kind has {LEAST_FIELDS} fields that were read: give more pages")
    save_fields_card(card, out / "fields.json")
    return card


def _settings(models: Path | None, templates: Path | None) -> Settings:
    return Settings(
        models=None if models is None else str(models),
        templates=None if templates is None else str(templates),
    )


def _scores(
    folder: Path,
    pages: Sequence[PageRow],
    judged: Sequence[Judged],
    judge: Judge,
    card: FieldsCard | None,
    max_error: float,
) -> dict[str, Any]:
    by_file = {page.file: page for page in pages}
    kinds = sorted({one.row.kind for one in judged})
    return {
        "data": str(folder),
        "max_error": max_error,
        "calibration": card.sample if card else None,
        "pages": _page_scores(pages),
        "all": field_scores(judged),
        "by_kind": grouped_scores(judged, lambda row: (row.kind,)),
        "free_text": free_text_scores(judged),
        "by_form": grouped_scores(judged, lambda row: (row.template,)),
        "by_scan": grouped_scores(judged, lambda row: by_file[row.file].notes),
        "by_state": grouped_scores(judged, lambda row: (row.truth_state,)),
        "by_answer": state_confusion(judged),
        "reasons": reasons(judged),
        "claims": {kind: judge.claim(kind).sentence for kind in kinds},
        "automation": [_at(judged, card, error) for error in MAX_ERRORS],
    } | confidence_scores([_prediction(one) for one in judged])


def _page_scores(pages: Sequence[PageRow]) -> dict[str, Any]:
    residuals = [page.residual_px for page in pages if page.residual_px is not None]
    return {
        "pages": len(pages),
        "right_template": round(sum(page.matched for page in pages) / len(pages), 4),
        "not_read": sum(not page.matched for page in pages),
        "failed": sum(page.failed for page in pages),
        "refused": sum(not page.matched and page.residual_px is None for page in pages),
        "wrong_template": sum(
            not page.matched and page.residual_px is not None for page in pages
        ),
        "median_residual_px": round(float(np.median(residuals)), 3) if residuals else None,
        "median_seconds": round(float(np.median([page.seconds for page in pages])), 3),
    }


def _at(judged: Sequence[Judged], card: FieldsCard | None, max_error: float) -> dict[str, Any]:
    """What another ``max_error`` would have accepted."""
    again = judge_rows([one.row for one in judged], Judge(card, max_error))
    scores = field_scores(again)
    return {"max_error": max_error} | {k: scores[k] for k in ("accepted", "error")}


def _prediction(one: Judged) -> Prediction:
    """As the scores of other networks want it; the texts only say whether it is right."""
    read = "right" if one.row.right else "wrong"
    return Prediction(f"{one.row.file} {one.row.name}", "right", read, one.confidence)


def _csv_row(one: Judged) -> tuple[str, ...]:
    row = one.row
    return (
        row.file,
        row.name,
        row.kind,
        row.truth,
        row.value,
        row.state,
        str(row.right).lower(),
        f"{one.confidence:.4f}",
        "; ".join(row.flags) or one.reason,
    )
