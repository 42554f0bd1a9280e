"""The report of fields, for people: what is accepted, what is wrong in it, why not more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hwdigitize.forms.confidence import FieldsCard
from hwdigitize.training.charts import accepted_chart, curve_chart
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
from hwdigitize.training.field_scores import Judged
from hwdigitize.training.fit_fields import LEAST_FIELDS
from hwdigitize.training.measurement import confidence_charts
from hwdigitize.training.scores import error_by_share

COLUMNS = ("fields", "right", "accepted", "error", "error_bound", "calibration_error")
REASONS = ("fields", "share", "right")
FREE_TEXT = ("fields", "cer", "wer")
#: pictures of accepted errors
MOST_SHOWN = 60
MARGIN_PX = 12


def fields_view(
    folder: Path, scores: dict[str, Any], judged: Sequence[Judged], card: FieldsCard | None
) -> View:
    """All that the report shows.

    Args:
        folder: of the archive, with its pictures.
        scores: as in ``scores.json``.
        judged: its fields.
        card: by which they were judged.
    """
    pages, everything = scores["pages"], scores["all"]
    note = (
        "right: value and state are those of the page. accepted: without a flag, so that "
        "nobody looks. error: share of wrong ones among the accepted; error bound: the most "
        "that it may truly be, at 95 % confidence. calibration error: how far confidences are "
        "from the share that is right."
    )
    return View(
        title="Fields of forms",
        data=str(folder),
        model=_card_line(card),
        facts=(
            ("pages", str(pages["pages"])),
            ("not read as their form", str(pages["not_read"])),
            ("median residual", f"{pages['median_residual_px']} px"),
            ("fields", str(everything["fields"])),
            ("right", shown_value(everything["right"])),
            (f"accepted at {scores['max_error']:.1%}", shown_value(everything["accepted"])),
            ("wrong among them", _per_cent(everything["error"])),
        ),
        tables=(
            _table("By kind", "kind", scores["by_kind"], note),
            *_free_text(scores["free_text"]),
            Table(
                "What the calibration claims",
                ("kind", "claim"),
                tuple(scores["claims"].items()),
                "Proven on other pages than these, before these were seen.",
                words=True,
            ),
            _automation(scores["automation"]),
            score_table("Why fields go to a person", "reason", scores["reasons"], REASONS),
            score_table(
                "What is there, and what was said to be there",
                "truth",
                scores["by_answer"],
                tuple(next(iter(scores["by_answer"].values()))),
                "Empty, crossed out and unreadable are answers of their own.",
            ),
            _table("By form", "form", scores["by_form"]),
            _table("By what happened to the scan", "scan", scores["by_scan"]),
            _table("By what is written", "truth", scores["by_state"]),
        ),
        charts=(
            *confidence_charts(scores),
            _automation_chart(scores["automation"]),
            *_charts_by_kind(judged),
        ),
        strips=_strips(folder, judged),
    )


def _per_cent(share: float | None) -> str:
    return "–" if share is None else f"{share:.2%}"


def _card_line(card: FieldsCard | None) -> str:
    if card is None:
        return "no calibration of fields: train fields makes one"
    return "fields calibrated on " + ", ".join(
        f"{name} {value}" for name, value in card.sample.items()
    )


def _table(title: str, first: str, scores: dict[str, dict[str, Any]], note: str = "") -> Table:
    return score_table(title, first, scores, COLUMNS, note)


def _free_text(scores: dict[str, dict[str, Any]]) -> tuple[Table, ...]:
    if not scores:
        return ()
    note = "Edits over characters and over words of the truth, of fields that hold a value."
    return (score_table("Characters of free text", "kind", scores, FREE_TEXT, note),)


def _automation(points: Sequence[dict[str, Any]]) -> Table:
    rows = tuple(
        (f"{p['max_error']:.1%}", shown_value(p["accepted"]), _per_cent(p["error"]))
        for p in points
    )
    header = ("max error", "accepted", "wrong among them")
    note = "What each --max-error would have accepted, and how much of that is wrong."
    return Table("Error and automation", header, rows, note)


def _automation_chart(points: Sequence[dict[str, Any]]) -> Chart:
    """Accepted fields against the errors that may be among them."""
    top = max(p["max_error"] for p in points)
    curve = [(0.0, 0.0), *((p["max_error"] / top, p["accepted"]) for p in points)]
    name = f"errors allowed, as a share of {top:.0%}"
    return Chart(
        "Accepted by errors allowed",
        curve_chart(curve, name, "share accepted", "Accepted by errors allowed"),
        "The share of fields that need no person, for each --max-error.",
    )


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
    note = (
        "Truth; what was read, if that is something else; kind, confidence, why it is flagged."
    )
    return (
        Strip(
            "Accepted, but wrong: the surest first",
            tuple(_shown(folder, one) for one in surest),
            note,
        ),
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
    about = f"{row.name}, {row.kind} {one.confidence:.3f} {one.reason}"
    return Shown(picture, truth, read, about.rstrip())
