"""A pool: many drawn words in one file, quick to load and to draw batches from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.errors import DataError
from hwdigitize.training.synthetic.ink import HEIGHT_PX, Drawn, Ink

GAP_PX = 8
CAPTION_PX = 16


@dataclass(frozen=True)
class Pool:
    """Drawn words: image ``i`` is ``widths[i]`` px wide and HEIGHT_PX high, ink 255 on 0."""

    pixels: npt.NDArray[np.uint8]
    widths: npt.NDArray[np.int32]
    texts: npt.NDArray[np.str_]
    source: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.widths)

    def starts(self) -> npt.NDArray[np.int64]:
        """Where each image begins in ``pixels``, and where the last one ends."""
        return np.concatenate([[0], np.cumsum(self.widths.astype(np.int64) * HEIGHT_PX)])

    def __iter__(self) -> Iterator[Drawn]:
        starts = self.starts()
        for i, width in enumerate(self.widths):
            ink = self.pixels[starts[i] : starts[i + 1]].reshape(HEIGHT_PX, width)
            yield Drawn(ink, str(self.texts[i]), str(self.source[i]))


def build_pool(drawn: Iterable[Drawn]) -> Pool:
    """Gather drawn words into a pool; raises DataError when there is none."""
    words = list(drawn)
    if not words:
        raise DataError("nothing was drawn: the data, the split or the fonts folder is empty")
    return Pool(
        pixels=np.concatenate([word.ink.ravel() for word in words]),
        widths=np.array([word.ink.shape[1] for word in words], dtype=np.int32),
        texts=np.array([word.text for word in words]),
        source=np.array([word.source for word in words]),
    )


def save_pool(pool: Pool, path: Path) -> None:
    """Write ``path`` (.npz) by temporary name and rename, so that no reader sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        np.savez(
            file, pixels=pool.pixels, widths=pool.widths, texts=pool.texts, source=pool.source
        )
    part.replace(path)


def load_pool(path: Path) -> Pool:
    """Read a pool; raises DataError when the file is not one."""
    try:
        with np.load(path, allow_pickle=False) as held:
            return Pool(held["pixels"], held["widths"], held["texts"], held["source"])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} is not a pool of drawn words: draw it again") from error


def contact_sheet(
    pool: Pool, path: Path, seed: int = 0, count: int = 120, width_px: int = 1400
) -> None:
    """Write a picture of ``count`` words chosen by ``seed``, each over its truth and source."""
    chosen = np.random.default_rng(seed).permutation(len(pool))[:count]
    starts = pool.starts()
    rows: list[list[Ink]] = [[]]
    used = 0
    for i in chosen:
        ink = pool.pixels[starts[i] : starts[i + 1]].reshape(HEIGHT_PX, -1)
        tile = _captioned(ink, str(pool.texts[i]), str(pool.source[i]))[:, :width_px]
        if used + tile.shape[1] > width_px:
            rows.append([])
            used = 0
        rows[-1].append(tile)
        used += tile.shape[1]
    sheet = np.vstack([_filled(row, width_px) for row in rows if row])
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), sheet):
        raise DataError(f"{path} cannot be written as a picture")


def _captioned(ink: Ink, text: str, source: str) -> Ink:
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(10)
    caption = f"{text} · {source.partition(':')[2]}"
    width = max(ink.shape[1], int(font.getlength(caption))) + GAP_PX
    tile = np.full((HEIGHT_PX + CAPTION_PX + GAP_PX, width), 255, dtype=np.uint8)
    tile[:HEIGHT_PX, : ink.shape[1]] = 255 - ink
    image = Image.fromarray(tile)
    ImageDraw.Draw(image).text((0, HEIGHT_PX + 1), caption, fill=110, font=font)
    return np.asarray(image)


def _filled(row: list[Ink], width_px: int) -> Ink:
    joined = np.hstack(row)
    return np.pad(joined, ((0, 0), (0, width_px - joined.shape[1])), constant_values=255)
