"""Crops of fields: handwriting with labels, rules and remnants about it, labelled without."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont

from hwdigitize.errors import DataError
from hwdigitize.training.synthetic import glyphs, printed
from hwdigitize.training.synthetic.fields import FieldDrawer, draw_fields
from hwdigitize.training.synthetic.fonts import split_of
from hwdigitize.training.synthetic.ink import HEIGHT_PX, Drawn
from hwdigitize.training.synthetic.lettering import GlyphWriter, set_apart, write_apart
from hwdigitize.training.synthetic.names import LONGEST, FieldTexts, bare
from hwdigitize.training.synthetic.pool import build_pool
from hwdigitize.training.synthetic.texts import ALPHABET

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ("MARIE", "D'HONDT", "É", "LOÏC AÇ", "12.50", "JEAN-LUC")


def glyph_set() -> glyphs.GlyphSet:
    """Every character a frame, of two hands."""
    image = np.zeros((64, 64), np.uint8)
    image[10:54, 20:44] = 255
    image[16:48, 26:38] = 0
    characters = [c for c in sorted(ALPHABET - {" "}) if c.isascii()]
    pairs = [(c, hand) for c in characters for hand in ("a:1", "b:2")]
    return glyphs.GlyphSet(
        np.array([image] * len(pairs)),
        np.array([c for c, _ in pairs]),
        np.array([hand for _, hand in pairs]),
    )


@pytest.fixture
def writer() -> GlyphWriter:
    return GlyphWriter(glyph_set(), seed=0)


@pytest.fixture
def print_in_default_font(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A printed face that every machine has: Pillow's own."""
    monkeypatch.setattr(printed, "_font", lambda _, size: ImageFont.load_default(size))
    return Path("default")


def fields(texts: Sequence[str], face: Path, seed: int = 4) -> list[Drawn]:
    return list(draw_fields(texts, [GlyphWriter(glyph_set(), seed)], [face], seed))


def test_the_seed_draws_the_same_fields(print_in_default_font: Path) -> None:
    first, again, other = (
        build_pool(fields(TEXTS * 10, print_in_default_font, seed)) for seed in (4, 4, 5)
    )
    assert (first.pixels == again.pixels).all() and (first.texts == again.texts).all()
    assert not np.array_equal(first.pixels, other.pixels)


def test_fields_have_the_format_of_a_pool(print_in_default_font: Path) -> None:
    for field in fields(TEXTS * 10, print_in_default_font):
        assert field.ink.dtype == np.uint8 and field.ink.shape[0] == HEIGHT_PX
        assert field.ink.max() > 100 and np.median(field.ink) < 60
        assert field.source.startswith("glyphs:")


def test_the_truth_is_the_handwriting_without_its_label(
    print_in_default_font: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    label = printed.label

    def overheard(rng: np.random.Generator) -> str:
        said.append(label(rng))
        return said[-1]

    monkeypatch.setattr(printed, "label", overheard)
    drawn = [field.text for field in fields(TEXTS * 10, print_in_default_font)]
    assert len(said) > 20
    assert drawn == list(TEXTS * 10)


def test_a_label_before_the_writing_adds_ink_to_its_left(
    writer: GlyphWriter, print_in_default_font: Path
) -> None:
    rng = np.random.default_rng(1)
    drawer = FieldDrawer([writer], [print_in_default_font], rng)
    lettered = write_apart(writer, "MARIE", rng)
    assert lettered is not None
    words = np.full((10, 30), 255, np.uint8)
    scene = drawer._labelled_before(lettered, 40, words)
    assert scene.canvas[:, : scene.left].any()
    assert scene.left >= 20


def test_a_text_that_nobody_can_write_is_left_out(print_in_default_font: Path) -> None:
    assert [field.text for field in fields(["1€", "OK"], print_in_default_font)] == ["OK"]


def test_accents_stand_above_and_cedillas_below(writer: GlyphWriter) -> None:
    rng = np.random.default_rng(2)
    written = writer.letters("EÉCÇ", rng)
    assert written is not None
    plain, acute, c, cedilla = written[1]
    assert acute.ink.shape[0] > 1.25 * plain.ink.shape[0] and acute.below == plain.below
    assert cedilla.below > c.below + 5


def test_letters_in_cells_lie_each_in_its_own(writer: GlyphWriter) -> None:
    rng = np.random.default_rng(3)
    written = writer.letters("ABCD", rng)
    assert written is not None
    ink, pitch = set_apart("AB CD", written[1], rng, in_cells=True)
    assert ink.shape[1] == pytest.approx(5 * pitch, abs=1)
    cells = [ink[:, round(i * pitch) : round((i + 1) * pitch)].any() for i in range(5)]
    assert cells == [True, True, False, True, True]


def test_texts_can_be_read_and_are_mostly_names_in_capitals() -> None:
    texts = list(islice(FieldTexts(3).texts(), 1500))
    assert texts == list(islice(FieldTexts(3).texts(), 1500))
    assert all(set(text) <= ALPHABET and 0 < len(text) <= LONGEST for text in texts)
    assert not set(texts) & {f"{name} :" for name in printed.LABELS}
    capitals = [t for t in texts if t.isupper() and not any(map(str.isdigit, t))]
    assert 0.62 < len(capitals) / len(texts) < 0.8
    assert any("'" in t for t in capitals) and any("-" in t for t in capitals)
    assert any(t != bare(t) for t in capitals)


def test_print_cut_by_the_edge_is_pasted_as_far_as_it_reaches() -> None:
    canvas = np.zeros((10, 10), np.uint8)
    printed.paste(canvas, np.full((6, 6), 9, np.uint8), -3, 7)
    printed.paste(canvas, np.full((6, 6), 9, np.uint8), 40, 40)
    assert (canvas[7:, :3] == 9).all() and canvas.sum() == 9 * 9


def test_faces_are_split_by_family_and_their_lack_names_the_remedy(tmp_path: Path) -> None:
    for family in ("arimo", "barlow"):
        (tmp_path / family / "files").mkdir(parents=True)
        (tmp_path / family / "files" / f"{family}-latin-700-normal.woff2").touch()
    families = {
        split: [face.parts[-3] for face in printed.load_faces(tmp_path, split)]
        for split in ("train", "valid")
    }
    assert families == {"train": ["arimo"], "valid": ["barlow"]}
    assert split_of("barlow") == "valid"
    with pytest.raises(DataError, match="npm pack"):
        printed.load_faces(tmp_path / "none", "train")


def test_labels_are_printed_as_high_as_asked() -> None:
    folder = Path(os.environ.get("HWDIGITIZE_PRINTED", ROOT / ".cache" / "printed"))
    if not any(folder.glob("*/files/*.woff2")):
        pytest.skip(f"no printed fonts in {folder}")
    for face in printed.load_faces(folder, "train"):
        assert printed.print_text("NOM", face, 14).shape[0] == pytest.approx(14, abs=3)
