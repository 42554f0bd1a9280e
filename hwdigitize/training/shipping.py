"""From a finished run to the weights that are shipped: export, calibrate, evaluate, card.

Calibrations are fitted on validation data only; the test split is looked at once, at the end,
with the exported network as reading runs it.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import msgspec
import numpy as np
import numpy.typing as npt

from hwdigitize.recognition.characters import CLASSES, allowed_classes
from hwdigitize.recognition.confidence import calibration_error
from hwdigitize.recognition.glyphs import GLYPH_PX, SIDE_PX, prepare_glyphs
from hwdigitize.recognition.hands import STRIP_CORE_PX, STRIP_HEIGHT_PX, STRIP_WIDTH_PX
from hwdigitize.recognition.runtime import Card, Network, load_card, load_network
from hwdigitize.recognition.writers import embed_parts, join_embeddings, match_probability
from hwdigitize.training.calibration import fit_logistic, fit_same_hand, fit_temperature
from hwdigitize.training.evaluation import evaluate_characters, evaluate_writers
from hwdigitize.training.export import export, save_card
from hwdigitize.training.glyphs import Glyphs, load_glyphs
from hwdigitize.training.hands import Page, load_pages

Array = npt.NDArray[np.float32]

#: shares of the network in a page's embedding that are tried on validation data
SHARES = tuple(round(0.1 * tenth, 1) for tenth in range(11))
STRANGERS = ("heldout_writer", "single")
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


def ship_characters(run: Path, data: Path, models: Path, version: str, command: str) -> Card:
    """Install the best characters network of a run and complete its card."""
    geometry = {"side_px": SIDE_PX, "glyph_px": GLYPH_PX}
    training = _training(CHARACTER_SETS)
    trained = keras.models.load_model(run / "best.keras", compile=False)
    trained.save(run / "shipped.keras")  # without the optimizer, a quarter of the size
    export(
        run / "shipped.keras",
        models,
        "characters",
        version,
        classes=CLASSES,
        geometry=geometry,
        training=training,
    )
    network = _reload("characters", models)
    val = load_glyphs(data, "val")
    # Sources differ in size by chance only, so that each counts the same.
    _, source, counts = np.unique(val.sources, return_inverse=True, return_counts=True)
    logits = np.where(allowed_classes("any"), _logits(network, val), -np.inf)
    temperature = fit_temperature(logits, val.labels, 1 / counts[source])
    test = load_glyphs(data, "test")
    logits = _logits(network, test)
    scores = {
        str(name): evaluate_characters(
            logits[test.sources == name], test.labels[test.sources == name], temperature
        )
        for name in np.unique(test.sources)
    }
    return _complete(
        network.card, models, {"temperature": temperature}, {"command": command, "test": scores}
    )


def _logits(network: Network, glyphs: Glyphs) -> Array:
    inputs = prepare_glyphs([255 - image for image in glyphs.images])
    parts = [network.run(inputs[i : i + 256])[0] for i in range(0, len(inputs), 256)]
    return np.concatenate(parts)


def ship_writers(run: Path, data: Path, models: Path, version: str, command: str) -> Card:
    """Install the best writers network of a run and complete its card."""
    trained = keras.models.load_model(run / "best.keras", compile=False)
    embedding = trained.get_layer("embedding").output
    keras.Model(trained.input, embedding, name="writers").save(run / "shipped.keras")
    geometry = {
        "height_px": STRIP_HEIGHT_PX,
        "width_px": STRIP_WIDTH_PX,
        "core_px": STRIP_CORE_PX,
        "dimensions": int(embedding.shape[-1]),
    }
    export(
        run / "shipped.keras",
        models,
        "writers",
        version,
        geometry=geometry,
        training=_training(WRITER_SETS),
    )
    network = _reload("writers", models)
    pages = load_pages(data / "pages.parquet", ("train", "val", "test", *STRANGERS))
    parts = [embed_parts(page.crops, network) for page in pages]
    share = _best_share(pages, parts)
    calibration = _calibrate_writers(pages, _joined(parts, share), share)
    scores = _test_writers(network, pages, parts, calibration)
    return _complete(network.card, models, calibration, {"command": command, "test": scores})


def fit_identification(
    known: Sequence[Page], asked: Sequence[Page], network: Network
) -> dict[str, float]:
    """Calibration of a writers network from validation pages and a gallery of training pages.

    Returns:
        What the card's ``calibration`` holds: the network's share in an embedding, the logistic
        map to a probability, and the thresholds.
    """
    pages = [
        *(dataclasses.replace(page, split="train") for page in known),
        *(dataclasses.replace(page, split="val") for page in asked),
    ]
    parts = [embed_parts(page.crops, network) for page in pages]
    share = _best_share(pages, parts)
    return _calibrate_writers(pages, _joined(parts, share), share)


Parts = Sequence[tuple[Array, Array]]


def _joined(parts: Parts, share: float) -> Array:
    return np.array([join_embeddings(*part, share) for part in parts])


def _where(pages: Sequence[Page], *splits: str) -> npt.NDArray[np.intp]:
    return np.array([i for i, page in enumerate(pages) if page.split in splits])


def _writers(pages: Sequence[Page], rows: npt.NDArray[np.intp]) -> list[str]:
    return [pages[i].writer for i in rows]


def _best_share(pages: Sequence[Page], parts: Parts) -> float:
    """The network's share that identifies the validation pages best in the training pages.

    A gain over the hinges alone that one page could account for is chance: then it is 0.
    """
    known, asked = _where(pages, "train"), _where(pages, "val")

    def merit(share: float) -> float:
        vectors = _joined(parts, share)
        scores = evaluate_writers(
            vectors[asked], _writers(pages, asked), vectors[known], _writers(pages, known)
        )
        return float(scores["top1"] + scores["auroc"])

    best = max(SHARES, key=merit)
    return best if merit(best) - merit(0.0) > 1 / len(asked) else 0.0


def _calibrate_writers(pages: Sequence[Page], vectors: Array, share: float) -> dict[str, float]:
    """Probability that the nearest writer is right.

    From validation pages in the gallery of training pages, asked once as they are and once
    with their own writer hidden.
    """
    known, asked = _where(pages, "train"), _where(pages, "val")
    names = np.array(_writers(pages, known))
    likeness = vectors[asked] @ vectors[known].T
    own = np.array(_writers(pages, asked))[:, None] == names[None, :]
    right = names[likeness.argmax(axis=1)] == np.array(_writers(pages, asked))
    hidden = np.where(own, -np.inf, likeness).max(axis=1)
    slope, offset = fit_logistic(
        np.concatenate([likeness.max(axis=1), hidden]),
        np.concatenate([right, np.zeros(len(asked), bool)]),
    )
    both = np.concatenate([known, asked])
    return {
        "network_share": share,
        "slope": round(slope, 4),
        "offset": round(offset, 4),
        "known_from": 0.5,
        "same_hand_from": fit_same_hand(vectors[both], _writers(pages, both)),
    }


def _test_writers(
    network: Network, pages: Sequence[Page], parts: Parts, calibration: dict[str, float]
) -> dict[str, Any]:
    """Test pages and strangers in the gallery of the other pages: joined, apart, by line."""
    known, asked = _where(pages, "train", "val"), _where(pages, "test", *STRANGERS)
    gallery, queries = _writers(pages, known), _writers(pages, asked)
    scores: dict[str, Any] = {}
    shares = {"pages": calibration["network_share"], "network alone": 1.0, "hinges alone": 0.0}
    for name, share in shares.items():
        vectors = _joined(parts, share)
        scores[name] = evaluate_writers(vectors[asked], queries, vectors[known], gallery)
    vectors = _joined(parts, calibration["network_share"])
    scores["pages"]["ece"] = _identification_error(
        vectors[asked] @ vectors[known].T, queries, gallery, calibration
    )
    tests = _where(pages, "test")
    lines = [(pages[i].writer, crop) for i in tests for crop in pages[i].crops]
    one_line = _joined(
        [embed_parts([crop], network) for _, crop in lines], calibration["network_share"]
    )
    names = [writer for writer, _ in lines]
    scores["one line"] = evaluate_writers(one_line, names, vectors[known], gallery)
    return scores


def _identification_error(
    likeness: Array, queries: list[str], gallery: list[str], calibration: dict[str, float]
) -> float:
    right = np.array(gallery)[likeness.argmax(axis=1)] == np.array(queries)
    found = [match_probability(float(best), calibration) for best in likeness.max(axis=1)]
    return round(calibration_error(np.array(found), right), 4)


def _training(sets: dict[str, str]) -> dict[str, Any]:
    return {"data": sets, "seed": 1, "date": datetime.date.today().isoformat()}


def _reload(name: Any, models: Path) -> Network:
    load_network.cache_clear()
    load_card.cache_clear()
    return load_network(name, str(models))


def _complete(
    card: Card, models: Path, calibration: dict[str, Any], scores: dict[str, Any]
) -> Card:
    done = msgspec.structs.replace(card, calibration=calibration, scores=scores)
    save_card(done, models)
    return done


def main() -> None:
    """``python -m hwdigitize.training.shipping characters --run DIR --data DIR …``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=("characters", "writers"))
    parser.add_argument("--run", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--models", type=Path, required=True, help="where to install")
    parser.add_argument("--version", default="1", help="of the weights")
    chosen = parser.parse_args()
    ship = {"characters": ship_characters, "writers": ship_writers}[chosen.network]
    command = f"python -m hwdigitize.training.shipping {chosen.network}"
    ship(chosen.run, chosen.data, chosen.models, chosen.version, command)


if __name__ == "__main__":
    main()
