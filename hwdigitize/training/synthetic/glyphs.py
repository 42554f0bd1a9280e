"""Strings set from real, isolated glyphs: numbers, dates, amounts, codes and capital names.

Data sets of isolated characters scale every glyph to its canvas, so each is brought back to
the size its character has on a line, and set with glyphs of a similar pen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.errors import DataError
from hwdigitize.training.datasets.glyph_arrays import image_split
from hwdigitize.training.synthetic import values
from hwdigitize.training.synthetic.ink import (
    FAINTEST,
    Drawn,
    Ink,
    pen_px,
    slanted,
    tight,
    to_height,
)
from hwdigitize.training.synthetic.texts import TextSource

CAPITAL_PX = 56
"""Height of a capital or digit on the line drawn."""

FLATTEST = 1.9
"""Letters and digits wider than this many heights are damaged crops and are left out."""

SPECK = 0.2
"""A part smaller than this share of a letter's largest part is dirt, not ink."""

EXTENTS: dict[str, tuple[float, float]] = {
    **dict.fromkeys("acemnorsuvwxz", (0.0, 0.6)),
    **dict.fromkeys("gpqy", (-0.35, 0.6)),
    **dict.fromkeys("ti", (0.0, 0.85)),
    **dict.fromkeys("()[]{}|/\\", (-0.15, 1.1)),
    **dict.fromkeys("\"'`^", (0.72, 1.05)),
    "j": (-0.35, 0.85),
    "Q": (-0.1, 1.0),
    "$": (-0.08, 1.08),
    ".": (-0.02, 0.12),
    ",": (-0.2, 0.13),
    ":": (0.05, 0.6),
    ";": (-0.15, 0.6),
    "*": (0.45, 0.95),
    "+": (0.2, 0.7),
    "<": (0.15, 0.75),
    ">": (0.15, 0.75),
    "@": (-0.1, 0.8),
}
"""Bottom and top over the baseline, in heights of a capital; others stand from 0 to 1."""

WIDE: dict[str, tuple[float, float]] = {
    "-": (0.4, 0.35),
    "=": (0.42, 0.45),
    "~": (0.42, 0.5),
    "_": (-0.1, 0.6),
}
"""Middle over the baseline and width, in heights of a capital, of what is wide and flat."""


@dataclass(frozen=True)
class GlyphSet:
    """Isolated glyphs (n, 64, 64), ink 255; what each shows; its hand, "source:writer"."""

    images: npt.NDArray[np.uint8]
    characters: npt.NDArray[np.str_]
    hands: npt.NDArray[np.str_]

    def by_hand(self) -> dict[str, dict[str, list[int]]]:
        """Indices of the glyphs of each character of each hand."""
        found: dict[str, dict[str, list[int]]] = {}
        for i, (hand, character) in enumerate(zip(self.hands, self.characters, strict=True)):
            found.setdefault(str(hand), {}).setdefault(str(character), []).append(i)
        return found


def load_glyphs(folder: Path, split: str) -> GlyphSet:
    """Glyphs of one split ("train", "valid", "test") from characters.npz and punctuation.npz.

    Punctuation has no split of its own and gets that of ``glyph_arrays.image_split``.
    Raises DataError when a file is missing or damaged.
    """
    name = "val" if split == "valid" else split
    try:
        with np.load(folder / "characters.npz") as held:
            keep = held["split"] == name
            letters = GlyphSet(
                held["images"][keep],
                held["classes"][held["labels"]][keep],
                np.char.add(np.char.add(held["source"], ":"), held["writer"])[keep],
            )
        with np.load(folder / "punctuation.npz") as held:
            keep = np.array([image_split(image) == split for image in held["images"]])
            marks = GlyphSet(held["images"][keep], held["labels"][keep], held["writer"][keep])
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{folder} has no usable characters.npz, punctuation.npz") from error
    return _sound(letters, marks)


def _sound(letters: GlyphSet, marks: GlyphSet) -> GlyphSet:
    """Both sets together, without blank glyphs and letters that are only a dash of noise."""
    pairs = zip(letters.images, letters.characters, strict=True)
    clean = np.array([_without_specks(image, str(c)) for image, c in pairs], dtype=np.uint8)
    keep = np.array([_is_sound(image) for image in clean], dtype=bool)
    return GlyphSet(
        np.concatenate([clean[keep].reshape(-1, *marks.images.shape[1:]), marks.images]),
        np.concatenate([letters.characters[keep], marks.characters]),
        np.concatenate([letters.hands[keep], marks.hands]),
    )


