"""Drawn boxes of a form: rows of character boxes, combs, and check boxes.

Only straight strokes are kept, by opening the ink along and across (as in OpenCV's tutorial on
extracting horizontal and vertical lines); crosses and letters vanish. Closed boxes are then
the holes between the strokes, and a comb, open at the top, is closed by a lid laid over its
teeth first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.document import Box
from hwdigitize.pages.ink import Ints, Mask, find_ink, reduce

# Sizes as shares of the longer side of the page.
STROKE = 0.006  # shortest side of a box, 1.8 mm on A4
SMALLEST, LARGEST = 0.007, 0.045
SQUARE = (0.7, 1.43)  # width to height of a check box
CELL = (0.35, 1.8)  # width to height of a character box
FEWEST_CELLS = 3
ALIKE = 0.25  # how far neighbours of a row may differ, of a height
GAP = 0.6  # between neighbours of a row, of a width
FILLED = 0.75  # of its bounding box that a hole covers
WALLED = 0.85  # of a side, along which a straight stroke must run
MOST_HOLES = 2000


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """The inside of a drawn box; boxes of one ``row`` belong together, left to right."""

    box: Box
    kind: Literal["character", "check"]
    row: int


def find_boxes(grey: npt.NDArray[np.uint8]) -> tuple[DrawnBox, ...]:
    """Character boxes and check boxes of an upright page, row by row from the top.

    Args:
        grey: (height, width), paper near 255, ink dark.

    Returns:
        The insides of the boxes in pixels of ``grey``; boxes of a row share its number.
        Three boxes or more of a size side by side are character boxes; a square box that is
        not in such a row is a check box.
    """
    if min(grey.shape) < 20:
        return ()
    small = reduce(grey)
    scale = np.array(grey.shape[::-1]) / np.array(small.shape[::-1])
    holes = _find_holes(find_ink(small))
    found: list[DrawnBox] = []
    for row in _rows(holes):
        kind = _kind(row)
        if kind is None:
            continue
        number = found[-1].row + 1 if found else 0
        found += [DrawnBox(_scaled(box, scale), kind, number) for box in row]
    return tuple(found)


def _scaled(box: Ints, scale: npt.NDArray[np.float64]) -> Box:
    left, top, right, bottom = np.round(box * np.tile(scale, 2)).astype(int).tolist()
    return left, top, right, bottom


def _find_holes(ink: Mask) -> Ints:
    """Boxes (n, 4) of the near-rectangular holes between straight strokes."""
    side = max(ink.shape)
    length = max(7, round(STROKE * side))
    along = np.asarray(cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, length))), np.uint8)
    across = np.asarray(cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((length, 1))), np.uint8)
    straight = along | across | _comb_lids(along, across)
    walls = cv2.dilate(straight, np.ones((3, 3)))
    _, _, stats, _ = cv2.connectedComponentsWithStats(1 - walls, connectivity=4)
    left, top, width, height, area = stats[1:].T.astype(np.int64)
    smallest, largest = max(6, SMALLEST * side), LARGEST * side
    fits = (np.minimum(width, height) >= smallest) & (np.maximum(width, height) <= largest)
    fits &= area >= FILLED * width * height
    holes = np.stack([left, top, left + width, top + height], axis=1)[fits]
    if len(holes) > MOST_HOLES:
        return np.empty((0, 4), np.int64)
    # The walls were a pixel thicker than the strokes.
    walled = np.array([_is_walled(straight, hole) for hole in holes], bool)
    return np.asarray(holes[walled] + np.array([-1, -1, 1, 1]), np.int64)


def _is_walled(straight: Mask, hole: Ints) -> bool:
    """Whether a straight stroke runs along all of each side, as it does not round a letter."""
    left, top, right, bottom = hole
    sides = [
        straight[max(0, top - 4) : top, left:right],
        straight[bottom : bottom + 4, left:right],
        straight[top:bottom, max(0, left - 4) : left].T,
        straight[top:bottom, right : right + 4].T,
    ]
    return all(_is_straight(side) for side in sides)


def _is_straight(strip: Mask) -> bool:
    """Whether two neighbouring rows together hold ink along nearly all of the strip."""
    if len(strip) < 2:
        return False
    return bool((strip[:-1] | strip[1:]).mean(axis=1).max() >= WALLED)


def _comb_lids(along: Mask, across: Mask) -> Mask:
    """A stroke over the teeth of each comb: teeth of a height, evenly spaced on one base."""
    lids = np.zeros_like(along)
    _, _, stats, _ = cv2.connectedComponentsWithStats(across, connectivity=8)
    left, top, width, height = stats[1:, :4].T.astype(np.int64)
    teeth = np.stack([left, top, left + width, top + height], axis=1)
    teeth = teeth[height <= LARGEST * max(along.shape)]
    if not FEWEST_CELLS < len(teeth) <= MOST_HOLES:
        return lids
    for row in _rows(teeth, teeth=True):
        if len(row) > FEWEST_CELLS and _evenly_spaced(row) and _has_base(along, row):
            lids[int(np.median(row[:, 1])), row[0, 0] : row[-1, 2]] = 1
    return lids


def _evenly_spaced(row: Ints) -> bool:
    steps = np.diff(row[:, 0])
    return bool(np.all(np.abs(steps - np.median(steps)) <= max(2.0, 0.2 * np.median(steps))))


def _has_base(along: Mask, row: Ints) -> bool:
    """Whether one stroke runs along the feet of the teeth."""
    foot = int(np.median(row[:, 3]))
    strip = along[max(0, foot - 4) : foot + 4, row[0, 0] : row[-1, 2]]
    return bool(strip.size and strip.any(axis=0).mean() > 0.8)


def _rows(boxes: Ints, teeth: bool = False) -> list[Ints]:
    """Boxes of a size side by side, from left to right, the topmost row first.

    Teeth are as high as each other but far apart for their width.
    """
    if len(boxes) == 0:
        return []
    follower = _followers(boxes, teeth)
    first = np.setdiff1d(np.arange(len(boxes)), follower)
    rows = []
    for start in first:
        chain = [int(start)]
        while follower[chain[-1]] >= 0:
            chain.append(int(follower[chain[-1]]))
        rows.append(boxes[chain])
    return sorted(rows, key=lambda row: (int(row[0, 1]), int(row[0, 0])))


def _followers(boxes: Ints, teeth: bool) -> Ints:
    """The number of each box's next to the right, -1 for none; nobody follows two boxes."""
    left, top, right, bottom = boxes.T
    width, height = right - left, bottom - top
    gap = left[None] - right[:, None]
    off = np.maximum(np.abs(top[None] - top[:, None]), np.abs(bottom[None] - bottom[:, None]))
    reach = 2.0 * height if teeth else GAP * width
    fits = (gap >= 0) & (gap <= reach[:, None]) & (off <= ALIKE * height[:, None])
    if not teeth:
        fits &= np.abs(width[None] - width[:, None]) <= np.maximum(3, ALIKE * width)[:, None]
    distance = np.where(fits, gap, np.iinfo(np.int64).max)
    nearest = distance.argmin(axis=1)
    back = distance.argmin(axis=0)
    own = np.arange(len(boxes))
    return np.where(fits.any(axis=1) & (back[nearest] == own), nearest, -1)


def _kind(row: Ints) -> Literal["character", "check"] | None:
    """What a row of holes is; None for neither."""
    shape = float(np.median((row[:, 2] - row[:, 0]) / (row[:, 3] - row[:, 1])))
    if len(row) >= FEWEST_CELLS:
        return "character" if CELL[0] <= shape <= CELL[1] else None
    return "check" if SQUARE[0] <= shape <= SQUARE[1] else None
