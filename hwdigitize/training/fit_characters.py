"""From data sets to a trained characters network: what ``train characters`` does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np

from hwdigitize.errors import DataError
from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.characters import CLASSES, allowed_classes
from hwdigitize.recognition.glyphs import GLYPH_PX, SIDE_PX, prepare_glyphs
from hwdigitize.recognition.runtime import load_card, load_network, models_folder
from hwdigitize.training.calibration import fit_temperature
from hwdigitize.training.characters import CharactersTraining, train_characters
from hwdigitize.training.datasets import Dataset
from hwdigitize.training.datasets.pictures import Grey
from hwdigitize.training.export import export, save_card
from hwdigitize.training.glyphs import CANVAS_PX, DRAWN_PX, Glyphs
from hwdigitize.training.inspection import require_alphabet, without_unwritable
from hwdigitize.training.loop import Plan
from hwdigitize.training.metrics import accuracy
from hwdigitize.training.plans import changed, require_tables
from hwdigitize.training.runs import Report, Start, beside_shipped

#: batches where weights are given to start from
TUNING_STEPS = 500
CHUNK = 256


def fit_characters(dataset: Dataset, start: Start, report: Report) -> CharactersTraining:
    """Train, or resume, a characters network; see :func:`characters.train_characters`.

    Raises:
        DataError: a split is empty, or holds characters that the network has no class for.
        UsageError: a configuration that makes no sense.
    """
    require_tables(start.plan, {"training", "network", "plan"})
    ready = _ready(dataset, start.skip_unknown)
    training = characters_plan(start)
    train_set = load_split(ready, "train", report)
    valid_set = load_split(ready, "valid", report)
    train_characters(train_set, valid_set, start.out, training, start.start_from)
    return training


def _ready(dataset: Dataset, skip_unknown: bool) -> Dataset:
    glyphs = dataset.of_kind("character")
    if skip_unknown:
        glyphs = without_unwritable(glyphs, Alphabet())
    else:
        require_alphabet(glyphs, Alphabet())
    return glyphs.with_splits()


def characters_plan(start: Start) -> CharactersTraining:
    """The configuration: defaults, file, flags."""
    base = CharactersTraining()
    steps = base.plan.steps if start.start_from is None else TUNING_STEPS
    return replace(
        changed(base, start.plan.get("training", {}), "training"),
        plan=loop_plan(replace(base.plan, steps=steps), start),
        network=changed(base.network, start.plan.get("network", {}), "network"),
    )


def loop_plan(base: Plan, start: Start) -> Plan:
    """A plan of the training loop; short runs warm up and validate in proportion."""
    given: Mapping[str, Any] = start.plan.get("plan", {})
    plan = changed(base, given, "plan")
    steps = start.steps or plan.steps
    shorter: dict[str, Any] = {
        "warmup_steps": min(plan.warmup_steps, max(steps // 10, 1)),
        "validate_every": min(plan.validate_every, max(steps // 5, 1)),
    }
    if start.start_from is not None:
        shorter["learning_rate"] = plan.learning_rate / 3
    kept = {name: value for name, value in shorter.items() if name not in given}
    seed = plan.seed if start.seed is None else start.seed
    return replace(plan, steps=steps, seed=seed, **kept)


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


def to_canvas(image: Grey) -> Grey:
    """A glyph of any size as (CANVAS_PX, CANVAS_PX), ink 255 on paper 0, its ink centred."""
    ink = np.invert(image)
    if image.shape == (CANVAS_PX, CANVAS_PX):
        return ink
    _, marked = cv2.threshold(ink, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    left, top, width, height = cv2.boundingRect(marked)
    canvas = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    if not width:
        return canvas
    glyph = ink[top : top + height, left : left + width]
    scale = DRAWN_PX / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(glyph, size, interpolation=cv2.INTER_AREA if scale < 1 else 1)
    x, y = (CANVAS_PX - size[0]) // 2, (CANVAS_PX - size[1]) // 2
    canvas[y : y + size[1], x : x + size[0]] = small
    return canvas


def install_characters(
    run: Path, dataset: Dataset, report: Report, skip_unknown: bool
) -> dict[str, dict[str, Any]]:
    """Export the best network of a run into ``run/models`` and calibrate it.

    Returns:
        Scores on the valid split of the network before (the shipped one) and now.

    Raises:
        UsageError: Keras runs on another backend than TensorFlow.
    """
    valid = load_split(_ready(dataset, skip_unknown), "valid", report)
    before = accuracy(valid.labels, _logits(valid, models_folder()).argmax(axis=1))
    folder = beside_shipped(run)
    today = date.today().isoformat()
    export(
        run / "best.keras",
        folder,
        "characters",
        f"trained {today}",
        classes=CLASSES,
        geometry={"side_px": SIDE_PX, "glyph_px": GLYPH_PX},
        training={"data": sorted(set(valid.sources.tolist())), "date": today},
    )
    load_card.cache_clear()
    load_network.cache_clear()
    logits = np.where(allowed_classes("any"), _logits(valid, folder), -np.inf)
    card = load_card("characters", str(folder))
    temperature = fit_temperature(logits, valid.labels)
    save_card(msgspec.structs.replace(card, calibration={"temperature": temperature}), folder)
    load_card.cache_clear()
    load_network.cache_clear()
    now = accuracy(valid.labels, logits.argmax(axis=1))
    return {
        "before": {"samples": len(valid), "accuracy": round(before, 4)},
        "now": {"samples": len(valid), "accuracy": round(now, 4)},
    }


def _logits(glyphs: Glyphs, models: Path) -> np.ndarray[Any, np.dtype[np.float32]]:
    network = load_network("characters", str(models))
    inputs = prepare_glyphs([255 - image for image in glyphs.images])
    parts = [network.run(inputs[i : i + CHUNK])[0] for i in range(0, len(inputs), CHUNK)]
    return np.concatenate(parts)
