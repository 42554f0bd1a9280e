"""Distortions of a crop that leave its text what it was, seeded.

Affine and scale, stroke width, blur, noise and fading, after Wigington et al., "Data
augmentation for recognition of handwritten words and lines using a CNN-LSTM network" (2017),
whose grid distortion is here a smooth random displacement.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Crop = NDArray[np.uint8]


def _warp(crop: Crop, rng: np.random.Generator) -> Crop:
    """Shear, rotate, stretch and pad, in one resampling; the canvas grows to hold all ink."""
    height, width = crop.shape
    slant = rng.normal(0.0, 0.2)
    stretch = np.exp(rng.normal(0.0, 0.15))
    turn = np.deg2rad(rng.normal(0.0, 1.2))
    pad_top, pad_bottom = rng.exponential(0.06, 2) * height
    if rng.random() < 0.15:
        pad_top, pad_bottom = rng.uniform(0.0, 0.5, 2) * height
    pad_side = rng.uniform(0.0, 0.1) * height
    matrix = np.array([[stretch, -slant], [np.sin(turn), 1.0]])
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], float) @ matrix.T
    low, high = corners.min(0), corners.max(0)
    # Rotation of a long line would only make its canvas high, so ink may touch the rim.
    slack = min(abs(np.sin(turn)) * width, 0.15 * height)
    top = low[1] + (abs(np.sin(turn)) * width - slack) / 2 - pad_top
    size = (
        max(int(high[0] - low[0] + 2 * pad_side), 4),
        max(int(height + slack + pad_top + pad_bottom), 4),
    )
    shift = np.array([pad_side - low[0], -top])
    return cv2.warpAffine(
        crop,
        np.hstack([matrix, shift[:, None]]),
        size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _wave(crop: Crop, rng: np.random.Generator) -> Crop:
    """Displace by a smooth random field, a few pixels at most."""
    height, width = crop.shape
    cells = (max(2, round(2 * width / height) + 1), 3)
    field = rng.normal(0.0, height * 0.035, (2, cells[1], cells[0])).astype(np.float32)
    dx, dy = (
        cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC) for part in field
    )
    columns, rows = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    return cv2.remap(
        crop, columns + dx, rows + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _pen(crop: Crop, rng: np.random.Generator) -> Crop:
    """Thicken or thin the strokes by about a pixel."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    changed = cv2.erode(crop, kernel) if rng.random() < 0.5 else cv2.dilate(crop, kernel)
    return cv2.addWeighted(crop, 0.4, changed, 0.6, 0)


def _fade(crop: Crop, rng: np.random.Generator) -> Crop:
    """Noise, and light that changes along the crop."""
    height, width = crop.shape
    light = np.linspace(rng.uniform(-20, 20), rng.uniform(-20, 20), width, dtype=np.float32)
    noise = rng.standard_normal((height, width), dtype=np.float32) * rng.uniform(0.0, 16.0)
    return np.clip(crop + noise + light, 0, 255).astype(np.uint8)


def augment(crop: Crop, rng: np.random.Generator) -> Crop:
    """Distort a crop (grey, uint8, ink dark on light paper); its size may change."""
    crop = _warp(crop, rng)
    if rng.random() < 0.5:
        crop = _wave(crop, rng)
    if rng.random() < 0.4:
        crop = _pen(crop, rng)
    if rng.random() < 0.3:
        crop = cv2.GaussianBlur(crop, (0, 0), float(rng.uniform(0.4, 1.2)))
    if rng.random() < 0.3:
        crop = _fade(crop, rng)
    return crop
