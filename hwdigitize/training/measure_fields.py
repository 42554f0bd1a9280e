"""What reading forms is worth: right values, what is accepted unseen, and the errors in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hwdigitize.errors import DataError
from hwdigitize.forms.confidence import (
    FieldsCard,
    Judge,
    load_fields_card,
    save_fields_card,
    upper_bound,
)
from hwdigitize.recognition.confidence import calibration_error
from hwdigitize.settings import Settings
from hwdigitize.training.charts import accepted_chart
from hwdigitize.training.evaluation_report import (
    Chart,
    Shown,
    Strip,
    Table,
    View,
    data_uri,
    score_table,
    shown_value,
)
from hwdigitize.training.field_readings import read_archive
from hwdigitize.training.field_rows import FieldRow, PageRow
from hwdigitize.training.fit_fields import LEAST_FIELDS, fit_fields
from hwdigitize.training.measurement import Measurement, Progress, confidence_charts
from hwdigitize.training.page_effect import (
    Flags,
    Pages,
    effect_of,
    number_pages,
    page_correlation,
)
from hwdigitize.training.reviewed_fields import reviewed_pages
from hwdigitize.training.scores import Prediction, confidence_scores, error_by_share

HEADER = ("file", "field", "kind", "truth", "value", "state", "right", "confidence", "flags")
COLUMNS = ("fields", "right", "accepted", "error", "error_bound", "calibration_error")
MAX_ERRORS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
#: pictures of accepted errors
MOST_SHOWN = 60
MARGIN_PX = 12


@dataclass(frozen=True)
class Judged:
    """A row with the confidence that the card gives it, and whether it is accepted."""

    row: FieldRow
    confidence: float
    accepted: bool


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
        view=_view(folder, scores, judged, card),
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
    pages = [page for f in folders for page in read_archive(f, settings, keep, progress, jobs)]
    pages += [page for results in reviewed for page in reviewed_pages(results, settings)]
    samples = [row.sample for page in pages for row in page.fields if row.evidence]
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


def judge_rows(rows: Sequence[FieldRow], judge: Judge) -> list[Judged]:
    """Judge again what was read; fields with a flag of their own are never accepted."""
    judged = []
    for row in rows:
        found = judge.judge(row.kind, row.evidence)
        accepted = not found.flag and not row.flags and bool(row.evidence)
        judged.append(Judged(row, found.confidence if row.evidence else 0.0, accepted))
    return judged


# Figures.


def field_scores(judged: Sequence[Judged]) -> dict[str, Any]:
    """Figures of some fields.

    Returns:
        ``fields``; ``right``, share of right values; ``accepted``, share accepted; ``error``,
        share of wrong ones among the accepted, with ``error_bound``, the most that it may
        truly be at 95 % confidence (Clopper and Pearson, of as many fields as the accepted ones
        are worth, see :mod:`hwdigitize.training.page_effect`); ``calibration_error``.
    """
    accepted = [one for one in judged if one.accepted]
    wrong = sum(not one.row.right for one in accepted)
    confidences = np.array([one.confidence for one in judged])
    right = np.array([one.row.right for one in judged])
    return {
        "fields": len(judged),
        "right": round(float(right.mean()), 4),
        "accepted": round(len(accepted) / len(judged), 4),
        "error": round(wrong / len(accepted), 5) if accepted else None,
        "error_bound": round(_bound(judged, accepted), 5) if accepted else None,
        "calibration_error": round(calibration_error(confidences, right), 4),
    }


def _bound(judged: Sequence[Judged], accepted: Sequence[Judged]) -> float:
    """The most that the share of wrong ones may be; errors of a page come together."""
    correlation = page_correlation(*_errors(judged))
    wrong, pages = _errors(accepted)
    effect = effect_of(wrong, pages, correlation)
    return upper_bound(len(accepted) / effect, int(wrong.sum()) / effect)


def _errors(judged: Sequence[Judged]) -> tuple[Flags, Pages]:
    """Whether each field is wrong, and the number of its page."""
    wrong = np.array([not one.row.right for one in judged], np.bool_)
    return wrong, number_pages([one.row.file for one in judged])


def _grouped(
    judged: Sequence[Judged], names: Callable[[FieldRow], Sequence[str]]
) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        for name in names(one.row):
            groups.setdefault(name, []).append(one)
    return {name: field_scores(groups[name]) for name in sorted(groups)}


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
        "by_kind": _grouped(judged, lambda row: (row.kind,)),
        "by_form": _grouped(judged, lambda row: (row.template,)),
        "by_scan": _grouped(judged, lambda row: by_file[row.file].notes),
        "by_state": _grouped(judged, lambda row: (row.truth_state,)),
        "claims": {kind: judge.claim(kind).sentence for kind in kinds},
        "automation": [_at(judged, card, error) for error in MAX_ERRORS],
    } | confidence_scores([_prediction(one) for one in judged])


def _page_scores(pages: Sequence[PageRow]) -> dict[str, Any]:
    residuals = [page.residual_px for page in pages if page.residual_px is not None]
    return {
        "pages": len(pages),
        "right_template": round(sum(page.matched for page in pages) / len(pages), 4),
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
        "; ".join(row.flags) or ("" if one.accepted else "not accepted"),
    )


# The report.


def _view(
    folder: Path, scores: dict[str, Any], judged: Sequence[Judged], card: FieldsCard | None
) -> View:
    pages, everything = scores["pages"], scores["all"]
    note = (
        "accepted: without a flag; error: wrong ones among them, and the most that their true "
        "share may be at 95 % confidence"
    )
    return View(
        title="Fields of forms",
        data=str(folder),
        model=_card_line(card),
        facts=(
            ("pages", str(pages["pages"])),
            ("right template", shown_value(pages["right_template"])),
            ("median residual", f"{pages['median_residual_px']} px"),
            ("fields", str(everything["fields"])),
            ("right", shown_value(everything["right"])),
            (f"accepted at {scores['max_error']:.1%}", shown_value(everything["accepted"])),
            ("wrong among them", _per_cent(everything["error"])),
        ),
        tables=(
            _table("By kind", "kind", scores["by_kind"], note),
            Table("Claims", ("kind", "claim"), tuple(scores["claims"].items())),
            _automation(scores["automation"]),
            _table("By form", "form", scores["by_form"]),
            _table("By what happened to the scan", "scan", scores["by_scan"]),
            _table("By what is written", "truth", scores["by_state"]),
        ),
        charts=(*confidence_charts(scores), *_charts_by_kind(judged)),
        strips=_strips(folder, judged),
    )


def _per_cent(share: float | None) -> str:
    return "–" if share is None else f"{share:.2%}"


def _card_line(card: FieldsCard | None) -> str:
    if card is None:
        return "no calibration: train fields makes one"
    return ", ".join(f"{name} {value}" for name, value in card.sample.items())


def _table(title: str, first: str, scores: dict[str, dict[str, Any]], note: str = "") -> Table:
    return score_table(title, first, scores, COLUMNS, note)


def _automation(points: Sequence[dict[str, Any]]) -> Table:
    rows = tuple(
        (f"{p['max_error']:.1%}", shown_value(p["accepted"]), _per_cent(p["error"]))
        for p in points
    )
    header = ("max error", "accepted", "wrong among them")
    return Table("Error and automation", header, rows, "what each --max-error would accept")


def _charts_by_kind(judged: Sequence[Judged]) -> tuple[Chart, ...]:
    charts = []
    for kind in sorted({one.row.kind for one in judged}):
        ours = [one for one in judged if one.row.kind == kind]
        if len(ours) < LEAST_FIELDS:
            continue
        confidences = np.array([one.confidence for one in ours])
        right = np.array([one.row.right for one in ours])
        points = [{"share": s, "error": e} for s, e in error_by_share(confidences, right)]
        charts.append(Chart(f"Error by share accepted: {kind}", accepted_chart(points)))
    return tuple(charts)


def _strips(folder: Path, judged: Sequence[Judged]) -> tuple[Strip, ...]:
    wrong = [one for one in judged if one.accepted and not one.row.right]
    flagged = [one for one in judged if not one.accepted and one.row.evidence]
    order = np.random.default_rng(0).permutation(len(flagged))[: MOST_SHOWN // 2]
    surest = sorted(wrong, key=lambda one: -one.confidence)[:MOST_SHOWN]
    note = "Truth, what was read, confidence."
    return (
        Strip("Accepted, but wrong", tuple(_shown(folder, one) for one in surest), note),
        Strip(
            "Flagged (random choice)", tuple(_shown(folder, flagged[i]) for i in order), note
        ),
    )


def _shown(folder: Path, one: Judged) -> Shown:
    row = one.row
    page = np.asarray(cv2.imread(str(folder / row.file), cv2.IMREAD_GRAYSCALE), np.uint8)
    left, top, right, bottom = row.box
    crop = page[
        max(top - MARGIN_PX, 0) : bottom + MARGIN_PX,
        max(left - MARGIN_PX, 0) : right + MARGIN_PX,
    ]
    picture = data_uri(crop) if crop.size else ""
    read = row.value if row.state == "value" else f"({row.state})"
    truth = row.truth if row.truth_state == "value" else f"({row.truth_state})"
    return Shown(picture, truth, read, f"{row.kind} {one.confidence:.3f}")
