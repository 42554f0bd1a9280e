"""Rows of cells: boxes side by side, or the parts of a box between its separators.

Separators may be dotted or as faint as a few grey levels: nothing else is in an empty box.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwdigitize.document import Box
from hwdigitize.forms.strokes import (
    FEWEST_CELLS,
    LARGEST_CELL,
    MM,
    SMALLEST,
    Grey,
    Ints,
    Shape,
)

CELL_SHAPE = (0.3, 1.35)  # width to height


def are_cells(row: Ints) -> bool:
    """Whether boxes (n, 4) of a row are alike, and as narrow as those for one character."""
    width, height = row[:, 2] - row[:, 0], row[:, 3] - row[:, 1]
    shape = float(np.median(width / height))
    alike = bool((np.abs(width - np.median(width)) <= np.maximum(4, 0.15 * width)).all())
    fits = CELL_SHAPE[0] <= shape <= CELL_SHAPE[1] and float(np.median(width)) <= LARGEST_CELL
    return alike and fits


def rows_of(boxes: Ints) -> list[Ints]:
    """Boxes of a height side by side, with gaps too small for print, from left to right."""
    if len(boxes) == 0:
        return []
    left, top, right, bottom = boxes.T
    height, width = bottom - top, right - left
    gap = left[None] - right[:, None]
    off = np.maximum(np.abs(top[None] - top[:, None]), np.abs(bottom[None] - bottom[:, None]))
    reach = np.maximum(1.2 * MM, 0.4 * np.minimum(width, height))
    reach = np.where(width < LARGEST_CELL, reach, 1.2 * MM)
    fits = (gap >= 0) & (gap <= reach[:, None]) & (off <= np.maximum(4, 0.1 * height)[:, None])
    chains = _chains(fits, gap)
    return [boxes[chain] for chain in chains]


def join_rows(grey: Grey, rows: list[Ints]) -> tuple[list[Shape], list[Ints]]:
    """Combs whose faint separators walled off some cells only, and the rows of other boxes."""
    shapes: list[Shape] = []
    others: list[Ints] = []
    for group in _level(rows):
        left, top = group[:, :2].min(axis=0)
        right, bottom = group[:, 2:].max(axis=0)
        box = to_box((left, top, right, bottom))
        walls = np.concatenate([group[:, 0], group[:, 2] + 1, *_inner_peaks(grey, group)])
        inner = np.unique(walls[(walls > left + 4) & (walls < right - 4)])
        inner = inner[np.concatenate([[True], np.diff(inner) > 4])] if len(inner) else inner
        cells = _even_cells(box, inner) if len(group) > 1 else ()
        if cells and len(cells) > len(group):
            shapes.append(Shape("cells", cells))
        else:
            others += rows_of(group)
    return shapes, others


def _inner_peaks(grey: Grey, group: Ints) -> list[Ints]:
    return [_separators(grey, to_box(hole)) for hole in group]


def _level(rows: list[Ints]) -> list[Ints]:
    """Rows joined with those that go on at the same height, a few cells further."""
    joined: list[Ints] = []
    for row in sorted(rows, key=lambda row: int(row[0, 0])):
        cell = int(np.median(row[:, 2] - row[:, 0]))
        for i, other in enumerate(joined):
            off = np.abs(other[-1, [1, 3]] - row[0, [1, 3]]).max()
            if off <= 4 and 0 <= row[0, 0] - other[-1, 2] <= 3.2 * cell < 3.2 * LARGEST_CELL:
                joined[i] = np.concatenate([other, row])
                break
        else:
            joined.append(row)
    return joined


def _chains(fits: NDArray[np.bool_], gap: Ints) -> list[list[int]]:
    """Numbers linked each to its nearest follower, and to no other."""
    far = np.iinfo(np.int64).max
    distance = np.where(fits, gap, far)
    nearest, back = distance.argmin(axis=1), distance.argmin(axis=0)
    own = np.arange(len(fits))
    follower = np.where(fits.any(axis=1) & (back[nearest] == own), nearest, -1)
    chains = []
    for start in np.setdiff1d(own, follower).tolist():
        chain = [start]
        while follower[chain[-1]] >= 0:
            chain.append(int(follower[chain[-1]]))
        chains.append(chain)
    return chains


def separated(grey: Grey, box: Box) -> tuple[Box, ...]:
    """The cells of a box between evenly spaced separators; none where it has none.

    Nothing but separators is in an empty box, so that the mean of a column shows faint ones.
    """
    return _even_cells(box, _separators(grey, box))


def _separators(grey: Grey, box: Box) -> Ints:
    """Where strokes, however faint, run down a box that is otherwise empty."""
    left, top, right, bottom = box
    inset = 3
    if right - left < 2 * FEWEST_CELLS * inset or bottom - top <= 4 * inset:
        return np.empty(0, np.int64)
    inside = grey[top + inset : bottom - inset, left + inset : right - inset]
    profile = 255.0 - inside.mean(axis=0)
    return _peaks(profile - float(np.median(profile)), 1.5) + left + inset


def _peaks(profile: NDArray[Any], least: float) -> Ints:
    """Middles of the narrow runs above ``least``."""
    over = np.concatenate([[0], (profile > least).astype(np.int8), [0]])
    starts, ends = np.flatnonzero(np.diff(over) == 1), np.flatnonzero(np.diff(over) == -1)
    narrow = ends - starts <= 9
    return ((starts + ends) // 2)[narrow].astype(np.int64)


def _even_cells(box: Box, walls: Ints) -> tuple[Box, ...]:
    """Equal cells of a box, where most of the walls between them are among ``walls``."""
    left, top, right, bottom = box
    if len(walls) < 2:
        return ()
    step = float(np.median(np.diff(np.concatenate([[left], walls, [right]]))))
    if step < SMALLEST:
        return ()
    count = round((right - left) / step)
    edges = np.linspace(left, right, count + 1)
    wanted = edges[1:-1]
    off = np.abs(walls[:, None] - wanted[None])
    slack = max(4.0, 0.08 * (right - left) / max(count, 1))
    found, stray = (off.min(axis=0) <= slack).mean(), (off.min(axis=1) > slack).sum()
    width = (right - left) / max(count, 1)
    if count < FEWEST_CELLS or found < 0.7 or stray > 1:
        return ()
    if not CELL_SHAPE[0] <= width / (bottom - top) <= CELL_SHAPE[1]:
        return ()
    rounded = np.round(edges).astype(int).tolist()
    return tuple((a, top, b, bottom) for a, b in itertools.pairwise(rounded))


def to_box(sides: Sequence[Any]) -> Box:
    """Four sides as a box of plain numbers."""
    left, top, right, bottom = (int(side) for side in sides)
    return left, top, right, bottom