def _without_specks(image: Ink, character: str) -> Ink:
    """Drop small stray parts, which would set a glyph's size and place wrongly."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(
        (image >= FAINTEST).astype(np.uint8)
    )
    if count <= 2 or character in "ij":
        return image
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = 1 + np.flatnonzero(areas >= SPECK * areas.max())
    return np.where(np.isin(parts, kept), image, 0).astype(np.uint8)


def _is_sound(image: Ink) -> bool:
    height, width = tight(image).shape
    return bool(height > 8 and width < FLATTEST * height)


class Typesetter:
    """Sets texts from the glyphs of one split, each text in one hand as far as it reaches."""

    def __init__(self, glyphs: GlyphSet, seed: int) -> None:
        self.glyphs = glyphs
        self.rng = np.random.default_rng(seed)
        self.hands = glyphs.by_hand()
        self.everyone = _merged(self.hands.values())
        sources = {hand.partition(":")[0] for hand in self.hands}
        self.sources = {
            source: [hand for hand in self.hands if hand.partition(":")[0] == source]
            for source in sorted(sources)
        }

    def hand_for(self, text: str) -> str:
        """A hand that has most of the letters and digits; a source first, then its writer."""
        needed = set(filter(str.isalnum, text)) or {"1"}
        candidates = [
            hands[int(self.rng.integers(len(hands)))]
            for hands in self.sources.values()
            for _ in range(2)
        ]
        scores = [
            len(needed & self.hands[hand].keys()) / len(needed) + 0.2 * self.rng.random()
            for hand in candidates
        ]
        return candidates[int(np.argmax(scores))]

    def set(self, text: str) -> Drawn | None:
        """Draw a text, or nothing when a character has no glyph at all in this split."""
        if any(c != " " and c not in self.everyone for c in text):
            return None
        hand = self.hand_for(text)
        pen = float(self.rng.uniform(0.05, 0.11)) * CAPITAL_PX
        glyphs = [(c, self._glyph(c, hand, pen)) for c in text if c != " "]
        ink = self._line(text, iter(glyphs), pen)
        return Drawn(to_height(tight(ink)), text, f"glyphs:{hand}")

    def _glyph(self, character: str, hand: str, pen: float) -> Ink:
        own = self.hands[hand].get(character) or self.everyone[character]
        ink = tight(self.glyphs.images[own[int(self.rng.integers(len(own)))]])
        grow = float(np.clip(self.rng.normal(1, 0.06), 0.8, 1.2))
        return with_pen(_sized(ink, character, grow), pen)

    def _line(self, text: str, glyphs: Iterator[tuple[str, Ink]], pen: float) -> Ink:
        spacing = self.rng.uniform(0.05, 0.28) * CAPITAL_PX
        canvas = np.zeros((3 * CAPITAL_PX, (len(text) + 2) * 2 * CAPITAL_PX), dtype=np.uint8)
        x = float(CAPITAL_PX)
        slope, bounce = self.rng.normal(0, 0.012), self.rng.uniform(0, 0.05) * CAPITAL_PX
        for letter in text:
            if letter == " ":
                x += self.rng.uniform(0.35, 0.7) * CAPITAL_PX
                continue
            character, ink = next(glyphs)
            base = 2 * CAPITAL_PX + slope * x + self.rng.normal(0, bounce)
            _place(canvas, ink, x, base - _bottom(character, ink) * CAPITAL_PX)
            x += ink.shape[1] + max(1.0, self.rng.normal(spacing, 0.25 * spacing))
        return slanted(canvas, float(np.clip(self.rng.normal(0, 0.1), -0.3, 0.3)))


def _merged(hands: Iterable[dict[str, list[int]]]) -> dict[str, list[int]]:
    merged: dict[str, list[int]] = {}
    for hand in hands:
        for character, indices in hand.items():
            merged.setdefault(character, []).extend(indices)
    return merged


def _bottom(character: str, ink: Ink) -> float:
    if character in WIDE:
        return WIDE[character][0] - ink.shape[0] / CAPITAL_PX / 2
    return EXTENTS.get(character, (0.0, 1.0))[0]


def _sized(ink: Ink, character: str, grow: float) -> Ink:
    """Bring a glyph from its canvas to the size that its character has on the line."""
    if character in WIDE:
        scale = WIDE[character][1] * CAPITAL_PX / ink.shape[1]
    else:
        bottom, top = EXTENTS.get(character, (0.0, 1.0))
        scale = (top - bottom) * CAPITAL_PX / ink.shape[0]
    size = tuple(max(2, round(side * scale * grow)) for side in ink.shape[::-1])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(ink, size, interpolation=way), dtype=np.uint8)


def with_pen(ink: Ink, pen: float) -> Ink:
    """Thicken strokes towards the width ``pen`` (px); thick ones stay as they are."""
    missing = round(pen - pen_px(ink))
    if missing < 1:
        return ink
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (missing + 1, missing + 1))
    return np.asarray(cv2.dilate(np.pad(ink, missing), kernel), dtype=np.uint8)


def _place(canvas: Ink, ink: Ink, x: float, bottom: float) -> None:
    left, low = round(x), min(round(bottom), canvas.shape[0])
    high = max(0, low - ink.shape[0])
    part = ink[ink.shape[0] - (low - high) :]
    under = canvas[high:low, left : left + ink.shape[1]]
    np.maximum(under, part[:, : under.shape[1]], out=under)


def form_texts(seed: int) -> Iterator[str]:
    """What is filled into forms: digits, dates, amounts, codes, capital names, telephones."""
    rng, source = Random(seed), TextSource.seeded(seed)
    makers: dict[Callable[[], str], int] = {
        lambda: values.digits(rng, rng.randint(1, 10)): 5,
        lambda: values.date(rng): 6,
        lambda: values.amount(rng): 5,
        lambda: values.number(rng): 3,
        lambda: values.time(rng): 2,
        lambda: values.code(rng): 4,
        lambda: values.phone(rng): 2,
        lambda: source.name().upper(): 6,
        lambda: source.address().upper(): 2,
        lambda: source.word().upper(): 3,
        source.word: 3,
    }
    while True:
        (make,) = rng.choices(list(makers), weights=list(makers.values()))
        text = make()
        if text.isascii():
            yield text


def numeric_texts(seed: int) -> Iterator[str]:
    """Digit strings, dates in digits and plain amounts, in turn: what is measured."""
    rng = Random(seed)
    while True:
        yield values.digits(rng, rng.randint(3, 8))
        yield values.plain_amount(rng)
        date = values.numeric_date(rng)
        while any(map(str.isalpha, date)):  # a Roman month
            date = values.numeric_date(rng)
        yield date


def draw_glyphs(texts: Iterable[str], glyphs: GlyphSet, seed: int) -> Iterator[Drawn]:
    """Each text that the glyphs can spell."""
    setter = Typesetter(glyphs, seed)
    for text in texts:
        drawn = setter.set(text)
        if drawn is not None:
            yield drawn
