"""Capitals written one by one, with as much space between them as people leave on forms.

Letters are real glyphs or come from handwriting fonts; both are brought to CAPITAL_PX.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from PIL import Image, ImageDraw

from hwdigitize.training.synthetic.fonts import Hand
from hwdigitize.training.synthetic.glyphs import (
    CAPITAL_PX,
    EXTENTS,
    WIDE,
    GlyphSet,
    Typesetter,
    with_pen,
)
from hwdigitize.training.synthetic.ink import Ink, slanted, tight

ASPECT = 15.0
"""Texts are set at most this many heights wide: closer, where there are many letters."""

MARKS = {
    "\u0300": ((0.2, 1.0), (0.8, 0.0)),
    "\u0301": ((0.2, 0.0), (0.8, 1.0)),
    "\u0302": ((0.0, 0.0), (0.5, 1.0), (1.0, 0.0)),
    "\u0303": ((0.0, 0.2), (0.3, 0.9), (0.7, 0.2), (1.0, 0.9)),
}
"""Accents as pen strokes: x to the right and y up, in a box over the letter."""


class Letter(NamedTuple):
    """Tight ink, and how far it reaches below the baseline (px, negative: stands above)."""

    ink: Ink
    below: int


class Lettered(NamedTuple):
    """Ink of a text, who wrote it, and the width of its cells (px; 0: not in cells)."""

    ink: Ink
    pitch: float
    hand: str


class Writer(Protocol):
    """Whoever can write texts letter by letter."""

    def letters(self, text: str, rng: np.random.Generator) -> tuple[str, list[Letter]] | None:
        """The writer's name, and a letter for every character but spaces; None: cannot."""


class GlyphWriter:
    """Writes with real glyphs of one hand, or of many; accents are drawn on with the pen."""

    def __init__(self, glyphs: GlyphSet, seed: int) -> None:
        self.setter = Typesetter(glyphs, seed)

    def letters(self, text: str, rng: np.random.Generator) -> tuple[str, list[Letter]] | None:
        """See :class:`Writer`."""
        if not self.can_write(text):
            return None
        plain = unicodedata.normalize("NFD", text)
        hand = "many" if rng.random() < 0.35 else self.setter.hand_for(plain)
        pen = float(rng.uniform(0.03, 0.11)) * CAPITAL_PX
        return f"glyphs:{hand}", self.letters_of(text, hand, pen, rng)

    def can_write(self, text: str) -> bool:
        """Whether there is a glyph for every character."""
        plain = unicodedata.normalize("NFD", text)
        return all(c in self.setter.everyone for c in plain if c != " " and not _is_mark(c))

    def letters_of(
        self, text: str, hand: str, pen: float, rng: np.random.Generator
    ) -> list[Letter]:
        """Letters that :meth:`can_write`, by one hand or, where it has none, by others.

        ``pen`` is the width of the strokes in px, where a capital is CAPITAL_PX high.
        """
        return [self._letter(c, hand, pen, rng) for c in text if c != " "]

    def _letter(
        self, character: str, hand: str, pen: float, rng: np.random.Generator
    ) -> Letter:
        base, *marks = list(unicodedata.normalize("NFD", character))
        everyone = self.setter.everyone[base]
        own = self.setter.hands.get(hand, {}).get(base) or everyone
        ink = tight(self.setter.glyphs.images[own[int(rng.integers(len(own)))]])
        grow = float(np.clip(rng.normal(1, 0.07), 0.8, 1.25))
        sized = with_pen(_sized(ink, base, grow), pen)
        letter = Letter(sized, _below(base, sized))
        for mark in marks:
            letter = _marked(letter, mark, pen, rng)
        return letter


