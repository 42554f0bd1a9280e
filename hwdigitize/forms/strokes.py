"""Straight strokes of a blank form, and the print between them.

Sizes are in millimetres, in pixels of a page at ``LOOK_DPI``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from hwdigitize.document import Box

Grey = NDArray[np.uint8]
Mask = NDArray[np.uint8]
Ints = NDArray[np.int64]
ShapeKind = Literal["check", "cells", "box", "line"]

LOOK_DPI = 300.0
MM = LOOK_DPI / 25.4
#: thickest stroke, shortest stroke, and shortest tooth of a comb
THICKEST, STROKE, TOOTH = round(2.2 * MM), round(2.3 * MM), round(1.2 * MM)
#: darkness of a stroke over the paper beside it, and step of tone at the side of a box
DARK, STEP = 28, 12
#: paper of a box may be that much darker than the lightest paper of the form
TONE = 22
#: sides of what can be written in, heights of lines
SMALLEST, LARGEST_CELL = 2.2 * MM, 12 * MM
LINE_HEIGHT, LEAST_HEIGHT = 8 * MM, 3.5 * MM
FEWEST_CELLS = 3


@dataclass(frozen=True, slots=True)
class Shape:
    """One place to write: ``boxes`` are its cells, or one box; ``across`` the whole of it."""

    kind: ShapeKind
    boxes: tuple[Box, ...]

    @property
    def across(self) -> Box:
        """The least box around all boxes."""
        left, top, right, bottom = zip(*self.boxes, strict=True)
        return min(left), min(top), max(right), max(bottom)


@dataclass(frozen=True, slots=True)
class Walls:
    """Straight strokes along and across (H, W), short ones across, and steps of tone too."""

    along: Mask
    across: Mask
    teeth: Mask
    all: Mask


def find_walls(grey: Grey) -> Walls:
    """The straight strokes and steps of tone of a page (H, W) at ``LOOK_DPI``."""
    thin_along = darker(grey, (THICKEST, 1))
    thin_across = darker(grey, (1, THICKEST))
    along = straight(thin_along, (1, STROKE), (1, 5))
    across = straight(thin_across, (STROKE, 1), (5, 1))
    teeth = straight(thin_across, (TOOTH, 1), (3, 1))
    steps = _steps(grey, 0, (1, STROKE)) | _steps(grey, 1, (STROKE, 1))
    return Walls(along, across, teeth, along | across | steps)


def darker(grey: Grey, size: tuple[int, int]) -> Mask:
    """Where the page is darker than both sides within ``size`` rows or columns."""
    hat = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, np.ones(size, np.uint8))
    return np.asarray(hat > DARK, np.uint8)


def straight(mask: Mask, length: tuple[int, int], gap: tuple[int, int]) -> Mask:
    """Runs of at least ``length``, over gaps smaller than ``gap``."""
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones(gap, np.uint8))
    return np.asarray(cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones(length, np.uint8)))


def _steps(grey: Grey, axis: int, length: tuple[int, int]) -> Mask:
    """Straight changes of tone across ``axis``, two pixels either side."""
    ahead = np.roll(grey, -2, axis).astype(np.int16) - np.roll(grey, 2, axis)
    found = np.zeros(grey.shape, np.uint8)
    for side in (ahead > STEP, ahead < -STEP):
        found |= straight(side.astype(np.uint8), length, (1, 1))
    return found


def find_content(grey: Grey, walls: Walls) -> Mask:
    """Ink that is no wall: print."""
    size = np.ones((THICKEST, THICKEST), np.uint8)
    hat = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, size)
    frame = cv2.dilate(walls.along | walls.across, np.ones((5, 5), np.uint8))
    return np.asarray((hat > 60) & (frame == 0), np.uint8)


def pieces(mask: Mask) -> Ints:
    """Boxes (n, 4) of the connected pieces of a mask, the topmost first."""
    stats = cv2.connectedComponentsWithStats(mask, connectivity=8)[2]
    left, top, width, height = stats[1:, :4].T.astype(np.int64)
    return np.stack([left, top, left + width, top + height], axis=1)


def overlaps(box: Box, others: Sequence[Any]) -> bool:
    """Whether a box shares a pixel with one of the others."""
    return any(
        box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
        for other in others
    )


def tone(grey: Grey, box: Box) -> float:
    """The usual tone within a box."""
    left, top, right, bottom = box
    return float(np.median(grey[top + 1 : bottom - 1, left + 1 : right - 1]))


def paper_tone(grey: Grey) -> float:
    """The darkest tone of what is written on: a little below the lightest of the form."""
    return float(np.percentile(grey[::4, ::4], 98)) - TONE
