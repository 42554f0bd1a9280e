"""A scan laid exactly onto its template: the whole page by a homography, then locally.

Tiles of the blank's structure are looked for on the scan, first coarsely, then finely, by
normalised cross-correlation to a fraction of a pixel; a smooth displacement is fitted to where
most of them are. Some tiles are held back and say afterwards how well the whole page fits.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.document import Box
from hwdigitize.errors import PageError
from hwdigitize.forms.alignment import coarser, correct, jacobians, measure, scale_of, view_fine
from hwdigitize.forms.corner_marks import find_by_marks
from hwdigitize.forms.displacement import Displacement, fit_exactly, no_displacement
from hwdigitize.forms.homography import Matrix, find_homography, move
from hwdigitize.forms.matching import Candidate, look_at
from hwdigitize.forms.records import Template
from hwdigitize.forms.structure import (
    TILE_PX,
    Floats,
    Grey,
    Singles,
    Structure,
    find_structure,
    find_tiles,
    reduce,
)

#: how far a tile is looked for, coarsely (in px of half the work scale) and finely
COARSE_REACH, FINE_REACH = 12, 6
#: tiles of the coarse search: their side and the blocks that have one, in px of its scale
COARSE_TILE, COARSE_BLOCK = 28, 56
#: places where the map is computed when a page is rectified, in template px apart
NODE_PX = 32
#: largest residual, of the middle and of the worst tenth of the tiles, in px at 300 dpi
MOST_RESIDUAL_PX, MOST_WORST_PX = 2.0, 5.0
#: curvature, in 1/mm, that a page may have where it has no print: waves of 2 mm on A4
UNKNOWN_BEND = 1e-3
#: least share of held-back tiles that are seen
LEAST_SEEN = 0.35
REMEDY = "Check that it is this form and scan it again, flat and whole."


@dataclass(frozen=True, eq=False, slots=True)
class Registration:
    """Where each point of a template page is on a scan.

    Attributes:
        matrix: (3, 3), carries template px to scan px but for the local correction.
        correction: displacement in template px, applied before the matrix.
        residual_px: median distance, in template px, between where held-back tiles are and
            where they should be.
        worst_px: the same of the worst tenth.
        seen_share: share of the held-back tiles that were found at all, 0 to 1.
        print_points: (n, 2), where on the template print was found that the fit rests on.
        scale: scan px a template px.
        turned_degrees: clockwise, how far the scan is turned against the template.
    """

    size_px: tuple[int, int]
    matrix: Matrix
    correction: Displacement
    residual_px: float
    worst_px: float
    seen_share: float
    print_points: Floats

    @property
    def scale(self) -> float:
        """Scan px a template px, at the page's centre."""
        return scale_of(self.matrix, self.size_px)

    @property
    def turned_degrees(self) -> float:
        """How far the scan is turned clockwise against the template, -180 to 180."""
        across = jacobians(self.matrix, np.array([self.size_px]) / 2)[0, :, 0]
        return float(np.degrees(np.arctan2(across[1], across[0])))

    def to_scan(self, points: npt.ArrayLike) -> Floats:
        """Template points (n, 2) x, y as scan points (n, 2)."""
        given = np.asarray(points, np.float64).reshape(-1, 2)
        return move(given + self.correction.at(given), self.matrix)

    def box_to_scan(self, box: Box) -> Box:
        """The smallest upright scan box around a template box."""
        left, top, right, bottom = box
        corners = self.to_scan([(left, top), (right, top), (right, bottom), (left, bottom)])
        low = np.floor(corners.min(axis=0) + 1e-6).astype(int).tolist()
        high = np.ceil(corners.max(axis=0) - 1e-6).astype(int).tolist()
        return low[0], low[1], high[0], high[1]

    def is_far_from_print(self, box: Box, dpi: float) -> bool:
        """Whether a template box may lie off by half its shorter side, for want of print near.

        Beyond print the map only goes on as it was there; a curl or a wrong perspective carries
        it away with the square of the distance, and held-back print does not show it. ``dpi``
        is the template's.
        """
        left, top, right, bottom = box
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
        gaps = np.linalg.norm(corners[:, None] - self.print_points[None], axis=2)
        furthest = gaps.min(axis=1, initial=np.inf).max()
        off = UNKNOWN_BEND * 25.4 / dpi * furthest**2 / 2
        return bool(off > min(right - left, bottom - top) / 2)

    def rectify(self, image: Grey, size_px: tuple[int, int] | None = None) -> Grey:
        """The scan, (H, W) or (H, W, 3), in template px, white where it does not reach.

        ``size_px`` is width and height of what comes back, those of the page by default.
        """
        width, height = size_px or self.size_px
        shrunk = max(1, round(self.scale))  # a finer scan is averaged, or lines would break
        x, y = self._maps(width, height, shrunk)
        scan = reduce(image, shrunk)
        white = (255, 255, 255)
        return np.asarray(cv2.remap(scan, x, y, cv2.INTER_LINEAR, borderValue=white), np.uint8)

    def _maps(self, width: int, height: int, shrunk: int) -> tuple[Singles, Singles]:
        """Where each template px is on the scan reduced by ``shrunk``: x and y.

        Computed every NODE_PX and enlarged, by which node i comes to (i + 0.5) * NODE_PX - 0.5.
        """
        nodes = (np.arange(max(width, height) // NODE_PX + 2) + 0.5) * NODE_PX - 0.5
        across, down = nodes[: width // NODE_PX + 2], nodes[: height // NODE_PX + 2]
        x, y = np.meshgrid(across - NODE_PX, down - NODE_PX)
        targets = self.to_scan(np.stack([x.ravel(), y.ravel()], axis=1))
        targets = ((targets + 0.5) / shrunk - 0.5).astype(np.float32)
        size = len(across) * NODE_PX, len(down) * NODE_PX
        left, right = NODE_PX, NODE_PX + width
        top, bottom = NODE_PX, NODE_PX + height
        x, y = (
            cv2.resize(part.reshape(x.shape), size)[top:bottom, left:right]
            for part in targets.T
        )
        return x, y


def register(
    grey: Grey,
    template: Template,
    page: int,
    blank: Grey,
    *,
    structure: Structure | None = None,
    found: Candidate | None = None,
) -> Registration:
    """Find where each point of a template page is on a scan.

    Args:
        grey: the scan, (H, W) uint8, of any resolution and turned in any way.
        template: the form.
        page: which of its pages, from 0.
        blank: that page empty, (H, W) uint8.
        structure: that of the blank, where the caller keeps it; saves half of the time.
        found: what matching found, where it did; saves looking for the page again.

    Raises:
        PageError: code ``weak_registration``; the page cannot be laid onto the template well
            enough for its fields to be cut.
    """
    if structure is None:
        structure = find_structure(blank, template.pages[page].dpi, template.pages[page].marks)
    matrix = found.matrix if found else _look_for(grey, structure)
    if matrix is None:
        raise _weak(template, page, "its print was not found on the page")
    registration = align(grey, structure, matrix)
    why = weakness(registration, structure.dpi)
    if why:
        raise _weak(template, page, why)
    return registration


def weakness(registration: Registration, dpi: float) -> str:
    """Why a registration is not to be trusted, in words; empty where it is."""
    limit, most = (px * dpi / 300 for px in (MOST_RESIDUAL_PX, MOST_WORST_PX))
    if registration.seen_share < LEAST_SEEN:
        return f"only {registration.seen_share:.0%} of its print was found"
    if registration.residual_px > limit:
        return f"its print is off by {registration.residual_px:.1f} px (limit {limit:.1f})"
    if registration.worst_px > most:
        worst = f"{registration.worst_px:.1f} px (limit {most:.1f})"
        return f"in places its print is off by {worst}"
    return ""


def align(grey: Grey, structure: Structure, matrix: Matrix) -> Registration:
    """Refine a rough matrix on the printed structure; judges nothing."""
    fine = view_fine(grey, structure, matrix)
    coarse = coarser(fine)
    large = find_tiles(coarse.blank, COARSE_TILE, COARSE_BLOCK)
    size_px = structure.size_px
    rough, _ = correct(coarse, large, COARSE_TILE, COARSE_REACH, no_displacement(size_px))
    exact, print_points = correct(fine, structure.tiles, TILE_PX, FINE_REACH, rough)
    residuals, seen = measure(fine, structure.tiles, TILE_PX, FINE_REACH, exact)
    matrix, correction = _settle(matrix, exact)
    some = len(residuals) > 0
    return Registration(
        size_px=size_px,
        matrix=matrix,
        correction=correction,
        residual_px=float(np.median(residuals)) if some else np.inf,
        worst_px=float(np.quantile(residuals, 0.9)) if some else np.inf,
        seen_share=seen,
        print_points=print_points,
    )


def _settle(matrix: Matrix, correction: Displacement) -> tuple[Matrix, Displacement]:
    """The same map with as much of it as can be in the matrix."""
    width, height = correction.size_px
    x, y = np.meshgrid(np.linspace(0, width, 17), np.linspace(0, height, 23))
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    targets = move(points + correction.at(points), matrix)
    better, _ = cv2.findHomography(points, targets)
    if better is None:
        return matrix, correction
    left = move(targets, np.linalg.inv(better)) - points
    return better, fit_exactly(points, left, correction.size_px)


def _look_for(grey: Grey, structure: Structure) -> Matrix | None:
    """A rough matrix, from features, or from corner marks where there are too few."""
    side_px = max(structure.size_px)
    matrix = find_homography(structure.features, look_at(grey).features, side_px)
    return find_by_marks(grey, structure) if matrix is None else matrix


def _weak(template: Template, page: int, why: str) -> PageError:
    message = f"The page does not fit page {page + 1} of form {template.id}: {why}. {REMEDY}"
    return PageError("register", "weak_registration", message)
