"""From a recognizer's own scores to probabilities that hold.

Temperature scaling (Guo et al., "On calibration of modern neural networks", 2017) before
decoding, isotonic regression (Zadrozny and Elkan, 2002) of the decoded probability after it.
Both are fitted on validation data and stored in the network's card.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Calibration:
    """A non-decreasing piecewise linear map from score to probability.

    Args:
        knots: scores and probabilities, both non-decreasing; empty for the identity.
    """

    def __init__(self, knots: Sequence[tuple[float, float]] = ()) -> None:
        pairs = list(knots) or [(0.0, 0.0), (1.0, 1.0)]
        self._scores, self._probabilities = (
            np.array(side, float) for side in zip(*pairs, strict=True)
        )

    def __call__(self, score: float) -> float:
        """The probability that goes with a score."""
        return float(np.interp(score, self._scores, self._probabilities))


def fit_isotonic(
    scores: NDArray[np.float64], right: NDArray[np.bool_], knots: int = 20
) -> list[tuple[float, float]]:
    """Knots of the isotonic regression of ``right`` on ``scores``.

    Equal-count bins first, so that no knot rests on a handful of samples, then pool adjacent
    violators. Each bin counts one right and one wrong sample more (Laplace), so that no
    confidence is exactly 0 or 1.

    Args:
        scores: in 0 to 1, (n,).
        right: whether the reading was right, (n,).
        knots: most knots wanted.
    """
    order = np.argsort(scores, kind="stable")
    parts = [part for part in np.array_split(order, min(knots, len(order))) if len(part)]
    # value, weight, score of each block of pooled bins
    blocks: list[tuple[float, float, float]] = []
    for part in parts:
        value = (float(right[part].sum()) + 1.0) / (len(part) + 2.0)
        blocks.append((value, float(len(part)), float(scores[part].mean())))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (v1, w1, s1), (v2, w2, s2) = blocks[-2:]
            weight = w1 + w2
            blocks[-2:] = [((v1 * w1 + v2 * w2) / weight, weight, (s1 * w1 + s2 * w2) / weight)]
    return [(round(score, 6), round(value, 6)) for value, _, score in blocks]


def calibration_error(
    confidences: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 15
) -> float:
    """Expected calibration error: mean gap of confidence and accuracy, weighted by bin.

    Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning" (2015).
    """
    which = np.minimum((confidences * bins).astype(int), bins - 1)
    gaps = [
        abs(float(confidences[which == i].sum()) - float(right[which == i].sum()))
        for i in range(bins)
    ]
    return sum(gaps) / max(len(confidences), 1)
