"""Tiles of a blank's structure looked for on a scan, by normalised cross-correlation.

A tile is found to a fraction of a pixel (a parabola through the peak). Which of its directions
is known, across a line but not along it, is in the tile's certainty and used by whoever fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.forms.displacement import Displacement, fit_displacement
from hwdigitize.forms.homography import Matrix, move
from hwdigitize.forms.structure import Floats, Grey, Structure, Tiles, find_ink, reduce

#: correlation above which a tile counts as seen
SEEN = 0.45
#: how exactly a tile that is seen is placed, in px of its scale
TOLERANCE_PX = 0.35
#: how far from the fit a tile may be that agrees with it, in px of its scale
AGREES_PX = 1.5
#: directions in which a tile is surely placed, as a share of its best one
SURE_DIRECTION = 0.15


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """Ink of blank and scan at one scale, and the rough matrix from template to scan px.

    ``step`` template px make a px of ``blank``, ``shrunk`` scan px one of ``ink``.
    """

    size_px: tuple[int, int]
    matrix: Matrix
    blank: Grey
    step: int
    ink: Grey
    shrunk: int


class Found(NamedTuple):
    """Where tiles were found: places and displacements (n, 2) in template px, correlations."""

    points: Floats
    shifts: Floats
    scores: Floats


def view_fine(grey: Grey, structure: Structure, matrix: Matrix) -> View:
    """The scan, (H, W) uint8, at the scale of the structure, or its own where that is less."""
    shrunk = max(1, round(scale_of(matrix, structure.size_px) * structure.factor))
    ink = find_ink(reduce(grey, shrunk))
    return View(structure.size_px, matrix, structure.ink, structure.factor, ink, shrunk)


def coarser(view: View) -> View:
    """The same at half the scale."""
    step = 2 * view.step
    factor = max(1, round(scale_of(view.matrix, view.size_px) * step / view.shrunk))
    ink, blank = reduce(view.ink, factor), reduce(view.blank, 2)
    return View(view.size_px, view.matrix, blank, step, ink, view.shrunk * factor)


def correct(
    view: View, tiles: Tiles, side: int, reach: int, expected: Displacement
) -> tuple[Displacement, Floats]:
    """The displacement that the tiles not held back tell, looked for around the expected.

    Beside it the points (n, 2) in template px of those tiles that agree with it.
    """
    used = ~tiles.held
    found = find_on_scan(view, tiles.centres[used], side, reach, expected)
    fitted = fit_displacement(
        found.points,
        found.shifts,
        tiles.certainty[used],
        (found.scores - SEEN).clip(0),
        TOLERANCE_PX * view.step,
        view.size_px,
    )
    off = _distances(found, tiles.certainty[used], fitted)
    return fitted, found.points[(found.scores >= SEEN) & (off <= AGREES_PX * view.step)]


def measure(
    view: View, tiles: Tiles, side: int, reach: int, fitted: Displacement
) -> tuple[Floats, float]:
    """Distances in template px between held-back tiles and the fit, and the share seen."""
    held = tiles.held
    found = find_on_scan(view, tiles.centres[held], side, reach, fitted)
    seen = found.scores >= SEEN
    off = _distances(found, tiles.certainty[held], fitted)
    return off[seen], float(seen.mean()) if len(seen) else 0.0


def _distances(found: Found, certainty: Floats, fitted: Displacement) -> Floats:
    """How far each tile is from the fit, in the directions in which it is surely placed."""
    errors = found.shifts - fitted.at(found.points)
    values, vectors = np.linalg.eigh(certainty)
    along = np.einsum("nij,ni->nj", vectors, errors) * (values >= SURE_DIRECTION)
    return np.asarray(np.linalg.norm(along, axis=1))


def find_on_scan(
    view: View,
    centres: npt.NDArray[np.int64],
    side: int,
    reach: int,
    expected: Displacement,
) -> Found:
    """Look for tiles, ``side`` px of the view wide, ``reach`` px around the expected place."""
    points = np.asarray((centres + 0.5) * view.step - 0.5, np.float64)
    start = expected.at(points)
    targets = (move(points + start, view.matrix) + 0.5) / view.shrunk - 0.5
    slopes = jacobians(view.matrix, points + start) * (view.step / view.shrunk)
    offsets = targets - (slopes @ np.full(2, side // 2 + reach))
    shifts, scores = np.zeros((len(points), 2)), np.zeros(len(points))
    wide, flags = side + 2 * reach, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for i, (x, y) in enumerate(centres - side // 2):
        tile = view.blank[y : y + side, x : x + side]
        place = np.column_stack([slopes[i], offsets[i]])
        window = cv2.warpAffine(view.ink, place, (wide, wide), flags=flags)
        surface = cv2.matchTemplate(window, tile, cv2.TM_CCOEFF_NORMED)
        shifts[i], scores[i] = _find_peak(surface)
    return Found(points, start + shifts * view.step, scores)


def _find_peak(surface: npt.NDArray[np.float32]) -> tuple[tuple[float, float], float]:
    """The peak's place from the middle and its height; a peak at the edge is none."""
    _, _, _, (x, y) = cv2.minMaxLoc(surface)
    last = len(surface) - 1
    if not (0 < x < last and 0 < y < last):
        return (0.0, 0.0), 0.0
    peak = float(surface[y, x])
    middle = last / 2
    return (
        x - middle + _vertex(float(surface[y, x - 1]), peak, float(surface[y, x + 1])),
        y - middle + _vertex(float(surface[y - 1, x]), peak, float(surface[y + 1, x])),
    ), min(peak, 1.0)


def _vertex(before: float, peak: float, after: float) -> float:
    """Where the parabola through three neighbours is highest, -0.5 to 0.5."""
    bend = before - 2 * peak + after
    return 0.0 if bend >= -1e-9 else max(-0.5, min(0.5, (before - after) / (2 * bend)))


def scale_of(matrix: Matrix, size_px: tuple[int, int]) -> float:
    """Scan px a template px in the middle of the page."""
    slope = jacobians(matrix, np.array([size_px]) / 2)[0]
    return float(np.sqrt(abs(np.linalg.det(slope))))


def jacobians(matrix: Matrix, points: Floats) -> Floats:
    """Derivatives (n, 2, 2) of a homography at points (n, 2)."""
    moved = move(points, matrix)
    depth = points @ matrix[2, :2] + matrix[2, 2]
    slopes = matrix[None, :2, :2] - moved[:, :, None] * matrix[None, 2:, :2]
    return np.asarray(slopes / depth[:, None, None])
