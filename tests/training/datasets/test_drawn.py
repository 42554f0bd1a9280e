"""Pools of drawn words as data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwdigitize.training.datasets import open_dataset
from hwdigitize.training.synthetic.ink import HEIGHT_PX, Drawn
from hwdigitize.training.synthetic.pool import build_pool, save_pool


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    ink = np.zeros((HEIGHT_PX, 30), np.uint8)
    ink[10:20, 5:8] = 255
    words = [Drawn(ink, "12.5", "glyphs:bishwa:1"), Drawn(ink, "two words", "strokes:10143")]
    save_pool(build_pool(words), tmp_path / "digits_test.npz")
    return tmp_path / "digits_test.npz"


def test_drawn_words_are_samples(pool: Path) -> None:
    first, second = open_dataset(pool).samples
    assert (first.text, first.kind, first.source, first.split) == (
        "12.5",
        "word",
        "glyphs",
        "test",
    )
    assert (second.kind, second.source, second.writer) == ("line", "strokes", "10143")


def test_ink_is_dark(pool: Path) -> None:
    image = open_dataset(pool).samples[0].image()
    assert image[15, 6] == 0
    assert image[0, 0] == 255
