from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwdigitize.errors import DataError
from hwdigitize.recognition.characters import CLASSES
from hwdigitize.recognition.glyphs import prepare_glyph
from hwdigitize.training.datasets import open_dataset
from hwdigitize.training.glyphs import (
    CANVAS_PX,
    Glyphs,
    distort,
    draw_glyphs,
    draw_junk,
    empty_box,
    join,
    load_glyphs,
)

SIDE = (CANVAS_PX, CANVAS_PX)


def write_tables(folder: Path) -> None:
    """Two letters by split, and twenty commas."""
    images = np.random.default_rng(0).integers(0, 255, (4, *SIDE), np.uint8)
    np.savez(
        folder / "characters.npz",
        images=images,
        labels=np.array([0, 1, 1, 0], np.uint8),
        classes=np.array(["a", "B"]),
        source=np.array(["x", "x", "y", "y"]),
        split=np.array(["train", "train", "test", "val"]),
    )
    marks = np.random.default_rng(1).integers(0, 255, (60, *SIDE), np.uint8)
    np.savez(folder / "punctuation.npz", images=marks, labels=np.array([","] * 60))


def bar() -> np.ndarray:
    glyph = np.zeros(SIDE, np.uint8)
    glyph[10:54, 28:36] = 255
    return glyph


def test_tables_give_labels_of_the_network(tmp_path: Path) -> None:
    write_tables(tmp_path)
    glyphs = load_glyphs(tmp_path, "train")
    letters = glyphs.select(glyphs.sources == "x")
    assert [CLASSES[label] for label in letters.labels] == ["a", "B"]
    assert {CLASSES[label] for label in glyphs.labels} == {"a", "B", ","}


def test_punctuation_is_split_for_good_and_without_overlap(tmp_path: Path) -> None:
    write_tables(tmp_path)
    parts = [load_glyphs(tmp_path, split) for split in ("train", "val", "test")]
    marks = [part.select(part.sources == "punctuation") for part in parts]
    assert sum(map(len, marks)) == 60
    assert len(marks[0]) > 35
    again = load_glyphs(tmp_path, "test")
    assert np.array_equal(again.images, parts[2].images)


@pytest.mark.parametrize("content", [None, b"no zip"])
def test_tables_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    if content:
        (tmp_path / "characters.npz").write_bytes(content)
    with pytest.raises(DataError, match="cannot read characters"):
        load_glyphs(tmp_path, "train")


def test_join_keeps_everything() -> None:
    one = Glyphs(bar()[None], np.array([1]), np.array(["x"]))
    two = Glyphs(np.stack([bar()] * 2), np.array([2, 3]), np.array(["longer", "y"]))
    both = join([one, two])
    assert both.labels.tolist() == [1, 2, 3]
    assert both.sources.tolist() == ["x", "longer", "y"]


def test_a_file_that_is_no_font(tmp_path: Path) -> None:
    path = tmp_path / "x.woff2"
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match="no font"):
        draw_glyphs([path], "a")


def test_distortion_is_seeded_and_leaves_a_glyph_to_read() -> None:
    one = [distort(bar(), np.random.default_rng(seed)) for seed in range(30)]
    two = [distort(bar(), np.random.default_rng(seed)) for seed in range(30)]
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[0], one[1])
    for crop in one:
        assert crop.shape == SIDE
        assert crop.dtype == np.uint8
        assert prepare_glyph(crop).sum() > 10, "ink is left"


def test_an_empty_box_has_next_to_nothing_in_it() -> None:
    rng = np.random.default_rng(0)
    inked = [prepare_glyph(empty_box(rng)).any() for _ in range(100)]
    assert np.mean(inked) < 0.9
    assert empty_box(rng).mean() > 200


def test_junk_is_no_copy_of_a_glyph() -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        junk = draw_junk(np.stack([bar(), bar().T]), rng)
        assert junk.shape == SIDE
        assert junk.any()
        assert not np.array_equal(junk, bar())


def test_evaluation_splits_punctuation_as_training_does(tmp_path: Path) -> None:
    write_tables(tmp_path)
    for name, theirs in (("train", "train"), ("valid", "val"), ("test", "test")):
        marks = load_glyphs(tmp_path, theirs)
        marks = marks.select(marks.sources == "punctuation")
        asked = open_dataset(tmp_path / "punctuation.npz").with_splits().split(name)
        shown = np.stack([255 - sample.image() for sample in asked.samples])
        assert sorted(i.tobytes() for i in shown) == sorted(i.tobytes() for i in marks.images)
