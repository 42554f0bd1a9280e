"""Drawn data: pools, texts, strokes and pages, without any fonts or real handwriting."""

from __future__ import annotations

import re
from itertools import islice, pairwise
from pathlib import Path
from random import Random

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from hwdigitize.errors import DataError
from hwdigitize.training.synthetic import camera, glyphs, paper, strokes, values
from hwdigitize.training.synthetic.ink import (
    HEIGHT_PX,
    WIDEST_PX,
    Drawn,
    pen_px,
    slanted,
    tight,
    to_height,
)
from hwdigitize.training.synthetic.pool import build_pool, contact_sheet, load_pool, save_pool
from hwdigitize.training.synthetic.texts import ALPHABET, TextSource


def bar(height: int, width: int, margin: int = 5) -> np.ndarray:
    return np.pad(np.full((height, width), 255, np.uint8), margin)


def test_tight_crop_touches_the_ink_on_all_sides() -> None:
    assert tight(bar(7, 11)).shape == (7, 11)
    assert tight(np.zeros((9, 9), np.uint8)).size == 0


def test_to_height_keeps_the_aspect() -> None:
    assert to_height(bar(20, 60, 0)).shape == (HEIGHT_PX, 120)


def test_a_long_dash_is_limited_in_width_and_centred() -> None:
    scaled = to_height(bar(4, 400, 0))
    assert scaled.shape == (HEIGHT_PX, WIDEST_PX)
    rows = np.flatnonzero(scaled.max(axis=1))
    assert abs(rows.mean() - (HEIGHT_PX - 1) / 2) <= 1


def test_nothing_cannot_be_scaled() -> None:
    with pytest.raises(ValueError, match="without ink"):
        to_height(np.zeros((0, 0), np.uint8))


def test_slant_leans_to_the_right_at_the_top() -> None:
    leaning = slanted(bar(40, 4), 0.5)
    top, bottom = (np.flatnonzero(leaning[row]).mean() for row in (8, 42))
    assert top - bottom == pytest.approx(17, abs=1.5)


def test_pen_width_of_a_bar_is_its_thickness() -> None:
    assert pen_px(bar(5, 200)) == pytest.approx(5, rel=0.1)


def test_a_pool_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    words = [Drawn(np.full((HEIGHT_PX, w), w, np.uint8), f"w{w}é", "fonts:x") for w in (3, 50)]
    save_pool(build_pool(words), tmp_path / "deep" / "pool.npz")
    again = list(load_pool(tmp_path / "deep" / "pool.npz"))
    assert [(d.text, d.source) for d in again] == [(d.text, d.source) for d in words]
    assert all((a.ink == b.ink).all() for a, b in zip(again, words, strict=True))
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["pool.npz"]


def test_a_damaged_pool_says_so(tmp_path: Path) -> None:
    (tmp_path / "pool.npz").write_bytes(b"not a pool")
    with pytest.raises(DataError, match="draw it again"):
        load_pool(tmp_path / "pool.npz")


def test_an_empty_pool_is_refused() -> None:
    with pytest.raises(DataError, match="nothing was drawn"):
        build_pool([])


def test_contact_sheet_follows_its_seed(tmp_path: Path) -> None:
    pool = build_pool(Drawn(bar(30, w), f"t{w}", "fonts:x") for w in range(20, 60))
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        contact_sheet(pool, tmp_path / f"{name}.png", seed, count=12, width_px=500)
    a, b, c = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert a == b != c


DATE = re.compile(r"\d{0,4}[ /.\-]{0,3}(\d{1,2}|[IVX]+)([ /.\-]{0,3}\d{1,4})?")


def test_numeric_dates_hold_digits_and_separators() -> None:
    rng = Random(1)
    dates = [values.numeric_date(rng) for _ in range(500)]
    assert all(DATE.fullmatch(date) for date in dates)
    assert {"/", ".", "-"} <= set("".join(dates))


def test_plain_amounts_have_two_decimals() -> None:
    rng = Random(2)
    amounts = [values.plain_amount(rng) for _ in range(300)]
    assert all(re.fullmatch(r"\$?(\d+|\d{1,3}(,\d{3})+)\.\d\d", a) for a in amounts)


def test_patterns_are_filled_by_kind() -> None:
    assert re.fullmatch(r"[A-Z]{2}-\d{3}-[a-z]", values.pattern(Random(3), "AA-999-a"))


def test_emails_have_one_at_sign_or_are_web_addresses() -> None:
    rng = Random(4)
    for _ in range(100):
        address = values.email(rng, "Ann", "Lee")
        assert address.count("@") == 1 or address.startswith("www.")


@pytest.fixture(scope="module")
def texts() -> list[str]:
    pytest.importorskip("wordfreq")
    pytest.importorskip("faker")
    return list(islice(TextSource.seeded(5).texts(), 4000))


