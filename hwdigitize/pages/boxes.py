"""Drawn boxes of a form: rows of character boxes, combs, and check boxes.

Only straight strokes are kept, by opening the ink along and across (as in OpenCV's tutorial on
extracting horizontal and vertical lines); letters vanish. Cells of a row are then the holes
between the strokes. A comb, open at the top, is found by its teeth on one base, and a check
box, which a tick may fill and break, by its top and bottom edge one above the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.document import Box
from hwdigitize.pages.ink import Ints, Mask, find_ink, label, measure, reduce

# Sizes as shares of the longer side of the page.
STROKE = 0.006  # shortest side of a box, 1.8 mm on A4
SMALLEST, LARGEST = 0.007, 0.045
SMALLEST_CHECK = 0.0085  # of a check box, 2.5 mm on A4
SQUARE = (0.7, 1.43)  # width to height of a check box
CELL = (0.35, 1.8)  # width to height of a character box
FEWEST_CELLS = 3
FEWEST_IN_COMB = 5  # cells; shorter ones are found in cursive writing too
ALIKE = 0.25  # how far neighbours of a row may differ, of a height
GAP = 0.6  # between neighbours of a row, of a width
SLACK = 0.2  # how far the edges of a check box may differ, of a side
FILLED = 0.75  # of its bounding box that a hole covers
WALLED = 0.85  # of a side, along which a straight stroke must run
CORNERED = 0.95  # of a side of a check box, from corner to corner, and of a comb's base
MOST_HOLES = 2000
FAINT = 216  # darker than this may be the fine line of a frame
TICKED = 2.0  # largest size of a check box with its tick, of its inside
SIDE_PX = 6  # how far inside the end of its edges a side of a check box may run


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
    ink = find_ink(small)
    # Frames are often fine lines that fade on the reduced page; faint ink swells what is bold.
    faint = _find_strokes(ink | (small < FAINT).astype(np.uint8))
    combs = _find_combs(faint)
    cells = [row for row in _rows(_find_holes(faint)) if _is_row(row) and _apart(row, combs)]
    clear = _rows(_find_checks(_find_strokes(ink)))
    checks = [row for row in clear if _apart(row, cells + combs)]
    fine = _rows(_find_checks(faint))
    checks += [row for row in fine if _apart(row, cells + combs + checks)]
    kinds: list[tuple[Literal["character", "check"], Ints]]
    kinds = [("character", row) for row in cells + combs] + [("check", row) for row in checks]
    kinds.sort(key=lambda item: (int(item[1][0, 1]), int(item[1][0, 0])))
    return tuple(
        DrawnBox(_scaled(box, scale), kind, number)
        for number, (kind, row) in enumerate(kinds)
        for box in row
    )


@dataclass(frozen=True, slots=True)
class _Strokes:
    """Ink (H, W) 1 on 0, and what of it runs straight along and across the page."""

    ink: Mask
    along: Mask
    across: Mask

    @property
    def side(self) -> int:
        """Longer side of the page in pixels."""
        return max(self.ink.shape)


def _find_strokes(ink: Mask) -> _Strokes:
    length = max(7, round(STROKE * max(ink.shape)))
    along = np.asarray(cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, length))), np.uint8)
    across = np.asarray(cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((length, 1))), np.uint8)
    return _Strokes(ink, along, across)


def _pieces(mask: Mask) -> Ints:
    """Boxes (n, 4) of the connected pieces of a mask."""
    count, labels = label(mask)
    return measure(labels, mask, count).boxes


def _is_row(row: Ints) -> bool:
    """Whether holes side by side are the cells of a row of character boxes."""
    shape = float(np.median((row[:, 2] - row[:, 0]) / (row[:, 3] - row[:, 1])))
    return len(row) >= FEWEST_CELLS and CELL[0] <= shape <= CELL[1]


def _apart(row: Ints, others: list[Ints]) -> bool:
    """Whether no box of a row overlaps one of the others."""
    if not others:
        return True
    there = np.concatenate(others)
    overlaps = (row[:, None, :2] < there[None, :, 2:]) & (there[None, :, :2] < row[:, None, 2:])
    return not bool(overlaps.all(axis=2).any())


def _scaled(box: Ints, scale: npt.NDArray[np.float64]) -> Box:
    left, top, right, bottom = np.round(box * np.tile(scale, 2)).astype(int).tolist()
    return left, top, right, bottom


def _find_holes(strokes: _Strokes) -> Ints:
    """Boxes (n, 4) of the near-rectangular holes between straight strokes."""
    straight = strokes.along | strokes.across
    walls = np.asarray(cv2.dilate(straight, np.ones((3, 3))), np.uint8)
    smallest, largest = max(6, SMALLEST * strokes.side), LARGEST * strokes.side
    found = _hole_boxes(walls)
    sides = found[:, 2:] - found[:, :2]
    found = found[(sides.min(axis=1) >= smallest) & (sides.max(axis=1) <= largest)]
    holes = found[np.array([_fills(walls, hole) for hole in found], bool)]
    if len(holes) > MOST_HOLES:
        return np.empty((0, 4), np.int64)
    # The walls were a pixel thicker than the strokes.
    walled = np.array([_is_walled(straight, hole) for hole in holes], bool)
    return np.asarray(holes[walled] + np.array([-1, -1, 1, 1]), np.int64)


def _hole_boxes(walls: Mask) -> Ints:
    """Boxes (n, 4) of what walls close in, the topmost first; from outlines, which are few."""
    outlines, kin = cv2.findContours(walls, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    parents = np.asarray(kin).reshape(-1, 4)[:, 3] if outlines else np.empty(0, np.int64)
    closed = np.flatnonzero(parents >= 0).tolist()
    around = np.array([cv2.boundingRect(outlines[i]) for i in closed], np.int64).reshape(-1, 4)
    boxes = np.concatenate([around[:, :2] + 1, around[:, :2] + around[:, 2:] - 1], axis=1)
    return boxes[np.lexsort((boxes[:, 0], boxes[:, 1]))]


def _fills(walls: Mask, hole: Ints) -> bool:
    """Whether a hole covers most of its box."""
    left, top, right, bottom = hole
    inside = 1 - walls[top:bottom, left:right]
    clear = cv2.countNonZero(inside)
    if clear < FILLED * inside.size or clear == inside.size:
        return clear == inside.size
    count, labels = label(inside, connectivity=4)
    return bool(measure(labels, inside, count).areas.max() >= FILLED * inside.size)


def _find_checks(strokes: _Strokes) -> Ints:
    """Insides (n, 4) of check boxes: two edges one above the other, and ink down both sides."""
    edges = _pieces(strokes.along)
    width = edges[:, 2] - edges[:, 0]
    edges = edges[(width >= SMALLEST_CHECK * strokes.side) & (width <= LARGEST * strokes.side)]
    if not 2 <= len(edges) <= MOST_HOLES:
        return np.empty((0, 4), np.int64)
    left, top, right, bottom = edges.T
    width = right - left
    slack = np.maximum(3, SLACK * width)[:, None]
    fits = np.abs(left[None] - left[:, None]) <= slack
    fits &= np.abs(right[None] - right[:, None]) <= slack
    shape = width[:, None] / np.maximum(bottom[None] - top[:, None], 1)
    fits &= (shape >= SQUARE[0]) & (shape <= SQUARE[1])
    pairs = [edges[[i, j]] for i, j in np.argwhere(fits)]
    walled = [_inside(pair) for pair in pairs if _has_sides(strokes.ink, pair)]
    if not walled:
        return np.empty((0, 4), np.int64)
    alone = [inner for inner in walled if _stands_alone(strokes.ink, inner)]
    return np.array(alone, np.int64).reshape(-1, 4)


def _inside(pair: Ints) -> tuple[int, int, int, int]:
    """The box between a top and a bottom edge (2, 4)."""
    left, right = int(pair[:, 0].max()), int(pair[:, 2].min())
    return left, int(pair[0, 3]), right, int(pair[1, 1])


def _has_sides(ink: Mask, pair: Ints) -> bool:
    """Whether straight ink runs down both ends of two edges (2, 4), corners included.

    A letter is round there.
    """
    top, bottom = int(pair[0, 1]), int(pair[1, 3])
    left, right = int(pair[:, 0].min()), int(pair[:, 2].max())
    sides = [
        ink[top:bottom, max(0, left - 2) : left + SIDE_PX].T,
        ink[top:bottom, max(0, right - SIDE_PX) : right + 2].T,
    ]
    return bottom - top > 2 * SIDE_PX and all(_is_straight(side, CORNERED) for side in sides)


def _stands_alone(ink: Mask, inner: tuple[int, int, int, int]) -> bool:
    """Whether the ink around a box goes little further, as a tick does and a word does not."""
    left, top, right, bottom = inner
    if left >= right or top >= bottom:
        return False
    most_across, most_down = TICKED * (right - left), TICKED * (bottom - top)
    # a piece that reaches out of sight is too large whatever there is of it
    across, down = int(most_across) + 4, int(most_down) + 4
    x, y = max(0, (left + right) // 2 - across), max(0, top - down)
    seen = np.ascontiguousarray(ink[y : top + down, x : (left + right) // 2 + across])
    count, labels = label(seen)
    pieces = measure(labels, seen, count)
    middle = (left + right) // 2 - x
    edge = labels[max(0, top - y - 3) : top - y, max(0, middle - 1) : middle + 2]
    piece = int(edge.max(initial=0)) - 1
    return piece >= 0 and bool(
        pieces.widths[piece] <= most_across and pieces.heights[piece] <= most_down
    )


def _is_walled(straight: Mask, hole: Ints) -> bool:
    """Whether a straight stroke runs along all of each side, as it does not round a letter."""
    left, top, right, bottom = hole
    sides = [
        straight[max(0, top - 4) : top, left:right],
        straight[bottom : bottom + 4, left:right],
        straight[top:bottom, max(0, left - 4) : left].T,
        straight[top:bottom, right : right + 4].T,
    ]
    return all(_is_straight(side) for side in sides)


def _is_straight(strip: Mask, share: float = WALLED) -> bool:
    """Whether two neighbouring rows together hold ink along nearly all of the strip."""
    if len(strip) < 2:
        return False
    return bool((strip[:-1] | strip[1:]).mean(axis=1).max() >= share)


def _find_combs(strokes: _Strokes) -> list[Ints]:
    """Rows of cells (n, 4) between teeth of a height, evenly spaced on one base.

    The base may have taller ends, which close the comb; they tell how high its cells are.
    """
    teeth = _pieces(strokes.across)
    teeth = teeth[teeth[:, 3] - teeth[:, 1] <= LARGEST * strokes.side]
    if not FEWEST_CELLS <= len(teeth) <= MOST_HOLES:
        return []
    rows = _rows(teeth, teeth=True)
    combs = [
        _comb_cells(strokes, row)
        for row in rows
        if len(row) >= FEWEST_CELLS and _evenly_spaced(row) and _has_base(strokes.along, row)
    ]
    return [cells for cells in combs if len(cells) >= FEWEST_IN_COMB and _is_row(cells)]


def _comb_cells(strokes: _Strokes, teeth: Ints) -> Ints:
    """The cells of a comb, those before its first and after its last tooth included.

    None where the base goes on beyond them: letters on a ruled line look like teeth.
    """
    foot = int(np.median(teeth[:, 3]))
    at = (teeth[:, 0] + teeth[:, 2]) // 2
    step = int(np.median(np.diff(at)))
    base = strokes.along[max(0, foot - 4) : foot + 4].any(axis=0)
    gaps = np.flatnonzero(~base)
    before_row, after_row = gaps[gaps < at[0]], gaps[gaps > at[-1]]
    start = int(before_row[-1]) + 1 if len(before_row) else 0
    end = int(after_row[0]) - 1 if len(after_row) else base.size - 1
    slack = max(4, step // 5)
    before = [at[0] - step] if at[0] - step >= start - slack else []
    after = [at[-1] + step] if at[-1] + step <= end + slack else []
    walls = np.array([*before, *at, *after])
    if abs(walls[0] - start) > slack or abs(walls[-1] - end) > slack:
        return np.empty((0, 4), np.int64)
    top = min(_wall_top(strokes.across, x, foot) for x in (walls[0], walls[-1]))
    if foot - top < step // 2:
        top = foot - step
    sides = np.stack([walls[:-1] + 2, walls[1:] - 2], axis=1)
    if foot - 3 <= max(top, 0) or (sides[:, 0] >= sides[:, 1]).any():
        return np.empty((0, 4), np.int64)
    rows = np.tile([max(top, 0), foot - 3], (len(sides), 1))
    return np.stack([sides[:, 0], rows[:, 0], sides[:, 1], rows[:, 1]], axis=1).astype(np.int64)


def _wall_top(across: Mask, x: int, foot: int) -> int:
    """Where the stroke that stands on a base at ``x`` begins."""
    strip = across[: max(foot - 2, 0), max(0, x - 4) : x + 5].any(axis=1)
    gaps = np.flatnonzero(~strip)
    return int(gaps[-1]) + 1 if len(gaps) else 0


def _evenly_spaced(row: Ints) -> bool:
    # a page has dozens of such rows, of a few teeth each: too small for arrays
    steps = [after - before for before, after in pairwise(row[:, 0].tolist())]
    usual = median(steps)
    return all(abs(step - usual) <= max(2.0, 0.1 * usual) for step in steps)


def _has_base(along: Mask, row: Ints) -> bool:
    """Whether one straight stroke runs along the feet of the teeth."""
    foot = int(np.median(row[:, 3]))
    return _is_straight(along[max(0, foot - 6) : foot + 6, row[0, 0] : row[-1, 2]], CORNERED)


def _rows(boxes: Ints, teeth: bool = False) -> list[Ints]:
    """Boxes of a size side by side, from left to right, the topmost row first.

    Teeth are as high as each other but far apart for their width.
    """
    if len(boxes) == 0:
        return []
    follower = _followers(boxes, teeth)
    first = np.setdiff1d(np.arange(len(boxes)), follower)
    rows = []
    for start in first:
        chain = [int(start)]
        while follower[chain[-1]] >= 0:
            chain.append(int(follower[chain[-1]]))
        rows.append(boxes[chain])
    return sorted(rows, key=lambda row: (int(row[0, 1]), int(row[0, 0])))


def _followers(boxes: Ints, teeth: bool) -> Ints:
    """The number of each box's next to the right, -1 for none; nobody follows two boxes."""
    # 16 bits: the table has a row and a column for each of hundreds of boxes
    left, top, right, bottom = boxes.astype(np.int16).T
    width, height = right - left, bottom - top
    gap = left[None] - right[:, None]
    off = np.maximum(np.abs(top[None] - top[:, None]), np.abs(bottom[None] - bottom[:, None]))
    reach = np.floor(4.0 * height if teeth else GAP * width).astype(np.int16)
    fits = (gap >= 0) & (gap <= reach[:, None])
    fits &= off <= np.floor(ALIKE * height).astype(np.int16)[:, None]
    if not teeth:
        alike = np.floor(np.maximum(3, ALIKE * width)).astype(np.int16)
        fits &= np.abs(width[None] - width[:, None]) <= alike[:, None]
    distance = np.where(fits, gap, np.iinfo(np.int16).max)
    nearest = distance.argmin(axis=1)
    back = distance.argmin(axis=0)
    own = np.arange(len(boxes))
    return np.where(fits.any(axis=1) & (back[nearest] == own), nearest, -1)
