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
SMALLEST, LARGEST = 0.006, 0.045
SQUARE = (0.7, 1.43)  # width to height of a check box
CELL = (0.35, 1.8)  # width to height of a character box
FEWEST_CELLS = 3
ALIKE = 0.25  # how far neighbours of a row may differ, of a height
GAP = 0.6  # between neighbours of a row, of a width
FILLED = 0.75  # of its bounding box that a hole covers
MOST_HOLES = 3000


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
    along = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    across = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8))
    strokes = cv2.dilate(along | across | _comb_lids(along, across), np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(1 - strokes, connectivity=4)
    if count - 1 > MOST_HOLES:
        return np.empty((0, 4), np.int64)
    left, top, width, height, area = stats[1:].T.astype(np.int64)
    smallest, largest = max(6, SMALLEST * side), LARGEST * side
    fits = (np.minimum(width, height) >= smallest) & (np.maximum(width, height) <= largest)
    fits &= area >= FILLED * width * height
    return np.stack([left, top, left + width, top + height], axis=1)[fits]


def _comb_lids(along: Mask, across: Mask) -> Mask:
    """A stroke over the teeth of each comb: teeth of a height, evenly spaced on one base."""
    lids = np.zeros_like(along)
    count, _, stats, _ = cv2.connectedComponentsWithStats(across, connectivity=8)
    largest = LARGEST * max(along.shape)
    teeth = stats[1:][(stats[1:, 3] <= largest)]
    if not FEWEST_CELLS < len(teeth) <= MOST_HOLES:
        return lids
    boxes = np.stack(
        [teeth[:, 0], teeth[:, 1], teeth[:, 0] + teeth[:, 2], teeth[:, 1] + teeth[:, 3]], 1
    )
    for row in _rows(boxes.astype(np.int64), wide=False):
        if len(row) > FEWEST_CELLS and _evenly_spaced(row) and _has_base(along, row):
            top = int(np.median(row[:, 1]))
            lids[top : top + 1, row[0, 0] : row[-1, 2]] = 1
    return lids


def _evenly_spaced(row: Ints) -> bool:
    steps = np.diff(row[:, 0])
    return bool(np.all(np.abs(steps - np.median(steps)) <= max(2.0, 0.2 * np.median(steps))))


def _has_base(along: Mask, row: Ints) -> bool:
    """Whether one stroke runs along the feet of the teeth."""
    foot = int(np.median(row[:, 3]))
    strip = along[max(0, foot - 4) : foot + 4, row[0, 0] : row[-1, 2]]
    return bool(strip.size and strip.any(axis=0).mean() > 0.8)


def _rows(boxes: Ints, wide: bool = True) -> list[Ints]:
    """Boxes side by side, of a height and a width, each row from left to right, top row first."""
    left_over = boxes[np.lexsort((boxes[:, 0], boxes[:, 1]))] if len(boxes) else boxes
    rows: list[list[Ints]] = []
    for box in left_over[np.argsort(left_over[:, 0], kind="stable")]:
        for row in rows:
            if _continues(row[-1], box, wide):
                row.append(box)
                break
        else:
            rows.append([box])
    return sorted(
        (np.stack(row) for row in rows), key=lambda row: (int(row[0, 1]), int(row[0, 0]))
    )


def _continues(last: Ints, box: Ints, wide: bool) -> bool:
    height = last[3] - last[1]
    level = max(abs(last[1] - box[1]), abs(last[3] - box[3])) <= ALIKE * height
    width = last[2] - last[0]
    if not wide:
        return bool(level and 0 < box[0] - last[2] < 2 * height)
    alike = abs(width - (box[2] - box[0])) <= max(3, ALIKE * width)
    return bool(level and alike and 0 <= box[0] - last[2] <= GAP * width)


def _kind(row: Ints) -> Literal["character", "check"] | None:
    """What a row of holes is; None for neither."""
    shape = float(np.median((row[:, 2] - row[:, 0]) / (row[:, 3] - row[:, 1])))
    if len(row) >= FEWEST_CELLS:
        return "character" if CELL[0] <= shape <= CELL[1] else None
    return "check" if SQUARE[0] <= shape <= SQUARE[1] else None
