"""Images of samples: where they lie, and how they are decoded."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

Grey = npt.NDArray[np.uint8]
Points = tuple[tuple[float, float], ...]

#: file names that end so are images
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif"})
PAPER = 255


class DamagedSampleError(Exception):
    """One sample cannot be used; it is reported and left out."""


class Picture(Protocol):
    """An image that is not decoded yet."""

    def load(self) -> Grey:
        """Grey uint8 (height, width), ink dark; raises DamagedSampleError."""
        ...


@dataclass(frozen=True)
class FilePicture:
    """A whole image file."""

    path: Path

    def load(self) -> Grey:
        """Decode the file."""
        try:
            return decode(self.path.read_bytes())
        except OSError as error:
            raise DamagedSampleError(f"cannot read {self.path}: {error.strerror}") from error


@dataclass(frozen=True)
class BytesPicture:
    """An encoded image, such as a table holds."""

    encoded: bytes

    def load(self) -> Grey:
        """Decode the bytes."""
        return decode(self.encoded)


@dataclass(frozen=True, eq=False)
class ArrayPicture:
    """A decoded image; ``ink_light`` says that ink is bright on dark paper."""

    pixels: Grey
    ink_light: bool = False
    transposed: bool = False

    def load(self) -> Grey:
        """Turn it as it is read."""
        pixels = self.pixels.T if self.transposed else self.pixels
        return np.ascontiguousarray(255 - pixels if self.ink_light else pixels)


@dataclass(frozen=True)
class CutPicture:
    """The part of a page inside a polygon, the rest of its bounding box made paper.

    ``page_width`` is the page's width in the units of ``polygon``; 0 for pixels.
    """

    path: Path
    polygon: Points
    page_width: float = 0

    def load(self) -> Grey:
        """Cut it out of the page, which is decoded once for all its lines."""
        page = _page(self.path)
        scale = page.shape[1] / self.page_width if self.page_width else 1.0
        return cut_polygon(page, np.asarray(self.polygon, float) * scale)


@functools.lru_cache(maxsize=2)
def _page(path: Path) -> Grey:
    return FilePicture(path).load()


def decode(encoded: bytes) -> Grey:
    """Decode an image upright, as grey on white.

    Raises:
        DamagedSampleError: truncated, of an unknown format, of absurd size or without pixels.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            pixels = _grey(ImageOps.exif_transpose(image))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DamagedSampleError(f"image cannot be decoded: {error}") from error
    if pixels.size == 0:
        raise DamagedSampleError("image has no pixels")
    return pixels


def _grey(image: Image.Image) -> Grey:
    if image.mode.startswith("I"):  # 16 bits a pixel, which Pillow would clip
        deep = np.asarray(image, np.float32)
        return np.asarray(deep / max(float(deep.max()), 1) * 255, np.uint8)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("L"))


def cut_polygon(page: Grey, polygon: npt.NDArray[np.float64]) -> Grey:
    """What is inside a polygon (n, 2) of x, y; paper around it.

    Raises:
        DamagedSampleError: the polygon lies outside the page or has no area.
    """
    low = np.maximum(np.floor(polygon.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(polygon.max(axis=0)), page.shape[::-1]).astype(int)
    if (high <= low).any():
        raise DamagedSampleError("its box is empty or outside the page")
    crop = page[low[1] : high[1], low[0] : high[0]]
    inside = np.zeros(crop.shape, np.uint8)
    cv2.fillPoly(inside, [np.round(polygon - low).astype(np.int32)], 1)
    return np.where(inside > 0, crop, np.uint8(PAPER))