class FontWriter:
    """Writes with fonts whose letters stand apart."""

    def __init__(self, hands: list[Hand]) -> None:
        self.hands = [hand for hand in hands if not hand.joined]

    def letters(self, text: str, rng: np.random.Generator) -> tuple[str, list[Letter]] | None:
        """See :class:`Writer`."""
        able = [hand for hand in self.hands if hand.can_write(text)]
        if not able:
            return None
        hand = able[int(rng.integers(len(able)))]
        scale = CAPITAL_PX / max(1, _font_letter(hand, "H").ink.shape[0])
        stretch = scale * rng.uniform(0.85, 1.2)
        pen = 0 if hand.heavy else int(rng.choice((-1, 0, 0, 0, 1, 2, 3)))
        letters = []
        for character in text.replace(" ", ""):
            grow = float(np.clip(rng.normal(1, 0.05), 0.85, 1.2))
            plain = _font_letter(hand, character)
            letters.append(_scaled(_inked(plain, pen), stretch * grow, scale * grow))
        return f"fonts:{hand.family}", letters


def _is_mark(character: str) -> bool:
    return bool(unicodedata.combining(character))


def _sized(ink: Ink, character: str, grow: float) -> Ink:
    """Bring a glyph from its canvas to the size that its character has on the line."""
    bottom, top = EXTENTS.get(character, (0.0, 1.0))
    scale = grow * (top - bottom) * CAPITAL_PX / ink.shape[0]
    if character in WIDE:
        scale = grow * WIDE[character][1] * CAPITAL_PX / ink.shape[1]
    return _resized(ink, scale, scale)


def _resized(ink: Ink, across: float, down: float) -> Ink:
    size = (max(2, round(ink.shape[1] * across)), max(2, round(ink.shape[0] * down)))
    way = cv2.INTER_AREA if down < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(ink, size, interpolation=way), dtype=np.uint8)


def _below(character: str, ink: Ink) -> int:
    if character in WIDE:
        return int(ink.shape[0] / 2 - WIDE[character][0] * CAPITAL_PX)
    return -round(EXTENTS.get(character, (0.0, 1.0))[0] * CAPITAL_PX)


