"""Evaluation of writer identification as a run does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hwdigitize.recognition.confidence import calibration_error
from hwdigitize.recognition.runtime import load_card
from hwdigitize.recognition.writers import embed_page, match_probability
from hwdigitize.training.charts import curve_chart
from hwdigitize.training.datasets import Broken, Dataset
from hwdigitize.training.evaluation import evaluate_verification, evaluate_writers
from hwdigitize.training.evaluation_report import (
    Chart,
    Table,
    View,
    score_table,
    shown_name,
    shown_value,
)
from hwdigitize.training.hands import Page
from hwdigitize.training.measurement import (
    Measurement,
    Progress,
    broken_rows,
    confidence_charts,
    network_line,
    training_charts,
)
from hwdigitize.training.metrics import nearest_by_writer, writer_ranks
from hwdigitize.training.scores import Prediction, confidence_scores
from hwdigitize.training.writer_pages import load_writer_pages, pages_of, strangers

Floats = npt.NDArray[np.floating]

HEADER = ("id", "truth", "predicted", "score", "rank of the truth")
MOST_ROWS = 40


def measure_writers(
    dataset: Dataset,
    split: str,
    models: Path | None = None,
    progress: Progress = lambda done, total: None,
    run: Path | None = None,
) -> Measurement:
    """Identify the pages of a split in a gallery of the train and valid pages.

    Pages whose split is none of train, valid and test, by writers who are in none of these, are
    asked as strangers.

    Raises:
        DataError: no page with a writer, or none of the split or for the gallery.
        ModelError: the network cannot be loaded.
    """
    broken = list(dataset.broken)
    pages = load_writer_pages(dataset, broken.append)
    gallery = [page for page in pages_of(pages, "train", "valid") if page.split != split]
    asked = [*pages_of(pages, split), *strangers(pages)]
    folder = None if models is None else str(models)
    vectors = []
    for page in (*gallery, *asked):
        vectors.append(embed_page(page.crops, models=folder))
        progress(len(vectors), len(gallery) + len(asked))
    known, queries = np.array(vectors[: len(gallery)]), np.array(vectors[len(gallery) :])
    card = load_card("writers", folder)
    found = _Found(asked, queries, gallery, known, card.calibration)
    scores = _scores(found, card.calibration)
    scores["one_line"] = _one_line(pages_of(pages, split), found, folder)
    head = {
        "data": str(dataset.path),
        "split": split,
        "network": network_line(card),
        "left_out": len(broken),
        "gallery": len(gallery),
    }
    view = _view(head, scores, broken, training_charts("writers", models, run))
    return Measurement(HEADER, found.rows(), head | scores, view, tuple(broken))


class _Found:
    """Who each page was taken for, with what probability, and where its writer ranked."""

    def __init__(
        self,
        asked: Sequence[Page],
        queries: Floats,
        gallery: Sequence[Page],
        known: Floats,
        calibration: Mapping[str, Any],
    ) -> None:
        self.asked_writers = [page.writer for page in asked]
        self.gallery_writers = [page.writer for page in gallery]
        self.queries, self.known = queries, known
        self.likeness = queries @ known.T
        names, best = nearest_by_writer(self.likeness, self.gallery_writers)
        self.ranks = writer_ranks(self.likeness, self.asked_writers, self.gallery_writers)
        self.predictions = [
            Prediction(
                page.name,
                page.writer,
                names[int(row.argmax())],
                match_probability(float(row.max()), calibration),
            )
            for page, row in zip(asked, best, strict=True)
        ]

    def rows(self) -> tuple[tuple[str, ...], ...]:
        """Rows of the predictions file; strangers have no rank."""
        return tuple(
            (
                p.id,
                p.truth,
                p.predicted,
                f"{p.confidence:.4f}",
                str(rank + 1) if rank >= 0 else "",
            )
            for p, rank in zip(self.predictions, self.ranks.tolist(), strict=True)
        )

    def roc(self) -> list[tuple[float, float]]:
        """Shares of strangers and of known writers' pages that pass each threshold.

        Without strangers each page plays one, its own writer hidden from the gallery.
        """
        nearest, known = self.likeness.max(axis=1), self.ranks >= 0
        strange = nearest[~known]
        if known.all():
            own = np.asarray(self.asked_writers)[:, None] == np.asarray(self.gallery_writers)
            strange = np.where(own, -np.inf, self.likeness).max(axis=1)
        thresholds = np.r_[np.inf, np.sort(nearest)[::-1], -np.inf]
        return [
            (float(np.mean(strange >= t)), float(np.mean(nearest[known] >= t)))
            for t in thresholds
        ]


def _one_line(pages: Sequence[Page], found: _Found, models: str | None) -> dict[str, Any]:
    """Each line alone, in the gallery of whole pages."""
    lines = [(page.writer, crop) for page in pages for crop in page.crops]
    vectors = np.array([embed_page([crop], models=models) for _, crop in lines])
    writers = [writer for writer, _ in lines]
    scores = evaluate_writers(vectors, writers, found.known, found.gallery_writers)
    return {name: scores[name] for name in ("queries", "top1", "top5")}


def _scores(found: _Found, calibration: Mapping[str, Any]) -> dict[str, Any]:
    right = np.array([p.right for p in found.predictions])
    confidences = np.array([p.confidence for p in found.predictions])
    identified = evaluate_writers(
        found.queries, found.asked_writers, found.known, found.gallery_writers
    )
    verified = evaluate_verification(
        found.queries, found.asked_writers, found.known, found.gallery_writers, calibration
    )
    error = round(calibration_error(confidences, right), 4)
    worst = sorted(zip(found.predictions, found.ranks.tolist(), strict=True), key=_badness)
    return {
        "all": identified | {"calibration_error": error},
        "same_hand": verified,
        "roc": [{"strangers": x, "known": y} for x, y in found.roc()],
        "worst": [
            {"page": p.id, "truth": p.truth, "predicted": p.predicted,
             "score": round(p.confidence, 4), "rank": rank + 1 if rank >= 0 else None}
            for p, rank in worst[:MOST_ROWS]
            if not p.right
        ],
    } | confidence_scores(found.predictions)  # fmt: skip


def _badness(item: tuple[Prediction, int]) -> tuple[bool, float]:
    """Errors first, the surest of them first."""
    return item[0].right, -item[0].confidence


def _view(
    head: dict[str, Any],
    scores: dict[str, Any],
    broken: list[Broken],
    curves: tuple[Chart, ...],
) -> View:
    facts = [(shown_name(name), shown_value(value)) for name, value in scores["all"].items()]
    rows = tuple(
        (
            row["page"],
            row["truth"],
            row["predicted"],
            f"{row['score']:.2f}",
            str(row["rank"] or "–"),
        )
        for row in scores["worst"]
    )
    roc = [(point["strangers"], point["known"]) for point in scores["roc"]]
    chart = Chart(
        "Known writers and strangers",
        curve_chart(roc, "strangers accepted", "known accepted", "Receiver operating curve"),
        "Each point is a threshold on the likeness to the nearest page of the gallery.",
    )
    return View(
        title="Writer identification, evaluated",
        data=f"{head['data']}, split {head['split']}",
        model=head["network"],
        facts=(("pages in the gallery", str(head["gallery"])), *facts),
        tables=(
            score_table(
                "One line alone, and same hand or not",
                "",
                {"one line": scores["one_line"], "same hand": scores["same_hand"]},
                ("queries", "top1", "top5", "same_hand", "two_hands", "auroc", "eer", "ece"),
                "A line is asked in the gallery of pages; pairs are of a page and one of it.",
            ),
            Table(
                "Surest errors",
                ("page", "truth", "predicted", "score", "rank of the truth"),
                rows,
                "Strangers have no rank: what is said of them is wrong and should be unsure.",
            ),
        ),
        charts=(chart, *confidence_charts(scores), *curves),
        broken=broken_rows(broken),
    )
