"""Contour hinges: how often the pen's outline bends from which direction into which.

Bulacu and Schomaker, "Text-independent writer identification and verification using textural
and allographic features" (2007). It needs no training and knows slant, curvature and roundness.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

GreyImage = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.float32]

#: directions that the legs of a hinge are counted in
DIRECTIONS = 16
#: lengths of the legs in contour pixels, where small letters are 40 px high
LEGS_PX = (13, 25)


def hinge_histogram(lines: Sequence[GreyImage], legs_px: Sequence[int] = LEGS_PX) -> Vector:
    """Histograms of contour hinges over all lines, square-rooted so that they have unit length.

    The dot product of two such vectors is the mean Bhattacharyya coefficient of the histograms.

    Args:
        lines: ink 255 on paper 0, uint8, of one scale.
        legs_px: a histogram is made for each of these lengths of a hinge's legs.

    Returns:
        (len(legs_px) * DIRECTIONS ** 2,) float32; zeros where no contour is long enough.
    """
    outlines = [outline for line in lines for outline in _outlines(line)]
    histograms = [_histogram(outlines, leg) for leg in legs_px]
    return np.concatenate(histograms) / np.float32(np.sqrt(len(legs_px)))


def _outlines(line: GreyImage) -> list[npt.NDArray[np.float32]]:
    """Points (n, 2) of every contour, holes too, the ink always on the same side."""
    binary = (line > 127).astype(np.uint8)
    found, _ = cv2.findContours(binary, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return [outline[:, 0].astype(np.float32) for outline in found]


def _histogram(outlines: Sequence[npt.NDArray[np.float32]], leg_px: int) -> Vector:
    counts = np.zeros(DIRECTIONS**2, np.int64)
    for outline in outlines:
        if len(outline) > 2 * leg_px:
            first = _direction(np.roll(outline, leg_px, axis=0) - outline)
            second = _direction(np.roll(outline, -leg_px, axis=0) - outline)
            counts += np.bincount(first * DIRECTIONS + second, minlength=DIRECTIONS**2)
    return np.asarray(np.sqrt(counts / max(counts.sum(), 1)), np.float32)


def _direction(legs: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    turns = np.arctan2(-legs[:, 1], legs[:, 0]) / (2 * np.pi)
    return np.asarray((turns % 1 * DIRECTIONS).astype(np.int64) % DIRECTIONS)
