"""Fit the small network of hwdigitize.pages.gaps that tells which gaps part words.

Run by ``python benchmarks/segmentation.py --fit``: train pages are fitted, val pages scored,
and the weights printed as the text of hwdigitize/pages/gapweights.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from matching import Floats
from scipy.optimize import minimize

from hwdigitize.pages.gaps import in_context
from hwdigitize.pages.ink import find_writing, reduction
from hwdigitize.pages.lines import find_ink_lines
from hwdigitize.pages.words import LineInk, gap_features, ink_by_line

HIDDEN = 12
DECAY = 1e-4
ITERATIONS = 250
CLOSING = set(",.;:!?)'")


def fit(rows: Iterator[dict[str, Any]]) -> None:
    features, labels, train = gather(rows)
    middle, spread = features[train].mean(axis=0), features[train].std(axis=0)
    inputs = (features - middle) / spread
    hidden, out = train_network(inputs[train], labels[train])
    for name, part in (("train", train), ("val", ~train)):
        wrong = (forward(inputs[part], hidden, out) > 0) != labels[part]
        print(f"# {name}: {part.sum()} gaps, {100 * wrong.mean():.2f} % wrong")
    # The scaling of the inputs is folded into the first layer.
    scaled = hidden[:-1] / spread[:, None]
    bias = hidden[-1] - middle @ scaled
    print(as_source(np.vstack([scaled, bias]), out))


def gather(rows: Iterator[dict[str, Any]]) -> tuple[Floats, np.ndarray, np.ndarray]:
    """Features, whether they part words, and whether the page is of the train split."""
    features, labels, train = [], [], []
    for row in rows:
        grey = cv2.imdecode(np.frombuffer(row["image"], np.uint8), cv2.IMREAD_GRAYSCALE)
        page = find_ink_lines(find_writing(grey))
        lines = ink_by_line(page)
        found = [gap_features(line, page.body) for line in lines]
        for line, (cuts, _), known in zip(
            lines, found, in_context([f for _, f in found]), strict=True
        ):
            label = label_gaps(line, cuts, row["words"], reduction(grey))
            features.append(known[label >= 0])
            labels.append(label[label >= 0])
            train.append(np.full((label >= 0).sum(), row["split"] == "train"))
    return np.concatenate(features), np.concatenate(labels) == 1, np.concatenate(train)


def label_gaps(
    ink: LineInk, cuts: Floats, words: list[dict[str, Any]], factor: int
) -> np.ndarray:
    """1 where a gap parts words, 0 where it does not, -1 where the truth cannot tell."""
    run = np.searchsorted(cuts, ink.upright)
    owners = [_owner(ink, run == number, words, factor) for number in range(len(cuts) + 1)]
    return np.array([_label(a, b) for a, b in pairwise(owners)], int)


def _owner(
    ink: LineInk, own: np.ndarray, words: list[dict[str, Any]], factor: int
) -> dict[str, Any] | None:
    """The smallest true word that holds most of a run's ink."""
    if not own.any() or not words:
        return None
    x, y = ink.x[own] * factor, ink.y[own] * factor
    left, top, right, bottom = np.array([word["box"] for word in words]).T[:, :, None]
    inside = ((x >= left - 2) & (x <= right + 2) & (y >= top - 2) & (y <= bottom + 2)).sum(
        axis=1
    )
    size = ((right - left) * (bottom - top))[:, 0]
    best = int(np.lexsort((size, -inside))[0])
    return words[best] if inside[best] >= 0.6 * own.sum() else None


def _label(one: dict[str, Any] | None, other: dict[str, Any] | None) -> int:
    if one is None or other is None or not (one["ok"] and other["ok"]):
        return -1
    if one is other:
        return 0
    if not _is_word(other):
        return 0 if _is_word(one) and other["text"] in CLOSING else -1
    return 1 if _is_word(one) or one["text"] in CLOSING else -1


def _is_word(item: dict[str, Any]) -> bool:
    return any(character.isalnum() for character in item["text"])


def forward(inputs: Floats, hidden: Floats, out: Floats) -> Floats:
    return np.asarray(np.tanh(inputs @ hidden[:-1] + hidden[-1]) @ out[:-1] + out[-1])


def train_network(inputs: Floats, labels: np.ndarray) -> tuple[Floats, Floats]:
    """Weights (inputs + 1, hidden) and (hidden + 1,) of least cross-entropy, by L-BFGS."""
    shape = (inputs.shape[1] + 1, HIDDEN)
    start = np.random.default_rng(0).normal(0, 0.3, shape[0] * HIDDEN + HIDDEN + 1)

    def loss(flat: Floats) -> tuple[float, Floats]:
        hidden, out = flat[: -HIDDEN - 1].reshape(shape), flat[-HIDDEN - 1 :]
        inner = np.tanh(inputs @ hidden[:-1] + hidden[-1])
        logit = inner @ out[:-1] + out[-1]
        error = (1 / (1 + np.exp(-logit)) - labels) / len(labels)
        back = np.outer(error, out[:-1]) * (1 - inner**2)
        gradient = np.concatenate(
            [(inputs.T @ back).ravel(), back.sum(axis=0), inner.T @ error, [error.sum()]]
        )
        value = np.mean(np.logaddexp(0, logit) - labels * logit) + DECAY * (flat @ flat)
        return float(value), gradient + 2 * DECAY * flat

    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS}).x
    return best[: -HIDDEN - 1].reshape(shape), best[-HIDDEN - 1 :]


def as_source(hidden: Floats, out: Floats) -> str:
    """The weights as a module that a person can leaf through, a row for each input."""
    rows = "\n".join("".join(f"{value:8.3f}" for value in row) for row in hidden)
    last = "".join(f"{value:8.3f}" for value in out[:-1]) + f"\n{out[-1]:8.3f}"
    return (
        '"""Weights of gaps.py, printed by ``python benchmarks/segmentation.py --fit``.\n\n'
        "HIDDEN has a row for each feature, then the biases; OUT the weights, then the bias.\n"
        f'"""\n\nHIDDEN = """\n{rows}\n"""\n\nOUT = """\n{last}\n"""\n'
    )
