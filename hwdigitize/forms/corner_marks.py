"""A page found by its corner marks, for forms on which little else is printed.

Each mark of the blank is looked for around its corner of the scan, in each of the four ways
that the scan may lie; of those in which all are found, the one that explains the ink is taken.
"""

from __future__ import annotations

import cv2
import numpy as np

from hwdigitize.document import Box
from hwdigitize.forms.homography import Matrix, is_a_page, move
from hwdigitize.forms.structure import Floats, Grey, Structure, find_ink, reduce, reduction

#: longer side in px on which marks are looked for
SEARCH_SIDE = 880
#: how far from its corner a mark may be, as a share of the longer side
REACH = 0.14
#: least correlation of a mark
LEAST_LIKENESS = 0.5
#: px around a mark that are compared with it, and the longest side used of it
MARGIN, LONGEST = 4, 44


def find_by_marks(grey: Grey, structure: Structure) -> Matrix | None:
    """The rough matrix from template px to px of a scan, (H, W) uint8.

    None where the form has fewer than four marks or they are not found on the scan.
    """
    if len(structure.marks) < 4:
        return None
    blank = reduce(structure.ink, 2)
    step = 2 * structure.factor
    shrunk = reduction(grey.shape, SEARCH_SIDE)
    ink = find_ink(reduce(grey, shrunk))
    ways = (_find_turned(ink, blank, structure.marks, step, quarters) for quarters in range(4))
    found = [matrix for matrix in ways if matrix is not None]
    scaling = np.diag([shrunk, shrunk, 1.0])
    matrices = [scaling @ matrix @ np.diag([1 / step, 1 / step, 1.0]) for matrix in found]
    likeness = [_explained(ink, blank, matrix) for matrix in found]
    return matrices[int(np.argmax(likeness))] if found else None


def _find_turned(
    ink: Grey, blank: Grey, marks: tuple[Box, ...], step: int, quarters: int
) -> Matrix | None:
    """From px of ``blank`` to those of ``ink``, which was scanned turned by quarters."""
    upright = np.ascontiguousarray(np.rot90(ink, quarters))
    size = blank.shape[::-1]
    fitted = np.asarray(cv2.resize(upright, size, interpolation=cv2.INTER_AREA), np.uint8)
    reach = round(REACH * max(size))
    corners = [_outermost(np.array(mark) / step, size) for mark in marks]
    places = [_find_mark(fitted, blank, corner, reach) for corner in corners]
    if any(place is None for place in places):
        return None
    matrix, _ = cv2.findHomography(np.array(corners), np.array(places))
    if matrix is None or not is_a_page(matrix, max(size)):
        return None
    width, height = upright.shape[1], upright.shape[0]
    back = np.diag([width / size[0], height / size[1], 1.0])
    for _ in range(quarters):  # undo a turn to the left, which swapped the sides
        turn = np.array([[0.0, -1.0, height - 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
        back = turn @ back
        width, height = height, width
    return np.asarray(back @ matrix, np.float64)


def _outermost(mark: Floats, size: tuple[int, int]) -> Floats:
    """The middle of a small mark, the corner of a large one, which is all that is compared."""
    middle = np.array([mark[0] + mark[2], mark[1] + mark[3]]) / 2
    half = np.maximum(np.array([mark[2] - mark[0], mark[3] - mark[1]]) - LONGEST, 0) / 2
    return np.asarray(middle + np.where(middle < np.array(size) / 2, -half, half))


def _find_mark(ink: Grey, blank: Grey, corner: Floats, reach: int) -> Floats | None:
    half = LONGEST // 2 + MARGIN
    x, y = np.round(corner).astype(int).tolist()
    padded = cv2.copyMakeBorder(blank, half, half, half, half, cv2.BORDER_CONSTANT)
    mark = padded[y : y + 2 * half, x : x + 2 * half]
    wide = cv2.copyMakeBorder(ink, *(half + reach,) * 4, cv2.BORDER_CONSTANT)
    around = wide[y : y + 2 * (half + reach), x : x + 2 * (half + reach)]
    _, likeness, _, best = cv2.minMaxLoc(cv2.matchTemplate(around, mark, cv2.TM_CCOEFF_NORMED))
    return corner + best - reach if LEAST_LIKENESS <= likeness <= 1.001 else None


def _explained(ink: Grey, blank: Grey, matrix: Matrix) -> float:
    """Mean ink of the scan where the blank has some."""
    rows, columns = np.nonzero(blank > 100)
    there = move(np.stack([columns, rows], axis=1), matrix)
    inside = ((there >= 0) & (there < ink.shape[::-1])).all(axis=1)
    x, y = there[inside].astype(int).T
    return float(cv2.blur(ink, (3, 3))[y, x].sum() / max(len(rows), 1))