def test_texts_stay_within_the_alphabet(texts: list[str]) -> None:
    assert set("".join(texts)) <= ALPHABET
    assert all(text == text.strip() and text for text in texts)


def test_texts_are_mixed_as_forms_are(texts: list[str]) -> None:
    share = {
        "digits": np.mean([any(map(str.isdigit, t)) for t in texts]),
        "capitals": np.mean([t.isupper() and t.isalpha() and len(t) > 2 for t in texts]),
        "spaces": np.mean([" " in t for t in texts]),
        "accents": np.mean([not t.isascii() for t in texts]),
    }
    assert 0.15 < share["digits"] < 0.35
    assert 0.08 < share["capitals"] < 0.25
    assert 0.02 < share["spaces"] < 0.15
    assert share["accents"] > 0.05


def test_the_same_seed_says_the_same(texts: list[str]) -> None:
    assert list(islice(TextSource.seeded(5).texts(), 50)) == texts[:50]
    assert list(islice(TextSource.seeded(6).texts(), 50)) != texts[:50]


def zigzag(left: float, width: float, height: float = 300) -> np.ndarray:
    x = np.linspace(left, left + width, 12)
    return np.stack([x, np.where(np.arange(12) % 2, 0, height)], 1).astype(np.float32)


def two_words(text: str = "abc defgh") -> strokes.PenLine:
    return strokes.PenLine((zigzag(0, 300), zigzag(520, 500)), text, "w1")


def test_words_are_cut_at_a_clear_gap() -> None:
    assert [word.text for word in strokes.cut_words(two_words())] == ["abc", "defgh"]


def test_a_late_dot_stays_with_its_word() -> None:
    line = two_words()
    dot = np.array([[100, -80]], np.float32)
    first, second = strokes.cut_words(strokes.PenLine((*line.strokes, dot), "abc defgh", "w"))
    assert (len(first.strokes), len(second.strokes)) == (2, 1)


def test_words_are_not_cut_without_as_many_gaps_or_with_odd_widths() -> None:
    assert strokes.cut_words(two_words("abc de fgh")) == []
    assert strokes.cut_words(two_words("a extraordinarily")) == []


def test_transcripts_are_set_as_written() -> None:
    assert strokes.set_as_written("stop Mr . Gaitskell ( here ) , now") == (
        "stop Mr. Gaitskell (here), now"
    )


def test_strokes_are_drawn_tight_and_follow_the_seed() -> None:
    first, again = (list(strokes.draw_words([two_words()], seed=3)) for _ in range(2))
    assert all((a.ink == b.ink).all() for a, b in zip(first, again, strict=True))
    for word in first:
        assert word.ink.shape[0] == HEIGHT_PX
        edges = (word.ink[0], word.ink[-1], word.ink[:, 0], word.ink[:, -1])
        assert all(edge.max() > 40 for edge in edges)
        assert word.source == "strokes:w1"


@pytest.fixture
def stroke_table(tmp_path: Path) -> Path:
    line = two_words()
    points = np.concatenate(line.strokes).round().astype(np.int16)
    steps = np.diff(points, axis=0, prepend=np.zeros((1, 2), np.int16))
    row = {
        "text": line.text,
        "writer": None,
        "page": "p1",
        "stroke_lengths": [len(stroke) for stroke in line.strokes],
        "dx": steps[:, 0].tolist(),
        "dy": steps[:, 1].tolist(),
        "split": "train",
    }
    pl.DataFrame([row]).write_parquet(tmp_path / "strokes.parquet")
    return tmp_path


def test_stroke_tables_are_read_as_they_were_written(stroke_table: Path) -> None:
    (line,) = strokes.load_lines(stroke_table / "strokes.parquet", "train")
    assert line.writer == "page-p1"
    for read, drawn in zip(line.strokes, two_words().strokes, strict=True):
        np.testing.assert_allclose(read, drawn, atol=0.51)


def test_an_empty_split_and_a_missing_table_stop_with_the_remedy(stroke_table: Path) -> None:
    with pytest.raises(DataError, match="train, valid or test"):
        strokes.load_lines(stroke_table / "strokes.parquet", "valid")
    with pytest.raises(DataError, match="name the folder"):
        strokes.load_lines(stroke_table / "no.parquet", "train")


def test_the_command_draws_a_pool(stroke_table: Path) -> None:
    import typer

    from hwdigitize.training.synthetic.__main__ import draw

    app = typer.Typer()
    app.command()(draw)
    out, data = str(stroke_table / "pool.npz"), str(stroke_table)
    arguments = ["--kind", "strokes", "--data", data, "--out", out]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert [word.text for word in load_pool(Path(out))] == ["abc", "defgh"]


def test_endless_texts_need_a_count(tmp_path: Path) -> None:
    import typer

    from hwdigitize.training.synthetic.__main__ import draw

    app = typer.Typer()
    app.command()(draw)
    refused = CliRunner().invoke(app, ["--kind", "glyphs", "--out", str(tmp_path / "pool.npz")])
    assert refused.exit_code == 2
    assert "--count" in refused.output
    assert not list(tmp_path.iterdir())


