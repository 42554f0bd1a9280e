"""Handwriting fonts (SIL Open Font License or as free), judged by eye and split by family.

A folder of fonts holds unpacked ``@fontsource`` packages, one folder a family:
``<family>/files/<family>-latin-400-normal.woff2``.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hwdigitize.errors import DataError
from hwdigitize.training.synthetic.ink import Ink, pen_px, tight
from hwdigitize.training.synthetic.texts import ALPHABET

FONT_PX = 72
VALID_PERCENT = 15
HEAVY = 0.17
"""Stroke width in heights of a small letter from which a pen is a broad one."""
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
    """One family: its font at FONT_PX, the characters it has, and how it looks."""

    family: str
    font: ImageFont.FreeTypeFont
    characters: frozenset[str]
    joined: bool
    """Letters hang together, as in a cursive hand."""
    heavy: bool
    """The pen is a broad one, which is not to be made broader."""

    def can_write(self, text: str) -> bool:
        """Whether the family has a glyph for every character, and the right case."""
        if self.family in CAPITALS_ONLY and text != text.upper():
            return False
        return self.characters.issuperset(text)


def split_of(family: str) -> str:
    """``"valid"`` for about one family in eight, else ``"train"``; stable across machines.

    Families that share the first part of their name (playwrite-fr, playwrite-us) look alike
    and go the same way.
    """
    kin = family.partition("-")[0]
    return "valid" if zlib.crc32(kin[::-1].encode()) % 100 < VALID_PERCENT else "train"


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
    sample = _sample(font)
    pen = pen_px(sample) / sample.shape[0]
    return Hand(file.parts[-3], font, has, _is_joined(sample), pen > HEAVY)


def _mask(font: ImageFont.FreeTypeFont, text: str) -> bytes:
    mask = font.getmask(text)
    return bytes(mask) if mask.getbbox() else b""


def _sample(font: ImageFont.FreeTypeFont) -> Ink:
    """Small letters of the font, cut tight."""
    left, top, right, bottom = (int(edge) for edge in font.getbbox("nnnn"))
    image = Image.new("L", (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(image).text((1 - left, 1 - top), "nnnn", fill=255, font=font)
    return tight(np.array(image))


def _is_joined(sample: Ink) -> bool:
    """Whether the sample hangs together but for stray dots."""
    parts, _ = cv2.connectedComponents((sample >= 128).astype(np.uint8))
    return bool(parts <= 3)
