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
#: lower than this, of its line's height, are dashes and dots
LEAST_HEIGHT = 0.3
#: steepest strike in degrees, its length, of the writing's width, and gaps in it
STEEPEST, LENGTH, GAP_PX = 25.0, 0.62, 2
#: a strike runs through the middle of the writing, between these shares of its height
BAND = (0.2, 0.85)
#: share of the ink that is not the strike's where writing is crossed out, and a strike's width
WRITING, STRIKE_PX = 0.35, 7
#: more ink than this in its bounding box is a scribble, not writing
DENSE = 0.62


def is_crossed_out(mask: Mask, line_px: int) -> bool:
    """Whether a straight line runs through most of the writing, or a scribble covers it.

    Lines are found by the probabilistic Hough transform (Matas, Galambos and Kittler, 2000).

    Args:
        mask: where the writer's ink is, (height, width).
        line_px: height of the line or box that is written in.
    """
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    if height < LEAST_HEIGHT * line_px or width < LEAST_WIDTH * height:
        return False
    ink = _small(mask[top : top + height, left : left + width])
    strike = _strike(ink)
    if strike is None:
        return float(ink.mean()) > DENSE
    return float((ink > strike).sum()) > WRITING * float(ink.sum())


def _small(ink: Mask) -> NDArray[np.uint8]:
    height, width = ink.shape
    size = (max(round(width * HEIGHT_PX / height), 1), HEIGHT_PX)
    shrunk = cv2.resize(ink.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk > 0.25, np.uint8)


def _strike(ink: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The longest straight line in the middle, drawn as thick as a pen's; None without one."""
    length = LENGTH * ink.shape[1]
    lines = cv2.HoughLinesP(ink, 1, np.pi / 180, int(0.6 * length), None, length, GAP_PX)
    if lines is None:
        return None
    for x0, y0, x1, y1 in lines.reshape(-1, 4):
        level = (y0 + y1) / 2 / HEIGHT_PX
        steep = abs(np.degrees(np.arctan2(y1 - y0, x1 - x0)))
        if BAND[0] < level < BAND[1] and min(steep, 180 - steep) <= STEEPEST:
            return cv2.line(np.zeros_like(ink), (x0, y0), (x1, y1), 1, STRIKE_PX)
    return None
