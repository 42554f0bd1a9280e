"""A page written with the hands of fonts, which remembers what stands where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hwdigitize.document import Box
from hwdigitize.training.synthetic.fonts import Hand
from hwdigitize.training.synthetic.ink import Ink
from hwdigitize.training.synthetic.paper import Colour, Page, lay_ink
from hwdigitize.training.synthetic.writing import Style, write

BLUE: Colour = (120, 50, 28)
BLACK: Colour = (45, 40, 38)
PENCIL: Colour = (105, 102, 100)
RED: Colour = (50, 45, 170)


MARKS: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "": (),
    "x": (((0, 0), (1, 1)), ((1, 0), (0, 1))),
    "v": (((0, 0.5), (0.4, 1), (1.2, -0.3)),),
}
"""Strokes of what people put into check boxes, in sides of the box."""


@dataclass(frozen=True)
class WrittenLine:
    """A line's text and box, and those of its words, in px of the page."""

    text: str
    box: Box
    words: tuple[tuple[str, Box], ...]


@dataclass(frozen=True)
class WrittenBox:
    """A drawn box, "character" or "check", and what stands in it ("" for nothing)."""

    box: Box
    kind: str
    text: str


@dataclass(frozen=True)
class Scribe:
    """Who writes: a hand, its style, the height of its small letters in px, and its ink."""

    hand: Hand
    style: Style
    x_height_px: float
    colour: Colour = BLUE
    word_gap: float = 0.95
    """Space between words in heights of small letters."""

    @property
    def scale(self) -> float:
        """From the font's px to the page's."""
        _left, top, _right, bottom = self.hand.font.getbbox("x", anchor="ls")
        return float(self.x_height_px / max(bottom - top, 1))

    def with_capitals(self, height_px: float) -> Scribe:
        """The same writer at the size whose capitals are ``height_px`` high."""
        _left, top, _right, bottom = self.hand.font.getbbox("H", anchor="ls")
        return replace(
            self, x_height_px=self.x_height_px * height_px / (bottom - top) / self.scale
        )

    def width_px(self, word: str) -> float:
        """About how wide a word comes out."""
        loose = self.style.spread * len(word) if self.style.loose else 0.0
        return (self.hand.font.getlength(word) + loose) * self.style.stretch * self.scale

    def wrapped(self, text: str, width_px: float) -> list[str]:
        """Break a text into lines of at most about ``width_px``; keeps its line ends."""
        lines: list[str] = []
        for paragraph in text.strip().splitlines():
            reached = float("inf")
            for word in paragraph.split():
                wide = self.width_px(word) + self.word_gap * self.x_height_px
                if reached + wide > width_px:
                    lines.append(word)
                    reached = wide
                else:
                    lines[-1] += f" {word}"
                    reached += wide
            if not paragraph.strip():
                lines.append("")
        return lines


@dataclass
class Sheet:
    """A page (H, W, 3) while it is written, and the truth about it."""

    page: Page
    rng: np.random.Generator
    lines: list[WrittenLine] = field(default_factory=list)
    boxes: list[WrittenBox] = field(default_factory=list)
    printed: list[WrittenLine] = field(default_factory=list)

    def write_line(
        self, scribe: Scribe, text: str, left: float, baseline: float, slope: float = 0.0
    ) -> float:
        """Write one line of text, rising or falling by ``slope``; returns where it ends."""
        words: list[tuple[str, Box]] = []
        x = left + self.rng.normal(0, 0.2) * scribe.x_height_px
        for word in text.split():
            y = baseline + slope * (x - left) + self.rng.normal(0, 0.04) * scribe.x_height_px
            box = self._write_word(scribe, word, x, y)
            if box:
                words.append((word, box))
                gap = max(0.6, self.rng.normal(scribe.word_gap, 0.12))
                x = box[2] + scribe.x_height_px * gap
        if words:
            self.lines.append(
                WrittenLine(text, around([box for _, box in words]), tuple(words))
            )
        return x

    def _write_word(self, scribe: Scribe, word: str, x: float, baseline: float) -> Box | None:
        style = replace(scribe.style, slant=scribe.style.slant + self.rng.normal(0, 0.015))
        written = write(scribe.hand, word, style, self.rng)
        ink = _scaled(written.ink, scribe.scale)
        if not ink.size:
            return None
        top = round(baseline - written.baseline * scribe.scale)
        return lay_ink(self.page, self._pressed(ink), round(x), top, scribe.colour)

    def _pressed(self, ink: Ink) -> Ink:
        """The pen gives more ink here and less there."""
        height, width = ink.shape
        knots = self.rng.uniform(0.72, 1.0, (2, width // 24 + 2)).astype(np.float32)
        flow = cv2.resize(knots, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.clip(ink * flow, 0, 255).astype(np.uint8)

    def fill_boxes(self, scribe: Scribe, text: str, boxes: Sequence[Box], kind: str) -> None:
        """Write one character into each box; a space, or the text's end, leaves it empty."""
        for i, box in enumerate(boxes):
            character = text[i] if i < len(text) else ""
            if character.strip():
                self._write_centred(scribe, character, box)
            self.boxes.append(WrittenBox(box, kind, character.strip()))

    def _write_centred(self, scribe: Scribe, character: str, box: Box) -> None:
        written = write(scribe.hand, character, scribe.style, self.rng)
        ink = _scaled(written.ink, scribe.scale)
        x = (box[0] + box[2] - ink.shape[1]) / 2 + self.rng.normal(0, 0.1) * scribe.x_height_px
        baseline = (
            box[3] - 0.2 * (box[3] - box[1]) + self.rng.normal(0, 0.06) * scribe.x_height_px
        )
        top = round(baseline - written.baseline * scribe.scale)
        lay_ink(self.page, self._pressed(ink), round(x), top, scribe.colour)

    def tick(self, scribe: Scribe, box: Box, mark: str) -> None:
        """Put a mark ("x", "v" or "" for none) into a check box, with one stroke or two."""
        side = box[2] - box[0]
        ink = np.zeros((3 * side, 3 * side), dtype=np.uint8)
        for stroke in MARKS[mark]:
            points = np.array(stroke) * 0.8 + 1.1 + self.rng.normal(0, 0.06, (len(stroke), 2))
            fixed = np.round(points * side * 16).astype(np.int32)
            cv2.polylines(ink, [fixed], False, 255, max(2, side // 9), cv2.LINE_AA, 4)
        lay_ink(self.page, ink, box[0] - side, box[1] - side, scribe.colour)
        self.boxes.append(WrittenBox(box, "check", mark))

    def print_text(
        self, text: str, left: int, baseline: int, size_px: int, colour: Colour
    ) -> float:
        """Print a label in Pillow's own typeface; returns where it ends."""
        font = ImageFont.load_default(size_px)
        x0, y0, x1, y1 = (int(edge) for edge in font.getbbox(text, anchor="ls"))
        image = Image.new("L", (x1 - x0 + 2, y1 - y0 + 2))
        ImageDraw.Draw(image).text((1 - x0, 1 - y0), text, fill=255, font=font, anchor="ls")
        box = lay_ink(self.page, np.array(image), left, baseline + y0 - 1, colour)
        if box:
            self.printed.append(WrittenLine(text, box, ()))
        return left + x1


def around(boxes: Sequence[Box]) -> Box:
    """The smallest box around all."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _scaled(ink: Ink, scale: float) -> Ink:
    if not ink.size:
        return ink
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(ink, size, interpolation=way), dtype=np.uint8)
