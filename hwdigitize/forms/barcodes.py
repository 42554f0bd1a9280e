"""Bar codes and QR codes, read with zxing-cpp."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from hwdigitize.recognition.reading import Reading

Image = NDArray[np.uint8]

#: enlargements tried in turn: bars of two pixels and less need more than there is
ENLARGED = (1.0, 2.0, 3.0)
BINARIZERS = (zxingcpp.Binarizer.LocalAverage, zxingcpp.Binarizer.FixedThreshold)
#: larger crops are not enlarged
MOST_PIXELS = 4_000_000
#: a code's own checksum leaves this much doubt; more where only an enlargement could be read
SURE, LESS_SURE = 0.999, 0.995


def read_barcode(crops: Sequence[Image]) -> Reading:
    """Read the bar code of a field.

    Args:
        crops: views of one field, tried in turn until one can be read: uint8, grey
            (height, width) or BGR. The scan itself is sharper than the rectified page.

    Returns:
        Its text; empty where none can be read. Several codes are joined by a blank, and not
        sure at all.
    """
    for attempt, texts in enumerate(_attempts(crops)):
        if len(texts) == 1:
            return Reading(texts[0], LESS_SURE if attempt else SURE)
        if texts:
            return Reading(" ".join(texts), 0.0, alternatives=tuple((t, 0.5) for t in texts))
    return Reading("", 0.0)


def _attempts(crops: Sequence[Image]) -> Iterator[list[str]]:
    """Texts found in each view, enlargement and binarisation, lazily."""
    for scale in ENLARGED:
        for binarizer in BINARIZERS:
            for crop in crops:
                pixels = crop.shape[0] * crop.shape[1] * scale**2
                if crop.size and (scale == 1 or pixels <= MOST_PIXELS):
                    yield _texts(_enlarged(crop, scale), binarizer)


def _enlarged(crop: Image, scale: float) -> Image:
    if scale == 1:
        return np.ascontiguousarray(crop)
    return cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def _texts(image: Image, binarizer: zxingcpp.Binarizer) -> list[str]:
    found = zxingcpp.read_barcodes(image, binarizer=binarizer)
    return sorted({code.text for code in found if code.valid and code.text})
