"""A contact sheet of what a network is trained on: samples as augmentation leaves them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from hwdigitize.training.augment import augment
from hwdigitize.training.datasets import Broken, Dataset, open_dataset
from hwdigitize.training.datasets.pictures import Grey
from hwdigitize.training.datasets.sample import Kind
from hwdigitize.training.glyphs import CANVAS_PX, distort
from hwdigitize.training.synthetic.ink import Drawn, to_height
from hwdigitize.training.synthetic.pool import Pool, build_pool, contact_sheet, load_pool

#: a crop's ink on the sheet begins this much darker than its paper
FAINT = 24


def preview(
    path: Path,
    out: Path,
    seed: int,
    count: int,
    plain: bool,
    report: Callable[[Broken], None],
) -> int:
    """Write a contact sheet of a data set or a pool of drawn words.

    Args:
        path: data set or pool.
        out: picture to write, .png.
        seed: chooses samples and distortions.
        count: how many samples at most.
        plain: without augmentation.
        report: told of samples that cannot be decoded.

    Returns:
        How many samples are on the sheet.

    Raises:
        DataError: nothing that can be shown, or the picture cannot be written.
    """
    rng = np.random.default_rng(seed)
    tiles = _pool_tiles(path, rng, count) if is_pool(path) else None
    if tiles is None:
        tiles = _dataset_tiles(open_dataset(path), rng, count, report)
    drawn = [
        _drawn(image if plain else _distorted(image, kind, rng), text, source)
        for image, kind, text, source in tiles
    ]
    pool: Pool = build_pool(drawn)
    contact_sheet(pool, out, seed, count)
    return len(pool)


Tile = tuple[Grey, Kind, str, str]


def is_pool(path: Path) -> bool:
    """Whether a file is a pool of drawn words."""
    if path.suffix != ".npz" or not path.is_file():
        return False
    with np.load(path, allow_pickle=False) as data:
        return {"pixels", "widths", "texts"} <= set(data.files)


def _pool_tiles(path: Path, rng: np.random.Generator, count: int) -> Iterator[Tile]:
    pool = load_pool(path)
    chosen = set(rng.permutation(len(pool))[:count].tolist())
    for number, drawn in enumerate(pool):
        if number in chosen:
            yield np.invert(drawn.ink), "word", drawn.text, drawn.source


def _dataset_tiles(
    dataset: Dataset, rng: np.random.Generator, count: int, report: Callable[[Broken], None]
) -> Iterator[Tile]:
    order = rng.permutation(len(dataset))[:count]
    chosen = Dataset(dataset.path, dataset.formats, tuple(dataset.samples[i] for i in order))
    for sample, image in chosen.images(report):
        yield image, sample.kind, sample.text or sample.writer, f":{sample.source}"


def _distorted(image: Grey, kind: Kind, rng: np.random.Generator) -> Grey:
    if kind == "character":
        canvas = cv2.resize(image, (CANVAS_PX, CANVAS_PX), interpolation=cv2.INTER_AREA)
        return distort(np.invert(canvas), rng)
    return image if kind == "page" else augment(image, rng)


def _drawn(image: Grey, text: str, source: str) -> Drawn:
    ink = np.invert(image)
    ink[ink < FAINT] = 0
    return Drawn(to_height(ink), text, source)
