"""The input of the writers network: strips of text lines, all hands at one size.

A page's scale is taken from its own writing, so that neither the scanner's resolution nor how
large somebody writes matters. Training and reading share this.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

GreyImage = npt.NDArray[np.uint8]

#: height and width of a strip, and of the small letters in it
STRIP_HEIGHT_PX, STRIP_WIDTH_PX = 64, 256
STRIP_CORE_PX = 20
#: small letters' height at which contour hinges are counted
HINGE_CORE_PX = 40
#: strips with less ink, as a share of their area, say nothing about a hand
MIN_INK = 0.01
#: the most that a page is enlarged or reduced, so that a stray mark makes no giant
SCALES = (0.1, 4.0)


def binarise(crop: GreyImage) -> GreyImage:
    """Ink 255 on paper 0; Otsu's threshold, so that grey and bilevel scans look alike."""
    if crop.size == 0 or int(crop.max()) - int(crop.min()) < 32:
        return np.zeros(crop.shape, np.uint8)
    _, binary = cv2.threshold(crop, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    return np.asarray(binary, np.uint8)


def core_rows(binary: GreyImage) -> npt.NDArray[np.intp]:
    """Rows of a line that the small letters fill: those that cross half the most strokes.

    Strokes are counted, not ink, so that a rule or an underline does not pass for letters.
    """
    starts = (binary[:, 1:] > binary[:, :-1]).sum(axis=1, dtype=np.float32)[:, None]
    profile = cv2.GaussianBlur(starts, (1, 5), 0).ravel()
    return np.flatnonzero(profile > 0.5 * profile.max(initial=0))


def page_scale(binaries: Sequence[GreyImage], core_px: int) -> float:
    """Factor that makes the small letters of a page ``core_px`` high; 1 without any ink."""
    heights = [height for binary in binaries if (height := len(core_rows(binary)))]
    if not heights:
        return 1.0
    return float(np.clip(core_px / np.median(heights), *SCALES))


def resize(binary: GreyImage, scale: float) -> GreyImage:
    """A binary crop at another scale, its edges grey."""
    size = [max(1, round(side * scale)) for side in binary.shape[::-1]]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(binary, size, interpolation=how), np.uint8)


def centre_line(line: GreyImage, height_px: int) -> GreyImage:
    """Cut or pad a line so that its small letters are in the middle of ``height_px``."""
    rows = core_rows(line)
    middle = int(rows.mean()) if rows.size else line.shape[0] // 2
    padded = np.pad(line, ((height_px, height_px), (0, 0)))
    top = middle + height_px - height_px // 2
    return padded[top : top + height_px]


def cut_strips(binaries: Sequence[GreyImage]) -> npt.NDArray[np.float32]:
    """Strips of all lines of a page, one after the other.

    Args:
        binaries: ink 255, one text line each, of one page at its own scale.

    Returns:
        (n, STRIP_HEIGHT_PX, STRIP_WIDTH_PX, 1) float32, paper 0 and ink 1; the last strip is
        padded with paper; n is 0 where there is too little ink.
    """
    scale = page_scale(binaries, STRIP_CORE_PX)
    lines = [
        centre_line(resize(binary, scale), STRIP_HEIGHT_PX)
        for binary in binaries
        if binary.any()
    ]
    if not lines:
        return np.zeros((0, STRIP_HEIGHT_PX, STRIP_WIDTH_PX, 1), np.float32)
    page = np.hstack(lines)
    page = np.pad(page, ((0, 0), (0, -page.shape[1] % STRIP_WIDTH_PX)))
    strips = page.reshape(STRIP_HEIGHT_PX, -1, STRIP_WIDTH_PX).transpose(1, 0, 2)
    inked = strips.mean(axis=(1, 2)) > 255 * MIN_INK
    return (strips[inked, ..., None] / np.float32(255)).astype(np.float32)
