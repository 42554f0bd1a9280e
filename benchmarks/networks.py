"""Speed of the three networks on one core, as reading runs them.

Words a second in batches of 32 (greedy), characters a second in batches of 256, and
milliseconds for a page's writer, with all that goes with them: cutting to size, decoding,
contours. CPU time of this process is counted, so that other work on the machine does not.

    python benchmarks/networks.py --data DATA [--models FOLDER]
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import polars as pl
from PIL import Image

from hwdigitize.pages.preprocess import preprocess
from hwdigitize.pages.segmentation import find_lines
from hwdigitize.recognition.characters import read_characters
from hwdigitize.recognition.words import read_words
from hwdigitize.recognition.writers import embed_page
from hwdigitize.settings import Settings

WORDS, CHARACTERS, PAGES, ROUNDS = 640, 2000, 12, 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--models", help="folder of the networks")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    words = [_grey(image) for image in _test(chosen.data / "words.parquet", WORDS)]
    with np.load(chosen.data / "characters.npz") as held:
        glyphs = [255 - image for image in held["images"][held["split"] == "test"][:CHARACTERS]]
    pages = [_lines(image) for image in _test(chosen.data / "pages.parquet", PAGES)]
    models = chosen.models
    seconds = _seconds(lambda: read_words(words, decoder="greedy", models=models))
    print(f"words: {len(words) / seconds:.0f} a second")
    seconds = _seconds(lambda: read_characters(glyphs, "alphanumeric", models=models))
    print(f"characters: {len(glyphs) / seconds:.0f} a second")
    each = [_seconds(lambda crops=crops: embed_page(crops, models=models)) for crops in pages]
    print(
        f"a page's writer: {1000 * statistics.median(each):.0f} ms, most {1000 * max(each):.0f}"
    )


def _test(table: Path, most: int) -> Sequence[bytes]:
    rows = pl.scan_parquet(table).filter(pl.col("split") == "test").select("image").head(most)
    return rows.collect()["image"].to_list()


def _grey(image: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(image)).convert("L"))


def _lines(image: bytes) -> list[np.ndarray]:
    page = preprocess(_grey(image), Settings()).grey
    boxes = [line.box for line in find_lines(page)]
    return [page[top:bottom, left:right] for left, top, right, bottom in boxes]


def _seconds(work: Callable[[], object]) -> float:
    """CPU seconds of the best of some rounds; the first loads the network."""
    work()
    spent = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


if __name__ == "__main__":
    main()
