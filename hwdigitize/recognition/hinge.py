"""Contour hinges: how often the pen's outline bends from which direction into which.

Bulacu and Schomaker, "Text-independent writer identification and verification using textural
and allographic features" (2007). It needs no training and knows slant, curvature and roundness.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

GreyImage = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.float32]
Points = npt.NDArray[np.int32]

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


def _outlines(line: GreyImage) -> list[Points]:
    """Points (n, 2) of every contour, holes too, the ink always on the same side."""
    binary = (line > 127).astype(np.uint8)
    found, _ = cv2.findContours(binary, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return [outline[:, 0] for outline in found]


def _histogram(outlines: Sequence[Points], leg_px: int) -> Vector:
    """Of all outlines at once: most have some dozens of points."""
    long = [outline for outline in outlines if len(outline) > 2 * leg_px]
    if not long:
        return np.zeros(DIRECTIONS**2, np.float32)
    x, y = np.ascontiguousarray(np.concatenate(long).T)
    lengths = np.array([len(outline) for outline in long])
    around = np.repeat(lengths, lengths)
    own = np.arange(len(x))
    at = own - np.repeat(np.cumsum(lengths) - lengths, lengths)
    before = np.where(at < leg_px, own - leg_px + around, own - leg_px)
    after = np.where(at >= around - leg_px, own + leg_px - around, own + leg_px)
    # neighbours on a contour touch, so that no leg reaches further than its length
    leg = (y[after] - y + leg_px) * (2 * leg_px + 1) + (x[after] - x + leg_px)
    table = _directions(leg_px)
    # the leg back from here is the one from there to here, turned round
    back = np.ascontiguousarray(table[::-1, ::-1]).ravel()[leg][before]
    hinges = back * DIRECTIONS + table.ravel()[leg]
    counts = np.bincount(hinges, minlength=DIRECTIONS**2)
    return np.asarray(np.sqrt(counts / counts.sum()), np.float32)


@functools.cache
def _directions(reach_px: int) -> npt.NDArray[np.int64]:
    """The direction of each leg (y, x), from ``-reach_px`` to ``reach_px``."""
    y, x = np.mgrid[-reach_px : reach_px + 1, -reach_px : reach_px + 1].astype(np.float32)
    turns = np.arctan2(-y, x) / (2 * np.pi)
    return np.asarray((turns % 1 * DIRECTIONS).astype(np.int64) % DIRECTIONS)
