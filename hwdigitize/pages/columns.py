"""Columns: blocks of text side by side, parted by a gutter, in reading order.

A recursive cut of the page as in Nagy, Seth and Viswanathan, "A prototype document image
analysis system for technical journals", Computer 25(7), 1992, at upright gutters only: what
lies above the gutter comes first, then its left, its right, and what lies below.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.pages.ink import InkSums, Ints, Mask

# Lengths are in body heights; the page is looked at in cells of half a body.
CELLS = 2
GUTTER_WIDTH = 2.0
GUTTER_TEXT = 10.0  # rows with ink on either side of the gutter, five lines or so
MOST_COLUMNS = 6

Cells = npt.NDArray[np.bool_]
Block = tuple[int, int, int, int]


def find_blocks(sums: InkSums, body: float) -> list[Block]:
    """Boxes that share out the page, in reading order; one box for a page of one column."""
    cell = body / CELLS
    size = [max(1, round(side / cell)) for side in sums.shape[::-1]]
    cells = sums.density(size) > 5
    height, width = sums.shape
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
    x, first, last = _runs(empty.T)
    text = np.minimum(before[last, x] - before[first, x], after[last, x] - after[first, x])
    if text.max(initial=0) <= shortest:
        return None
    best = int(text.argmax())
    return _without_ends(cells, int(x[best]), int(first[best]), int(last[best]))


def _without_ends(cells: Cells, x: int, first: int, last: int) -> tuple[int, int, int]:
    """The longest part of a gutter between gaps too narrow for it, as of words in a heading."""
    gap = _gap_widths(cells[first:last], x)
    wide = np.asarray(gap >= 0.5 * np.quantile(gap, 0.25), np.uint8)
    _, start, stop = _runs(wide[None])
    longest = int((stop - start).argmax())
    return x, first + int(start[longest]), first + int(stop[longest])


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


def _runs(rows: Mask) -> tuple[Ints, Ints, Ints]:
    """Row, first and one past last of each run of ones along the rows, (n,) each."""
    steps = np.diff(np.pad(rows.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    row, first = np.nonzero(steps == 1)
    return row, first, np.nonzero(steps == -1)[1]
