"""What was done to a check box: nothing, ticked, crossed, filled, or scribbled out.

A few measures of the ink in and around the box go into a small network that was fitted on
drawn marks (``hwdigitize.training.marks``). A scribbled-out box is not an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hwdigitize.document import Box
from hwdigitize.forms.markweights import (
    CENTRE,
    HIDDEN,
    HIDDEN_OFFSET,
    OFFSET,
    SCALE,
    WEIGHTS,
)
from hwdigitize.recognition.reading import Reading

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

CLASSES = ("empty", "ticked", "crossed", "filled", "scribbled")
#: share of a box's side that its own drawn edge may take
EDGE = 0.18
#: darker than this is ink
INK_LEVEL = 140
#: boxes are measured at this side; pixels at least so light count as ink, of 255
SIDE_PX, INKED = 48, 100
#: what of the box's own edge is not counted, and paper that is no hole, at that side
INSET, LEAST_HOLE_PX = 3, 4
#: measures are cut off here: twice or ten times the box is all the same
MEASURES, MOST = 24, 3.0
#: deviations from the mean beyond which nothing is learnt
MOST_APART = 5.0


@dataclass(frozen=True)
class Mark:
    """Probabilities of what was done to a box; they sum to 1. ``ticked`` is any light mark."""

    empty: float
    ticked: float
    crossed: float
    filled: float
    scribbled: float

    @property
    def answer(self) -> float:
        """The probability that the box is marked and the mark stands."""
        return self.ticked + self.crossed + self.filled

    @property
    def name(self) -> str:
        """What is likeliest, one of :data:`CLASSES`."""
        return max(CLASSES, key=lambda name: float(getattr(self, name)))


def read_mark(mask: Mask, box: Box) -> Mark:
    """Tell what was done to a box.

    Args:
        mask: where the writer's ink is, in a window around the box, without the box's lines.
        box: in pixels of the window.
    """
    features = np.clip((measure(mask, box) - CENTRE) / SCALE, -MOST_APART, MOST_APART)
    scores = np.tanh(features @ HIDDEN + HIDDEN_OFFSET) @ WEIGHTS + OFFSET
    shares = np.exp(scores - scores.max())
    return Mark(*(float(share) for share in shares / shares.sum()))


def measure(mask: Mask, box: Box) -> Floats:
    """What the network sees of a mark, (24,): amount, extent, density, strokes, overshoot."""
    mask, box = _scaled(mask, box)
    total = float(mask.sum())
    if not total:
        return np.zeros(MEASURES)
    left, top, right, bottom = box
    across, down = right - left, bottom - top
    area = float(across * down)
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    own = mask[y : y + height, x : x + width]
    inside = mask[top + INSET : bottom - INSET, left + INSET : right - INSET]
    within, cover = float(inside.sum()), float(inside.mean())
    hull = _hull_area(own)
    thick, thin = _thicknesses(own)
    (rows, most_rows), (columns, most_columns) = _runs(own), _runs(own.T)
    core, core_width, core_height = _core(mask)
    values = np.array(
        [
            *(1.0, np.sqrt(cover), cover, np.sqrt((total - within) / area)),
            *(width / across, height / down, total / (width * height), total / hull),
            *(np.sqrt(hull / area), thick, thin, _quarters(inside), _holes(own)),
            *np.log1p([rows, columns, most_rows, most_columns]),
            *_overshoot(mask, box, area),
            *_zones(mask[top:bottom, left:right]),
            *(np.sqrt(core / area), max(core_width / across, core_height / down)),
        ]
    )
    return np.minimum(values, MOST)


def _scaled(mask: Mask, box: Box) -> tuple[Mask, Box]:
    """The window at a scale at which the box's side is :data:`SIDE_PX`."""
    left, top, right, bottom = box
    scale = SIDE_PX / np.sqrt(max((right - left) * (bottom - top), 1))
    size = tuple(max(round(side * scale), 2 * INSET) for side in mask.shape[::-1])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=how)
    left, top, right, bottom = (max(round(side * scale), 0) for side in box)
    return small > INKED, (left, top, max(right, left + 12), max(bottom, top + 12))


