"""Words drawn with handwriting fonts (SIL Open Font License), split by family.

A folder of fonts holds unpacked ``@fontsource`` packages, one folder a family:
``<family>/files/<family>-latin-400-normal.woff2``.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hwdigitize.errors import DataError
from hwdigitize.training.synthetic.ink import (
    Drawn,
    Floats,
    Ink,
    slanted,
    smooth_noise,
    tight,
    to_height,
)
from hwdigitize.training.synthetic.texts import ALPHABET

FONT_PX = 72
BODY_PX = 64
MARGIN_PX = 24
VALID_PERCENT = 15
HEAVY = 0.22
"""Share of a word's box that is ink, from which its pen is a broad one."""
CAPITALS_ONLY = frozenset(
    {"amatic-sc", "patrick-hand-sc", "permanent-marker", "rock-salt", "walter-turncoat"}
)
"""Families whose small letters look like capitals: they write only texts without any."""

UNWANTED = frozenset(
    {
        "babylonica",
        "bilbo-swash-caps",
        "engagement",
        "gluten",
        "herr-von-muellerhoff",
        "kodchasan",
        "league-script",
        "meddon",
        "mr-bedfort",
        "mr-dafoe",
        "mr-de-haviland",
        "mrs-saint-delafield",
        "my-soul",
        "nerko-one",
        "niconne",
        "ruthie",
    }
)
"""Judged by eye: too ornate, too heavy or too far from handwriting to teach reading."""


@dataclass(frozen=True)
class Hand:
    """One family: its font at FONT_PX, the characters it has, and whether letters join."""

    family: str
    font: ImageFont.FreeTypeFont
    characters: frozenset[str]
    joined: bool

    def can_write(self, text: str) -> bool:
        """Whether the family has a glyph for every character, and the right case."""
        if self.family in CAPITALS_ONLY and text != text.upper():
            return False
        return self.characters.issuperset(text)


def split_of(family: str) -> str:
    """``"valid"`` for about 15 % of families, else ``"train"``; stable across machines.

    Families that share the first part of their name (playwrite-fr, playwrite-us) look alike
    and go the same way.
    """
    kin = family.partition("-")[0]
    return "valid" if zlib.crc32(kin.encode()) % 100 < VALID_PERCENT else "train"


def load_hands(folder: Path, split: str) -> list[Hand]:
    """The wanted families of a split, by name; raises DataError when there is none."""
    files = sorted(folder.glob("*/files/*-latin-400-normal.woff2"))
    wanted = [file for file in files if file.parts[-3] not in UNWANTED]
    hands = [load_hand(file) for file in wanted if split_of(file.parts[-3]) == split]
    if not hands:
        raise DataError(
            f"no fonts of the split {split!r} in {folder}: fetch some with"
            " `npm pack @fontsource/kalam` and unpack each into a folder of its own"
        )
    return hands


@lru_cache(maxsize=512)
def load_hand(file: Path, size_px: int = FONT_PX) -> Hand:
    """Open one font file and find out what it can write; raises DataError if it cannot be."""
    try:
        font = ImageFont.truetype(str(file), size_px)
    except OSError as error:
        raise DataError(f"{file} is not a font that can be opened: fetch it again") from error
    missing = _mask(font, "\uffff")
    has = frozenset(c for c in ALPHABET if c == " " or _mask(font, c) not in (missing, b""))
    return Hand(file.parts[-3], font, has, _is_joined(font))


def _mask(font: ImageFont.FreeTypeFont, text: str) -> bytes:
    mask = font.getmask(text)
    return bytes(mask) if mask.getbbox() else b""


def _is_joined(font: ImageFont.FreeTypeFont) -> bool:
    """Whether "nnnn" hangs together, as in a cursive hand."""
    parts, _ = cv2.connectedComponents((_written(font, "nnnn") >= 128).astype(np.uint8))
    return bool(parts <= 3)


def _written(font: ImageFont.FreeTypeFont, text: str) -> Ink:
    left, top, right, bottom = font.getbbox(text)
    size = (int(right - left) + 2 * MARGIN_PX, int(bottom - top) + 2 * MARGIN_PX)
    image = Image.new("L", size)
    ImageDraw.Draw(image).text((MARGIN_PX - left, MARGIN_PX - top), text, fill=255, font=font)
    return np.array(image)


