"""Images and files of miniature data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def ink(width: int = 40, height: int = 20) -> Image.Image:
    """White paper with a dark bar in its left half."""
    pixels = np.full((height, width), 255, np.uint8)
    pixels[height // 4 : height // 2, : width // 2] = 10
    return Image.fromarray(pixels)


def put_image(path: Path, width: int = 40, height: int = 20) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    ink(width, height).save(path)
    return path


def put_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path
