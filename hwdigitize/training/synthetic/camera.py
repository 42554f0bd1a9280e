"""What scanners and cameras do to a page: skew, perspective, shadow, noise, dust, dark borders.

Images are (H, W, 3), BGR, uint8. What moves the page returns a :class:`Shot` with the 3x3
matrix from page px to image px; what only changes light returns the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.document import Box
from hwdigitize.training.synthetic.paper import Colour, Page

Matrix = npt.NDArray[np.float64]
DESK: Colour = (58, 82, 104)
LID: Colour = (40, 40, 42)


class Shot(NamedTuple):
    """A page as it was taken, and the matrix from page px to px of this image."""

    image: Page
    matrix: Matrix


def untouched(page: Page) -> Shot:
    """The page as it is."""
    return Shot(page, np.eye(3))


def skewed(shot: Shot, degrees: float, background: Colour = LID) -> Shot:
    """Turn clockwise by a few degrees on a larger canvas, as a page laid askew on the glass."""
    height, width = shot.image.shape[:2]
    turn = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1), [0, 0, 1]])
    corners = moved([(0, 0), (width, 0), (width, height), (0, height)], turn)
    low, high = corners.min(axis=0), corners.max(axis=0)
    turn = _shift(-low) @ turn
    size = tuple(int(side) for side in np.ceil(high - low))
    return _warped(shot, turn, (size[0], size[1]), background)


def upside_down(shot: Shot) -> Shot:
    """Turn by 180 degrees."""
    height, width = shot.image.shape[:2]
    turn = np.array([[-1, 0, width], [0, -1, height], [0, 0, 1]], dtype=np.float64)
    return Shot(np.ascontiguousarray(shot.image[::-1, ::-1]), turn @ shot.matrix)


def quarter_turn(shot: Shot) -> Shot:
    """Turn by 90 degrees clockwise."""
    turn = np.array([[0, -1, shot.image.shape[0]], [1, 0, 0], [0, 0, 1]], dtype=np.float64)
    return Shot(cv2.rotate(shot.image, cv2.ROTATE_90_CLOCKWISE), turn @ shot.matrix)


def photographed(
    shot: Shot, rng: np.random.Generator, tilt: float = 0.05, background: Colour = DESK
) -> Shot:
    """Take the page from a hand held above it: perspective of ``tilt``, on a desk."""
    height, width = shot.image.shape[:2]
    border = round(0.06 * width)
    whole = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    taken = (
        whole + border + rng.uniform(0, tilt, (4, 2)) * width * np.sign(whole.mean(0) - whole)
    )
    lens = cv2.getPerspectiveTransform(whole, taken.astype(np.float32))
    return _warped(shot, lens, (width + 2 * border, height + 2 * border), background)


def _shift(by: npt.NDArray[np.float64]) -> Matrix:
    return np.array([[1, 0, by[0]], [0, 1, by[1]], [0, 0, 1]], dtype=np.float64)


def _warped(shot: Shot, matrix: Matrix, size: tuple[int, int], background: Colour) -> Shot:
    image = cv2.warpPerspective(
        shot.image, matrix, size, flags=cv2.INTER_AREA, borderValue=background
    )
    return Shot(image, matrix @ shot.matrix)


def shadowed(image: Page, rng: np.random.Generator, depth: float = 0.45) -> Page:
    """Uneven light: a fall-off across the page and a soft shadow over one side."""
    height, width = image.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    across = (x * np.cos(angle) + y * np.sin(angle)).astype(np.float32)
    edge = rng.uniform(-0.2, 0.4)
    shadow = 1 / (1 + np.exp(-(across - edge) / rng.uniform(0.05, 0.15)))
    light = 1 - depth * shadow - 0.12 * (across + 1) / 2
    return np.clip(image * light[:, :, None], 0, 255).astype(np.uint8)


def vignetted(image: Page, depth: float = 0.2) -> Page:
    """Corners darker than the middle, as small lenses make them."""
    height, width = image.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    light = 1 - depth * (x * x + y * y) / 2
    return np.clip(image * light[:, :, None], 0, 255).astype(np.uint8)


def tinted(image: Page, gains: tuple[float, float, float]) -> Page:
    """A lamp's colour: gains of blue, green and red."""
    return np.clip(image * np.array(gains, np.float32), 0, 255).astype(np.uint8)


def noisy(image: Page, rng: np.random.Generator, sigma: float = 2.5, blur: float = 0.6) -> Page:
    """Optics a little soft, then sensor noise of ``sigma`` grey levels."""
    soft = cv2.GaussianBlur(image, (0, 0), blur).astype(np.float32)
    noise = rng.normal(0, sigma, image.shape[:2]).astype(np.float32)
    return np.clip(soft + noise[:, :, None], 0, 255).astype(np.uint8)


def dusty(image: Page, rng: np.random.Generator, specks: int = 40) -> Page:
    """Specks of dust and a few hairs on the glass."""
    height, width = image.shape[:2]
    dusted = image.copy()
    for _ in range(specks):
        at = (int(rng.integers(width)), int(rng.integers(height)))
        level = int(rng.integers(90, 190))
        cv2.circle(dusted, at, int(rng.integers(1, 3)), (level, level, level), -1, cv2.LINE_AA)
    for _ in range(specks // 20):
        start = np.array([rng.integers(width), rng.integers(height)])
        steps = np.cumsum(rng.normal(0, 6, (8, 2)) + rng.normal(0, 6, 2), axis=0)
        points = np.round(start + steps).astype(np.int32)
        cv2.polylines(dusted, [points], False, (140, 140, 140), 1, cv2.LINE_AA)
    return dusted


def dark_border(
    image: Page, sides_px: tuple[int, int, int, int], colour: Colour = LID
) -> tuple[Page, Matrix]:
    """Add what the scanner saw beside the page: left, top, right, bottom."""
    left, top, right, bottom = sides_px
    grown = cv2.copyMakeBorder(
        image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=colour
    )
    return grown, _shift(np.array([left, top], dtype=np.float64))


def shown_through(image: Page, back: Page, share: float = 0.08) -> Page:
    """Let the writing of the other side show through the paper, mirrored; sizes must agree."""
    if image.shape != back.shape:
        raise ValueError("both sides of a sheet have one size")
    shade = (255 - cv2.GaussianBlur(back[:, ::-1], (0, 0), 1.5).astype(np.float32)) * share
    return np.clip(image - shade, 0, 255).astype(np.uint8)


def bilevel(image: Page, threshold: int = 170) -> Page:
    """Black and white only, as fax machines and old archives store pages."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    two = np.where(grey > threshold, 255, 0).astype(np.uint8)
    return cv2.cvtColor(two, cv2.COLOR_GRAY2BGR)


def moved(points: Sequence[tuple[float, float]], matrix: Matrix) -> npt.NDArray[np.float64]:
    """Points (n, 2) of the page in px of the image."""
    whole = np.array([[*point, 1.0] for point in points]) @ matrix.T
    return whole[:, :2] / whole[:, 2:]


def moved_box(box: Box, matrix: Matrix, size: tuple[int, int]) -> Box:
    """The upright box around a moved box, within an image of ``size`` (width, height)."""
    left, top, right, bottom = box
    corners = moved([(left, top), (right, top), (right, bottom), (left, bottom)], matrix)
    low = np.clip(np.floor(corners.min(axis=0) + 1e-6), 0, size)
    high = np.clip(np.ceil(corners.max(axis=0) - 1e-6), 0, size)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
