"""One evaluation: what was predicted, what it is worth, and how the report shows it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hwdigitize.errors import OutputError
from hwdigitize.recognition.runtime import Card
from hwdigitize.training.charts import accepted_chart, reliability_chart
from hwdigitize.training.datasets import Broken, Dataset
from hwdigitize.training.datasets.pictures import Grey
from hwdigitize.training.evaluation_report import Chart, Shown, Strip, View, data_uri
from hwdigitize.training.scores import Prediction

#: told how many samples are done of how many
Progress = Callable[[int, int], None]

WORST, RANDOM = 40, 40
MOST_BROKEN_SHOWN = 200


@dataclass(frozen=True)
class Measurement:
    """Result of an evaluation: rows of the predictions file, figures, and the report's view."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    scores: dict[str, Any]
    view: View
    broken: tuple[Broken, ...] = ()


def write_predictions(path: Path, measurement: Measurement) -> None:
    """Write the predictions as CSV.

    Raises:
        OutputError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(measurement.header)
            writer.writerows(measurement.rows)
    except OSError as error:
        raise OutputError(f"cannot write predictions to {path}: {error.strerror}") from error


def prediction_rows(predictions: Sequence[Prediction]) -> tuple[tuple[str, ...], ...]:
    """Rows of id, truth, predicted, confidence."""
    return tuple((p.id, p.truth, p.predicted, f"{p.confidence:.4f}") for p in predictions)


def confidence_charts(scores: dict[str, Any]) -> tuple[Chart, ...]:
    """Reliability diagram, and error by share accepted."""
    return (
        Chart(
            "Reliability",
            reliability_chart(scores["reliability"]),
            "On the dashed line, confidences are probabilities; a dot's area is its samples.",
        ),
        Chart(
            "Error by share accepted",
            accepted_chart(scores["accepted"]),
            "Errors left if the surest share is accepted unseen and people look at the rest.",
        ),
    )


def strips(dataset: Dataset, predictions: Sequence[Prediction]) -> tuple[Strip, ...]:
    """The errors made with most confidence, and a fixed random choice of all samples."""
    wrong = [p for p in predictions if not p.right]
    worst = sorted(wrong, key=lambda p: -p.confidence)[:WORST]
    order = np.random.default_rng(0).permutation(len(predictions))[:RANDOM]
    chosen = [predictions[i] for i in order]
    by_id = {sample.id: sample for sample in dataset.samples}

    def shown(prediction: Prediction) -> Shown:
        image: Grey = by_id[prediction.id].image()
        confidence = f"{prediction.confidence:.2f}"
        return Shown(data_uri(image), prediction.truth, prediction.predicted, confidence)

    return (
        Strip(
            "Surest errors",
            tuple(map(shown, worst)),
            "Truth, what was read instead, confidence. Not rarely the truth is what is wrong.",
        ),
        Strip("Random samples", tuple(map(shown, chosen)), "Truth, what was read, confidence."),
    )


def network_line(card: Card) -> str:
    """Which network was measured."""
    return f"{card.name} {card.version}, weights {card.sha256[:12]}"


def broken_rows(broken: Sequence[Broken]) -> tuple[tuple[str, str], ...]:
    """The first of what was left out."""
    return tuple((item.id, item.reason) for item in broken[:MOST_BROKEN_SHOWN])
