"""From a finished run to the weights that are shipped: export, calibrate, evaluate, card.

Calibrations are fitted on validation data only; the test split is looked at once, at the end,
with the exported network as reading runs it, by the same functions as ``hwdigitize evaluate``.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import shutil
from pathlib import Path
from typing import Any

import keras
import msgspec
import numpy as np
import numpy.typing as npt

from hwdigitize.recognition.characters import CLASSES
from hwdigitize.recognition.glyphs import GLYPH_PX, SIDE_PX, prepare_glyphs
from hwdigitize.recognition.hands import STRIP_CORE_PX, STRIP_HEIGHT_PX, STRIP_WIDTH_PX
from hwdigitize.recognition.runtime import Card, Name, Network, load_network
from hwdigitize.training.calibration import fit_glyphs
from hwdigitize.training.datasets import join_datasets, open_dataset
from hwdigitize.training.export import export, save_card
from hwdigitize.training.glyphs import Glyphs, load_glyphs
from hwdigitize.training.identification import fit_identification
from hwdigitize.training.install import forget_networks
from hwdigitize.training.loop import BEST
from hwdigitize.training.measure_characters import measure_characters
from hwdigitize.training.measure_writers import measure_writers
from hwdigitize.training.measurement import stored_log
from hwdigitize.training.runs import LOG
from hwdigitize.training.writer_pages import load_writer_pages, pages_of

Array = npt.NDArray[np.float32]

CHUNK = 256
CHARACTER_SETS = {
    "bishwa": "Bishwaprotapi/Hand-Written, MIT",
    "chars74k": "Chars74K EnglishHnd, research use, cite de Campos 2009",
    "choice, ateam, punctuation": "CHoiCe and A-Team character data sets, no terms stated",
    "mnist_test": "MNIST test digits, CC BY-SA 3.0",
    "fonts": "handwriting fonts, SIL Open Font License",
}
WRITER_SETS = {
    "IAM": "IAM Handwriting Database, non-commercial research",
    "strokes": "IAM On-Line Handwriting Database, non-commercial research",
    "COPISTE": "BAnQ, Copiste d'un jour, CC BY 4.0",
    "STANFORD": "Memorials to Jane Lathrop Stanford, CC BY 4.0",
}


def ship_characters(run: Path, data: Path, models: Path, version: str) -> Card:
    """Install the best characters network of a run and complete its card."""
    trained = keras.models.load_model(run / BEST, compile=False)
    trained.save(run / "shipped.keras")  # without the optimizer, a quarter of the size
    export(
        run / "shipped.keras",
        models,
        "characters",
        version,
        classes=CLASSES,
        geometry={"side_px": SIDE_PX, "glyph_px": GLYPH_PX},
        training=_training(CHARACTER_SETS),
    )
    return calibrate_characters(data, models)


def calibrate_characters(data: Path, models: Path) -> Card:
    """Calibrate the network of a folder on validation data, and measure it on test data."""
    network = _reload("characters", models)
    val = load_glyphs(data, "val")
    fitted = fit_glyphs(_logits(network, val), val.labels, val.sources)
    _save(network.card, models, calibration=fitted)
    tables = [open_dataset(data / f"{name}.npz") for name in ("characters", "punctuation")]
    scores = measure_characters(join_datasets(tables), "test", models).scores
    kept = ("samples", "accuracy", "ece", "by_source", "junk")
    return _save(network.card, models, fitted, _scores("characters", scores, kept))


def _logits(network: Network, glyphs: Glyphs) -> Array:
    inputs = prepare_glyphs([255 - image for image in glyphs.images])
    parts = [network.run(inputs[i : i + CHUNK])[0] for i in range(0, len(inputs), CHUNK)]
    return np.concatenate(parts)


def ship_writers(run: Path, data: Path, models: Path, version: str) -> Card:
    """Install the best writers network of a run and complete its card."""
    trained = keras.models.load_model(run / BEST, compile=False)
    embedding = trained.get_layer("embedding").output
    keras.Model(trained.input, embedding, name="writers").save(run / "shipped.keras")
    export(
        run / "shipped.keras",
        models,
        "writers",
        version,
        geometry={
            "height_px": STRIP_HEIGHT_PX,
            "width_px": STRIP_WIDTH_PX,
            "core_px": STRIP_CORE_PX,
            "dimensions": int(embedding.shape[-1]),
        },
        training=_training(WRITER_SETS),
    )
    return calibrate_writers(data, models)


def calibrate_writers(data: Path, models: Path) -> Card:
    """Calibrate the network of a folder on validation pages, and measure it on test pages."""
    network = _reload("writers", models)
    dataset = open_dataset(data / "pages.parquet")
    asked = [s for s in dataset.samples if s.split in ("train", "valid")]
    pages = load_writer_pages(
        dataclasses.replace(dataset, samples=tuple(asked)), lambda item: None
    )
    known, queries = pages_of(pages, "train"), pages_of(pages, "valid")
    fitted = fit_identification(known, queries, network)
    _save(network.card, models, calibration=fitted)
    scores = measure_writers(dataset, "test", models).scores
    kept = ("all", "one_line", "same_hand")
    return _save(network.card, models, fitted, _scores("writers", scores, kept))


def _scores(name: str, scores: dict[str, Any], kept: tuple[str, ...]) -> dict[str, Any]:
    test = {key: scores[key] for key in kept}
    return {"command": f"python -m hwdigitize.training.shipping {name}", "test": test}


def _training(sets: dict[str, str]) -> dict[str, Any]:
    return {"data": sets, "seed": 1, "date": datetime.date.today().isoformat()}


def _reload(name: Name, models: Path) -> Network:
    forget_networks()
    return load_network(name, str(models))


def _save(
    card: Card, models: Path, calibration: dict[str, Any], scores: dict[str, Any] | None = None
) -> Card:
    done = msgspec.structs.replace(card, calibration=calibration, scores=scores or {})
    save_card(done, models)
    forget_networks()
    return done


def main() -> None:
    """``python -m hwdigitize.training.shipping characters --run DIR --data DIR …``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=("characters", "writers"))
    parser.add_argument("--run", type=Path, help="folder of the run; without, calibrate only")
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--models", type=Path, required=True, help="where to install")
    parser.add_argument("--version", default="1", help="of the weights")
    chosen = parser.parse_args()
    ship = {"characters": ship_characters, "writers": ship_writers}[chosen.network]
    calibrate = {"characters": calibrate_characters, "writers": calibrate_writers}
    if chosen.run is None:
        calibrate[chosen.network](chosen.data, chosen.models)
        return
    chosen.models.mkdir(parents=True, exist_ok=True)
    # first, for the card has the hashes of all files of its network
    shutil.copyfile(chosen.run / LOG, stored_log(chosen.network, chosen.models))
    ship(chosen.run, chosen.data, chosen.models, chosen.version)


if __name__ == "__main__":
    main()
