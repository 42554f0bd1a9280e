"""Evaluation of the words network as reading runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from hwdigitize.errors import DataError
from hwdigitize.recognition.alphabet import normalise
from hwdigitize.recognition.runtime import load_card
from hwdigitize.recognition.words import read_words
from hwdigitize.training.datasets import Broken, Dataset
from hwdigitize.training.evaluation_report import (
    Chart,
    Table,
    View,
    score_table,
    shown_name,
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
    training_charts,
)
from hwdigitize.training.scores import Prediction, words_scores

#: crops read at a time; images of more are not held in memory
CHUNK = 256
COLUMNS = ("samples", "cer", "wer", "exact", "exact_caseless", "calibration_error")


def measure_words(
    dataset: Dataset,
    split: str,
    models: Path | None = None,
    decoder: Literal["greedy", "beam"] = "beam",
    language: str = "none",
    progress: Progress = lambda done, total: None,
    run: Path | None = None,
) -> Measurement:
    """Read a split of a set and compare with the truth, with regard to case and without.

    Texts are compared as the alphabet writes them: NFC, typographic quotes and dashes as ASCII.
    Words are called seen where the set's train split has them.

    Raises:
        DataError: no words or lines, or none of the split.
        ModelError: the network cannot be loaded.
    """
    given = dataset.of_kind("word", "line")
    every = given.with_splits()
    asked = every.split(split)
    broken = list(dataset.broken)
    predictions: list[Prediction] = []
    for part in _chunks(asked):
        predictions += _read(part, models, decoder, language, broken)
        progress(len(predictions), len(asked))
    if not predictions:
        raise DataError(f"no image of the split {split!r} of {dataset.path} can be decoded")
    # with_splits() may have made valid data of train data; its words were seen all the same
    both = (*given.samples, *every.samples)
    trained = frozenset(normalise(s.text) for s in both if s.split == "train")
    scores = words_scores(predictions, trained or None)
    card = load_card("words", None if models is None else str(models))
    curves = training_charts("words", models, run)
    head = {"data": str(dataset.path), "split": split, "network": network_line(card)}
    return Measurement(
        header=("id", "truth", "predicted", "confidence"),
        rows=prediction_rows(predictions),
        scores=head
        | {"decoder": decoder, "language": language, "left_out": len(broken)}
        | scores,
        view=_view(head, scores, asked, predictions, broken, curves),
        broken=tuple(broken),
    )


def _chunks(dataset: Dataset) -> Iterator[Dataset]:
    for start in range(0, len(dataset), CHUNK):
        yield Dataset(dataset.path, dataset.formats, dataset.samples[start : start + CHUNK])


def _read(
    part: Dataset,
    models: Path | None,
    decoder: Literal["greedy", "beam"],
    language: str,
    broken: list[Broken],
) -> list[Prediction]:
    pairs = list(part.images(broken.append))
    folder = None if models is None else str(models)
    images = [image for _, image in pairs]
    readings = read_words(images, decoder=decoder, language=language, models=folder)
    return [
        Prediction(s.id, normalise(s.text), r.text, r.confidence, s.source, s.kind)
        for (s, _), r in zip(pairs, readings, strict=True)
    ]


def _view(
    head: dict[str, str],
    scores: dict[str, Any],
    asked: Dataset,
    predictions: list[Prediction],
    broken: list[Broken],
    curves: tuple[Chart, ...],
) -> View:
    facts = tuple((shown_name(name), shown_value(v)) for name, v in scores["all"].items())
    return View(
        title="Words network, evaluated",
        data=f"{head['data']}, split {head['split']}",
        model=head["network"],
        facts=facts,
        tables=_tables(scores),
        charts=(*confidence_charts(scores), *curves),
        strips=strips(asked, predictions),
        broken=broken_rows(broken),
    )


def _tables(scores: dict[str, Any]) -> tuple[Table, ...]:
    tables = [score_table("By source", "source", scores["by_source"], COLUMNS)]
    if scores.get("seen"):
        tables.append(
            score_table(
                "Seen and unseen words",
                "source",
                scores["seen"],
                COLUMNS,
                "Seen words are those of the train split, in the same case.",
            )
        )
    tables.append(score_table("By length", "characters", scores["by_length"], COLUMNS))
    return tuple(tables)
