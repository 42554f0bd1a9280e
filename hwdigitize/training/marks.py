"""Draw marks in check boxes and fit the network of ``hwdigitize.forms.marks``.

``python -m hwdigitize.training.marks`` writes ``hwdigitize/forms/markweights.py`` and prints
what the network confuses on marks that it was not fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from hwdigitize.document import Box
from hwdigitize.forms import markweights
from hwdigitize.forms.marks import CLASSES, MOST_APART, measure

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Points = NDArray[np.float64]

#: marks a class for fitting and for testing
DRAWN, TESTED = 2500, 600
#: units of the inner layer, most steps, penalty on the squares of weights
HIDDEN, STEPS, DECAY = 12, 400, 1e-4


def draw_mark(name: str, rng: np.random.Generator) -> tuple[Mask, Box]:
    """A window with a mark of a class in and around its box, whose own lines are not drawn."""
    side = int(rng.integers(28, 130))
    margin = side // 2
    canvas = np.zeros((side + 2 * margin,) * 2, np.uint8)
    pen = max(int(side * rng.uniform(0.03, 0.14)), 1)
    for points, width in _strokes(name, pen / side, rng):
        pixels = np.round(points * side + margin).astype(np.int32)
        cv2.polylines(canvas, [pixels], False, 1, max(round(width * side), 1))
    if name == "filled" and rng.random() < 0.4:
        _blot(canvas, side, margin, rng)
    _spoil(canvas, side, margin, rng)
    box = (margin, margin, margin + side, margin + side)
    return canvas > 0, box


def _strokes(name: str, pen: float, rng: np.random.Generator) -> list[tuple[Points, float]]:
    """Pen strokes of a mark, the box being 0 to 1 on both axes."""
    if name == "ticked":
        return [(stroke, pen) for stroke in _light(rng)]
    if name == "crossed":
        return [(stroke, pen) for stroke in _cross(rng)]
    if name == "filled":
        if rng.random() < 0.25:
            return [(_hatch(rng.uniform(0.25, 0.6), 9, rng), pen)]
        reach = rng.uniform(0.3, 0.55)
        return [(_zigzag(reach, pen * rng.uniform(0.5, 1.1), rng), pen) for _ in range(2)]
    if name == "scribbled":
        first = _cross(rng) if rng.random() < 0.7 else _light(rng)
        if rng.random() < 0.3:
            over = _hatch(rng.uniform(0.55, 0.85), int(rng.integers(12, 20)), rng)
            return [*((stroke, pen) for stroke in first), (over, 1.3 * pen)]
        reach = rng.uniform(0.45, 0.95)
        gaps = rng.uniform(0.7, 2.2, rng.integers(1, 4))
        return [(s, pen) for s in first] + [(_zigzag(reach, pen * g, rng), pen) for g in gaps]
    return []


def _curve(points: Points, rng: np.random.Generator, bend: float = 0.06) -> Points:
    """A hand's way through some points: a smooth, slightly bent line."""
    dense = []
    for start, end in pairwise(points):
        t = np.linspace(0, 1, 12)[:, None]
        control = (start + end) / 2 + rng.normal(0, bend, 2)
        dense.append((1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end)
    return np.concatenate(dense)


def _cross(rng: np.random.Generator) -> list[Points]:
    centre = 0.5 + rng.normal(0, 0.08, 2)
    reach = rng.uniform(0.22, 0.75)
    strokes = []
    for angle in (rng.normal(45, 12), rng.normal(-50, 14)):
        way = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        ends = np.array([-1.0, 1.0])[:, None] * way * reach * rng.uniform(0.75, 1.3, (2, 1))
        strokes.append(_curve(centre + ends + rng.normal(0, 0.04, (2, 2)), rng))
    return strokes


def _light(rng: np.random.Generator) -> list[Points]:
    """A tick, a slash, a dash, a ring or a dot."""
    centre, size = 0.5 + rng.normal(0, 0.12, 2), rng.uniform(0.25, 1.2)
    shape = rng.choice(["tick", "tick", "slash", "dash", "ring", "dot"])
    if shape == "tick":
        points = np.array([[-0.4, -0.05], [-0.1, 0.35], [0.6, -0.6]]) * size
        return [_curve(centre + points + rng.normal(0, 0.05, (3, 2)), rng)]
    if shape in ("slash", "dash"):
        angle = rng.normal(-50 if shape == "slash" else 0, 12)
        way = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))]) * size * 0.7
        return [_curve(np.array([centre - way, centre + way]), rng)]
    radius = rng.uniform(0.15, 0.45) if shape == "ring" else rng.uniform(0.02, 0.12)
    turns = np.linspace(0, rng.uniform(1.0, 2.5) * 2 * np.pi, 60)[:, None]
    radii = radius * (1 + 0.15 * np.sin(turns * rng.uniform(0.3, 0.7)))
    ring = np.hstack([np.cos(turns) * rng.uniform(0.6, 1.0), np.sin(turns)]) * radii
    return [centre + ring]