def write(hand: Hand, text: str, rng: np.random.Generator) -> Ink:
    """Draw a text in a hand: tight ink, with the pen, slant, spacing and sway of one moment."""
    loose = not hand.joined and rng.random() < 0.7
    ink = _letter_by_letter(hand, text, rng) if loose else _written(hand.font, text)
    ink = slanted(ink, float(np.clip(rng.normal(0, 0.12), -0.35, 0.4)))
    ink = _swayed(ink, rng)
    return tight(_inked(ink, rng))


def _letter_by_letter(hand: Hand, text: str, rng: np.random.Generator) -> Ink:
    """Set letters one by one, with uneven spacing, size and baseline."""
    spread, bounce, growth = rng.uniform(-1, 7), rng.uniform(0, 2.5), rng.uniform(0, 0.05)
    length = int(hand.font.getlength(text) + len(text) * 12) + 3 * MARGIN_PX
    ascent, descent = hand.font.getmetrics()
    image = Image.new("L", (length, ascent + descent + 2 * MARGIN_PX))
    pen = ImageDraw.Draw(image)
    x = float(MARGIN_PX)
    for letter in text:
        y = MARGIN_PX + ascent + rng.normal(0, bounce)
        font = _variant(hand.font, round(FONT_PX * (1 + rng.normal(0, growth)) / 2) * 2)
        pen.text((x, y), letter, fill=255, font=font, anchor="ls")
        x += font.getlength(letter) + max(-2.0, spread + rng.normal(0, 1.5))
        if letter == " ":
            x += rng.uniform(0, 12)
    return np.array(image)[:, : int(x) + 2 * MARGIN_PX]


@lru_cache(maxsize=2048)
def _variant(font: ImageFont.FreeTypeFont, size_px: int) -> ImageFont.FreeTypeFont:
    return font.font_variant(size=size_px)


def _swayed(ink: Ink, rng: np.random.Generator) -> Ink:
    """Stretch, and let the baseline and the letter widths wander slowly along the word."""
    stretch = rng.uniform(0.85, 1.25)
    height, width = ink.shape
    target = max(2, round(width * stretch))
    knots = 3 + target // 60
    across = np.linspace(0, width - 1, target, dtype=np.float32)
    along = across + smooth_noise(rng, target, knots) * np.float32(rng.uniform(0, 3))
    lift = smooth_noise(rng, target, knots) * np.float32(rng.uniform(0, 2.2))
    rows = np.arange(height, dtype=np.float32)[:, None]
    grow = _grow(rng, target, knots)
    middle = np.float32(height / 2)
    map_y = (rows - middle) * grow[None, :] + middle + lift[None, :]
    map_x = np.broadcast_to(along, map_y.shape)
    return np.asarray(cv2.remap(ink, map_x.copy(), map_y, cv2.INTER_LINEAR), dtype=np.uint8)


def _grow(rng: np.random.Generator, count: int, knots: int) -> Floats:
    return 1 + smooth_noise(rng, count, knots) * np.float32(rng.uniform(0, 0.05))


def _inked(ink: Ink, rng: np.random.Generator) -> Ink:
    """Thicken or thin the strokes; a family that is heavy as it is grows no heavier."""
    change = int(rng.choice((0, 0, 1, 1, 2, 2, 3, 4, -1)))
    heavy = float((tight(ink) >= 128).mean()) > HEAVY
    if change == 0 or (heavy and change > 0):
        return ink
    size = 1 + abs(change)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    changed = cv2.dilate(ink, kernel) if change > 0 else cv2.erode(ink, kernel)
    survived = change > 0 or int(changed.max()) >= 200
    return np.asarray(changed if survived else ink, dtype=np.uint8)


def draw_texts(texts: Iterable[str], hands: list[Hand], seed: int) -> Iterator[Drawn]:
    """Each text in a hand chosen at random among those that can write it."""
    rng = np.random.default_rng(seed)
    for text in texts:
        able = [hand for hand in hands if hand.can_write(text)]
        if not able:
            continue
        hand = able[int(rng.integers(len(able)))]
        ink = write(hand, text, rng)
        if ink.size:
            yield Drawn(to_height(ink), text, f"fonts:{hand.family}")
