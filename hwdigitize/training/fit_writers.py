"""From data sets to a trained writers network: what ``train writers`` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import keras
import msgspec
import numpy as np
import numpy.typing as npt

from hwdigitize.errors import DataError
from hwdigitize.recognition.hands import STRIP_CORE_PX, STRIP_HEIGHT_PX, STRIP_WIDTH_PX
from hwdigitize.recognition.runtime import load_card, load_network, models_folder
from hwdigitize.recognition.writers import embed_page
from hwdigitize.training.datasets import Dataset
from hwdigitize.training.evaluation import evaluate_writers
from hwdigitize.training.export import export, save_card
from hwdigitize.training.fit_characters import loop_plan
from hwdigitize.training.hands import Page, gather
from hwdigitize.training.plans import changed, require_tables
from hwdigitize.training.runs import Report, Start, beside_shipped
from hwdigitize.training.shipping import fit_identification
from hwdigitize.training.writer_pages import load_writer_pages, pages_of
from hwdigitize.training.writers import WritersTraining, train_writers

#: batches where weights are given to start from
TUNING_STEPS = 300
FEWEST_WRITERS = 2


def fit_writers(dataset: Dataset, start: Start, report: Report) -> WritersTraining:
    """Train, or resume, a writers network; see :func:`writers.train_writers`.

    Validation pages are looked for among the training pages.

    Raises:
        DataError: no writers, too few of them, or no pages to validate on.
        UsageError: a configuration that makes no sense.
    """
    require_tables(start.plan, {"training", "network", "plan"})
    training = writers_plan(start)
    pages = load_writer_pages(dataset, report)
    gallery, queries = pages_of(pages, "train"), pages_of(pages, "valid")
    hands = gather(gallery)
    if len(hands.writers) < FEWEST_WRITERS:
        raise DataError(
            f"{dataset.path} has {len(hands.writers)} writers with lines to train on, and a "
            f"network needs {FEWEST_WRITERS} to tell apart; lines on printed rules do not count"
        )
    train_writers(hands, gallery, queries, start.out, training, start.start_from)
    return training


def writers_plan(start: Start) -> WritersTraining:
    """The configuration: defaults, file, flags."""
    base = WritersTraining()
    steps = base.plan.steps if start.start_from is None else TUNING_STEPS
    return replace(
        changed(base, start.plan.get("training", {}), "training"),
        plan=loop_plan(replace(base.plan, steps=steps), start),
        network=changed(base.network, start.plan.get("network", {}), "network"),
    )


def install_writers(run: Path, dataset: Dataset, report: Report) -> dict[str, dict[str, Any]]:
    """Export the best network of a run into ``run/models`` and calibrate it.

    Returns:
        Scores on the valid split of the network before (the shipped one) and now.

    Raises:
        UsageError: Keras runs on another backend than TensorFlow.
    """
    pages = load_writer_pages(dataset, report)
    known, asked = pages_of(pages, "train"), pages_of(pages, "valid")
    before = _scores(known, asked, models_folder())
    folder = beside_shipped(run)
    _export(run, folder, sorted({page.writer.partition(":")[0] for page in known}))
    load_card.cache_clear()
    load_network.cache_clear()
    network = load_network("writers", str(folder))
    calibration = fit_identification(known, asked, network)
    save_card(msgspec.structs.replace(network.card, calibration=calibration), folder)
    load_card.cache_clear()
    load_network.cache_clear()
    return {"before": before, "now": _scores(known, asked, folder)}


def _export(run: Path, folder: Path, sources: list[str]) -> None:
    """Only the embedding is kept; the head knows nothing but the training writers."""
    trained = keras.models.load_model(run / "best.keras", compile=False)
    embedding = trained.get_layer("embedding").output
    keras.Model(trained.input, embedding, name="writers").save(run / "embedding.keras")
    today = date.today().isoformat()
    export(
        run / "embedding.keras",
        folder,
        "writers",
        f"trained {today}",
        geometry={
            "height_px": STRIP_HEIGHT_PX,
            "width_px": STRIP_WIDTH_PX,
            "core_px": STRIP_CORE_PX,
            "dimensions": int(embedding.shape[-1]),
        },
        training={"data": sources, "date": today},
    )


def _scores(known: Sequence[Page], asked: Sequence[Page], models: Path) -> dict[str, Any]:
    def vectors(pages: Sequence[Page]) -> npt.NDArray[np.float32]:
        return np.array([embed_page(page.crops, models=str(models)) for page in pages])

    names = ([page.writer for page in part] for part in (asked, known))
    asked_names, known_names = names
    return evaluate_writers(vectors(asked), asked_names, vectors(known), known_names)
