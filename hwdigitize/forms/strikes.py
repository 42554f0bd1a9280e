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
#: a lone character with its strike is so wide, of its height, and at least so many px high
LONE_WIDTHS, LEAST_LONE_PX = (0.45, 2.0), 12
#: rows that lines of its strike may lie at, those of the one that runs from end to end, and
#: how far they rise or fall; writing next to a line is not told from it
LONE_ROWS, MAIN_ROWS, LONE_STEEPEST, HALF_LINE_PX = (9, 23), (11, 20), 8, 2
#: share of the columns in which the one is inked, and any
MAIN_COVER, LONE_COVER = 0.97, 0.9
#: how far the strike juts out on both sides of the character, how thick it is there, how
#: wide the character is above and below it, and its share of the ink; in px of HEIGHT_PX
JUTS_PX, LONE_THIN_PX, BODY_PX, BODY = 2, 10, 12, 0.12


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


def is_struck_character(mask: Mask) -> bool:
    """Whether a single digit is struck through: by a line that juts out on both sides of it.

    The bar of a 4 ends where its slope begins, that of a 7 has nothing but a stem below it. A
    small t and a plus look struck, too, so that this is for digits. Some hands draw an 8 or 9
    with such a stroke: what stands close before other digits is one of them.

    Args:
        mask: where the ink of one component is, (height, width), cut tight.
    """
    height, width = mask.shape
    narrow, wide = LONE_WIDTHS
    if height < LEAST_LONE_PX or not narrow * height <= width <= wide * height:
        return False
    size = (max(round(width * HEIGHT_PX / height), 8), HEIGHT_PX)
    ink = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 127
    strike = _strikes_through(ink)
    rows = np.flatnonzero(strike.any(1))
    body = ink & ~(cv2.dilate(strike.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    columns = np.flatnonzero(body.sum(0) > 1)
    if not rows.size or not columns.size or float(body.sum()) < BODY * float(ink.sum()):
        return False
    thickest = _runs(ink).max(0)
    return (
        min(columns[0], size[0] - 1 - columns[-1]) >= JUTS_PX
        and max(thickest[1:3].max(), thickest[-3:-1].max()) <= LONE_THIN_PX
        and min(_width(body[: rows[0]]), _width(body[rows[-1] :])) >= BODY_PX
    )


def _strikes_through(ink: Mask) -> Mask:
    """The ink of the lines through a character; none unless one is whole and in its middle."""
    level, slope = np.meshgrid(
        np.arange(LONE_ROWS[0], LONE_ROWS[1] + 1),
        np.arange(-LONE_STEEPEST, LONE_STEEPEST + 1, 2),
    )
    along = np.linspace(-0.5, 0.5, ink.shape[1])
    lines = np.round(level.reshape(-1, 1) + slope.reshape(-1, 1) * along).astype(np.int64)
    cover = ink[lines, np.arange(ink.shape[1])].mean(1)
    central = (level.ravel() >= MAIN_ROWS[0]) & (level.ravel() <= MAIN_ROWS[1])
    if not (cover[central] >= MAIN_COVER).any():
        return np.zeros_like(ink)
    off = np.abs(np.arange(HEIGHT_PX)[:, None] - lines[cover >= LONE_COVER][:, None])
    return ink & (off.min(0) <= HALF_LINE_PX)


def _width(mask: Mask) -> int:
    columns = np.flatnonzero(mask.any(0))
    return int(columns[-1] - columns[0]) + 1 if columns.size else 0
