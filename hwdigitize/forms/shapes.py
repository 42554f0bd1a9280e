"""What is drawn on a blank form to be written in: boxes, rows of cells, check boxes, lines.

Straight dark strokes and straight changes of tone (a white box on a tinted form has no frame)
wall off holes of the page; near-rectangular holes of the lightest tone are boxes. Cells are
boxes side by side, or the parts of a box between its separators, which may be dotted or as
faint as a few grey levels since nothing else is inside an empty box. What is open at the top
(combs) or the bottom is found by its strokes, and so are lines to write on.

Sizes are in millimetres; the page is looked at in ``LOOK_DPI``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from hwdigitize.document import Box
from hwdigitize.forms.cells import are_cells, join_rows, rows_of, separated, to_box
from hwdigitize.forms.open_shapes import find_lines, find_open
from hwdigitize.forms.strokes import (
    FEWEST_CELLS,
    LEAST_HEIGHT,
    LOOK_DPI,
    MM,
    SMALLEST,
    Grey,
    Ints,
    Mask,
    Shape,
    Walls,
    find_content,
    find_walls,
    paper_tone,
    tone,
)

__all__ = ["Shape", "find_marks", "find_shapes"]

LARGEST_CHECK = 12 * MM
SQUARE = (0.75, 1.34)  # width to height
FILLED, WALLED = 0.86, 0.8
MOST_HOLES = 4000


def find_shapes(grey: Grey, dpi: float = 300.0) -> list[Shape]:
    """The places to write on an upright blank form, from the top.

    Args:
        grey: (H, W) uint8, ink dark.
        dpi: its resolution.
    """
    scale = LOOK_DPI / dpi
    look = _resized(grey, scale)
    walls = find_walls(look)
    ink = find_content(look, walls)
    holes = _find_holes(look, walls)
    shapes = _sort_holes(look, walls, ink, holes)
    taken = [tuple(hole) for hole in holes.tolist()]
    shapes += find_open(walls, ink, taken)
    taken += [shape.across for shape in shapes]
    shapes += find_lines(look, walls, ink, taken)
    shapes.sort(key=lambda shape: (shape.across[1], shape.across[0]))
    height, width = grey.shape
    return [
        replace(
            shape,
            boxes=tuple(_cut(_scaled(box, 1 / scale), width, height) for box in shape.boxes),
        )
        for shape in shapes
    ]


def find_marks(grey: Grey, dpi: float = 300.0) -> tuple[Box, ...]:
    """Four solid marks of one size, one near each corner of a page; none where there are not.

    In the order upper left, upper right, lower left, lower right.
    """
    scale = LOOK_DPI / dpi
    dark = np.asarray(_resized(grey, scale) < 110, np.uint8)
    _, _, stats, centres = cv2.connectedComponentsWithStats(dark, connectivity=8)
    size, area = stats[1:, 2:4], stats[1:, 4]
    solid = (size.min(axis=1) >= 1.8 * MM) & (size.max(axis=1) <= 10 * MM)
    solid &= (size.max(axis=1) <= 1.3 * size.min(axis=1)) & (area >= 0.72 * size.prod(axis=1))
    found = stats[1:][solid]
    at = centres[1:][solid] / np.array(dark.shape[::-1])
    marks = []
    for corner in ((0, 0), (1, 0), (0, 1), (1, 1)):
        off = np.abs(at - corner).max(axis=1) if len(at) else np.empty(0)
        if not (off < 0.15).any():
            return ()
        left, top, width, height, _ = found[off.argmin()].tolist()
        marks.append(_scaled((left, top, left + width, top + height), 1 / scale))
    widths = [mark[2] - mark[0] for mark in marks]
    return tuple(marks) if max(widths) <= 1.25 * min(widths) + 2 else ()


def _resized(grey: Grey, scale: float) -> Grey:
    if abs(scale - 1) < 0.01:
        return grey
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=kind), np.uint8)


def _scaled(box: Box, scale: float) -> Box:
    left, top, right, bottom = (round(side * scale) for side in box)
    return left, top, right, bottom


def _cut(box: Box, width: int, height: int) -> Box:
    left, top, right, bottom = box
    return max(left, 0), max(top, 0), min(right, width), min(bottom, height)


def _find_holes(grey: Grey, walls: Walls) -> Ints:
    """Boxes (n, 4) of the near-rectangular holes of the lightest tone, to their walls."""
    thick = cv2.dilate(walls.all, np.ones((3, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(1 - thick, connectivity=4)
    left, top, width, height, area = stats[1:].T.astype(np.int64)
    fits = (np.minimum(width, height) >= SMALLEST - 6) & (area >= FILLED * width * height)
    fits &= (left > 0) & (top > 0)
    fits &= (left + width < grey.shape[1]) & (top + height < grey.shape[0])
    holes = np.stack([left, top, left + width, top + height], axis=1)[fits][:MOST_HOLES]
    lightest = paper_tone(grey)
    kept = [
        _to_walls(walls, hole)
        for hole in holes
        if tone(grey, to_box(hole)) >= lightest and _is_walled(walls.all, hole)
    ]
    return np.array(kept, np.int64).reshape(-1, 4)


def _is_walled(walls: Mask, box: Ints) -> bool:
    """Whether a straight wall runs along all of each side, as it does not round a letter."""
    left, top, right, bottom = box
    sides = (
        walls[max(0, top - 4) : top, left:right],
        walls[bottom : bottom + 4, left:right],
        walls[top:bottom, max(0, left - 4) : left].T,
        walls[top:bottom, right : right + 4].T,
    )
    return all(
        side.size > 0 and bool(side.mean(axis=1, dtype=np.float32).max() >= WALLED)
        for side in sides
    )


def _to_walls(walls: Walls, box: Ints) -> list[int]:
    """The hole with the three pixels back that walls were thickened by, up to their strokes."""
    left, top, right, bottom = (int(side) for side in box)
    strokes = walls.along | walls.across
    for _ in range(3):
        left -= int(not strokes[top:bottom, left - 1].mean() > 0.5)
        right += int(not strokes[top:bottom, right].mean() > 0.5)
        top -= int(not strokes[top - 1, left:right].mean() > 0.5)
        bottom += int(not strokes[bottom, left:right].mean() > 0.5)
    return [left, top, right, bottom]


def _sort_holes(grey: Grey, walls: Walls, ink: Mask, holes: Ints) -> list[Shape]:
    shapes: list[Shape] = []
    free = [hole for hole in holes if not _holds(hole, holes)]
    rows = rows_of(np.array(free, np.int64).reshape(-1, 4))
    combs, rows = join_rows(grey, rows)
    shapes += combs
    for row in rows:
        boxes = [_room(ink, box) for box in row.tolist()]
        cells = len(row) >= FEWEST_CELLS and all(boxes) and are_cells(row)
        if cells and not _is_in_table(row, holes):
            shapes.append(Shape("cells", tuple(to_box(box) for box in row.tolist())))
            continue
        alone = len(row) == 1
        shapes += [_shape_of(grey, box, alone) for box in boxes if box is not None]
    return shapes


def _is_in_table(row: Ints, holes: Ints) -> bool:
    """Whether boxes stand close above or below each of a row's, in the same columns."""
    slack = round(1.2 * MM)

    def touched(box: Ints) -> bool:
        aligned = np.abs(holes[:, [0, 2]] - box[[0, 2]]).max(axis=1) <= slack / 2
        apart = np.maximum(holes[:, 1] - box[3], box[1] - holes[:, 3])
        return bool((aligned & (np.abs(apart) <= slack)).any())

    return all(touched(box) for box in row)


