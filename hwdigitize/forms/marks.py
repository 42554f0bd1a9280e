"""What was done to a check box: nothing, ticked, crossed, filled, or scribbled out.

A few measures of the ink in and around the box go into a softmax regression that was fitted on
drawn marks (``hwdigitize.training.marks``). A scribbled-out box is not an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hwdigitize.document import Box
from hwdigitize.forms.markweights import CENTRE, SCALE, WEIGHTS
from hwdigitize.recognition.reading import Reading

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

CLASSES = ("empty", "ticked", "crossed", "filled", "scribbled")
#: share of a box's side that its own drawn edge may take
EDGE = 0.18
#: darker than this is ink
INK_LEVEL = 140
#: measures are cut off here: twice or ten times the box is all the same
MOST = 3.0


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
    features = (measure(mask, box) - CENTRE) / SCALE
    scores = np.append(features, 1.0) @ WEIGHTS
    shares = np.exp(scores - scores.max())
    return Mark(*(float(share) for share in shares / shares.sum()))


def measure(mask: Mask, box: Box) -> Floats:
    """What the regression sees of a mark: amount, extent, density, number of strokes."""
    left, top, right, bottom = box
    area = float(max((right - left) * (bottom - top), 1))
    side = np.sqrt(area)
    inset = int(0.06 * side)
    inside = mask[max(top + inset, 0) : bottom - inset, max(left + inset, 0) : right - inset]
    within = float(inside.sum())
    total = float(mask.sum())
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    if not total:
        return np.zeros(13)
    own = mask[y : y + height, x : x + width]
    across, down = _runs(own), _runs(own.T)
    hull = _hull_area(own)
    thickness = _thickness(own) / side
    cover = within / area
    values = np.array(
        [
            1.0,
            np.sqrt(cover),
            cover,
            np.sqrt((total - within) / area),
            width / (right - left),
            height / (bottom - top),
            np.log1p(across),
            np.log1p(down),
            total / (width * height),
            total / hull,
            thickness,
            _halves(inside),
            np.sqrt(hull / area),
        ]
    )
    return np.minimum(values, MOST)


def _runs(mask: Mask) -> float:
    """Strokes met on the way across, mean of the rows that meet any."""
    starts = mask[:, 0].astype(int) + (mask[:, 1:] & ~mask[:, :-1]).sum(1)
    met = starts[starts > 0]
    return float(met.mean()) if met.size else 0.0


def _hull_area(mask: Mask) -> float:
    points = cv2.findNonZero(mask.astype(np.uint8))
    return max(float(cv2.contourArea(cv2.convexHull(points))), float(mask.sum()), 1.0)


def _thickness(mask: Mask) -> float:
    """Width of the thickest stroke or blot."""
    padded = np.pad(mask.astype(np.uint8), 1)
    return 2 * float(
        np.quantile(cv2.distanceTransform(padded, cv2.DIST_L2, 3)[padded > 0], 0.9)
    )


def _halves(inside: Mask) -> float:
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
