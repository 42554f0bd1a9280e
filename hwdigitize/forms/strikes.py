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
STEEPEST, MOST_BENT = 14, 2
#: share of the columns in which it must be inked: letters leave gaps
COVER = 0.985
#: share of the ink at both ends of the writing that must be the strike's: it sticks out
ENDS = 0.5
#: what sticks out, of the height, and half of a strike's thickness
END, HALF_STRIKE_PX = 0.06, 4
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
    lines = _lines()
    lines = lines[ink[lines, np.arange(COLUMNS)].mean(1) >= COVER]
    end = max(round(END * COLUMNS * height / width), 1)
    return any(_is_strike(ink, line, end) for line in lines)


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


def _is_strike(ink: Mask, line: Ints, end: int) -> bool:
    """Whether a line of ink sticks out at both ends, and there is writing besides."""
    own = ink & (np.abs(np.arange(HEIGHT_PX)[:, None] - line) <= HALF_STRIKE_PX)
    if float(own.sum()) > (1 - WRITING) * float(ink.sum()):
        return False
    sides = (slice(0, end), slice(COLUMNS - end, COLUMNS))
    return all(own[:, side].sum() >= ENDS * max(ink[:, side].sum(), 1) for side in sides)
