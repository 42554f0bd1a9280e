"""Labelled crops in memory: what the words network is trained and evaluated on.

A pool keeps its crops in one flat array of bytes, so that a hundred thousand of them load in
seconds and cost no more than their pixels.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image

from hwdigitize.errors import DataError
from hwdigitize.recognition.alphabet import Alphabet, normalise

Crop = NDArray[np.uint8]

#: crops are kept at most this high: the network sees fewer pixels anyway
KEEP_HEIGHT_PX = 48


@dataclass(frozen=True)
class Pool:
    """Crops with their texts: ``crop(i)``, ``texts[i]``, ``sources[i]``.

    Attributes:
        pixels: all crops, row by row, uint8, ink dark.
        starts: first byte of each crop, (n,), int64.
        shapes: height and width of each, (n, 2), int32.
    """

    pixels: NDArray[np.uint8]
    starts: NDArray[np.int64]
    shapes: NDArray[np.int32]
    texts: tuple[str, ...]
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)

    def crop(self, index: int) -> Crop:
        """One crop, (height, width), a view."""
        height, width = self.shapes[index]
        start = self.starts[index]
        return self.pixels[start : start + int(height) * int(width)].reshape(height, width)

    def select(self, keep: NDArray[np.bool_]) -> Pool:
        """The samples where ``keep`` is true; pixels are shared."""
        picked = np.flatnonzero(keep)
        texts = tuple(self.texts[i] for i in picked)
        sources = tuple(self.sources[i] for i in picked)
        return Pool(self.pixels, self.starts[picked], self.shapes[picked], texts, sources)


def build_pool(samples: Iterable[tuple[Crop, str, str]], alphabet: Alphabet) -> Pool:
    """Gather (crop, text, source); texts that the alphabet cannot write are left out."""
    crops: list[Crop] = []
    texts: list[str] = []
    sources: list[str] = []
    for crop, raw, source in samples:
        text = normalise(raw)
        if not text or alphabet.missing(text):
            continue
        crops.append(_reduced(crop))
        texts.append(text)
        sources.append(source)
    if not crops:
        raise DataError("no labelled crop among the samples; is the split empty?")
    shapes = np.array([crop.shape for crop in crops], np.int32)
    ends = np.cumsum(shapes.astype(np.int64).prod(1))
    pixels = np.concatenate([crop.ravel() for crop in crops])
    return Pool(pixels, np.r_[0, ends[:-1]], shapes, tuple(texts), tuple(sources))


def _reduced(crop: Crop) -> Crop:
    height, width = crop.shape
    if height <= KEEP_HEIGHT_PX:
        return crop
    size = (max(round(width * KEEP_HEIGHT_PX / height), 1), KEEP_HEIGHT_PX)
    return cv2.resize(crop, size, interpolation=cv2.INTER_AREA)


def read_table(path: Path, split: str, alphabet: Alphabet) -> Pool:
    """The crops of one split of a table with columns image, text, source, split.

    Raises:
        DataError: no such file, column or split.
    """
    try:
        table = pl.read_parquet(path, columns=["image", "text", "source", "split"])
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path}: not a table of labelled crops: {error}") from error
    table = table.filter(pl.col("split") == split)
    if table.is_empty():
        raise DataError(f"{path} has no rows of split {split!r}")
    kind = path.stem
    rows = (
        (np.asarray(Image.open(io.BytesIO(image)).convert("L")), text, f"{source}-{kind}")
        for image, text, source, _ in table.iter_rows()
    )
    return build_pool(rows, alphabet)


def read_drawn(path: Path, alphabet: Alphabet) -> Pool:
    """A pool of drawn words (``pixels``, ``widths``, ``texts``; 40 px high, ink 255).

    Raises:
        DataError: not such a file.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            pixels, widths, texts = data["pixels"], data["widths"], data["texts"]
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{path}: not a pool of drawn words: {error}") from error
    height = 40
    starts = np.r_[0, np.cumsum(widths.astype(np.int64) * height)[:-1]]
    shapes = np.stack([np.full(len(widths), height), widths], 1).astype(np.int32)
    clean = tuple(normalise(str(text)) for text in texts)
    pool = Pool(np.invert(pixels), starts, shapes, clean, (path.stem,) * len(clean))
    return pool.select(np.array([bool(text) and not alphabet.missing(text) for text in clean]))
