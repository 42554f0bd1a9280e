"""Evaluation of the characters network as reading runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hwdigitize.errors import DataError
from hwdigitize.recognition.characters import CLASSES, allowed_classes, probabilities
from hwdigitize.recognition.glyphs import prepare_glyphs
from hwdigitize.recognition.runtime import load_network
from hwdigitize.training.charts import bar_chart, confusion_chart
from hwdigitize.training.datasets import Broken, Dataset, Sample
from hwdigitize.training.evaluation import evaluate_characters
from hwdigitize.training.evaluation_report import (
    Chart,
    View,
    score_table,
    shown_value,
)
from hwdigitize.training.measurement import (
    Measurement,
    Progress,
    broken_rows,
    confidence_charts,
    network_line,
    prediction_rows,
    strips,
)
from hwdigitize.training.metrics import class_scores, confusion_matrix, most_confused
from hwdigitize.training.scores import Prediction, confidence_scores

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.int64]

CHUNK = 256
COLUMNS = ("glyphs", "accuracy", "case_merged", "digits", "capitals", "top5", "macro_f1", "ece")
PAIRS = 20


def measure_characters(
    dataset: Dataset,
    split: str,
    models: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> Measurement:
    """Read the glyphs of a split, by source, as boxes that may hold any digit or letter are.

    Where a source has punctuation, all characters are allowed.

    Raises:
        DataError: no characters, none of the split, or some that the network does not know.
        ModelError: the network cannot be loaded.
    """
    asked = dataset.of_kind("character").with_splits().split(split)
    _require_classes(asked)
    network = load_network("characters", None if models is None else str(models))
    temperature = float(network.card.calibration.get("temperature", 1.0))
    broken = list(dataset.broken)
    samples: list[Sample] = []
    parts: list[Floats] = []
    for start in range(0, len(asked), CHUNK):
        part = Dataset(asked.path, asked.formats, asked.samples[start : start + CHUNK])
        if pairs := list(part.images(broken.append)):
            samples += [sample for sample, _ in pairs]
            parts.append(network.run(prepare_glyphs([image for _, image in pairs]))[0])
        progress(start + len(part), len(asked))
    if not samples:
        raise DataError(f"no image of the split {split!r} of {dataset.path} can be decoded")
    logits = np.concatenate(parts)
    predictions = _predictions(samples, logits, temperature)
    scores = _scores(samples, logits, temperature, predictions)
    head = {
        "data": str(dataset.path),
        "split": split,
        "network": network_line(network.card),
        "left_out": len(broken),
    }
    return Measurement(
        header=("id", "truth", "predicted", "confidence"),
        rows=prediction_rows(predictions),
        scores=head | scores,
        view=_view(head, scores, asked, predictions, broken),
        broken=tuple(broken),
    )


def _require_classes(dataset: Dataset) -> None:
    unknown = sorted({sample.text for sample in dataset.samples} - set(CLASSES))
    if unknown:
        raise DataError(
            f"the characters network does not know {', '.join(unknown)} of {dataset.path}; "
            f"leave them out of the data"
        )


def _by_source(samples: list[Sample]) -> dict[str, Ints]:
    sources = np.array([sample.source for sample in samples])
    return {str(name): np.flatnonzero(sources == name) for name in np.unique(sources)}


def _labels(samples: list[Sample]) -> Ints:
    index = {name: i for i, name in enumerate(CLASSES)}
    return np.array([index[sample.text] for sample in samples], np.int64)


def _predictions(samples: list[Sample], logits: Floats, temperature: float) -> list[Prediction]:
    """The best character of each glyph, junk and empty left out as answers."""
    found: dict[int, Prediction] = {}
    for rows in _by_source(samples).values():
        marks = any(not samples[i].text.isalnum() for i in rows)
        keep = allowed_classes("any" if marks else "alphanumeric")
        shares = probabilities(logits[rows], keep, temperature)[:, :-2]
        for i, row in zip(rows.tolist(), shares, strict=True):
            best = int(row.argmax())
            s = samples[i]
            found[i] = Prediction(
                s.id, s.text, CLASSES[best], float(row[best]), s.source, s.kind
            )
    return [found[i] for i in range(len(samples))]


def _scores(
    samples: list[Sample], logits: Floats, temperature: float, predictions: list[Prediction]
) -> dict[str, Any]:
    labels = _labels(samples)
    read = np.array([CLASSES.index(p.predicted) for p in predictions], np.int64)
    confusion = confusion_matrix(labels, read, len(CLASSES))
    classes = {
        CLASSES[i]: {
            "samples": s.count,
            "precision": s.precision,
            "recall": s.recall,
            "f1": s.f1,
        }
        for i, s in enumerate(class_scores(confusion))
        if s.count
    }
    return {
        "samples": len(samples),
        "accuracy": round(float(np.mean(labels == read)), 4),
        "by_source": {
            name: evaluate_characters(logits[rows], labels[rows], temperature)
            for name, rows in _by_source(samples).items()
        },
        "by_class": classes,
        "confused": [
            {"pair": f"{CLASSES[a]} {CLASSES[b]}", "count": n}
            for a, b, n in most_confused(confusion, PAIRS)
        ],
        "confusion": confusion.tolist(),
    } | confidence_scores(predictions)


def _view(
    head: dict[str, Any],
    scores: dict[str, Any],
    asked: Dataset,
    predictions: list[Prediction],
    broken: list[Broken],
) -> View:
    by_class = score_table(
        "By class", "character", scores["by_class"], ("samples", "precision", "recall", "f1")
    )
    facts = [("samples", str(scores["samples"])), ("accuracy", shown_value(scores["accuracy"]))]
    for name, values in scores["by_source"].items():
        facts.append((f"accuracy {name}", shown_value(values["accuracy"])))
    return View(
        title="Characters network, evaluated",
        data=f"{head['data']}, split {head['split']}",
        model=head["network"],
        facts=tuple(facts),
        tables=(score_table("By source", "source", scores["by_source"], COLUMNS), by_class),
        charts=(*confidence_charts(scores), *_confusion_charts(scores)),
        strips=strips(asked, predictions),
        broken=broken_rows(broken),
    )


def _confusion_charts(scores: dict[str, Any]) -> tuple[Chart, ...]:
    total = max(scores["samples"], 1)
    pairs = [(pair["pair"], pair["count"] / total) for pair in scores["confused"]]
    confusion = np.array(scores["confusion"], np.int64)
    return (
        Chart(
            "Most confused pairs",
            bar_chart(pairs, "Most confused pairs"),
            "Share of all samples that were taken for the other of the pair, either way.",
        ),
        Chart(
            "Confusion matrix",
            confusion_chart(confusion, CLASSES),
            "Rows are what is there, columns what was read; blue is right, red is wrong.",
        ),
    )
