"""The input of the characters network: one function for training and reading."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

GreyImage = npt.NDArray[np.uint8]
FloatImage = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]

SIDE_PX = 32
#: the glyph's longer side in the input; what is left is margin
GLYPH_PX = 26
#: less contrast than this, of 255, is paper
MIN_CONTRAST = 32.0
#: larger crops are first made smaller, which costs nothing that 26 pixels can show
WORK_PX = 72
#: darkness, 0 to 1, from which a pixel counts as ink
INK_LEVEL = 0.4
#: share of the crop's height or width, at each edge, in which lines of the box are looked for
EDGE_BAND = 0.14
#: share of a row or column near the crop's edge that a line of the box fills
FULL_LINE = 0.9
#: share of ink from which a crop that looks like nothing but lines was cut tight around a glyph
TIGHT_INK = 0.6


def prepare_glyph(crop: GreyImage) -> FloatImage:
    """Centre and size-normalise one glyph.

    Lines of the drawn box that were left at the crop's edges and specks of dirt are dropped;
    the glyph keeps its proportions. What is not there to be seen comes back as all paper.

    Args:
        crop: (height, width) grey, paper near 255, of any size, best with paper around the
            glyph.

    Returns:
        (SIDE_PX, SIDE_PX) float32, paper 0, ink 1.
    """
    ink = _ink(_at_work_size(crop))
    mask = _glyph_mask(ink)
    canvas = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    left, top, width, height = cv2.boundingRect(mask)
    if not width:
        return canvas
    # grown by a pixel, the mask keeps the grey rim of the strokes
    ink *= cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 0
    glyph = ink[top : top + height, left : left + width]
    scale = GLYPH_PX / max(glyph.shape)
    size = [max(1, round(side * scale)) for side in glyph.shape]
    shrinks = scale < 1
    glyph = cv2.resize(
        glyph, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    top, left = ((SIDE_PX - side) // 2 for side in size)
    canvas[top : top + size[0], left : left + size[1]] = glyph / max(float(glyph.max()), 1e-3)
    return canvas


def prepare_glyphs(crops: list[GreyImage]) -> FloatImage:
    """Stack of prepared glyphs (n, SIDE_PX, SIDE_PX, 1)."""
    glyphs = [prepare_glyph(crop) for crop in crops]
    return np.asarray(glyphs, np.float32).reshape(-1, SIDE_PX, SIDE_PX, 1)


def _at_work_size(crop: GreyImage) -> GreyImage:
    longest = max(crop.shape, default=0)
    if longest <= WORK_PX or min(crop.shape) == 0:
        return crop
    scale = WORK_PX / longest
    size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)


def _ink(crop: GreyImage) -> FloatImage:
    """Darkness against the paper, 0 to 1; all 0 where there is no contrast to speak of."""
    if crop.size == 0:
        return np.zeros((1, 1), np.float32)
    below = cv2.calcHist([crop], [0], None, [256], [0, 256]).ravel().cumsum()
    darkest, lightest = np.searchsorted(below, (crop.size // 200 + 1, crop.size * 19 // 20))
    levels = (lightest - np.arange(256)) / max(float(lightest - darkest), MIN_CONTRAST)
    return np.asarray(cv2.LUT(crop, np.clip(levels, 0, 1).astype(np.float32)))


def _glyph_mask(ink: FloatImage) -> Mask:
    """Where the ink is the glyph's (255): neither a line of the box nor a speck."""
    binary = _without_box_lines(cv2.inRange(ink, INK_LEVEL, 1.0))
    count, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        binary, 8, cv2.CV_16U, cv2.CCL_GRANA
    )
    if count == 1:
        return binary
    area = stats[:, cv2.CC_STAT_AREA]
    largest = int(area[1:].max())
    keep = area >= max(4, 0.02 * largest)
    keep[1:] &= ~_hugs_edge(stats[1:], ink.shape)
    keep[0] = False
    return binary if keep[1:].all() else np.asarray(keep[labels], np.uint8) * np.uint8(255)


def _without_box_lines(binary: Mask) -> Mask:
    """Blank rows and columns near the edges that are ink from end to end."""
    cleaned = binary
    for axis in (0, 1):
        filled = cv2.reduce(binary, 1 - axis, cv2.REDUCE_AVG).ravel() > FULL_LINE * 255
        band = max(1, round(EDGE_BAND * len(filled)))
        filled[band:-band] = False
        if filled.any():
            cleaned = cleaned.copy()
            cleaned[filled if axis == 0 else (slice(None), filled)] = 0
    # A crop cut tight around a "-" or an "l" is all such line: then it is the glyph.
    return cleaned if cleaned.any() or binary.mean() < TIGHT_INK * 255 else binary


def _hugs_edge(stats: npt.NDArray[np.int32], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Thin components that lie along an edge of the crop, in the outer band."""
    height, width = shape
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    wide, high = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    beside = (left + wide < EDGE_BAND * width) | (left > (1 - EDGE_BAND) * width)
    above = (top + high < EDGE_BAND * height) | (top > (1 - EDGE_BAND) * height)
    return np.asarray((beside & (high > 3 * wide)) | (above & (wide > 3 * high)), np.bool_)
