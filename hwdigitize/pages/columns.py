"""Columns: blocks of text side by side, parted by a gutter, in reading order.

A recursive cut of the page as in Nagy, Seth and Viswanathan, "A prototype document image
analysis system for technical journals", Computer 25(7), 1992, at upright gutters only: what
lies above the gutter comes first, then its left, its right, and what lies below.
"""

from __future__ import annotations

import cv2
import numpy as np

from hwdigitize.pages.ink import Ints, Mask

# Lengths are in body heights; the page is looked at in cells of half a body.
CELLS = 2
GUTTER_WIDTH = 2.0
GUTTER_TEXT = 10.0  # rows with ink on both sides of the gutter, five lines or so
MOST_COLUMNS = 6

Block = tuple[int, int, int, int]


def find_blocks(mask: Mask, body: float) -> list[Block]:
    """Boxes that share out the page, in reading order; one box for a page of one column."""
    cell = body / CELLS
    size = [max(1, round(side / cell)) for side in mask.shape[::-1]]
    cells = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.02
    height, width = mask.shape
    blocks = _cut(cells, (0, 0, size[0], size[1]), MOST_COLUMNS)
    edges_x = np.round(np.arange(size[0] + 1) * width / size[0]).astype(int)
    edges_y = np.round(np.arange(size[1] + 1) * height / size[1]).astype(int)
    return [
        (int(edges_x[a]), int(edges_y[b]), int(edges_x[c]), int(edges_y[d]))
        for a, b, c, d in blocks
    ]


def _cut(cells: np.ndarray, block: Block, columns: int) -> list[Block]:
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


def _gutter(cells: np.ndarray) -> tuple[int, int, int] | None:
    """The column, first row and last row of the gutter with most text on both sides."""
    width = round(GUTTER_WIDTH * CELLS)
    if cells.shape[1] < 3 * width or not cells.any():
        return None
    empty = cv2.erode((~cells).astype(np.uint8), np.ones((1, width), np.uint8), borderValue=0)
    both = _text_beside(cells)
    best, most = None, GUTTER_TEXT * CELLS
    for x in np.flatnonzero(empty.any(axis=0)):
        for first, last in _runs(empty[:, x]):
            text = both[first:last, x].sum()
            if text > most:
                best, most = (int(x), int(first), int(last)), text
    return best


def _text_beside(cells: np.ndarray) -> np.ndarray:
    """Whether a row has ink both before and after each cell."""
    before = np.cumsum(cells, axis=1) > 0
    after = np.cumsum(cells[:, ::-1], axis=1)[:, ::-1] > 0
    return np.asarray(before & after)


def _runs(column: Mask) -> Ints:
    """First and one past last of each run of ones, (n, 2)."""
    steps = np.flatnonzero(np.diff(np.concatenate([[0], column, [0]]).astype(np.int8)))
    return steps.reshape(-1, 2)