def _zigzag(reach: float, gap: float, rng: np.random.Generator) -> Points:
    """Strokes to and fro over an area ``2 * reach`` wide, ``gap`` apart."""
    count = max(int(2 * reach / max(gap, 0.01)), 4)
    rows = np.linspace(-reach, reach, count) * rng.uniform(0.7, 1.0)
    sides = np.where(np.arange(count) % 2, 1.0, -1.0) * reach * rng.uniform(0.75, 1.1, count)
    angle = rng.uniform(-np.pi, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = np.stack([sides, rows], 1) @ turn.T + 0.5 + rng.normal(0, 0.05, 2)
    return _curve(points, rng, 0.03)


def _hatch(reach: float, points: int, rng: np.random.Generator) -> Points:
    """One stroke to and fro along either side of the box, past its edges or not."""
    along = np.linspace(-reach, reach, points) * rng.uniform(0.85, 1.3)
    across = np.where(np.arange(points) % 2, reach, -reach)
    way = np.stack([along, across], 1)[:, :: int(rng.choice([-1, 1]))]
    return way + 0.5 + rng.normal(0, 0.06, (points, 2)) + rng.normal(0, 0.05, 2)


def _blot(canvas: NDArray[np.uint8], side: int, margin: int, rng: np.random.Generator) -> None:
    """Fill the box nearly to its lines, with rough edges."""
    inset = rng.uniform(0.0, 0.2, 4) * side + margin
    left, top = int(inset[0]), int(inset[1])
    right, bottom = (int(2 * margin + side - far) for far in inset[2:])
    cv2.rectangle(canvas, (left, top), (right, bottom), 1, -1)


def _spoil(canvas: NDArray[np.uint8], side: int, margin: int, rng: np.random.Generator) -> None:
    """Dust, remains of the box's lines, and ink that is lost."""
    size = len(canvas)
    for _ in range(rng.poisson(0.6)):
        x, y = rng.integers(0, size, 2)
        cv2.circle(canvas, (int(x), int(y)), int(rng.integers(1, 3)), 1, -1)
    if rng.random() < 0.3:
        at = margin + int(rng.choice([0, side])) + int(rng.integers(-3, 4))
        start = margin + int(rng.uniform(0, 0.7) * side)
        stop = start + int(rng.uniform(0.05, 0.4) * side)
        where = (slice(at, at + int(rng.integers(1, 4))), slice(start, stop))
        canvas[where if rng.random() < 0.5 else where[::-1]] = 1
    if rng.random() < 0.3:
        keep = cv2.resize(rng.random((size // 3, size // 3)), (size, size))
        canvas[keep < rng.uniform(0, 0.25)] = 0


def drawn(count: int, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Measures (5 * count, measures) and classes of drawn marks."""
    rng = np.random.default_rng(seed)
    measures = [measure(*draw_mark(name, rng)) for name in CLASSES for _ in range(count)]
    return np.array(measures), np.repeat(np.arange(len(CLASSES)), count)


@dataclass(frozen=True)
class Network:
    """The network of ``hwdigitize.forms.marks``: names as in ``markweights``."""

    centre: Floats
    scale: Floats
    hidden: Floats
    hidden_offset: Floats
    weights: Floats
    offset: Floats

    def shares(self, features: Floats) -> Floats:
        """Probabilities of the classes, (marks, classes)."""
        inputs = self.inputs(features)
        return _shares(np.tanh(inputs @ self.hidden + self.hidden_offset), self)

    def inputs(self, features: Floats) -> Floats:
        """Measures (marks, measures) by their deviation from the mean."""
        return np.clip((features - self.centre) / self.scale, -MOST_APART, MOST_APART)


def fit(features: Floats, labels: NDArray[np.int64], seed: int = 0) -> Network:
    """Fit by maximum likelihood with a small penalty on large weights (L-BFGS)."""
    count, classes = features.shape[1], len(CLASSES)
    shapes = ((count, HIDDEN), (HIDDEN,), (HIDDEN, classes), (classes,))
    cuts = np.cumsum([int(np.prod(shape)) for shape in shapes])
    centre, scale = features.mean(0), np.maximum(features.std(0), 1e-3)
    wanted = np.eye(classes)[labels]

    def network(flat: Floats) -> Network:
        parts = zip(np.split(flat, cuts[:-1]), shapes, strict=True)
        return Network(centre, scale, *(part.reshape(shape) for part, shape in parts))

    def loss(flat: Floats) -> tuple[float, Floats]:
        known = network(flat)
        inputs = known.inputs(features)
        inner = np.tanh(inputs @ known.hidden + known.hidden_offset)
        shares = _shares(inner, known)
        error = (shares - wanted) / len(labels)
        inward = (error @ known.weights.T) * (1 - inner**2)
        slopes = (inputs.T @ inward, inward.sum(0), inner.T @ error, error.sum(0))
        slope = np.concatenate([part.ravel() for part in slopes]) + 2 * DECAY * flat
        likelihood = np.log((shares * wanted).sum(1) + 1e-12).mean()
        return float(DECAY * flat @ flat - likelihood), slope

    start = np.random.default_rng(seed).normal(0, 1 / np.sqrt(count), cuts[-1])
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return network(best.x)


def _shares(inner: Floats, network: Network) -> Floats:
    scores = inner @ network.weights + network.offset
    shares: Floats = np.exp(scores - scores.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def main() -> None:
    """Fit on one set of drawn marks, report on another, write the weights."""
    network = fit(*drawn(DRAWN, 0))
    features, labels = drawn(TESTED, 1)
    _report(network.shares(features), labels)
    _write(network)


def _report(shares: Floats, labels: NDArray[np.int64]) -> None:
    """Print the confusions, and for each class how often it is right where it is said."""
    table = np.zeros((len(CLASSES),) * 2, int)
    np.add.at(table, (labels, shares.argmax(1)), 1)
    print("rows: drawn, columns: read", *CLASSES)
    print(table)
    answers = shares[:, 1:4].sum(1)
    for name, of in zip(CLASSES, np.eye(len(CLASSES), dtype=bool)[labels].T, strict=True):
        print(f"{name}: {(answers[of] >= 0.5).mean():.1%} read as answers")
    right = (answers >= 0.5) == ((labels > 0) & (labels < 4))
    sure = np.maximum(answers, 1 - answers)
    for low, high in pairwise((0.5, 0.8, 0.9, 0.95, 0.99, 1.0)):
        here = (sure >= low) & (sure <= high)
        print(
            f"answer or none, said {low} to {high}: {here.mean():.1%} of the marks, "
            f"{right[here].mean():.2%} right, said {sure[here].mean():.2%}"
        )


def _write(network: Network) -> None:
    lines = ['"""Weights of the network in marks.py, written by hwdigitize.training.marks."""']
    lines += ["", "import numpy as np", ""]
    for field in fields(network):
        values = np.array2string(
            getattr(network, field.name), separator=", ", precision=4, suppress_small=True,
            threshold=10_000,
        )  # fmt: skip
        lines.append(f"{field.name.upper()} = np.array(\n{values}\n)")
    Path(markweights.__file__).write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
