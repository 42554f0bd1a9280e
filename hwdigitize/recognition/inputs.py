"""From a crop to the words network's input; training and reading share this and nothing else.

A crop is grey, uint8, (height, width), ink darker than paper, cut tight around a word or line.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Crop = NDArray[np.uint8]
Input = NDArray[np.float32]

#: blank columns before and after the ink, so that the first and last strokes have context
MARGIN_PX = 4
#: longer lines are squeezed; at 32 px height this is a line of some 150 characters
MAX_WIDTH_PX = 2048
#: widths of a batch are rounded up to this, a multiple of the network's stride
WIDTH_STEP_PX = 16
#: grey levels between ink and paper below which a crop counts as blank paper
MIN_CONTRAST = 32.0


def prepare(crop: Crop, height_px: int, width_px: int = 0) -> Input:
    """Scale a crop to the network's height and to ink 1 on paper 0.

    Args:
        crop: grey, uint8, (any height, any width), both at least 1.
        height_px: height of the input.
        width_px: of a network that reads this width only, margins included; wider crops are
            squeezed into it, and :func:`stack` pads the others. 0 for any width.

    Returns:
        Float32, (height_px, width + 2 * MARGIN_PX).
    """
    height, width = crop.shape
    most = width_px - 2 * MARGIN_PX if width_px else MAX_WIDTH_PX
    target = min(max(round(width * height_px / height), 4), most)
    shrinks = height > height_px
    scaled = cv2.resize(
        crop, (target, height_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    # Levels are taken after scaling: thin strokes fade when they shrink.
    flat = scaled.ravel()
    dark, light = int(flat.size * 0.01), int(flat.size * 0.8)
    levels = np.partition(flat, (dark, light))
    paper, ink = float(levels[light]), float(levels[dark])
    out = np.zeros((height_px, target + 2 * MARGIN_PX), np.float32)
    body = out[:, MARGIN_PX : MARGIN_PX + target]
    np.clip((paper - scaled) / max(paper - ink, MIN_CONTRAST), 0.0, 1.0, out=body)
    return out


def padded_width(image: Input, width_px: int | None = None) -> int:
    """The width that an input is padded to: of its network, or the next ``WIDTH_STEP_PX``."""
    widest: int = max(width_px or 0, image.shape[1])
    return -(-widest // WIDTH_STEP_PX) * WIDTH_STEP_PX


def stack(inputs: Sequence[Input], width_px: int | None = None) -> Input:
    """Pad inputs with paper to one width and stack them.

    Returns:
        Float32, (batch, height, width, 1); the width is at least ``width_px`` and a multiple of
        ``WIDTH_STEP_PX``.
    """
    width = max(padded_width(image, width_px) for image in inputs)
    batch = np.zeros((len(inputs), inputs[0].shape[0], width, 1), np.float32)
    for row, image in zip(batch, inputs, strict=True):
        row[:, : image.shape[1], 0] = image
    return batch
