"""Whether what is written in a field was crossed out."""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]

#: height and columns in px at which writing is looked at, whatever its shape
HEIGHT_PX, COLUMNS = 32, 96
#: writing narrower than this, of its height, is a character or two, whose strokes look alike
LEAST_WIDTH = 1.3
#: lower than this, of its line's height, are dashes and dots
LEAST_HEIGHT = 0.2
#: a strike runs through the middle of the writing, between these of its rows
FIRST_ROW, LAST_ROW = 6, 25
#: most rows that it rises or falls from end to end, and bends away from straight
STEEPEST, MOST_BENT = 14, 5
#: share of the columns in which it must be inked: letters leave gaps
COVER = 0.98
#: share of its columns in which there is nothing but a thin stroke: between letters, and where
#: they are open; letters that run together are thick everywhere
BARE, THIN_PX = 0.42, 9
#: half of a strike's thickness
HALF_STRIKE_PX = 4
#: share of the ink that is not the strike's where writing is crossed out: a dash has none
WRITING = 0.3
#: more ink than this in its bounding box is a scribble, not writing
DENSE = 0.8


def is_crossed_out(mask: Mask, line_px: int) -> bool:
    """Whether a line runs all through the writing, or a scribble covers it.

    Args:
        mask: where the writer's ink is, (height, width).
        line_px: height of the line or box that is written in.
    """
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    if height < LEAST_HEIGHT * line_px or width < LEAST_WIDTH * height:
        return False
    written = mask[top : top + height, left : left + width].astype(np.uint8) * 255
    ink = cv2.resize(written, (COLUMNS, HEIGHT_PX), interpolation=cv2.INTER_AREA) > 127
    if float(ink.mean()) > DENSE:
        return True
    lines, columns = _lines(), np.arange(COLUMNS)
    lines = lines[ink[lines, columns].mean(1) >= COVER]
    thin = _runs(ink) <= THIN_PX
    return any(_is_strike(ink, line) for line in lines[thin[lines, columns].mean(1) >= BARE])


def _runs(ink: Mask) -> Ints:
    """How many rows the ink at each pixel runs on, up and down; 0 where there is none."""
    above, below = np.zeros((2, *ink.shape), np.int64)
    for row in range(HEIGHT_PX):
        above[row] = np.where(ink[row], above[row - 1] + 1 if row else 1, 0)
    for row in reversed(range(HEIGHT_PX)):
        below[row] = np.where(ink[row], below[row + 1] + 1 if row < HEIGHT_PX - 1 else 1, 0)
    return np.maximum(above + below - 1, 0)


@functools.cache
def _lines() -> Ints:
    """Rows of every line looked for, (lines, columns): level, slope and bend."""
    level, slope, bend = (
        values.reshape(-1, 1)
        for values in np.meshgrid(
            np.arange(FIRST_ROW, LAST_ROW + 1),
            np.arange(-STEEPEST, STEEPEST + 1, 2),
            np.arange(-MOST_BENT, MOST_BENT + 1),
        )
    )
    along = np.linspace(-0.5, 0.5, COLUMNS)
    rows = level + slope * along + bend * (1 - 2 * np.abs(along))
    return np.clip(np.round(rows), 0, HEIGHT_PX - 1).astype(np.int64)


def _is_strike(ink: Mask, line: Ints) -> bool:
    """Whether there is writing besides the line: a dash is nothing but a line."""
    own = ink & (np.abs(np.arange(HEIGHT_PX)[:, None] - line) <= HALF_STRIKE_PX)
    return float(own.sum()) <= (1 - WRITING) * float(ink.sum())
