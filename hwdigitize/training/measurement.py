"""One evaluation: what was predicted, what it is worth, and how the report shows it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hwdigitize.errors import OutputError
from hwdigitize.recognition.runtime import Card, Name, models_folder
from hwdigitize.training.charts import Point, accepted_chart, reliability_chart, training_chart
from hwdigitize.training.datasets import Broken, Dataset
from hwdigitize.training.datasets.pictures import Grey
from hwdigitize.training.evaluation_report import Chart, Shown, Strip, View, data_uri
from hwdigitize.training.runs import LOG
from hwdigitize.training.scores import Prediction

#: told how many samples are done of how many
Progress = Callable[[int, int], None]

WORST, RANDOM = 40, 40
#: most confused pairs shown as pictures, and how many errors of each way round
CONFUSED_PAIRS, CONFUSED_EACH = 10, 3
#: what a log holds beside the loss and the scores; ``score`` may be a sum of others
NOT_SCORES = frozenset({"step", "minutes", "learning_rate", "images_per_second", "score"})
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


def training_charts(name: Name, models: Path | None, run: Path | None) -> tuple[Chart, ...]:
    """How the network was trained: loss, and validation scores by step.

    From the log of the run's folder, or from the one that was stored beside the card; nothing
    where there is neither.
    """
    log = stored_log(name, models) if run is None else run / LOG
    try:
        records = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    except FileNotFoundError:
        return ()
    curves: dict[str, list[Point]] = {}
    for record in records:
        for measure, value in _flat(record):
            curves.setdefault(measure, []).append((float(record["step"]), value))
    loss = {"loss": curves.pop("loss", [])}
    shares = {key: curve for key, curve in curves.items() if key not in NOT_SCORES}
    note = f"{len(records)} validations, of averaged weights."
    return (
        Chart("Loss in training", training_chart(loss, "Loss in training", "loss"), note),
        Chart(
            "Validation while training",
            training_chart(shares, "Validation while training", "score"),
            note,
        ),
    )


def stored_log(name: Name, models: Path | None) -> Path:
    """Where the log of the run that made a network is kept."""
    return models_folder(None if models is None else str(models)) / f"{name}.log.jsonl"


def _flat(record: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The figures of a log record by name, those of groups with the group's name before."""
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from ((f"{name} {inner}", number) for inner, number in _flat(value))
        elif isinstance(value, int | float):
            yield name, float(value)


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


def confused_strip(
    dataset: Dataset, predictions: Sequence[Prediction], pairs: Sequence[str]
) -> Strip:
    """Pictures of the most confused pairs, as "0 O": up to three errors each way."""
    by_id = {sample.id: sample for sample in dataset.samples}
    shown: list[Shown] = []
    for pair in pairs[:CONFUSED_PAIRS]:
        first, second = pair.split(" ")
        for truth, read in ((first, second), (second, first)):
            wrong = [p for p in predictions if p.truth == truth and p.predicted == read]
            for p in wrong[:CONFUSED_EACH]:
                picture = data_uri(by_id[p.id].image())
                shown.append(Shown(picture, truth, read, f"{p.confidence:.2f}"))
    return Strip("Most confused pairs", tuple(shown), "Truth, what was read, confidence.")


def network_line(card: Card) -> str:
    """Which network was measured."""
    return f"{card.name} {card.version}, weights {card.sha256[:12]}"


def broken_rows(broken: Sequence[Broken]) -> tuple[tuple[str, str], ...]:
    """The first of what was left out."""
    return tuple((item.id, item.reason) for item in broken[:MOST_BROKEN_SHOWN])
