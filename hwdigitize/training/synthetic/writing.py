"""Texts written in the hand of a font, never twice the same: another pen, slant and sway."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hwdigitize.training.synthetic.fonts import FONT_PX, Hand
from hwdigitize.training.synthetic.ink import (
    Drawn,
    Ink,
    slanted,
    smooth_noise,
    tight,
    to_height,
)

MARGIN_PX = 24


@dataclass(frozen=True)
class Style:
    """How a hand writes at one moment; lengths in px at FONT_PX."""

    loose: bool
    """Letters are set one by one, unevenly."""
    spread: float
    """Mean space added between loose letters."""
    bounce: float
    """Spread of loose letters about the baseline."""
    growth: float
    """Spread of loose letters' sizes, as a share."""
    slant: float
    stretch: float
    thicken: int
    drift: float
    """How far letters slide along the line, slowly."""
    lift: float
    """How far the baseline wanders, slowly."""
    swell: float
    """How much the height wanders, as a share."""


class Written(NamedTuple):
    """Tight ink (H, W) and the row of its baseline, counted from the top; may lie outside."""

    ink: Ink
    baseline: int


def draw_style(rng: np.random.Generator, joined: bool) -> Style:
    """A style at random; joined hands are not set letter by letter."""
    return Style(
        loose=not joined and rng.random() < 0.7,
        spread=rng.uniform(-1, 7),
        bounce=rng.uniform(0, 2.5),
        growth=rng.uniform(0, 0.05),
        slant=float(np.clip(rng.normal(0, 0.12), -0.35, 0.4)),
        stretch=rng.uniform(0.85, 1.25),
        thicken=int(rng.choice((0, 0, 1, 1, 2, 2, 3, 4, -1))),
        drift=rng.uniform(0, 3),
        lift=rng.uniform(0, 2.2),
        swell=rng.uniform(0, 0.05),
    )


def write(hand: Hand, text: str, style: Style, rng: np.random.Generator) -> Written:
    """Draw a text once; what differs from one word to the next comes from ``rng``."""
    set_text = _letter_by_letter if style.loose else _as_set
    canvas, baseline = set_text(hand.font, text, style, rng)
    canvas = _swayed(slanted(canvas, style.slant), baseline, style, rng)
    canvas = _inked(canvas, min(style.thicken, 0) if hand.heavy else style.thicken)
    marked = np.flatnonzero((canvas >= 64).any(axis=1))
    top = int(marked[0]) if len(marked) else 0
    return Written(tight(canvas), baseline - top)


def _as_set(
    font: ImageFont.FreeTypeFont, text: str, style: Style, rng: np.random.Generator
) -> tuple[Ink, int]:
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text, anchor="ls"))
    image = Image.new("L", (right - left + 2 * MARGIN_PX, bottom - top + 2 * MARGIN_PX))
    at = (MARGIN_PX - left, MARGIN_PX - top)
    ImageDraw.Draw(image).text(at, text, fill=255, font=font, anchor="ls")
    return np.array(image), at[1]


def _letter_by_letter(
    font: ImageFont.FreeTypeFont, text: str, style: Style, rng: np.random.Generator
) -> tuple[Ink, int]:
    length = int(font.getlength(text) * 1.1 + len(text) * 12) + 4 * MARGIN_PX
    ascent, descent = font.getmetrics()
    image = Image.new("L", (length, ascent + descent + 2 * MARGIN_PX))
    pen = ImageDraw.Draw(image)
    x, baseline = float(MARGIN_PX), MARGIN_PX + ascent
    for letter in text:
        sized = _variant(font, round(FONT_PX * (1 + rng.normal(0, style.growth)) / 2) * 2)
        y = baseline + rng.normal(0, style.bounce)
        pen.text((x, y), letter, fill=255, font=sized, anchor="ls")
        x += sized.getlength(letter) + max(-2.0, style.spread + rng.normal(0, 1.5))
        if letter == " ":
            x += rng.uniform(0, 12)
    return np.array(image)[:, : int(x) + 2 * MARGIN_PX], baseline


@lru_cache(maxsize=2048)
def _variant(font: ImageFont.FreeTypeFont, size_px: int) -> ImageFont.FreeTypeFont:
    return font.font_variant(size=size_px)


def _swayed(ink: Ink, baseline: int, style: Style, rng: np.random.Generator) -> Ink:
    """Stretch, and let baseline, height and letter widths wander slowly along the word."""
    height, width = ink.shape
    target = max(2, round(width * style.stretch))
    knots = 3 + target // 60
    drift, lift, swell = (
        smooth_noise(rng, target, knots) * np.float32(reach)
        for reach in (style.drift, style.lift, style.swell)
    )
    rows = np.arange(height, dtype=np.float32)[:, None] - baseline
    map_y = rows * (1 + swell) + lift + np.float32(baseline)
    across = np.linspace(0, width - 1, target, dtype=np.float32) + drift
    map_x = np.ascontiguousarray(np.broadcast_to(across, map_y.shape))
    return np.asarray(cv2.remap(ink, map_x, map_y, cv2.INTER_LINEAR), dtype=np.uint8)


def _inked(ink: Ink, change: int) -> Ink:
    """Thicken or thin the strokes, but never thin them away."""
    if change == 0:
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
        ink = write(hand, text, draw_style(rng, hand.joined), rng).ink
        if ink.size:
            yield Drawn(to_height(ink), text, f"fonts:{hand.family}")