def _marked(letter: Letter, mark: str, pen: float, rng: np.random.Generator) -> Letter:
    """Draw an accent over a letter, or a cedilla under it, beside its middle as people do."""
    unit, width = CAPITAL_PX, max(letter.ink.shape[1], CAPITAL_PX // 2)
    below, above = (round(0.3 * unit), 0) if mark == "\u0327" else (0, round(0.5 * unit))
    spare = (width - letter.ink.shape[1]) // 2
    canvas = np.pad(letter.ink, ((above, below), (spare, spare)))
    stroke = max(1, round(pen))
    x = canvas.shape[1] * rng.uniform(0.4, 0.6)
    if mark == "\u0327":
        foot = canvas.shape[0] - below
        curve = [
            (x, foot),
            (x + 0.1 * unit, foot + 0.12 * unit),
            (x - 0.1 * unit, foot + 0.22 * unit),
        ]
        _stroke(canvas, curve, stroke)
        return Letter(canvas, letter.below + below)
    wide, high = rng.uniform(0.25, 0.45) * unit, rng.uniform(0.12, 0.25) * unit
    low = above - rng.uniform(0.1, 0.22) * unit
    if mark == "\u0308":
        for side in (-0.4, 0.4):
            dot = (x + side * wide, low - high / 2)
            _stroke(canvas, [dot, dot], stroke + 1)
    else:
        points = MARKS.get(mark, MARKS["\u0301"])
        _stroke(canvas, [(x + (u - 0.5) * wide, low - v * high) for u, v in points], stroke)
    return Letter(canvas, letter.below)


def _stroke(canvas: Ink, points: list[tuple[float, float]], width: int) -> None:
    path = np.round(np.array(points)).astype(np.int32)
    cv2.polylines(canvas, [path], False, 255, width, cv2.LINE_AA)


def _font_letter(hand: Hand, character: str) -> Letter:
    left, top, right, bottom = (int(edge) for edge in hand.font.getbbox(character, anchor="ls"))
    image = Image.new("L", (max(1, right - left) + 2, max(1, bottom - top) + 2))
    ImageDraw.Draw(image).text(
        (1 - left, 1 - top), character, fill=255, font=hand.font, anchor="ls"
    )
    return Letter(np.array(image), bottom + 1)


def _inked(letter: Letter, change: int) -> Letter:
    """Thicken or thin the strokes, but never thin them away."""
    if change == 0:
        return letter
    size = 1 + abs(change)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    if change > 0:
        grown = cv2.dilate(np.pad(letter.ink, change), kernel)
        return Letter(np.asarray(grown, dtype=np.uint8), letter.below + change)
    thin = np.asarray(cv2.erode(letter.ink, kernel), dtype=np.uint8)
    return Letter(thin, letter.below) if int(thin.max()) >= 200 else letter


def _scaled(letter: Letter, across: float, down: float) -> Letter:
    return Letter(_resized(letter.ink, across, down), round(letter.below * down))


def set_apart(
    text: str, letters: list[Letter], rng: np.random.Generator, in_cells: bool
) -> tuple[Ink, float]:
    """Set letters side by side, or one in each cell; gives tight rows of ink and the pitch.

    The gap between letters is 0 to 1.2 heights of a capital, about the same along one text.
    A space is a wider gap, or a cell left empty.
    """
    widths = [letter.ink.shape[1] for letter in letters]
    pitch = max(widths) * rng.uniform(1.0, 1.5) if in_cells else 0.0
    room = max(0.0, ASPECT * CAPITAL_PX - sum(widths)) / len(text)
    gap = min(1.2 * rng.beta(1.2, 2.2) * CAPITAL_PX, room)
    length = int(len(text) * max(pitch, max(widths) + 2.2 * gap + CAPITAL_PX)) + CAPITAL_PX
    canvas = np.zeros((4 * CAPITAL_PX, length), dtype=np.uint8)
    slope, bounce = rng.normal(0, 0.012), rng.uniform(0, 0.07) * CAPITAL_PX
    queue = iter(letters)
    x = 0.0
    for i, character in enumerate(text):
        if character == " ":
            x += rng.uniform(0.4, 0.8) * CAPITAL_PX + gap
            continue
        ink, below = next(queue)
        left = pitch * i + (pitch - ink.shape[1]) / 2 if in_cells else x
        shift = 0.0 if in_cells else slope * x
        bottom = 2.7 * CAPITAL_PX + shift + rng.normal(0, bounce) + below
        _place(canvas, ink, round(left), round(bottom))
        x += ink.shape[1] + max(2.0, rng.normal(gap, 0.3 * gap))
    if in_cells:
        return _tight_rows(canvas[:, : round(pitch * len(text))]), pitch
    return tight(slanted(tight(canvas), float(np.clip(rng.normal(0, 0.12), -0.3, 0.35)))), 0.0


def _place(canvas: Ink, ink: Ink, left: int, bottom: int) -> None:
    top = max(0, bottom - ink.shape[0])
    under = canvas[top:bottom, left : left + ink.shape[1]]
    part = ink[-under.shape[0] :, : under.shape[1]] if under.size else ink[:0]
    if part.shape == under.shape:
        np.maximum(under, part, out=under)


def _tight_rows(ink: Ink) -> Ink:
    rows = np.flatnonzero((ink >= 64).any(axis=1))
    return ink[rows[0] : rows[-1] + 1] if len(rows) else ink[:0]


def write_apart(writer: Writer, text: str, rng: np.random.Generator) -> Lettered | None:
    """Write a text; None when the writer lacks a character or nothing is to be seen.

    Many people dot the I among their capitals: what is written then is an i, what is meant
    and labelled stays an I.
    """
    name = text.isupper() and not any(map(str.isdigit, text))
    dotted = name and rng.random() < 0.3
    written = writer.letters(text.replace("I", "i") if dotted else text, rng)
    if written is None:
        return None
    hand, letters = written
    ink, pitch = set_apart(text, letters, rng, in_cells=rng.random() < 0.12)
    return Lettered(ink, pitch, hand) if ink.size else None
