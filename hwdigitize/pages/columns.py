"""Columns: blocks of text side by side, parted by a gutter, in reading order.

A recursive cut of the page as in Nagy, Seth and Viswanathan, "A prototype document image
analysis system for technical journals", Computer 25(7), 1992, at upright gutters only: what
lies above the gutter comes first, then its left, its right, and what lies below.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.pages.ink import Ints, Mask

# Lengths are in body heights; the page is looked at in cells of half a body.
CELLS = 2
GUTTER_WIDTH = 2.0
GUTTER_TEXT = 10.0  # rows with ink on either side of the gutter, five lines or so
MOST_COLUMNS = 6

Cells = npt.NDArray[np.bool_]
Block = tuple[int, int, int, int]


def find_blocks(mask: Mask, body: float) -> list[Block]:
    """Boxes that share out the page, in reading order; one box for a page of one column."""
    cell = body / CELLS
    size = [max(1, round(side / cell)) for side in mask.shape[::-1]]
    cells = cv2.resize(255 * mask, size, interpolation=cv2.INTER_AREA) > 5
    height, width = mask.shape
    blocks = _cut(cells, (0, 0, size[0], size[1]), MOST_COLUMNS)
    edges_x = np.round(np.arange(size[0] + 1) * width / size[0]).astype(int)
    edges_y = np.round(np.arange(size[1] + 1) * height / size[1]).astype(int)
    return [
        (int(edges_x[a]), int(edges_y[b]), int(edges_x[c]), int(edges_y[d]))
        for a, b, c, d in blocks
    ]


def _cut(cells: Cells, block: Block, columns: int) -> list[Block]:
    left, top, right, bottom = block
    gutter = _gutter(cells[top:bottom, left:right]) if columns > 1 else None
    if gutter is None:
        return [block]
    x, first, last = left + gutter[0], top + gutter[1], top + gutter[2]
    parts = [
        [(left, top, right, first)] if first > top else [],
        _cut(cells, (left, first, x, last), columns - 1),
        _cut(cells, (x, first, right, last), columns - 1),
        _cut(cells, (left, last, right, bottom), columns - 1) if last < bottom else [],
    ]
    return [part for group in parts for part in group]


def _gutter(cells: Cells) -> tuple[int, int, int] | None:
    """The column, first row and last row of the gutter with most text on both sides."""
    width = round(GUTTER_WIDTH * CELLS)
    if cells.shape[1] < 3 * width or not cells.any():
        return None
    empty = cv2.erode((~cells).astype(np.uint8), np.ones((1, width)), borderValue=0)
    shortest = round(GUTTER_TEXT * CELLS)
    empty = cv2.morphologyEx(empty, cv2.MORPH_OPEN, np.ones((shortest, 1)))
    before, after = _rows_with_ink(cells), _rows_with_ink(cells[:, ::-1])[:, ::-1]
    best, most = None, shortest
    for x in np.flatnonzero(empty.any(axis=0)):
        for first, last in _runs(np.asarray(empty[:, x], np.uint8)):
            sides = [side[last, x] - side[first, x] for side in (before, after)]
            if min(sides) > most:
                best, most = (int(x), int(first), int(last)), min(sides)
    return None if best is None else _without_ends(cells, *best)


def _without_ends(cells: Cells, x: int, first: int, last: int) -> tuple[int, int, int]:
    """The longest part of a gutter between gaps too narrow for it, as of words in a heading."""
    gap = _gap_widths(cells[first:last], x)
    wide = np.asarray(gap >= 0.5 * np.quantile(gap, 0.25), np.uint8)
    start, stop = max(_runs(wide), key=lambda run: int(run[1] - run[0]))
    return x, first + int(start), first + int(stop)


def _gap_widths(cells: Cells, x: int) -> Ints:
    """How wide the gap about column x is in each row; as wide as all cells without ink."""
    before, after = cells[:, x::-1], cells[:, x:]
    left = np.where(before.any(axis=1), before.argmax(axis=1), cells.shape[1])
    right = np.where(after.any(axis=1), after.argmax(axis=1), cells.shape[1])
    return np.asarray(np.minimum(left + right, cells.shape[1]), np.int64)


def _rows_with_ink(cells: Cells) -> Ints:
    """How many rows above each row, one more than there are, have ink up to each column."""
    inked = np.logical_or.accumulate(cells, axis=1)
    counts = np.cumsum(inked, axis=0, dtype=np.int64)
    return np.concatenate([np.zeros((1, cells.shape[1]), np.int64), counts])


def _runs(column: Mask) -> Ints:
    """First and one past last of each run of ones, (n, 2)."""
    steps = np.flatnonzero(np.diff(np.concatenate([[0], column, [0]]).astype(np.int8)))
    return steps.reshape(-1, 2)
