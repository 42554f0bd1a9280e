"""Small drawn forms and pages: boxes as printed, strokes as written."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
PALE_RED = (215, 212, 250)


def paper(height: int = 200, width: int = 400) -> Image:
    return np.full((height, width, 3), 255, np.uint8)


def frame(image: Image, box: tuple[int, int, int, int], thickness: int = 4) -> Image:
    left, top, right, bottom = box
    cv2.rectangle(image, (left, top), (right, bottom), (20, 20, 20), thickness)
    return image


def stroke(
    image: Image,
    *points: tuple[int, int],
    colour: tuple[int, int, int] = (40, 30, 30),
    width: int = 5,
) -> Image:
    cv2.polylines(image, [np.array(points, np.int32)], False, colour, width, cv2.LINE_AA)
    return image


def grey(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
