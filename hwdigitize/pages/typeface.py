"""Hand or print: whether a line's letters stand and end as exactly as type does."""

from __future__ import annotations

import numpy as np

from hwdigitize.document import Ink
from hwdigitize.pages.ink import Floats
from hwdigitize.pages.lines import InkLine, InkPage

FEWEST_LETTERS = 8
PRINT_SHARE, HAND_SHARE = 0.72, 0.55


def tell_ink(page: InkPage, line: InkLine) -> Ink:
    """Print where the letters of a line share their heights and baseline, else hand.

    Unknown for few letters, and between the two.
    """
    share = exactness(page, line)
    if share is None or HAND_SHARE < share < PRINT_SHARE:
        return "unknown"
    return "print" if share >= PRINT_SHARE else "hand"


def exactness(page: InkPage, line: InkLine) -> float | None:
    """Share of letters whose top and bottom lie on one of the line's common levels.

    Type has four levels (ascender, x-height, baseline, descender) and keeps to them within a
    pixel or a twentieth of its height; handwriting does not. None for too few letters.
    """
    boxes = page.pieces.boxes[line.pieces].astype(np.float64)
    heights = boxes[:, 3] - boxes[:, 1]
    letters = (
        heights >= 0.5 * np.median(heights[heights > 2]) if (heights > 2).any() else heights < 0
    )
    if letters.sum() < FEWEST_LETTERS:
        return None
    boxes, heights = boxes[letters], heights[letters]
    middle = (boxes[:, 0] + boxes[:, 2]) / 2
    slope = _level_slope(middle, boxes[:, 3])
    tolerance = max(1.0, 0.06 * float(np.median(heights)))
    tops = _on_levels(boxes[:, 1] - slope * middle, tolerance)
    bottoms = _on_levels(boxes[:, 3] - slope * middle, tolerance)
    return float(np.mean(tops & bottoms))


def _level_slope(xs: Floats, ys: Floats) -> float:
    """Slope of the line that most bottoms stand on: the median over pairs half a line apart."""
    order = np.argsort(xs)
    half = len(xs) // 2
    near, far = order[:half], order[-half:]
    run = xs[far] - xs[near]
    return (
        float(np.median((ys[far] - ys[near])[run > 0] / run[run > 0]))
        if (run > 0).any()
        else 0.0
    )


def _on_levels(ys: Floats, tolerance: float) -> np.ndarray:
    """Which values lie within the tolerance of one of the two levels shared by most."""
    on = np.zeros(len(ys), bool)
    for _ in range(2):
        left = np.flatnonzero(~on)
        if len(left) == 0:
            break
        near = np.abs(ys[left][:, None] - ys[left][None]) <= tolerance
        level = ys[left][near.sum(axis=0).argmax()]
        on |= np.abs(ys - level) <= tolerance
    return on
