"""Those who fill the forms: real glyphs, words and pen strokes of a split, and drawn hands.

A writer gives ink (255 on 0) with the row of its baseline, at a size where a capital is
``capital_px`` high. One writer fills one document, with one pen.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple

import cv2
import numpy as np
from PIL import ImageFont

from hwdigitize.errors import DataError
from hwdigitize.training.synthetic import strokes
from hwdigitize.training.synthetic.fonts import Hand, load_hands
from hwdigitize.training.synthetic.glyphs import CAPITAL_PX, load_glyphs
from hwdigitize.training.synthetic.ink import Ink, tight
from hwdigitize.training.synthetic.lettering import GlyphWriter
from hwdigitize.training.synthetic.writing import Style, draw_style, write

CAPITALS_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#: letters that hang below the line
HANGING = frozenset("gjpqyQ,;()/[]")
#: share of forms filled by real glyphs rather than by drawn hands
GLYPH_SHARE = 0.4
SCANNED_CAPITAL_PX = 42
"""Height of a capital in the scanned words (300 dpi)."""


class Written(NamedTuple):
    """Tight ink and the row of its baseline from the top."""

    ink: Ink
    baseline: int


@dataclass(frozen=True)
class RealText:
    """A real word or line: its ink at its own size, its text, who wrote it."""

    text: str
    writer: str
    ink: Ink | None = None
    pen: strokes.PenLine | None = None


@dataclass(frozen=True)
class Sources:
    """What can be drawn from, all of one split."""

    hands: tuple[Hand, ...]
    glyphs: GlyphWriter | None = None
    words: tuple[RealText, ...] = ()
    lines: tuple[RealText, ...] = ()


def load_sources(split: str, data: Path | None, fonts: Path, seed: int = 0) -> Sources:
    """Load the hands of a split ("train", "valid" or "test").

    Fonts held back from training are shared out between valid and test by family.

    Args:
        split: whose glyphs, words, strokes and fonts.
        data: folder of characters.npz, words.parquet and strokes.parquet; None: fonts only.
        fonts: folder of handwriting fonts.
        seed: of the glyphs' choice.

    Raises:
        DataError: a folder has not what it should.
    """
    known = "train" if split == "train" else "valid"
    hands = [h for h in load_hands(fonts, known) if split == "train" or _half(h) == split]
    hands = [h for h in hands if h.can_write("ABC abc 0123456789/:.-")] or hands
    if not hands:
        raise DataError(f"no fonts of the split {split!r} in {fonts}: fetch more families")
    if data is None:
        return Sources(tuple(hands))
    lines = strokes.load_lines(data / "strokes.parquet", split)
    return Sources(
        tuple(hands),
        GlyphWriter(load_glyphs(data, split), seed),
        _scanned_words(data / "words.parquet", split),
        tuple(
            RealText(line.text, line.writer, pen=line) for line in lines if _plain(line.text)
        ),
    )


def _half(hand: Hand) -> str:
    """Kin, whose names begin alike, go the same way."""
    return "test" if zlib.crc32(hand.family.partition("-")[0].encode()) % 2 else "valid"


def _plain(text: str) -> bool:
    return bool(text) and text.isascii() and not set(text) & set('"#')


def _scanned_words(table: Path, split: str) -> tuple[RealText, ...]:
    """Bilevel words of IAM, which need no separation from their paper."""
    import polars as pl

    if not table.is_file():
        raise DataError(f"no words at {table}: name the folder that holds words.parquet")
    chosen = (pl.col("split") == split) & (pl.col("source") == "IAM")
    rows = pl.read_parquet(table).filter(chosen & (pl.col("quality") == "ok"))
    found = []
    for row in rows.iter_rows(named=True):
        if len(row["text"]) > 2 and row["text"].isalpha() and row["text"].isascii():
            grey = cv2.imdecode(np.frombuffer(row["image"], np.uint8), cv2.IMREAD_GRAYSCALE)
            ink = tight(255 - np.asarray(grey, np.uint8))
            found.append(RealText(row["text"], str(row["writer"]), ink=ink))
    return tuple(found)


@dataclass
class Penman:
    """Who fills one document; ``capital_px`` is the height that they give a capital."""

    hand: Hand
    style: Style
    glyphs: GlyphWriter | None
    glyph_hand: str
    lines: tuple[RealText, ...]
    words: tuple[RealText, ...]
    rng: np.random.Generator
    pen: strokes.Pen
    neat: float
    """How far letters stray from the middle of their cells, in cells."""

    def word(self, text: str, capital_px: float) -> Written | None:
        """A text without spaces at its ends, in this hand."""
        if self.glyphs and (text.isupper() or not any(map(str.isalpha, text))):
            written = self._set(text)
            if written:
                return _scaled(written, capital_px / CAPITAL_PX)
        if not text or not self.hand.can_write(text):
            return None
        ink, baseline = write(self.hand, text, self.style, self.rng)
        if not ink.size:
            return None
        return _scaled(Written(ink, baseline), capital_px / _capital(self.hand.font))

    def _set(self, text: str) -> Written | None:
        """Glyphs side by side, on one line."""
        assert self.glyphs
        if not self.glyphs.can_write(text):
            return None
        pen = self.pen.width_px / self.pen.line_px * CAPITAL_PX
        queue = iter(self.glyphs.letters_of(text, self.glyph_hand, pen, self.rng))
        wide = (len(text) + 2) * 2 * CAPITAL_PX
        canvas = np.zeros((3 * CAPITAL_PX, wide), np.uint8)
        base, x = 2 * CAPITAL_PX, CAPITAL_PX
        space = self.rng.uniform(0.08, 0.25) * CAPITAL_PX
        for character in text:
            if character == " ":
                x += round(0.6 * CAPITAL_PX)
                continue
            ink, below = next(queue)
            low = base + below + round(self.rng.normal(0, 0.03) * CAPITAL_PX)
            part = ink[max(0, ink.shape[0] - low) :]
            under = canvas[low - part.shape[0] : low, x : x + ink.shape[1]]
            np.maximum(under, part[: under.shape[0], : under.shape[1]], out=under)
            x += ink.shape[1] + max(1, round(self.rng.normal(space, 0.3 * space)))
        rows = np.flatnonzero(canvas.any(axis=1))
        if not len(rows):
            return None
        return Written(tight(canvas), base - int(rows[0]))

    def letter(self, character: str, capital_px: float) -> Written | None:
        """One character, as written into a cell."""
        return self.word(character, capital_px)

    def real_line(self, rng: Random, longest: int) -> RealText | None:
        """A line that someone wrote, of the split."""
        return _some(self.lines, rng, longest)

    def real_word(self, rng: Random, longest: int) -> RealText | None:
        """A word that someone wrote and somebody scanned, of the split."""
        return _some(self.words, rng, longest)

    def drawn(self, text: RealText, capital_px: float) -> Written | None:
        """The ink of a real text: scanned, or its strokes with this writer's pen."""
        if text.pen is not None:
            unit = strokes.unit_px(text.pen, self.pen)
            ink = strokes.draw_strokes(text.pen.strokes, self.pen, unit, self.rng)
            scale = 1.15 * capital_px / max(self.pen.line_px, 1.0)
        else:
            assert text.ink is not None
            ink, scale = text.ink, capital_px / SCANNED_CAPITAL_PX
        if not ink.size:
            return None
        hangs = 0.22 if set(text.text) & HANGING else 0.03
        return _scaled(Written(ink, round(ink.shape[0] * (1 - hangs))), scale)


