"""What turns scores into probabilities, fitted on validation data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]


def fit_temperature(logits: Floats, truth: Ints, weights: Floats | None = None) -> float:
    """Temperature that makes the true classes most likely (Guo et al., 2017).

    Args:
        logits: (n, classes); -inf for classes that are not allowed.
        truth: (n,) indices of classes.
        weights: (n,) how much each sample counts; all the same by default.
    """
    counts = np.ones(len(truth)) if weights is None else weights
    candidates = np.exp(np.linspace(np.log(0.2), np.log(5), 97))
    losses = [float(counts @ _surprise(logits / t, truth)) for t in candidates]
    return round(float(candidates[int(np.argmin(losses))]), 4)


def _surprise(logits: Floats, truth: Ints) -> Floats:
    most = logits.max(axis=1)
    total = np.log(np.exp(logits - most[:, None]).sum(axis=1)) + most
    return np.asarray(total - logits[np.arange(len(truth)), truth])


def fit_logistic(scores: Floats, right: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of Platt's logistic map (1999), by Newton's method.

    The targets are Platt's, a little inside 0 and 1, so that scores that separate perfectly do
    not make the slope infinite.
    """
    positives, negatives = int(right.sum()), int((~right).sum())
    targets = np.where(right, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    middle, spread = float(scores.mean()), float(scores.std()) or 1.0
    design = np.stack([(scores - middle) / spread, np.ones(len(scores))], axis=1)
    weights = np.zeros(2)
    for _ in range(50):
        expected = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (expected - targets)
        curvature = design.T @ (design * (expected * (1 - expected))[:, None])
        weights -= np.linalg.solve(curvature + 1e-6 * np.eye(2), gradient)
    slope = float(weights[0] / spread)
    return slope, float(weights[1] - slope * middle)


def fit_same_hand(embeddings: Floats, writers: Sequence[str]) -> float:
    """Similarity from which two pages are more likely by one hand than not, by best F1.

    Args:
        embeddings: (n, d) unit rows, several of some writers.
        writers: who wrote each.
    """
    names = np.asarray(writers)
    upper = np.triu_indices(len(names), 1)
    likeness = (embeddings @ embeddings.T)[upper]
    same = (names[:, None] == names[None, :])[upper]
    order = np.argsort(-likeness, kind="stable")
    found = np.cumsum(same[order])
    f1 = 2 * found / (np.arange(1, len(order) + 1) + same.sum())
    return round(float(likeness[order[int(np.argmax(f1))]]), 4)
