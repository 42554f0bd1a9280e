"""Training of the writers network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
from keras import ops

from hwdigitize.recognition.hands import (
    MIN_INK,
    STRIP_HEIGHT_PX,
    STRIP_WIDTH_PX,
    binarise,
    cut_strips,
)
from hwdigitize.training.hands import Hands, Page, draw_strip
from hwdigitize.training.loop import Array, Batch, Plan, Watch, compile_network, set_seed, train
from hwdigitize.training.metrics import identification_scores
from hwdigitize.training.networks.choice import WritersNet
from hwdigitize.training.networks.writers import WritersNetConfig


@dataclass(frozen=True)
class WritersTraining:
    """How to train; stored beside the weights."""

    plan: Plan = field(default_factory=lambda: Plan(steps=2000, validate_every=250))
    network: WritersNet = field(default_factory=WritersNetConfig)
    batch_size: int = 64
    #: the own writer's cosine must exceed the others' by this, and how sharply it counts
    margin: float = 0.2
    sharpness: float = 20.0
    #: writers are drawn in proportion to their lines to this power
    evenness: float = 0.5


def cosine_margin_loss(margin: float, sharpness: float) -> Callable[..., keras.KerasTensor]:
    """Cross-entropy of sharpened cosines, the margin taken off the own writer's (CosFace)."""

    def loss(writers: keras.KerasTensor, cosines: keras.KerasTensor) -> keras.KerasTensor:
        own = ops.one_hot(ops.cast(ops.reshape(writers, (-1,)), "int32"), cosines.shape[-1])
        logits = sharpness * (cosines - margin * own)
        return ops.categorical_crossentropy(own, logits, from_logits=True)

    return loss


def writers_loss(training: WritersTraining) -> Callable[..., keras.KerasTensor]:
    """With a margin between cosines for the metric network, plain softmax for the other."""
    if training.network.kind == "softmax":
        return cosine_margin_loss(0.0, 1.0)
    return cosine_margin_loss(training.margin, training.sharpness)


def batches(hands: Hands, training: WritersTraining) -> Callable[[int], Batch]:
    """Batch number to (strips (n, height, width, 1), index of the writer (n,))."""
    amounts = np.array([len(lines) for lines in hands.lines], float) ** training.evenness
    cumulated = np.cumsum(amounts / amounts.sum())

    def draw(number: int) -> Batch:
        rng = np.random.default_rng([training.plan.seed, number])
        shape = (training.batch_size, STRIP_HEIGHT_PX, STRIP_WIDTH_PX, 1)
        strips = np.zeros(shape, np.float32)
        picked = np.searchsorted(cumulated, rng.random(training.batch_size) * cumulated[-1])
        for strip, writer in zip(strips, picked, strict=True):
            strip[..., 0] = _inked_strip(hands, int(writer), rng) / np.float32(255)
        return strips, picked.astype(np.int32)

    return draw


def _inked_strip(hands: Hands, writer: int, rng: np.random.Generator) -> Array:
    lines = hands.lines[writer]
    for _ in range(4):
        strip = draw_strip(lines[rng.integers(len(lines))], rng)
        if strip.mean() > 2 * MIN_INK * 255:
            break
    return strip.astype(np.float32)


def embed(network: keras.Model, page: Page) -> Array:
    """Mean of the strips' embeddings, unit length; zeros without ink."""
    strips = cut_strips([binarise(crop) for crop in page.crops])
    if not len(strips):
        return np.zeros(network.output.shape[-1], np.float32)
    mean = ops.convert_to_numpy(network.predict_on_batch(strips)).mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def validation(
    network: keras.Model, gallery: Sequence[Page], queries: Sequence[Page]
) -> Callable[[keras.Model], dict[str, float]]:
    """Identification of the queries in the gallery; ``score`` is top-1 plus AUROC.

    The stranger of each query is its own writer, hidden from the gallery.
    """

    def validate(_: keras.Model) -> dict[str, float]:
        known = np.array([embed(network, page) for page in gallery])
        asked = np.array([embed(network, page) for page in queries])
        scores = identification_scores(
            asked @ known.T, [p.writer for p in queries], [p.writer for p in gallery]
        )
        return scores | {"score": scores["top1"] + scores["auroc"]}

    return validate


def train_writers(
    hands: Hands,
    gallery: Sequence[Page],
    queries: Sequence[Page],
    out: Path,
    training: WritersTraining,
    start_from: Path | None = None,
    watch: Watch | None = None,
) -> None:
    """Train, or resume, a writers network in the folder ``out``; see :func:`loop.train`.

    Weights of ``start_from`` (.keras) that fit are taken over where nothing is resumed.
    """
    set_seed(training.plan.seed)
    network = training.network.build()
    if start_from is not None:
        network.load_weights(start_from, skip_mismatch=True)
    model = training.network.add_head(network, len(hands.writers))
    loss = writers_loss(training)
    compile_network(model, loss, training.plan)
    validate = validation(network, gallery, queries)
    draw = batches(hands, training)
    train(model, lambda number: [draw(number)], validate, out, training.plan, watch)
