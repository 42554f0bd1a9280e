"""From data sets to a trained writers network: what ``train writers`` does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import keras
import msgspec

from hwdigitize.errors import DataError
from hwdigitize.recognition.hands import STRIP_CORE_PX, STRIP_HEIGHT_PX, STRIP_WIDTH_PX
from hwdigitize.recognition.runtime import load_network
from hwdigitize.training.datasets import Dataset
from hwdigitize.training.export import export, save_card
from hwdigitize.training.fitting import configured, tables_of, trained_now
from hwdigitize.training.hands import gather
from hwdigitize.training.identification import fit_identification
from hwdigitize.training.install import forget_networks
from hwdigitize.training.loop import BEST, Plan, Watch
from hwdigitize.training.networks.choice import WRITERS
from hwdigitize.training.runs import Report, Start, write_config
from hwdigitize.training.writer_pages import load_writer_pages, pages_of
from hwdigitize.training.writers import WritersTraining, train_writers

#: where weights are given to start from
TUNING = Plan(steps=300, learning_rate=7e-4, warmup_steps=30, validate_every=60)
FEWEST_WRITERS = 2


def fit_writers(
    dataset: Dataset, start: Start, report: Report, watch: Watch | None = None
) -> Dataset:
    """Train, or resume, a writers network; see :func:`writers.train_writers`.

    Validation pages are looked for among the training pages.

    Returns:
        The data set.

    Raises:
        DataError: no writers, too few of them, or no pages to validate on.
        UsageError: a configuration that makes no sense.
    """
    base = WritersTraining()
    if start.start_from is not None:
        base = replace(base, plan=TUNING)
    training = configured(base, WRITERS, start)
    pages = load_writer_pages(dataset, report)
    gallery, queries = pages_of(pages, "train"), pages_of(pages, "valid")
    hands = gather(gallery)
    if len(hands.writers) < FEWEST_WRITERS:
        raise DataError(
            f"{dataset.path} has {len(hands.writers)} writers with lines to train on, and a "
            f"network needs {FEWEST_WRITERS} to tell apart; lines on printed rules do not count"
        )
    sources = {page.writer.partition(":")[0] for page in gallery}
    terms = {name: text for name, text in dataset.licences().items() if name in sources}
    config = {"from": start.start_from, "data": terms}
    write_config(start.out, tables_of(training) | config)
    train_writers(hands, gallery, queries, start.out, training, start.start_from, watch)
    return dataset


def export_writers(run: Path, dataset: Dataset, folder: Path) -> None:
    """Export the best network of a run and calibrate it on the valid pages."""
    pages = load_writer_pages(dataset, lambda item: None)
    known, asked = pages_of(pages, "train"), pages_of(pages, "valid")
    _export(run, folder)
    forget_networks()
    network = load_network("writers", str(folder))
    calibration = fit_identification(known, asked, network)
    save_card(msgspec.structs.replace(network.card, calibration=calibration), folder)
    forget_networks()


def _export(run: Path, folder: Path) -> None:
    """Only the embedding is kept; the head knows nothing but the training writers."""
    trained = keras.models.load_model(run / BEST, compile=False)
    embedding = trained.get_layer("embedding").output
    keras.Model(trained.input, embedding, name="writers").save(run / "embedding.keras")
    training, version = trained_now(json.loads((run / "config.json").read_text("utf-8")))
    export(
        run / "embedding.keras",
        folder,
        "writers",
        version,
        geometry={
            "height_px": STRIP_HEIGHT_PX,
            "width_px": STRIP_WIDTH_PX,
            "core_px": STRIP_CORE_PX,
            "dimensions": int(embedding.shape[-1]),
        },
        training=training,
    )
