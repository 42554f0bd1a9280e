"""Paper made white: uneven light, coloured paper and dark scanner borders are taken away.

The background is estimated at low resolution by a grey closing, which fills strokes with the
paper around them, and every channel is compared with it; the channel in which a pixel is
darkest against its own paper counts, so that pale red, blue or pencil stays visible on paper of
any colour (background normalisation as in Gatos, Pratikakis and Perantonis, "Adaptive degraded
document image binarization", Pattern Recognition 39, 2006, with a cheaper background).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hwdigitize.pages.ink import Grey, Mask

LOW_SIDE = 400  # pixels of the longer side of the background, 9 px each on A4 at 300 dpi
CLOSING = 13  # low pixels, wider than a stroke, narrower than a line of writing is long
DARKEST_PAPER = 0.35  # of the page's paper; what is darker in all channels is ink or border
CLEAN_PAPER = 246  # a background this light everywhere needs no flattening
CLEAN_SHARE = 0.999
BORDER_DARK = 0.45  # of the page's paper
BAND = 32  # low rows flattened at a time: stays in the cache, and small on a huge page


@dataclass(frozen=True, slots=True)
class _Background:
    """Low-resolution estimates, (h, w, channels) uint8; one low pixel is ``factor`` pixels.

    ``level`` is the background, ``unit`` what a difference to it is divided by, ``border``
    (h, w) 1 where a dark scanner border lies.
    """

    factor: int
    level: Grey
    unit: Grey
    border: Mask

    @property
    def clean(self) -> bool:
        """Whether the paper is white and even already."""
        light = self.level.min(axis=2) >= CLEAN_PAPER
        return bool(np.mean(light | (self.border > 0)) >= CLEAN_SHARE)


def flatten(image: Grey) -> Grey:
    """Grey page, (H, W) uint8, with even paper near 255 and ink dark.

    ``image`` is (H, W) grey or (H, W, 3) BGR, uint8. A grey page that is clean already comes
    back as it is, without a copy.
    """
    background = _estimate(image if image.ndim == 3 else image[:, :, None])
    if image.ndim == 2 and background.clean:
        return _whiten_border(image, background)
    flat = np.empty(image.shape[:2], np.uint8)
    for top in range(0, len(background.level), BAND):
        rows = slice(top * background.factor, (top + BAND) * background.factor)
        if top + BAND >= len(background.level):
            rows = slice(rows.start, None)
        flat[rows] = _flatten_band(image[rows], background, top)
    return _whiten_border(flat, background)


def _estimate(image: Grey) -> _Background:
    factor = max(1, max(image.shape[:2]) // LOW_SIDE)
    height, width = (max(1, side // factor) for side in image.shape[:2])
    used = image[: height * factor, : width * factor]
    low = cv2.resize(used, (width, height), interpolation=cv2.INTER_AREA)
    low = np.asarray(low, np.uint8).reshape(height, width, -1)
    level = _close(low)
    paper = np.percentile(level.reshape(-1, level.shape[2]), 75, axis=0)
    brightness = (level / np.maximum(paper, 1)).max(axis=2)
    border = _find_border(low, paper)
    ink = (brightness < DARKEST_PAPER) & (border == 0)
    level[ink] = paper
    unit = np.maximum(level, np.maximum(DARKEST_PAPER * paper, 1)).astype(np.uint8)
    return _Background(factor, level, unit, border)


def _close(low: Grey) -> Grey:
    """Grey closing by an ellipse and a median, channel by channel."""
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (CLOSING, CLOSING))
    closed = cv2.morphologyEx(low, cv2.MORPH_CLOSE, element, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.medianBlur(closed, 5), np.uint8).reshape(low.shape)


def _find_border(low: Grey, paper: np.ndarray) -> Mask:
    """1 where darkness reaches in from the edge of the scan, wider than a stroke.

    The page is framed with dark pixels, so that a thin strip along the edge survives the
    opening and a letter cut by the edge does not.
    """
    dark = np.all(low < BORDER_DARK * np.maximum(paper, 1), axis=2).astype(np.uint8)
    framed = cv2.copyMakeBorder(dark, 3, 3, 3, 3, cv2.BORDER_CONSTANT, value=1)
    opened = cv2.morphologyEx(framed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels = cv2.connectedComponents(opened, connectivity=4)
    reached = np.asarray(labels == labels[0, 0], np.uint8)
    return np.asarray(reached[3:-3, 3:-3])


def _whiten_border(grey: Grey, background: _Background) -> Grey:
    """The page with its dark borders painted white; itself where it has none."""
    if not background.border.any():
        return grey
    wide = cv2.dilate(background.border, np.ones((3, 3), np.uint8))
    factor, (height, width) = background.factor, grey.shape
    full = cv2.resize(255 * wide, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
    below, right = max(0, height - full.shape[0]), max(0, width - full.shape[1])
    full = cv2.copyMakeBorder(full, 0, below, 0, right, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.max(grey, full[:height, :width]), np.uint8)


def _flatten_band(rows: Grey, background: _Background, top: int) -> Grey:
    """Some rows of the page, ``top`` is the low row that they start at."""
    darkness: Grey | None = None
    for channel in range(background.level.shape[2]):
        level = _enlarge(background.level[:, :, channel], background.factor, top, rows.shape)
        unit = _enlarge(background.unit[:, :, channel], background.factor, top, rows.shape)
        values = rows if rows.ndim == 2 else cv2.extractChannel(rows, channel)
        below = cv2.divide(cv2.subtract(level, values), unit, scale=255)
        darkness = below if darkness is None else cv2.max(darkness, below)
    return np.asarray(cv2.bitwise_not(darkness), np.uint8)


def _enlarge(low: Grey, factor: int, top: int, shape: tuple[int, ...]) -> Grey:
    """The low rows from ``top`` on at full size, cut to ``shape``; edges are repeated."""
    count = -(-shape[0] // factor)
    padded = cv2.copyMakeBorder(low, 1, 2, 1, 2, cv2.BORDER_REPLICATE)[top : top + count + 2]
    full = cv2.resize(padded, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
    return np.asarray(full[factor : factor + shape[0], factor : factor + shape[1]], np.uint8)
