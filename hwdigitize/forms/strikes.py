"""Whether what is written in a field was crossed out."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

#: height in px at which strokes are looked at
HEIGHT_PX = 32
#: writing narrower than this, of its height, is a character or two, whose strokes look alike
LEAST_WIDTH = 1.6
#: directions of a strike, degrees, and its length, of the writing's width
ANGLES, LENGTH = range(-24, 25, 6), 0.62
#: a strike runs through the middle of the writing, between these shares of its height
BAND = (0.2, 0.85)
#: more ink than this in its bounding box is a scribble, not writing
DENSE = 0.62


def is_crossed_out(mask: Mask) -> bool:
    """Whether a straight line runs through most of the writing, or a scribble covers it.

    Args:
        mask: where the writer's ink is, (height, width).
    """
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    if not height or width < LEAST_WIDTH * height:
        return False
    ink = mask[top : top + height, left : left + width]
    if ink.mean() > DENSE:
        return True
    small = _small(ink)
    return any(_runs_through(small, angle) for angle in ANGLES)


def _small(ink: Mask) -> NDArray[np.uint8]:
    height, width = ink.shape
    size = (max(round(width * HEIGHT_PX / height), 1), HEIGHT_PX)
    shrunk = cv2.resize(ink.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk > 0.25, np.uint8)


def _runs_through(ink: NDArray[np.uint8], angle: float) -> bool:
    """Whether a line in one direction fits into the ink, in its middle."""
    length = int(LENGTH * ink.shape[1])
    reach = length / 2 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    half_x, half_y = (int(abs(side)) for side in reach)
    kernel = np.zeros((2 * half_y + 1, 2 * half_x + 1), np.uint8)
    ends = [(0, 0), (2 * half_x, 2 * half_y)]
    if angle < 0:
        ends = [(0, 2 * half_y), (2 * half_x, 0)]
    cv2.line(kernel, ends[0], ends[1], 1, 1)
    # outside of the image there is no ink, while erode takes it for ink
    padded = cv2.copyMakeBorder(
        ink, half_y, half_y, half_x, half_x, cv2.BORDER_CONSTANT, value=0
    )
    centres = cv2.erode(padded, kernel)[half_y : half_y + HEIGHT_PX, half_x:-half_x]
    low, high = (int(share * HEIGHT_PX) for share in BAND)
    return bool(centres[low:high].any())
