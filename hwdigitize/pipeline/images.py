"""Pictures of a page for the report."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hwdigitize.pages.ingest import Scan
from hwdigitize.settings import Settings

Grey = NDArray[np.uint8]

#: longest side of the scan in the report, and of its thumbnail
REPORT_SIDE_PX, THUMBNAIL_SIDE_PX = 1800, 260


def report_images(scan: Scan, settings: Settings) -> tuple[bytes, float, bytes]:
    """The scan for the report as JPEG, its scale, and a thumbnail."""
    if not settings.report_images:
        return b"", 1.0, b""
    picture, scale = _shrunk(scan.image, REPORT_SIDE_PX)
    thumbnail, _ = _shrunk(picture, THUMBNAIL_SIDE_PX)
    return _jpeg(picture, 60), scale, _jpeg(thumbnail, 70)


def _shrunk(image: Grey, side_px: int) -> tuple[Grey, float]:
    height, width = image.shape[:2]
    scale = min(side_px / max(height, width), 1.0)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    # Means of whole pixels, then what is left by bilinear weights: ten times as fast as means
    # of parts of pixels, and for less than a factor of two nearly as true.
    factor = int(1 / scale)
    whole = (max(width // factor, 1), max(height // factor, 1))
    used = image[: whole[1] * factor, : whole[0] * factor]
    if factor > 1:
        used = cv2.resize(used, whole, interpolation=cv2.INTER_AREA)
    return cv2.resize(used, size, interpolation=cv2.INTER_LINEAR), scale


def _jpeg(image: Grey, quality: int) -> bytes:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()
