"""Weights of ``pages.orientation``: which measures tell a page from the same upside down.

``python -m hwdigitize.training.orientation DATA`` reads the train pages of pages.parquet and
ruled_pages.parquet, each whole and cut to a few lines, and prints the weights as they stand in
the source, with the errors on the other splits.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import polars as pl
from PIL import Image

from hwdigitize.pages.background import flatten
from hwdigitize.pages.ink import Floats, Grey
from hwdigitize.pages.orientation import find_letters, standing_features
from hwdigitize.pages.preprocess import reduce_page
from hwdigitize.pages.skew import find_skew

CUTTINGS = 2
CUT_SHARE = (0.08, 0.4)  # of the page's height
PENALTY = 3.0


def collect(table: Path, train: bool, rng: np.random.Generator) -> Floats:
    """Features (n, measures) of the train pages of a table, or of all others."""
    pages = pl.read_parquet(table, columns=["image", "split"])
    pages = pages.filter((pl.col("split") == "train") == train)
    found = [features for image in pages["image"] for features in _examples(image, rng)]
    return np.array(found)


def _examples(encoded: bytes, rng: np.random.Generator) -> Iterator[Floats]:
    page = reduce_page(flatten(np.asarray(Image.open(io.BytesIO(encoded)).convert("L"))))
    for part in (page, *(_cut(page, rng) for _ in range(CUTTINGS))):
        letters = find_letters(part)
        if letters is not None:
            yield standing_features(letters, find_skew(part).degrees)


def _cut(page: Grey, rng: np.random.Generator) -> Grey:
    """Some lines of a page."""
    height = int(len(page) * rng.uniform(*CUT_SHARE))
    top = int(rng.integers(0, len(page) - height))
    return page[top : top + height]


def fit(features: Floats, penalty: float = PENALTY) -> Floats:
    """Weights of a logistic without intercept in which every example is upright.

    Newton's method; ``penalty`` is on the squared weights of features of unit deviation.
    """
    scale = features.std(axis=0) + 1e-6
    scaled = features / scale
    weights = np.zeros(scaled.shape[1])
    for _ in range(30):
        wrong = 1 / (1 + np.exp(scaled @ weights))
        gradient = scaled.T @ wrong - penalty * weights
        bend = (scaled * (wrong * (1 - wrong))[:, None]).T @ scaled
        weights += np.linalg.solve(bend + penalty * np.eye(len(weights)), gradient)
    return np.asarray(weights / scale)


def main() -> None:
    """Print the weights and how often they are wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of pages.parquet, ruled_pages.parquet")
    tables = [parser.parse_args().data / f"{name}.parquet" for name in ("pages", "ruled_pages")]
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    weights = fit(np.concatenate([collect(table, True, rng) for table in tables]))
    print(np.round(weights, 1).tolist())
    for table in tables:
        odds = collect(table, False, rng) @ weights
        print(f"{table.name}: {np.sum(odds < 0)} of {len(odds)} wrong, not trained on")


if __name__ == "__main__":
    main()
