"""From data sets to a trained characters network: what ``train characters`` does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from hwdigitize.errors import DataError
from hwdigitize.recognition.characters import CLASSES
from hwdigitize.recognition.glyphs import GLYPH_PX, SIDE_PX, prepare_glyphs
from hwdigitize.recognition.runtime import load_card, load_network
from hwdigitize.training.calibration import fit_glyphs
from hwdigitize.training.characters import CharactersTraining, train_characters
from hwdigitize.training.datasets import Dataset
from hwdigitize.training.export import export, save_card
from hwdigitize.training.fitting import configured, tables_of, trained_now
from hwdigitize.training.glyphs import Glyphs, to_canvas
from hwdigitize.training.inspection import writable
from hwdigitize.training.install import forget_networks
from hwdigitize.training.loop import BEST, Plan, Watch
from hwdigitize.training.networks.choice import CHARACTERS
from hwdigitize.training.runs import Report, Start, write_config

#: where weights are given to start from
TUNING = Plan(steps=500, learning_rate=7e-4, warmup_steps=50, validate_every=100)
CHUNK = 256


def fit_characters(
    dataset: Dataset, start: Start, report: Report, watch: Watch | None = None
) -> Dataset:
    """Train, or resume, a characters network; see :func:`characters.train_characters`.

    Returns:
        The characters that were trained and validated on, with their splits.

    Raises:
        DataError: a split is empty, or holds characters that the network has no class for.
        UsageError: a configuration that makes no sense.
    """
    base = CharactersTraining()
    if start.start_from is not None:
        base = replace(base, plan=TUNING)
    training = configured(base, CHARACTERS, start)
    ready = writable(dataset.of_kind("character"), start.skip_unknown).with_splits()
    train_set = load_split(ready, "train", report)
    valid_set = load_split(ready, "valid", report)
    config = {"from": start.start_from, "data": ready.split("train").licences()}
    write_config(start.out, tables_of(training) | config)
    train_characters(train_set, valid_set, start.out, training, start.start_from, watch)
    return ready


def load_split(dataset: Dataset, split: str, report: Report) -> Glyphs:
    """The glyphs of a split, as the training loop takes them.

    Raises:
        DataError: the split is empty, or none of its images can be decoded.
    """
    pairs = list(dataset.split(split).images(report))
    if not pairs:
        raise DataError(f"no image of the split {split!r} of {dataset.path} can be decoded")
    index = {name: i for i, name in enumerate(CLASSES)}
    return Glyphs(
        np.stack([to_canvas(image) for _, image in pairs]),
        np.array([index[sample.text] for sample, _ in pairs], np.int64),
        np.array([sample.source for sample, _ in pairs]),
    )


def export_characters(run: Path, dataset: Dataset, folder: Path) -> None:
    """Export the best network of a run and calibrate it on the valid split."""
    config = json.loads((run / "config.json").read_text("utf-8"))
    training, version = trained_now(config)
    export(
        run / BEST,
        folder,
        "characters",
        version,
        classes=CLASSES,
        geometry={"side_px": SIDE_PX, "glyph_px": GLYPH_PX},
        training=training,
    )
    forget_networks()
    valid = load_split(dataset, "valid", lambda item: None)
    card = load_card("characters", str(folder))
    calibration = fit_glyphs(_logits(valid, folder), valid.labels, valid.sources)
    save_card(msgspec.structs.replace(card, calibration=calibration), folder)
    forget_networks()


def _logits(glyphs: Glyphs, models: Path) -> np.ndarray[Any, np.dtype[np.float32]]:
    network = load_network("characters", str(models))
    inputs = prepare_glyphs([255 - image for image in glyphs.images])
    parts = [network.run(inputs[i : i + CHUNK])[0] for i in range(0, len(inputs), CHUNK)]
    return np.concatenate(parts)
