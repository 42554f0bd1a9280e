"""Ink images: ink 255 on paper 0, uint8, (H, W); what every drawer makes and a pool holds."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Ink: TypeAlias = npt.NDArray[np.uint8]
Floats: TypeAlias = npt.NDArray[np.float32]

HEIGHT_PX = 40
WIDEST_PX = 40 * 24
FAINTEST = 64
"""Less ink than this at a stroke's soft edge does not widen a crop."""


class Drawn(NamedTuple):
    """One drawn word or line: ink (HEIGHT_PX, W), its truth, and what it was drawn from."""

    ink: Ink
    text: str
    source: str


def tight(ink: Ink) -> Ink:
    """The smallest crop that holds all ink; (0, 0) where there is none."""
    marked = (ink >= FAINTEST).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(marked)
    return ink[top : top + height, left : left + width]


def to_height(ink: Ink, height_px: int = HEIGHT_PX, widest_px: int = WIDEST_PX) -> Ink:
    """Scale to ``height_px`` keeping the aspect, at most ``widest_px`` wide.

    What would become wider (a long dash) is scaled to the widest and centred on empty rows.
    Raises ValueError for an image without pixels.
    """
    if ink.size == 0:
        raise ValueError("an image without ink has no size to scale from")
    scale = min(height_px / ink.shape[0], widest_px / ink.shape[1])
    size = (max(2, round(ink.shape[1] * scale)), max(2, round(ink.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(ink, size, interpolation=way)
    missing = height_px - small.shape[0]
    if missing <= 0:
        return np.asarray(small, dtype=np.uint8)
    return np.pad(small, ((missing // 2, missing - missing // 2), (0, 0)))


def pen_px(image: Ink) -> float:
    """Mean stroke width of an ink image: its area over half its outline's length."""
    marked = (image >= 128).astype(np.uint8)
    outlines, _ = cv2.findContours(marked, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    around: float = sum(float(cv2.arcLength(outline, True)) for outline in outlines)
    return float(2 * marked.sum() / max(around, 1.0))


def slanted(ink: Ink, slant: float) -> Ink:
    """Shear so that upright stems lean right by ``slant`` (tangent of the angle)."""
    height, width = ink.shape
    extra = round(abs(slant) * height)
    matrix = np.array([[1, -slant, max(0.0, slant) * height], [0, 1, 0]], dtype=np.float32)
    return np.asarray(cv2.warpAffine(ink, matrix, (width + extra, height)), dtype=np.uint8)


def smooth_noise(rng: np.random.Generator, count: int, knots: int) -> Floats:
    """Slow random wander: ``count`` values of about unit size through ``knots`` free points."""
    at = np.linspace(0, max(knots, 2) - 1, count)
    wander = np.interp(at, np.arange(max(knots, 2)), rng.standard_normal(max(knots, 2)))
    return wander.astype(np.float32)
