"""A scan made upright: grey, even, straight, without dark borders and ruled lines."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.document import Box
from hwdigitize.pages.background import flatten
from hwdigitize.pages.ink import Grey
from hwdigitize.pages.orientation import Orientation, find_orientation
from hwdigitize.pages.rules import remove_rules
from hwdigitize.pages.skew import Skew, find_skew
from hwdigitize.settings import Settings

Matrix = npt.NDArray[np.float64]

LOOK_SIDE = 1250  # longer side in pixels of the reduced page on which angles are found
LEAST_SKEW_DEGREES = 0.1  # less is not worth resampling the page
PAPER = 255
SURE_CONFIDENCE = 0.98  # an orientation less sure is looked for again without rules


@dataclass(frozen=True, eq=False, slots=True)
class Upright:
    """A page as it should be read.

    Attributes:
        grey: (H, W) uint8, paper near 255, ink dark, ruled lines removed.
        ruled: the same page with its ruled lines; the same array where none was removed.
        rotation_degrees: 0, 90, 180 or 270, by which the scan was turned clockwise.
        skew_degrees: what it was turned clockwise on top of that, -15 to 15.
        matrix: (2, 3) float64, carries upright pixels x, y to scan pixels.
        scan_size: width, height of the scan in pixels.
        orientation_confidence: probability that ``rotation_degrees`` is right, 0 to 1.
    """

    grey: Grey
    ruled: Grey
    rotation_degrees: int
    skew_degrees: float
    matrix: Matrix
    scan_size: tuple[int, int]
    orientation_confidence: float

    def to_scan(self, points: npt.ArrayLike) -> Matrix:
        """Upright points (n, 2) x, y as scan points (n, 2)."""
        upright = np.asarray(points, np.float64).reshape(-1, 2)
        return np.asarray(upright @ self.matrix[:, :2].T + self.matrix[:, 2])

    def box_to_scan(self, box: Box) -> Box:
        """The smallest scan box around an upright box, cut to the scan."""
        left, top, right, bottom = box
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
        # a page has thousands of boxes, too small each for arrays
        xs, ys = ([a * x + b * y + c for x, y in corners] for a, b, c in self.matrix.tolist())
        width, height = self.scan_size
        return (
            min(max(math.floor(min(xs) + 1e-6), 0), width),
            min(max(math.floor(min(ys) + 1e-6), 0), height),
            min(max(math.ceil(max(xs) - 1e-6), 0), width),
            min(max(math.ceil(max(ys) - 1e-6), 0), height),
        )

    def turned(self) -> Upright:
        """The same page turned by another 180 degrees, for when words read better that way."""
        height, width = self.grey.shape
        turn = np.array([[-1.0, 0.0, width], [0.0, -1.0, height], [0.0, 0.0, 1.0]])
        grey = np.asarray(cv2.rotate(self.grey, cv2.ROTATE_180), np.uint8)
        same = self.ruled is self.grey
        return replace(
            self,
            grey=grey,
            ruled=grey
            if same
            else np.asarray(cv2.rotate(self.ruled, cv2.ROTATE_180), np.uint8),
            rotation_degrees=(self.rotation_degrees + 180) % 360,
            matrix=self.matrix @ turn,
            orientation_confidence=1 - self.orientation_confidence,
        )


def preprocess(image: Grey, settings: Settings, dpi: float | None = None) -> Upright:
    """Make a scan upright.

    ``image`` is (H, W) grey or (H, W, 3) BGR, uint8, any size; ``dpi`` is not needed and serves
    callers that know it. ``settings.orient``, ``deskew`` and ``unrule`` switch steps off. A
    page on which nothing tells is not turned.
    """
    flat = flatten(image)
    turned = _look(flat, settings)
    ruled, matrix = _turn(flat, turned.quarters, turned.skew.degrees)
    height, width = flat.shape
    del flat  # a large page would otherwise be held once more while its rules are removed
    return Upright(
        grey=remove_rules(ruled) if settings.unrule else ruled,
        ruled=ruled,
        rotation_degrees=90 * turned.quarters,
        skew_degrees=turned.skew.degrees,
        matrix=matrix,
        scan_size=(width, height),
        orientation_confidence=turned.confidence,
    )


def _look(flat: Grey, settings: Settings) -> Orientation:
    """How the page was turned, as far as the settings ask for it, found on a reduced page."""
    small = reduce_page(flat)
    if settings.orient:
        found = find_orientation(small)
        if found.confidence < SURE_CONFIDENCE:
            # Letters that hang on rules are not seen as letters.
            found = max(found, find_orientation(_bare(small)), key=lambda o: o.confidence)
    elif settings.deskew:
        found = Orientation(0, find_skew(small), 1.0)
    else:
        return Orientation(0, Skew(0.0, 1.0), 1.0)
    if not settings.deskew or abs(found.skew.degrees) < LEAST_SKEW_DEGREES:
        found = replace(found, skew=replace(found.skew, degrees=0.0))
    return found


def _bare(grey: Grey) -> Grey:
    """The page without rules along and across it."""
    along = remove_rules(np.ascontiguousarray(grey))
    across = remove_rules(np.ascontiguousarray(np.rot90(along)))
    return np.ascontiguousarray(np.rot90(across, -1))


def reduce_page(grey: Grey) -> Grey:
    """The page by a whole factor smaller, which OpenCV does many times faster than others."""
    factor = max(1, round(max(grey.shape) / LOOK_SIDE))
    height, width = (max(1, side // factor) for side in grey.shape)
    used = grey[: height * factor, : width * factor]
    return np.asarray(cv2.resize(used, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _turn(grey: Grey, quarters: int, skew_degrees: float) -> tuple[Grey, Matrix]:
    """Undo clockwise quarter turns and skew; also the matrix from upright to scan pixels.

    Without skew no pixel is resampled. With skew the page grows, so that no corner is lost.
    """
    height, width = grey.shape
    if skew_degrees == 0:
        turned = grey
        if quarters:
            code = (cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE)
            turned = np.asarray(cv2.rotate(grey, code[quarters - 1]), np.uint8)
        return turned, _upright_to_scan(90 * quarters, turned.shape, grey.shape)
    angle = np.radians(90 * quarters + skew_degrees)
    cosine, sine = abs(np.cos(angle)), abs(np.sin(angle))
    shape = (round(width * sine + height * cosine), round(width * cosine + height * sine))
    matrix = _upright_to_scan(90 * quarters + skew_degrees, shape, grey.shape)
    # pixel centres lie at halves in our coordinates and at integers in OpenCV's
    sampling = matrix.copy()
    sampling[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5
    turned = cv2.warpAffine(
        grey,
        sampling,
        shape[::-1],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=PAPER,
    )
    return np.asarray(turned, np.uint8), matrix


def _upright_to_scan(
    degrees: float, shape: tuple[int, ...], scan_shape: tuple[int, ...]
) -> Matrix:
    """Clockwise turn by ``degrees`` that carries the upright page's centre to the scan's."""
    angle = np.radians(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]]).round(15)
    centre = np.array([shape[1], shape[0]]) / 2
    scan_centre = np.array([scan_shape[1], scan_shape[0]]) / 2
    return np.column_stack([turn, scan_centre - turn @ centre])
