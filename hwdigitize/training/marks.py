"""Draw marks in check boxes and fit the softmax regression of ``hwdigitize.forms.marks``.

``python -m hwdigitize.training.marks`` writes ``hwdigitize/forms/markweights.py`` and prints
what the regression confuses on marks that it was not fitted on.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hwdigitize.document import Box
from hwdigitize.forms import markweights
from hwdigitize.forms.marks import CLASSES, measure

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Points = NDArray[np.float64]

#: marks a class for fitting and for testing
DRAWN, TESTED = 4000, 1000
STEPS, RATE, DECAY = 4000, 0.5, 1e-5


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
        reach = rng.uniform(0.3, 0.55)
        return [(_zigzag(reach, pen * rng.uniform(0.5, 1.1), rng), pen) for _ in range(2)]
    if name == "scribbled":
        first = _cross(rng) if rng.random() < 0.7 else _light(rng)
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
    centre, size = 0.5 + rng.normal(0, 0.12, 2), rng.uniform(0.25, 0.9)
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


def fit(features: Floats, labels: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Centre, scale and weights (measures + 1, classes) of the softmax regression."""
    centre, scale = features.mean(0), np.maximum(features.std(0), 1e-6)
    inputs = np.hstack([(features - centre) / scale, np.ones((len(features), 1))])
    wanted = np.eye(len(CLASSES))[labels]
    weights, speed = np.zeros((inputs.shape[1], len(CLASSES))), 0.0
    for _ in range(STEPS):
        scores = inputs @ weights
        shares = np.exp(scores - scores.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        speed = 0.9 * speed - RATE * (inputs.T @ (shares - wanted) / len(inputs))
        weights = (weights + 0.1 * speed) * (1 - DECAY)
    return centre, scale, weights


def main() -> None:
    """Fit on one set of drawn marks, report on another, write the weights."""
    centre, scale, weights = fit(*drawn(DRAWN, 0))
    features, labels = drawn(TESTED, 1)
    scores = np.hstack([(features - centre) / scale, np.ones((len(features), 1))]) @ weights
    table = np.zeros((len(CLASSES),) * 2, int)
    np.add.at(table, (labels, scores.argmax(1)), 1)
    print("rows: drawn, columns: read", *CLASSES)
    print(table)
    _write(centre, scale, weights)


def _write(centre: Floats, scale: Floats, weights: Floats) -> None:
    def literal(values: Floats) -> str:
        return np.array2string(values, separator=", ", precision=4, suppress_small=True)

    text = (
        '"""Weights of the regression in marks.py, written by hwdigitize.training.marks."""\n\n'
        "import numpy as np\n\n"
        f"CENTRE = np.array({literal(centre)})\nSCALE = np.array({literal(scale)})\n"
        f"#: a row a measure and one for the offset, a column a class\n"
        f"WEIGHTS = np.array(\n{literal(weights)}\n)\n"
    )
    Path(markweights.__file__).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
