"""The rough homography between two pages, from features that both have.

What is printed on forms repeats itself, so the page is fitted in rounds: first to the features
most like each other that agree on its turn, scale and place (the vote of Lowe, "Distinctive
image features from scale-invariant keypoints", IJCV 60, 2004), then to those of all pairs much
alike that lie nearest to where that puts them, by MAGSAC++ (Barath and others, CVPR 2020)
where a homography fits better than a parallelogram.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.forms.structure import Features, Floats, Singles

Matrix = npt.NDArray[np.float64]
Whole = npt.NDArray[np.integer]
Poses = tuple[Whole, Whole, Whole, Whole]

#: least cosine of two features to be taken for the same place, and how many are taken for one
LEAST_COSINE, ALIKE = 0.75, 4
#: into how many turns, scales and places of the page pairs vote; the ratio of neighbouring
#: scales, and the distance of neighbouring places as a share of the longer side
POSES, SCALE_RATIO, CENTRE_SHARE = (18, 6, 6, 6), 1.4, 0.12
#: least pairs that agree on a homography, how well as a share of the longer side
LEAST_PAIRS, PAIR_SHARE = 8, 0.008
#: as shares of it, too, how far from its expected place a pair may be, round by round, and how
#: close it is to be to speak for one fit against another
NEAR_SHARES, CLOSE_SHARE = (0.04, 0.015), 0.003


class Pairs(NamedTuple):
    """The same places on blank and scan, (n, 2) each, in px of their pages."""

    blank: Floats
    scan: Floats


#: a matrix (3, 3) from scan to template, and which pairs agree on it
Fitted = tuple[Matrix | None, npt.NDArray[np.uint8]]
Fit = Callable[[Pairs, float], Fitted]


def find_homography(blank: Features, scan: Features, side_px: float) -> Matrix | None:
    """The matrix (3, 3) from template px to scan px, or None where too few places agree.

    ``side_px`` is the template page's longer side.
    """
    first, second, most = _pair(blank, scan)
    if most.sum() < LEAST_PAIRS:
        return None
    agree = _that_agree(blank, scan, first[most], second[most])
    alike = Pairs(blank.points[first], scan.points[second])
    surest = Pairs(alike.blank[most][agree], alike.scan[most][agree])
    matrix = _fit(surest, side_px, _few_places)
    for share in NEAR_SHARES:
        if matrix is None:
            return None
        near = _nearest(alike, first, matrix, share * side_px)
        matrix = _fit(near, side_px, _few_places, _sloping, _whole_page)
    return matrix


def _fit(pairs: Pairs, side_px: float, *fits: Fit) -> Matrix | None:
    """By that of some fits, simple ones first, to which most pairs lie close."""
    if len(pairs.blank) < LEAST_PAIRS:
        return None
    found: list[tuple[int, Matrix]] = []
    for fit in fits:  # from scan to template, because there a limit in millimetres is known
        back, agree = fit(pairs, PAIR_SHARE * side_px)
        if back is None or agree.sum() < LEAST_PAIRS:
            continue
        matrix = _inverse(back)
        if matrix is not None and is_a_page(matrix, side_px):
            off = np.linalg.norm(move(pairs.scan, back) - pairs.blank, axis=1)
            found.append((int((off < CLOSE_SHARE * side_px).sum()), matrix))
    return max(found, key=lambda one: one[0])[1] if found else None


def _whole_page(pairs: Pairs, limit_px: float) -> Fitted:
    # MAGSAC++, as plain RANSAC stops at what four neighbours say of the far end of the page
    return cv2.findHomography(pairs.scan, pairs.blank, cv2.USAC_MAGSAC, limit_px, maxIters=500)


def _sloping(pairs: Pairs, limit_px: float) -> Fitted:
    """Any parallelogram, which wrong neighbours spoil less than they do a homography."""
    back, agree = cv2.estimateAffine2D(
        pairs.scan, pairs.blank, ransacReprojThreshold=limit_px, maxIters=500
    )
    return None if back is None else np.vstack([back, (0, 0, 1)]), agree


def _few_places(pairs: Pairs, limit_px: float) -> Fitted:
    """Turn, scale and shift only, which places close together can tell too."""
    back, agree = cv2.estimateAffinePartial2D(
        pairs.scan, pairs.blank, ransacReprojThreshold=2 * limit_px, maxIters=200
    )
    return None if back is None else np.vstack([back, (0, 0, 1)]), agree


def _inverse(matrix: Matrix) -> Matrix | None:
    if abs(np.linalg.det(matrix)) < 1e-12:
        return None
    inverse = np.asarray(np.linalg.inv(matrix), np.float64)
    return np.asarray(inverse / inverse[2, 2], np.float64)


def move(points: npt.ArrayLike, matrix: Matrix) -> Floats:
    """Points (n, 2) moved by a homography (3, 3)."""
    given = np.asarray(points, np.float64).reshape(-1, 2)
    moved = given @ matrix[:, :2].T + matrix[:, 2]
    depth = moved[:, 2:]
    return np.asarray(moved[:, :2] / np.where(np.abs(depth) < 1e-9, 1e-9, depth))


def _that_agree(
    blank: Features, scan: Features, first: Whole, second: Whole
) -> npt.NDArray[np.bool_]:
    """Which pairs tell the turn, scale and place of the page that most tell."""
    turns = (scan.angles[second] - blank.angles[first]) % 360
    scales = np.log(scan.sizes[second] / blank.sizes[first])
    arrows = np.exp(scales + 1j * np.radians(turns))
    spread = np.ptp(scan.points, axis=0).max()
    middle = blank.points.mean(axis=0)
    there = (scan.points[second] - scan.points.mean(axis=0)) @ (1, 1j)
    centres = (there - arrows * ((blank.points[first] - middle) @ (1, 1j))) / spread
    pose = bin_poses(turns, scales - np.median(scales), centres)
    votes = join_neighbours(
        np.bincount(np.ravel_multi_index(pose, POSES), minlength=math.prod(POSES))
    )
    best = np.unravel_index(int(votes.argmax()), votes.shape)
    behind = (pose[0] - best[0]) % POSES[0]
    agree = (behind == 0) | (behind == POSES[0] - 1)
    for mine, low in zip(pose[1:], best[1:], strict=True):
        agree &= (mine == low) | (mine == low + 1)
    return np.asarray(agree, np.bool_)


def bin_poses(turns: Floats, scales: Floats, centres: npt.NDArray[np.complex128]) -> Poses:
    """The bin, of each kind of POSES, of turns in degrees, logarithms of scales, and places."""
    return (
        (turns / 360 * POSES[0]).astype(np.int64) % POSES[0],
        _bin(scales / np.log(SCALE_RATIO), POSES[1]),
        _bin(centres.real / CENTRE_SHARE, POSES[2]),
        _bin(centres.imag / CENTRE_SHARE, POSES[3]),
    )


def _bin(values: Floats, count: int) -> Whole:
    """The bin of values around 0, of width 1; the outer bins are open."""
    return np.asarray((values + count / 2).clip(0, count - 1).astype(np.int64))


def join_neighbours(votes: npt.NDArray[np.number]) -> Singles:
    """Votes (..., POSES) of neighbouring bins together, as a page may lie between two."""
    bins = votes.astype(np.float32).reshape(*votes.shape[:-1], *POSES)
    bins = bins + np.roll(bins, 1, axis=-4)
    for axis in (-3, -2, -1):
        moved = np.moveaxis(bins, axis, 0)
        bins = np.moveaxis(moved[1:] + moved[:-1], 0, axis)
    return np.asarray(bins)


def _nearest(alike: Pairs, first: Whole, matrix: Matrix, limit_px: float) -> Pairs:
    """Of the pairs of each feature of the blank that which lies nearest to where it should."""
    back = move(alike.scan, np.asarray(np.linalg.inv(matrix), np.float64))
    off = np.linalg.norm(back - alike.blank, axis=1)
    order = np.argsort(off, kind="stable")
    order = order[off[order] < limit_px]
    _, at = np.unique(first[order], return_index=True)
    return Pairs(alike.blank[order[at]], alike.scan[order[at]])


def _pair(blank: Features, scan: Features) -> tuple[Whole, Whole, npt.NDArray[np.bool_]]:
    """Pairs of which each is among the most like of the other; whether it is the most like."""
    cosines = blank.descriptors @ scan.descriptors.T
    if min(cosines.shape) <= ALIKE:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.bool_)
    (first, fourth), (best, least) = _likest(cosines), _likest(cosines.T)
    alike = cosines >= np.maximum(fourth, LEAST_COSINE)[:, None]
    rows, columns = np.divmod(np.flatnonzero(alike & (cosines >= least)), cosines.shape[1])
    most = np.maximum(first[rows], best[columns])
    return rows, columns, cosines[rows, columns] >= most


def _likest(cosines: Singles) -> tuple[Singles, Singles]:
    """The highest of each row, and the ALIKEth; faster than to sort, as they are so few."""
    left, rows, found = cosines.copy(order="C"), np.arange(len(cosines)), []
    for _ in range(ALIKE):
        highest = left.argmax(axis=1)
        found.append(left[rows, highest])
        left[rows, highest] = -np.inf
    return found[0], found[-1]


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
