"""Evaluation of the characters network as reading runs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hwdigitize.errors import DataError
from hwdigitize.recognition.characters import CLASSES
from hwdigitize.recognition.confidence import calibration_error
from hwdigitize.recognition.glyphs import prepare_glyphs
from hwdigitize.recognition.runtime import Network, load_network
from hwdigitize.training.calibration import best_of_boxes
from hwdigitize.training.charts import bar_chart, confusion_chart
from hwdigitize.training.datasets import Broken, Dataset, Sample
from hwdigitize.training.datasets.pictures import Grey
from hwdigitize.training.evaluation import evaluate_characters
from hwdigitize.training.evaluation_report import (
    Chart,
    Table,
    View,
    score_table,
    shown_name,
    shown_value,
)
from hwdigitize.training.glyphs import to_canvas
from hwdigitize.training.measurement import (
    Measurement,
    Progress,
    broken_rows,
    confidence_charts,
    confused_strip,
    network_line,
    prediction_rows,
    strips,
    training_charts,
)
from hwdigitize.training.metrics import class_scores, confusion_matrix, most_confused
from hwdigitize.training.rejection import rejection_scores
from hwdigitize.training.scores import Prediction, confidence_scores

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.int64]

CHUNK = 256
COLUMNS = ("glyphs", "accuracy", "case_merged", "digits", "capitals", "top5", "macro_f1", "ece")
PAIRS = 20
#: glyphs that junk is drawn from
MOST_DRAWN_FROM = 1000


def measure_characters(
    dataset: Dataset,
    split: str,
    models: Path | None = None,
    progress: Progress = lambda done, total: None,
    run: Path | None = None,
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
    predictions = _predictions(samples, logits, network.card.calibration)
    scores = _scores(samples, logits, network.card.calibration, predictions)
    scores["junk"] = _junk(network, asked)
    curves = training_charts("characters", models, run)
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
        view=_view(head, scores, asked, predictions, broken, curves),
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


def _sources(samples: list[Sample]) -> npt.NDArray[np.str_]:
    return np.array([sample.source for sample in samples])


def _predictions(
    samples: list[Sample], logits: Floats, calibration: Mapping[str, Any]
) -> list[Prediction]:
    """The best character of each glyph, junk and empty left out as answers."""
    read, confidences = best_of_boxes(logits, _labels(samples), _sources(samples), calibration)
    return [
        Prediction(s.id, s.text, CLASSES[best], float(confidence), s.source, s.kind)
        for s, best, confidence in zip(samples, read, confidences, strict=True)
    ]


def _junk(network: Network, asked: Dataset) -> dict[str, Any]:
    """See :func:`rejection.rejection_scores`; drawn from some of the glyphs asked."""
    some = asked.fewer(MOST_DRAWN_FROM)
    canvases = np.stack([to_canvas(image) for _, image in some.images(lambda item: None)])

    def read(crops: list[Grey]) -> Floats:
        return np.asarray(network.run(prepare_glyphs(crops))[0])

    return rejection_scores(read, canvases, seed=0)


def _scores(
    samples: list[Sample],
    logits: Floats,
    calibration: Mapping[str, Any],
    predictions: list[Prediction],
) -> dict[str, Any]:
    labels = _labels(samples)
    read = np.array([CLASSES.index(p.predicted) for p in predictions], np.int64)
    confidences = np.array([p.confidence for p in predictions])
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
        "ece": round(calibration_error(confidences, labels == read), 4),
        "by_source": {
            name: evaluate_characters(logits[rows], labels[rows], calibration)
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
    curves: tuple[Chart, ...],
) -> View:
    by_class = score_table(
        "By class", "character", scores["by_class"], ("samples", "precision", "recall", "f1")
    )
    facts = [
        (shown_name(name), shown_value(scores[name])) for name in ("samples", "accuracy", "ece")
    ]
    for name, values in scores["by_source"].items():
        facts.append((f"accuracy {name}", shown_value(values["accuracy"])))
    return View(
        title="Characters network, evaluated",
        data=f"{head['data']}, split {head['split']}",
        model=head["network"],
        facts=tuple(facts),
        tables=(
            score_table("By source", "source", scores["by_source"], COLUMNS),
            _junk_table(scores["junk"]),
            by_class,
        ),
        charts=(*confidence_charts(scores), *_confusion_charts(scores), *curves),
        strips=(
            *strips(asked, predictions),
            confused_strip(asked, predictions, [pair["pair"] for pair in scores["confused"]]),
        ),
        broken=broken_rows(broken),
    )


def _junk_table(junk: dict[str, Any]) -> Table:
    rows = {f"{name}, answered": junk[name] for name in ("reject", "empty")}
    for kind, share in junk["junk found"].items():
        rows[f"{kind}, rejected"] = {"recall": share}
    rows["good glyphs, refused"] = {"recall": junk["good glyphs refused"]}
    return score_table(
        "What is no character",
        "drawn from these glyphs",
        rows,
        ("precision", "recall"),
        "Scribbles, struck out and doubled glyphs, empty boxes, among as many good glyphs.",
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