def draw_penman(sources: Sources, rng: np.random.Generator) -> Penman:
    """Choose who fills a document: everything on it is by one hand of each sort."""
    hand = sources.hands[int(rng.integers(len(sources.hands)))]
    glyphs = sources.glyphs if rng.random() < GLYPH_SHARE else None
    return Penman(
        hand=hand,
        style=draw_style(rng, hand.joined),
        glyphs=glyphs,
        glyph_hand=glyphs.setter.hand_for(CAPITALS_AND_DIGITS) if glyphs else "",
        lines=_of_one_writer(sources.lines, rng),
        words=_of_one_writer(sources.words, rng),
        rng=rng,
        pen=strokes.draw_pen(rng),
        neat=float(rng.uniform(0.03, 0.11)),
    )


def _of_one_writer(
    texts: tuple[RealText, ...], rng: np.random.Generator
) -> tuple[RealText, ...]:
    if not texts:
        return ()
    writer = texts[int(rng.integers(len(texts)))].writer
    return tuple(text for text in texts if text.writer == writer)


def _some(texts: Sequence[RealText], rng: Random, longest: int) -> RealText | None:
    for _ in range(20 if texts else 0):
        text = texts[rng.randrange(len(texts))]
        if len(text.text) <= longest:
            return text
    return None


def _capital(font: ImageFont.FreeTypeFont) -> float:
    _, top, _, bottom = font.getbbox("H", anchor="ls")
    return float(max(bottom - top, 1))


def _scaled(written: Written, scale: float) -> Written:
    ink = written.ink
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(ink, size, interpolation=way), np.uint8)
    return Written(small, round(written.baseline * scale))