def glyph_set() -> glyphs.GlyphSet:
    pictures, characters, hands = [], [], []
    for character in "0123456789./-$":
        for hand in ("a:1", "b:2"):
            image = np.zeros((64, 64), np.uint8)
            image[10:54, 24:34] = 255
            pictures.append(image)
            characters.append(character)
            hands.append(hand)
    return glyphs.GlyphSet(np.array(pictures), np.array(characters), np.array(hands))


def test_strings_are_set_in_one_hand_and_skip_what_has_no_glyph() -> None:
    drawn = list(glyphs.draw_glyphs(["12.50", "1€", "3/4"], glyph_set(), seed=1))
    assert [word.text for word in drawn] == ["12.50", "3/4"]
    assert {word.source for word in drawn} <= {"glyphs:a:1", "glyphs:b:2"}
    assert all(word.ink.shape[0] == HEIGHT_PX for word in drawn)


def test_a_longer_string_is_wider() -> None:
    short, long = glyphs.draw_glyphs(["11", "11111111"], glyph_set(), seed=2)
    assert long.ink.shape[1] > 2.5 * short.ink.shape[1]


def test_thin_strokes_are_thickened_to_the_pen_and_thick_ones_kept() -> None:
    thin = bar(60, 3)
    assert pen_px(glyphs.with_pen(thin, 6)) == pytest.approx(6, abs=1.2)
    assert glyphs.with_pen(bar(60, 12), 6).shape == bar(60, 12).shape


def test_measured_texts_hold_no_letters() -> None:
    assert not any(c.isalpha() for t in islice(glyphs.numeric_texts(1), 600) for c in t)


@pytest.mark.slow
def test_real_digits_of_the_splits_differ(shared_data: Path) -> None:
    valid, test = (glyphs.load_glyphs(shared_data, split) for split in ("valid", "test"))
    held = {image.tobytes() for image in valid.images[np.char.isdigit(valid.characters)]}
    digits = test.images[np.char.isdigit(test.characters)]
    assert len(held) > 500 and len(digits) > 500
    assert not any(image.tobytes() in held for image in digits)


def test_laid_ink_darkens_and_is_cut_at_the_page() -> None:
    page = np.full((20, 30, 3), 250, np.uint8)
    assert paper.lay_ink(page, bar(6, 6, 0), 27, 2, (10, 20, 30)) == (27, 2, 30, 8)
    assert page[4, 28].tolist() == [10, 20, 30]
    assert paper.lay_ink(page, bar(6, 6, 0), 40, 2, (0, 0, 0)) is None


def test_letter_boxes_and_combs_are_where_they_say() -> None:
    rng = np.random.default_rng(0)
    page = paper.blank_paper(400, 200, rng)
    boxes = paper.letter_boxes(page, 150, 20, 30, 5, gap_mm=1)
    assert len(boxes) == 5
    assert all(page[box[1], box[0] : box[2], 0].max() < 200 for box in boxes)
    cells = paper.comb(page, 150, 20, 110, 4)
    assert all(a[2] == b[0] for a, b in pairwise(cells))


def test_remnants_only_add_ink() -> None:
    rng = np.random.default_rng(1)
    crop = bar(20, 80, 8)
    for add in (paper.rule_remnants, paper.box_remnants):
        assert (add(crop, rng) >= crop).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda shot, rng: camera.skewed(shot, 7),
        lambda shot, rng: camera.upside_down(shot),
        lambda shot, rng: camera.quarter_turn(shot),
        lambda shot, rng: camera.photographed(shot, rng),
        lambda shot, rng: camera.skewed(camera.photographed(shot, rng), -4),
    ],
)
def test_truth_moves_with_the_page(make) -> None:  # type: ignore[no-untyped-def]
    page = np.full((300, 200, 3), 255, np.uint8)
    box = (60, 80, 100, 90)
    page[80:90, 60:100] = (0, 0, 255)
    shot = make(camera.untouched(page), np.random.default_rng(3))
    height, width = shot.image.shape[:2]
    left, top, right, bottom = camera.moved_box(box, shot.matrix, (width, height))
    red = (shot.image[:, :, 2] > 200) & (shot.image[:, :, 1] < 100)
    rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
    found = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    assert np.abs(np.subtract(found, (left, top, right, bottom))).max() <= 2


def test_light_faults_keep_the_size_and_follow_the_seed() -> None:
    page = np.full((120, 90, 3), 240, np.uint8)
    for fault in (camera.shadowed, camera.noisy, camera.dusty):
        first, again = (fault(page, np.random.default_rng(5)) for _ in range(2))
        assert first.shape == page.shape
        assert (first == again).all() and (first != page).any()


def test_show_through_needs_sheets_of_one_size() -> None:
    with pytest.raises(ValueError, match="one size"):
        camera.shown_through(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8))