def _holds(hole: Ints, holes: Ints) -> bool:
    """Whether another hole lies within this one."""
    inside = (holes[:, :2] >= hole[:2]).all(axis=1) & (holes[:, 2:] <= hole[2:]).all(axis=1)
    return bool(inside.sum() > 1)


def _room(ink: Mask, sides: Sequence[int]) -> Box | None:
    """The part of a box that is free of print: below or beside its label, or all of it."""
    left, top, right, bottom = sides
    inside = ink[top + 2 : bottom - 2, left + 2 : right - 2]
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if len(rows) == 0 or inside.sum() < 12:
        return left, top, right, bottom
    below = left, top + int(rows[-1]) + 4, right, bottom
    beside = left + int(columns[-1]) + 8, top, right, bottom
    best = max((below, beside), key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
    high, wide = best[3] - best[1] >= LEAST_HEIGHT, best[2] - best[0] >= 2 * LEAST_HEIGHT
    large = (best[2] - best[0]) * (best[3] - best[1]) >= 0.45 * (right - left) * (bottom - top)
    return best if high and wide and large else None


def _shape_of(grey: Grey, box: Box, alone: bool) -> Shape:
    width, height = box[2] - box[0], box[3] - box[1]
    square = SQUARE[0] <= width / height <= SQUARE[1]
    if alone and square and max(width, height) <= LARGEST_CHECK:
        return Shape("check", (box,))
    cells = separated(grey, box)
    return Shape("cells", cells) if cells else Shape("box", (box,))