def _runs(mask: Mask) -> tuple[float, float]:
    """Strokes met on the way across: mean and most of the rows that meet any."""
    starts = mask[:, 0].astype(int) + (mask[:, 1:] & ~mask[:, :-1]).sum(1)
    met = starts[starts > 0]
    return (float(met.mean()), float(met.max())) if met.size else (0.0, 0.0)


def _hull_area(mask: Mask) -> float:
    points = cv2.findNonZero(mask.astype(np.uint8))
    return max(float(cv2.contourArea(cv2.convexHull(points))), float(mask.sum()), 1.0)


def _thicknesses(mask: Mask) -> tuple[float, float]:
    """Width of the thickest stroke or blot, and of the usual one, of the box's side."""
    depth = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 3)
    thick, thin = np.quantile(depth[depth > 0], (0.9, 0.5))
    return 2 * float(thick) / SIDE_PX, 2 * float(thin) / SIDE_PX


def _holes(mask: Mask) -> float:
    """Patches of paper between strokes, as a logarithm."""
    paper = 1 - np.pad(mask.astype(np.uint8), 1)
    areas = cv2.connectedComponentsWithStats(paper, None, 4)[2][1:, cv2.CC_STAT_AREA]
    return float(np.log1p((areas > LEAST_HOLE_PX).sum()))


def _overshoot(mask: Mask, box: Box, area: float) -> tuple[float, float]:
    """Ink beyond the sides of the box: the most, and where it is second to least."""
    left, top, right, bottom = box
    sides = (mask[:, :left], mask[:, right:], mask[:top], mask[bottom:])
    beyond = np.sort(np.sqrt([float(side.sum()) / area for side in sides]))
    return float(beyond[-1]), float(beyond[1])


def _zones(inside: Mask) -> tuple[float, float, float]:
    """Ink in the middle of the box and in its rim, and the share of corners that have any."""
    high, wide = (side // 4 for side in inside.shape)
    middle = inside[high:-high, wide:-wide]
    rim = (float(inside.sum()) - float(middle.sum())) / max(inside.size - middle.size, 1)
    corners = (
        inside[rows, columns].any()
        for rows in (slice(None, high), slice(-high, None))
        for columns in (slice(None, wide), slice(-wide, None))
    )
    return float(middle.mean()), rim, sum(corners) / 4


def _core(mask: Mask) -> tuple[int, int, int]:
    """What is inked without gaps: pixels, width, height."""
    core = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
    _, _, width, height = cv2.boundingRect(core)
    return int(core.sum()), width, height


def _quarters(inside: Mask) -> float:
    """Share of the quarters of the box that have ink: a cross reaches all four."""
    middle_y, middle_x = (side // 2 for side in inside.shape)
    quarters = (
        inside[rows, columns].any()
        for rows in (slice(None, middle_y), slice(middle_y, None))
        for columns in (slice(None, middle_x), slice(middle_x, None))
    )
    return sum(quarters) / 4


def read_marks(crops: Sequence[NDArray[np.uint8]]) -> list[Reading]:
    """Read check boxes that no template knows: ``x`` when marked, empty text when not.

    Args:
        crops: grey, uint8, (height, width) each, cut along the drawn box.
    """
    return [_reading(crop) for crop in crops]


def _reading(crop: NDArray[np.uint8]) -> Reading:
    height, width = crop.shape
    dy, dx = int(height * EDGE), int(width * EDGE)
    ink = np.zeros(crop.shape, bool)
    inner = (slice(dy, height - dy or None), slice(dx, width - dx or None))
    ink[inner] = crop[inner] < INK_LEVEL
    mark = read_mark(ink, (0, 0, width, height))
    return Reading("x", mark.answer) if mark.answer >= 0.5 else Reading("", 1 - mark.answer)
