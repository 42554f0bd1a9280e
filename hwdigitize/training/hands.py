"""Lines of handwriting with their writers: what the writers network is trained on.

Lines are kept as strips are: binary ink 255, small letters at ``STRIP_CORE_PX``, some rows and
columns more than a strip so that it can be moved about.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import polars as pl
from PIL import Image

from hwdigitize.errors import DataError
from hwdigitize.recognition.hands import (
    STRIP_CORE_PX,
    STRIP_HEIGHT_PX,
    STRIP_WIDTH_PX,
    binarise,
    centre_line,
    page_scale,
    resize,
)
from hwdigitize.training.synthetic.strokes import Pen, draw_strokes, load_lines

GreyImage = npt.NDArray[np.uint8]

ROWS_PX = STRIP_HEIGHT_PX + 32
#: share of a line's width that is ink in one row where a rule runs through it
RULED = 0.5


@dataclass(frozen=True)
class Page:
    """One page's line crops, as scanned, and who wrote it."""

    name: str
    writer: str
    split: str
    crops: tuple[GreyImage, ...]


@dataclass(frozen=True)
class Hands:
    """Lines by writer: ``lines[w]`` are those of ``writers[w]``, each (ROWS_PX, any) uint8."""

    writers: tuple[str, ...]
    lines: tuple[tuple[GreyImage, ...], ...]


def load_pages(table: Path, splits: Sequence[str]) -> list[Page]:
    """Pages with their line crops; a page without line boxes is one crop of everything.

    Raises:
        DataError: no such table, or no page of these splits in it.
    """
    try:
        rows = pl.scan_parquet(table).filter(pl.col("split").is_in(list(splits))).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read pages from {table}: {error}") from error
    if rows.is_empty():
        raise DataError(f"{table} has no page of the splits {', '.join(splits)}")
    return [_page(row) for row in rows.iter_rows(named=True)]


def _page(row: dict[str, Any]) -> Page:
    image = _decode(row["image"])
    boxes = [line["box"] for line in row["lines"]]
    crops = [image[top:bottom, left:right] for left, top, right, bottom in boxes]
    kept = tuple(crop for crop in crops if crop.size) or (image,)
    return Page(str(row["page"]), str(row["writer"]), str(row["split"]), kept)


def load_line_pages(table: Path, source: str) -> list[Page]:
    """Training lines of one source of a table of lines, put together by page and writer.

    Raises:
        DataError: no such table, or no training lines of this source in it.
    """
    try:
        rows = pl.scan_parquet(table).filter(
            (pl.col("source") == source) & (pl.col("split") == "train")
        )
        groups = rows.group_by("writer", "page", maintain_order=True).agg("image").collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read lines from {table}: {error}") from error
    if groups.is_empty():
        raise DataError(f"{table} has no training lines of {source}")
    return [
        Page(str(page), f"{source}:{writer}", "train", tuple(_decode(i) for i in images))
        for writer, page, images in groups.iter_rows()
    ]


def _decode(image: bytes) -> GreyImage:
    return np.asarray(Image.open(io.BytesIO(image)).convert("L"))


def draw_stroke_pages(table: Path, lines_a_writer: int, seed: int) -> list[Page]:
    """Recorded pen movements, drawn with one pen a line and the writer's own slant."""
    rng = np.random.default_rng(seed)
    by_writer: dict[str, list[GreyImage]] = {}
    lines = load_lines(table, "train")
    for index in rng.permutation(len(lines)):
        line = lines[index]
        drawn = by_writer.setdefault(line.writer, [])
        if line.writer.startswith("page-") or len(drawn) >= lines_a_writer:
            continue
        unit = 110 / max(float(np.ptp(np.concatenate(line.strokes)[:, 1])), 1)
        pen = Pen(100, rng.uniform(3, 7), 0.15, slant=0, stretch=1, tremble=0)
        drawn.append(255 - draw_strokes(line.strokes, pen, unit, rng))
    return [
        Page(writer, f"strokes:{writer}", "train", tuple(drawn))
        for writer, drawn in by_writer.items()
        if drawn
    ]


def gather(pages: Iterable[Page]) -> Hands:
    """Lines at the size of strips, by writer; lines without ink or on rules are left out."""
    by_writer: dict[str, list[GreyImage]] = {}
    for page in pages:
        binaries = [binarise(crop) for crop in page.crops]
        scale = page_scale(binaries, STRIP_CORE_PX)
        lines = [_strip_line(binary, scale) for binary in binaries if _is_clear(binary)]
        by_writer.setdefault(page.writer, []).extend(lines)
    kept = {writer: lines for writer, lines in by_writer.items() if lines}
    return Hands(tuple(kept), tuple(tuple(lines) for lines in kept.values()))


def _is_clear(binary: GreyImage) -> bool:
    """Whether there is ink and no row of it that only a ruled line could fill."""
    return bool(binary.any() and cv2.reduce(binary, 1, cv2.REDUCE_AVG).max() < RULED * 255)


def _strip_line(binary: GreyImage, scale: float) -> GreyImage:
    line = centre_line(resize(binary, scale), ROWS_PX)
    missing = max(0, STRIP_WIDTH_PX - line.shape[1])
    return np.pad(line, ((0, 0), (0, missing)))


def draw_strip(line: GreyImage, rng: np.random.Generator) -> GreyImage:
    """A random strip of a line, a little larger or smaller, with another width of pen.

    Slant stays: it is the writer's. Returns (STRIP_HEIGHT_PX, STRIP_WIDTH_PX) uint8.
    """
    zoom = np.exp(rng.normal(0, 0.1))
    turn, slant = rng.normal(0, 0.015), rng.normal(0, 0.03)
    matrix = np.array([[zoom, slant, 0], [turn, zoom, 0]], np.float32)
    left = rng.integers(0, max(line.shape[1] - STRIP_WIDTH_PX, 0) + 1)
    centre = np.array([left + STRIP_WIDTH_PX / 2, ROWS_PX / 2 + rng.normal(0, 3)])
    matrix[:, 2] = (STRIP_WIDTH_PX / 2, STRIP_HEIGHT_PX / 2) - matrix[:, :2] @ centre
    strip = cv2.warpAffine(line, matrix, (STRIP_WIDTH_PX, STRIP_HEIGHT_PX))
    if rng.random() < 0.6:
        blurred = cv2.GaussianBlur(strip, (0, 0), rng.uniform(0.6, 1.3)).astype(np.float32)
        strip = np.clip((blurred - rng.uniform(30, 130)) * rng.uniform(1.5, 4), 0, 255)
    return np.asarray(strip, np.uint8)
