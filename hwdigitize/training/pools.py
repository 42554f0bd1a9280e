"""Labelled crops in memory: what the words network is trained and evaluated on.

A pool keeps its crops in one flat array of bytes, so that a hundred thousand of them load in
seconds and cost no more than their pixels.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image

from hwdigitize.errors import DataError
from hwdigitize.recognition.alphabet import Alphabet, normalise
from hwdigitize.training.datasets.licences import excluded, terms_of_drawn
from hwdigitize.training.synthetic.ink import HEIGHT_PX
from hwdigitize.training.synthetic.pool import load_pool

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
        terms: licences by training set.
    """

    pixels: NDArray[np.uint8]
    starts: NDArray[np.int64]
    shapes: NDArray[np.int32]
    texts: tuple[str, ...]
    sources: tuple[str, ...]
    terms: Mapping[str, str] = field(default_factory=dict)

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
        starts, shapes = self.starts[picked], self.shapes[picked]
        return Pool(self.pixels, starts, shapes, texts, sources, self.terms)


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


def read_drawn(path: Path, alphabet: Alphabet, exclude: Sequence[str] = ()) -> Pool:
    """A pool of drawn words (``pixels``, ``widths``, ``texts``, ``source``; ink 255).

    Args:
        path: the file; its name is what ``[shares]`` call it.
        alphabet: texts that it cannot write are left out.
        exclude: kinds (strokes, fonts, glyphs) and sets (chars74k) to leave out.

    Raises:
        DataError: not such a file, or nothing is left.
    """
    drawn = load_pool(path)
    sources = [str(source) for source in drawn.source]
    clean = tuple(normalise(str(text)) for text in drawn.texts)
    keep = np.array(
        [
            bool(text) and not alphabet.missing(text) and not excluded(source, exclude)
            for text, source in zip(clean, sources, strict=True)
        ]
    )
    if not keep.any():
        raise DataError(f"nothing of {path} is left without {', '.join(exclude)}; leave it out")
    heights = np.full(len(drawn), HEIGHT_PX)
    shapes = np.stack([heights, drawn.widths], 1).astype(np.int32)
    terms = terms_of_drawn(np.array(sources)[keep].tolist())
    names = (path.stem,) * len(drawn)
    pixels = np.invert(drawn.pixels)
    return Pool(pixels, drawn.starts()[:-1], shapes, clean, names, terms).select(keep)
