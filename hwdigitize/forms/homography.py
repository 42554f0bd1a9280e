"""The rough homography between two pages, from features that both have.

Pairs are kept that agree on the page's turn, scale and shift (the vote of Lowe, "Distinctive
image features from scale-invariant keypoints", IJCV 60, 2004); MAGSAC++ does the
rest (Barath and others, CVPR 2020).
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.forms.structure import Features, Floats

Matrix = npt.NDArray[np.float64]

#: least cosine of two features to be taken for the same place
LEAST_COSINE = 0.75
#: how far a pair's turn, scale and shift (of the page) may be from those of the page
TURN_DEGREES, SCALE_RATIO, SHIFT_SHARE = 22.0, 1.4, 0.08
#: least pairs that agree on a homography, how well as a share of the longer side
LEAST_PAIRS, PAIR_SHARE = 8, 0.008


class Pairs(NamedTuple):
    """The same places on blank and scan, (n, 2) each, in px of their pages."""

    blank: Floats
    scan: Floats


def find_homography(blank: Features, scan: Features, side_px: float) -> Matrix | None:
    """The matrix (3, 3) from template px to scan px, or None where too few places agree.

    ``side_px`` is the template page's longer side.
    """
    return fit_homography(find_pairs(blank, scan), side_px)


def fit_homography(pairs: Pairs, side_px: float) -> Matrix | None:
    """The homography that most pairs agree on; see :func:`find_homography`."""
    if len(pairs.blank) < LEAST_PAIRS:
        return None
    for fit in (_whole_page, _few_places):
        matrix = fit(pairs, PAIR_SHARE * side_px)
        if matrix is not None and is_a_page(matrix, side_px):
            return matrix
    return None


def _whole_page(pairs: Pairs, limit_px: float) -> Matrix | None:
    # MAGSAC++, as plain RANSAC stops at what four neighbours say of the far end of the page;
    # from scan to template, because there a limit in millimetres is known
    back, agree = cv2.findHomography(
        pairs.scan, pairs.blank, cv2.USAC_MAGSAC, limit_px, maxIters=200
    )
    if back is None or agree.sum() < LEAST_PAIRS:
        return None
    return _inverse(back)


def _few_places(pairs: Pairs, limit_px: float) -> Matrix | None:
    """Turn, scale and shift only, which places close together can tell too."""
    back, agree = cv2.estimateAffinePartial2D(
        pairs.scan, pairs.blank, ransacReprojThreshold=2 * limit_px, maxIters=200
    )
    if back is None or agree.sum() < LEAST_PAIRS:
        return None
    return _inverse(np.vstack([back, (0, 0, 1)]))


def _inverse(matrix: Matrix) -> Matrix | None:
    if abs(np.linalg.det(matrix)) < 1e-12:
        return None
    inverse = np.asarray(np.linalg.inv(matrix), np.float64)
    return inverse / inverse[2, 2]


def move(points: npt.ArrayLike, matrix: Matrix) -> Floats:
    """Points (n, 2) moved by a homography (3, 3)."""
    given = np.asarray(points, np.float64).reshape(-1, 2)
    moved = given @ matrix[:, :2].T + matrix[:, 2]
    depth = moved[:, 2:]
    return np.asarray(moved[:, :2] / np.where(np.abs(depth) < 1e-9, 1e-9, depth))


def find_pairs(blank: Features, scan: Features) -> Pairs:
    """Pairs whose turn and scale most others share, and then their shift."""
    first, second = _pair(blank, scan)
    if not len(first):
        return Pairs(np.zeros((0, 2)), np.zeros((0, 2)))
    turns = scan.angles[second] - blank.angles[first]
    apart = (turns[:, None] - turns[None] + 180) % 360 - 180
    scales = np.log(scan.sizes[second] / blank.sizes[first])
    agree = (np.abs(apart) < TURN_DEGREES) & (
        np.abs(scales[:, None] - scales[None]) < np.log(SCALE_RATIO)
    )
    one = int(agree.sum(axis=1).argmax())
    most = agree[one]
    pairs = Pairs(blank.points[first[most]], scan.points[second[most]])
    turn = np.radians(turns[one] + np.median(apart[most, one]))
    return _of_one_shift(pairs, float(turn), float(np.exp(np.median(scales[most]))))


def _of_one_shift(pairs: Pairs, turn: float, scale: float) -> Pairs:
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shifts = pairs.scan - pairs.blank @ linear.T
    gaps = np.abs(shifts[:, None] - shifts[None]).max(axis=2)
    near = gaps < SHIFT_SHARE * scale * np.ptp(pairs.blank, axis=0).max()
    most = near[near.sum(axis=1).argmax()]
    return Pairs(pairs.blank[most], pairs.scan[most])


def _pair(blank: Features, scan: Features) -> tuple[npt.NDArray[np.int64], ...]:
    """Features that are each other's nearest."""
    cosines = blank.descriptors @ scan.descriptors.T
    if not cosines.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    best = cosines.argmax(axis=1)
    rows = np.arange(len(best))
    sure = cosines[rows, best] >= LEAST_COSINE
    rows, best = rows[sure], best[sure]
    mutual = cosines[rows, best] >= cosines[:, best].max(axis=0)
    return rows[mutual], best[mutual]


def is_a_page(matrix: Matrix, side_px: float) -> bool:
    """Whether a square comes out much like a square, not folded nor squeezed."""
    square = side_px * np.array([[0.0, 0.0], [0.7, 0.0], [0.7, 1.0], [0.0, 1.0]])
    corners = move(square, matrix)
    sides = np.roll(corners, -1, axis=0) - corners
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    areas = np.linalg.norm(sides, axis=1) * np.linalg.norm(after, axis=1)
    lengths = np.linalg.norm(sides, axis=1) / np.linalg.norm(
        np.roll(square, -1, axis=0) - square, axis=1
    )
    return bool((turns > 0.7 * areas).all() and lengths.max() < 1.6 * lengths.min())
