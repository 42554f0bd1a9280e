"""Training of the characters network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from hwdigitize.recognition.characters import CLASSES, EMPTY, REJECT
from hwdigitize.recognition.glyphs import prepare_glyphs
from hwdigitize.training.glyphs import Glyphs, distort, draw_junk, empty_box
from hwdigitize.training.loop import Array, Batch, Plan, Watch, compile_network, set_seed, train
from hwdigitize.training.networks.characters import CharactersNetConfig


@dataclass(frozen=True)
class CharactersTraining:
    """How to train; stored beside the weights."""

    plan: Plan = field(default_factory=lambda: Plan(steps=6000))
    network: CharactersNetConfig = field(default_factory=CharactersNetConfig)
    batch_size: int = 128
    label_smoothing: float = 0.05
    #: at most this many glyphs count for a class and source, so that one set drowns no other
    cap: int = 80
    #: share of junk, of empty boxes and, among the rest, of glyphs drawn from fonts
    junk: float = 0.05
    empty: float = 0.02
    fonts: float = 0.25
    #: punctuation is rarer in boxes than letters and digits, by this factor
    punctuation: float = 0.5


def sample_weights(glyphs: Glyphs, training: CharactersTraining) -> npt.NDArray[np.float64]:
    """How often to draw each glyph: capped by class and source, fonts kept to their share.

    Returns:
        (n,) float64, sum 1.
    """
    _, group, counts = np.unique(
        [f"{s}/{c}" for s, c in zip(glyphs.sources, glyphs.labels, strict=True)],
        return_inverse=True,
        return_counts=True,
    )
    weights = np.minimum(counts, training.cap)[group] / counts[group]
    alphanumeric = glyphs.labels < CLASSES.index("!")
    weights[~alphanumeric] *= training.punctuation
    drawn = glyphs.sources == "fonts"
    for kind, share in ((drawn, training.fonts), (~drawn, 1 - training.fonts)):
        weights[kind] *= share / max(weights[kind].sum(), 1e-9)
    return np.asarray(weights / weights.sum(), np.float64)


def batches(glyphs: Glyphs, training: CharactersTraining) -> Callable[[int], Batch]:
    """Batch number to (glyphs (n, side, side, 1), smoothed one-hot targets (n, classes))."""
    cumulated = np.cumsum(sample_weights(glyphs, training))

    def draw(number: int) -> Batch:
        rng = np.random.default_rng([training.plan.seed, number])
        picked = np.searchsorted(cumulated, rng.random(training.batch_size) * cumulated[-1])
        labels = glyphs.labels[picked].copy()
        kind = rng.random(training.batch_size)
        labels[kind < training.junk + training.empty] = EMPTY
        labels[kind < training.junk] = REJECT
        crops = [
            _crop(glyphs, int(i), int(label), rng)
            for i, label in zip(picked, labels, strict=True)
        ]
        smooth = training.label_smoothing / len(CLASSES)
        targets = np.full((len(labels), len(CLASSES)), smooth, np.float32)
        targets[np.arange(len(labels)), labels] += 1 - training.label_smoothing
        return prepare_glyphs(crops), targets

    return draw


def _crop(
    glyphs: Glyphs, index: int, label: int, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    if label == EMPTY:
        return empty_box(rng)
    image = draw_junk(glyphs.images, rng) if label == REJECT else glyphs.images[index]
    return distort(image, rng)


def predict(model: keras.Model, images: npt.NDArray[np.uint8]) -> Array:
    """Logits (n, classes) of glyphs as data sets have them, ink 255 on paper 0."""
    inputs = prepare_glyphs([255 - image for image in images])
    return np.concatenate(
        [
            keras.ops.convert_to_numpy(model.predict_on_batch(inputs[start : start + 256]))
            for start in range(0, len(inputs), 256)
        ]
    )


def validation(glyphs: Glyphs) -> Callable[[keras.Model], dict[str, float]]:
    """Accuracy by source among the alphanumeric classes; ``score`` is the mean of sources."""
    alphanumeric = CLASSES.index("!")

    def validate(model: keras.Model) -> dict[str, float]:
        read = predict(model, glyphs.images)
        right = read[:, :alphanumeric].argmax(1) == glyphs.labels
        marks = glyphs.labels >= alphanumeric
        right[marks] = read[marks].argmax(1) == glyphs.labels[marks]
        names = np.unique(glyphs.sources)
        scores = {str(name): float(right[glyphs.sources == name].mean()) for name in names}
        return scores | {"score": float(np.mean(list(scores.values())))}

    return validate


def train_characters(
    train_set: Glyphs,
    val_set: Glyphs,
    out: Path,
    training: CharactersTraining,
    start_from: Path | None = None,
    watch: Watch | None = None,
) -> None:
    """Train, or resume, a characters network in the folder ``out``; see :func:`loop.train`.

    Weights of ``start_from`` (.keras) that fit are taken over where nothing is resumed.
    """
    set_seed(training.plan.seed)
    model = training.network.build(len(CLASSES))
    if start_from is not None:
        model.load_weights(start_from, skip_mismatch=True)
    compile_network(
        model, keras.losses.CategoricalCrossentropy(from_logits=True), training.plan
    )
    draw = batches(train_set, training)
    validate = validation(val_set)
    train(model, lambda number: [draw(number)], validate, out, training.plan, watch)
