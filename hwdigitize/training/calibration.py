"""What turns scores into probabilities, fitted on validation data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hwdigitize.recognition.characters import CLASSES, allowed_classes, probabilities
from hwdigitize.recognition.confidence import Calibration, fit_isotonic

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


def fit_glyphs(logits: Floats, truth: Ints, sources: npt.NDArray[np.str_]) -> dict[str, Any]:
    """What the card of a characters network holds: a temperature, and knots after it.

    Sources differ in size by chance only, so that each counts the same for the temperature.

    Args:
        logits: (n, classes).
        truth: (n,) indices into CLASSES.
        sources: (n,) where each glyph is from; see :func:`best_of_boxes`.
    """
    _, source, counts = np.unique(sources, return_inverse=True, return_counts=True)
    temperature = fit_temperature(
        np.where(allowed_classes("any"), logits, -np.inf), truth, 1 / counts[source]
    )
    read, confidences = best_of_boxes(logits, truth, sources, {"temperature": temperature})
    knots = fit_isotonic(confidences.astype(np.float64), read == truth)
    return {"temperature": temperature, "isotonic": knots}


def best_of_boxes(
    logits: Floats,
    truth: Ints,
    sources: npt.NDArray[np.str_],
    calibration: Mapping[str, Any],
) -> tuple[Ints, npt.NDArray[np.float64]]:
    """Characters read and their confidences, as in boxes that may hold any digit or letter.

    Where a source has punctuation, all characters are allowed. Junk is no answer.

    Returns:
        Indices into CLASSES (n,) and confidences (n,).
    """
    shares = np.zeros(logits.shape)
    temperature = float(calibration.get("temperature", 1.0))
    for name in np.unique(sources):
        rows = sources == name
        marks = bool((truth[rows] >= CLASSES.index("!")).any())
        keep = allowed_classes("any" if marks else "alphanumeric")
        shares[rows] = probabilities(logits[rows], keep, temperature)
    shares = shares[:, :-2]
    calibrate = Calibration(calibration.get("isotonic", ()))
    confidences = np.array([calibrate(float(best)) for best in shares.max(axis=1)])
    return shares.argmax(axis=1), confidences


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


def pairs_of(
    embeddings: Floats, writers: Sequence[str], most: int
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Similarity of each two pages, and whether one hand wrote both.

    Args:
        embeddings: (n, d) unit rows, several of some writers.
        writers: who wrote each.
        most: pages of a writer that are looked at, for pairs grow by their square and one
            busy hand would drown the others.
    """
    taken: Counter[str] = Counter()
    picked = []
    for index, name in enumerate(writers):
        taken[name] += 1
        if taken[name] <= most:
            picked.append(index)
    names = np.asarray(writers)[picked]
    upper = np.triu_indices(len(names), 1)
    same = (names[:, None] == names[None, :])[upper]
    return (embeddings[picked] @ embeddings[picked].T)[upper], same


def fit_same_hand(likeness: Floats, same: npt.NDArray[np.bool_]) -> float:
    """Similarity from which two pages are more likely by one hand than not, by best F1.

    Args:
        likeness: of pairs of pages, (n,); see :func:`pairs_of`.
        same: whether one hand wrote both.
    """
    order = np.argsort(-likeness, kind="stable")
    found = np.cumsum(same[order])
    f1 = 2 * found / (np.arange(1, len(order) + 1) + same.sum())
    return round(float(likeness[order[int(np.argmax(f1))]]), 4)
