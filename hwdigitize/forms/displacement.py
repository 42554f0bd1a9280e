"""A smooth displacement over a page, fitted to the displacements seen at some places.

A cubic B-spline with the penalty of Eilers and Marx, "Flexible smoothing with B-splines and
penalties", Statistical Science 11, 1996, fitted by reweighted least squares with the weights of
Geman and McClure, so that tiles hidden by writing or a stamp do not bend the page.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: pieces of the spline along the shorter side of a page
PIECES = 6
#: rounds of reweighting, each with a narrower tolerance than the one before
ROUNDS = 6
WIDEST, NARROWEST = 8.0, 2.0
#: expected change of slope from piece to piece, in tolerances
BEND = 15.0


@dataclass(frozen=True, eq=False, slots=True)
class Displacement:
    """A displacement x, y in px, known everywhere on a page of ``size_px``, and beyond it.

    ``knots`` (rows, columns, 2) are the spline's coefficients, ``piece_px`` its pieces' sides.
    """

    size_px: tuple[int, int]
    piece_px: tuple[float, float]
    knots: Floats

    def at(self, points: Floats) -> Floats:
        """Displacements (n, 2) at points (n, 2)."""
        rows, columns, _ = self.knots.shape
        basis = _basis(points, self.piece_px, (columns, rows))
        return np.asarray(basis @ self.knots.reshape(-1, 2))


def no_displacement(size_px: tuple[int, int]) -> Displacement:
    """The displacement that leaves every point where it is."""
    piece_px, (columns, rows) = _pieces(size_px)
    return Displacement(size_px, piece_px, np.zeros((rows, columns, 2)))


def fit_displacement(
    points: Floats,
    seen: Floats,
    certainty: Floats,
    weights: Floats,
    tolerance_px: float,
    size_px: tuple[int, int],
) -> Displacement:
    """The smooth displacement that most of what was seen agrees on.

    ``points`` (n, 2) and the displacements ``seen`` there (n, 2) are in px, ``certainty``
    (n, 2, 2) says in which directions each is known, ``weights`` (n,) how well it was seen,
    ``tolerance_px`` how exactly a good one is.
    """
    piece_px, (columns, rows) = _pieces(size_px)
    basis = _basis(points, piece_px, (columns, rows))
    penalty = _bending(columns, rows) / BEND**2
    knots = np.zeros((rows * columns, 2))
    for width in np.geomspace(WIDEST, NARROWEST, ROUNDS):
        errors = seen - basis @ knots
        squared = np.einsum("ni,nij,nj->n", errors, certainty, errors) / tolerance_px**2
        trust = weights / (1 + squared / width**2) ** 2
        knots = _solve(basis, seen, certainty * trust[:, None, None], penalty)
    return Displacement(size_px, piece_px, knots.reshape(rows, columns, 2))


def fit_exactly(points: Floats, shifts: Floats, size_px: tuple[int, int]) -> Displacement:
    """The displacement nearest to a smooth one that is known at many points (n, 2)."""
    piece_px, (columns, rows) = _pieces(size_px)
    basis = _basis(points, piece_px, (columns, rows))
    knots = np.linalg.lstsq(basis, shifts, rcond=None)[0]
    return Displacement(size_px, piece_px, np.asarray(knots.reshape(rows, columns, 2)))


def _solve(basis: Floats, seen: Floats, weight: Floats, penalty: Floats) -> Floats:
    """Knots (k, 2) of least squares; x and y hang together where a tile knows one direction."""
    count = basis.shape[1]
    blocks = [[basis.T @ (basis * weight[:, i, j, None]) for j in range(2)] for i in range(2)]
    matrix = np.block(
        [[blocks[0][0] + penalty, blocks[0][1]], [blocks[1][0], blocks[1][1] + penalty]]
    )
    target = np.einsum("nij,nj->ni", weight, seen)
    side = np.concatenate([basis.T @ target[:, 0], basis.T @ target[:, 1]])
    matrix[np.diag_indices_from(matrix)] += 1e-6
    return np.asarray(np.linalg.solve(matrix, side).reshape(2, count).T)


def _pieces(size_px: tuple[int, int]) -> tuple[tuple[float, float], tuple[int, int]]:
    """Sides of the spline's pieces, and how many knots lie across and down."""
    side = min(size_px) / PIECES
    across, down = (max(2, round(length / side)) for length in size_px)
    return (size_px[0] / across, size_px[1] / down), (across + 3, down + 3)


def _basis(points: Floats, piece_px: tuple[float, float], counts: tuple[int, int]) -> Floats:
    """What each knot has to say at each point, (n, knots), knots row by row."""
    across, down = (_cubic(points[:, axis] / piece_px[axis], counts[axis]) for axis in range(2))
    return np.asarray((down[:, :, None] * across[:, None, :]).reshape(len(points), -1))


def _cubic(position: Floats, count: int) -> Floats:
    """Uniform cubic B-splines at positions in pieces, (n, count); straight beyond the ends."""
    inside = position.clip(0, count - 3)
    distance = np.abs(inside[:, None] - (np.arange(count) - 1))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = (2 - distance).clip(0) ** 3 / 6
    return np.where(distance < 1, near, far)


def _bending(columns: int, rows: int) -> Floats:
    """Sum of squared second differences of the knots along both axes and across."""
    across, down = (np.diff(np.eye(count), n=2, axis=0) for count in (columns, rows))
    slope, fall = (np.diff(np.eye(count), axis=0) for count in (columns, rows))
    parts = (
        np.kron(np.eye(rows), across),
        np.kron(down, np.eye(columns)),
        np.sqrt(2) * np.kron(fall, slope),
    )
    return np.asarray(sum(part.T @ part for part in parts))
