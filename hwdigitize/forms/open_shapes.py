"""Places to write that no frame closes: combs, boxes open below, and lines."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from hwdigitize.document import Box
from hwdigitize.forms.strokes import (
    FEWEST_CELLS,
    LARGEST_CELL,
    LEAST_HEIGHT,
    LINE_HEIGHT,
    MM,
    SMALLEST,
    THICKEST,
    Grey,
    Ints,
    Mask,
    Shape,
    Walls,
    darker,
    overlaps,
    paper_tone,
    pieces,
    straight,
    tone,
)

SHORTEST_LINE = 12 * MM
#: how much a line may slope
SLOPE = 0.012


def find_open(walls: Walls, ink: Mask, taken: Sequence[Any]) -> list[Shape]:
    """Combs, open at the top, and boxes open at the bottom."""
    bases, sides = pieces(walls.along), pieces(walls.teeth)
    sides = sides[(sides[:, 2] - sides[:, 0] <= THICKEST)]
    shapes: list[Shape] = []
    for base in bases[bases[:, 3] - bases[:, 1] <= THICKEST]:
        for find in (_comb, _hanging):
            shape = find(base, sides)
            if shape is None or overlaps(shape.across, taken):
                continue
            if all(_is_empty(ink, box) for box in shape.boxes):
                shapes.append(shape)
                break
    return shapes


def _is_empty(ink: Mask, box: Box) -> bool:
    left, top, right, bottom = box
    inside = ink[max(top, 0) + 2 : bottom - 2, max(left, 0) + 4 : right - 4]
    return bool(inside.size and inside.mean() < 0.01)


def _comb(base: Ints, sides: Ints) -> Shape | None:
    """The cells between evenly spaced teeth that stand on one base."""
    on = (np.abs(sides[:, 3] - base[3]) <= 10) & (sides[:, 2] >= base[0] - 4)
    on &= sides[:, 0] <= base[2] + 4
    teeth = sides[on]
    if len(teeth) < FEWEST_CELLS:
        return None
    at = np.sort((teeth[:, 0] + teeth[:, 2]) // 2)
    step = float(np.median(np.diff(at)))
    heights = teeth[:, 3] - teeth[:, 1]
    tall = int(np.max(heights))
    # letters on a ruled line look like teeth, but not evenly and to both of its ends
    spread = np.abs(np.diff(at) - step).max()
    ends = max(at[0] - base[0], base[2] - at[-1])
    few = len(teeth) <= FEWEST_CELLS  # two cells need higher ends to be a comb
    if few and tall < 1.4 * int(heights.min()):
        return None
    if spread > max(4, 0.1 * step) or ends > 8 or not SMALLEST <= step <= LARGEST_CELL:
        return None
    height = tall if tall >= 0.8 * step else round(1.2 * step)
    foot = int(base[1])
    edges = at.tolist()
    cells = [(a + 2, foot - height, b - 2, foot) for a, b in itertools.pairwise(edges)]
    return Shape("cells", tuple(cells)) if foot > height else None


def _hanging(base: Ints, sides: Ints) -> Shape | None:
    """The room between two sides of a length that hang from both ends of a stroke."""
    hang = np.abs(sides[:, 1] - base[1]) <= 12
    first = sides[hang & (np.abs(sides[:, 0] - base[0]) <= 6)]
    last = sides[hang & (np.abs(sides[:, 2] - base[2]) <= 6)]
    if not len(first) or not len(last) or base[2] - base[0] < 2 * LEAST_HEIGHT:
        return None
    lengths = (
        int((first[:, 3] - first[:, 1]).max()),
        int((last[:, 3] - last[:, 1]).max()),
    )
    height = max(lengths)
    if min(lengths) < 0.6 * height or not LEAST_HEIGHT <= height <= 3 * LINE_HEIGHT:
        return None
    if height > base[2] - base[0]:
        return None
    top = int(base[3])
    return Shape("box", ((int(base[0]) + 3, top, int(base[2]) - 3, int(base[1]) + height),))


def find_lines(grey: Grey, walls: Walls, ink: Mask, taken: Sequence[Any]) -> list[Shape]:
    """The room above lines to write on, solid or dotted, as far as it is free of print."""
    size = (1, round(SHORTEST_LINE / 2))  # a sloping line goes on a row below
    dotted = straight(_dots(grey), size, (1, 21))
    uprights = pieces(walls.across)
    lightest = paper_tone(grey)
    shapes: list[Shape] = []
    for stroke in pieces(dotted | straight(walls.along, size, (1, 9))):
        width, height = stroke[2] - stroke[0], stroke[3] - stroke[1]
        if width < SHORTEST_LINE or height > 0.9 * MM + SLOPE * width:
            continue
        if _is_side(stroke, uprights, ink):
            continue
        near = (int(stroke[0]), int(stroke[1]) - 6, int(stroke[2]), int(stroke[3]) + 6)
        if overlaps(near, taken):
            continue
        room = _above(ink, stroke, [*taken, *(shape.across for shape in shapes)])
        if room and tone(grey, room) >= lightest:
            shapes.append(Shape("line", (room,)))
    return shapes


def _dots(grey: Grey) -> Mask:
    """Small round or short flat pieces of ink: what dotted and dashed lines are made of."""
    thin = darker(grey, (THICKEST, THICKEST))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(thin, connectivity=8)
    return np.asarray(stats[:, cv2.CC_STAT_HEIGHT] <= 0.8 * MM, np.uint8)[labels] * thin


def _is_side(stroke: Ints, uprights: Ints, ink: Mask) -> bool:
    """Whether a stroke is the side of a frame or a corner mark, or the top of a barcode."""
    left, top, right, bottom = stroke
    meets = (uprights[:, 1] <= bottom + 4) & (uprights[:, 3] >= top - 4)
    ends = np.minimum(np.abs(uprights[:, 0] - left), np.abs(uprights[:, 2] - right))
    below = ink[bottom + 4 : bottom + 12, left:right]
    return bool((meets & (ends <= 10)).any()) or bool(below.size and below.mean() > 0.25)


def _above(ink: Mask, stroke: Ints, taken: Sequence[Any]) -> Box | None:
    """The longest free stretch over a line, as high as it is free, at most ``LINE_HEIGHT``."""
    left, foot, right = int(stroke[0]), int(stroke[1]), int(stroke[2])
    least, most = round(LEAST_HEIGHT), round(LINE_HEIGHT)
    band = ink[max(foot - least, 0) : max(foot - 2, 0), left:right].any(axis=0)
    flat = np.atleast_2d(band).astype(np.uint8)
    wide = np.asarray(cv2.dilate(flat, np.ones((1, 25), np.uint8)))
    used = np.concatenate([[1], wide.ravel(), [1]])
    starts = np.flatnonzero(np.diff(used.astype(np.int8)) == -1)
    ends = np.flatnonzero(np.diff(used.astype(np.int8)) == 1)
    if not len(starts) or foot < least:
        return None
    best = int((ends - starts).argmax())
    start, end = left + int(starts[best]), left + int(ends[best])
    if end - start < SHORTEST_LINE:
        return None
    column = ink[max(foot - most, 0) : max(foot - least, 0), start:end].any(axis=1)
    full = np.flatnonzero(column)
    top = max(foot - most, 0) + (int(full[-1]) + 2 if len(full) else 0)
    for other in taken:
        if other[0] < end and start < other[2] and top < other[3] <= foot + 4:
            top = max(top, other[3] + 1)
    return (start, top, end, foot) if foot - top >= least - 2 else None
