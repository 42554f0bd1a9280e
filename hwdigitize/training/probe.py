"""Draw the sample that ``models verify`` reads, from handwriting fonts no network trains on.

    python -m hwdigitize.training.probe FONTS

writes ``hwdigitize/recognition/probe.npz``: words of some hands and isolated characters, ink
255 on paper 0, in few grey levels so that the file stays small.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from hwdigitize.errors import DataError
from hwdigitize.recognition import probe
from hwdigitize.recognition.characters import CLASSES
from hwdigitize.training.glyphs import draw_glyphs
from hwdigitize.training.synthetic.fonts import Hand, load_hands
from hwdigitize.training.synthetic.ink import Drawn, to_height
from hwdigitize.training.synthetic.texts import TextSource
from hwdigitize.training.synthetic.writing import draw_style, write

HANDS, WORDS, GLYPH_FONTS, LEVEL = 8, 14, 2, 85
SEED = 20
CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def draw(fonts: Path) -> None:
    """Draw and write the sample; raises DataError where there are too few fonts."""
    hands = [hand for hand in load_hands(fonts, "valid") if not hand.heavy][:HANDS]
    if len(hands) < HANDS:
        raise DataError(f"{fonts} has {len(hands)} families of the split valid, not {HANDS}")
    words = [word for hand in hands for word in islice(_words(hand), WORDS)]
    images = [_few_levels(word.ink) for word in words]
    files = sorted(fonts.glob("*/files/*-latin-400-normal.woff2"))
    names = {hand.family for hand in hands}
    chosen = [file for file in files if file.parts[-3] in names][:GLYPH_FONTS]
    glyphs = draw_glyphs(chosen, CHARACTERS)
    np.savez_compressed(
        probe.FILE,
        pixels=np.concatenate([image.ravel() for image in images]),
        widths=np.array([image.shape[1] for image in images], np.int32),
        texts=np.array([word.text for word in words]),
        hands=np.array([word.source for word in words]),
        glyphs=_few_levels(glyphs.images),
        characters=np.array([CLASSES[label] for label in glyphs.labels]),
    )


def _words(hand: Hand) -> Iterator[Drawn]:
    """Words of one hand in one style, so that its writer can be told from others."""
    rng = np.random.default_rng(SEED)
    style = draw_style(rng, hand.joined)
    for text in TextSource.seeded(SEED).texts():
        if 3 <= len(text) <= 12 and hand.can_write(text):
            yield Drawn(to_height(write(hand, text, style, rng).ink), text, hand.family)


def _few_levels(ink: cv2.typing.MatLike) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return (np.round(np.asarray(ink, np.float32) / LEVEL) * LEVEL).astype(np.uint8)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
