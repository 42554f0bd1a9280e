"""Whether a check box is ticked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hwdigitize.recognition.reading import Reading

#: share of a box's side that its own drawn edge may take
EDGE = 0.18
#: darker than this is ink
INK_LEVEL = 140
#: share of ink at which an empty and a ticked box are equally likely, and how fast that turns
EVEN_SHARE, SHARE_SCALE = 0.03, 0.008


def read_marks(crops: Sequence[NDArray[np.uint8]]) -> list[Reading]:
    """Read check boxes: ``x`` when marked, empty text when not.

    The measure is the share of ink inside the box, away from its edge.

    Args:
        crops: grey, uint8, (height, width) each, cut along the drawn box.
    """
    return [_read_mark(crop) for crop in crops]


def _read_mark(crop: NDArray[np.uint8]) -> Reading:
    height, width = crop.shape
    dy, dx = int(height * EDGE), int(width * EDGE)
    inner = crop[dy : height - dy or None, dx : width - dx or None]
    share = float((inner < INK_LEVEL).mean()) if inner.size else 0.0
    probability = float(1 / (1 + np.exp((EVEN_SHARE - share) / SHARE_SCALE)))
    if probability >= 0.5:
        return Reading("x", probability)
    return Reading("", 1 - probability)
