"""Labelled glyphs: real ones, glyphs drawn from fonts, junk, and their distortions.

Images are uint8, ``CANVAS_PX`` square, ink 255 on paper 0, as character data sets have them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from hwdigitize.errors import DataError
from hwdigitize.recognition.characters import CLASSES
from hwdigitize.training.datasets.glyph_arrays import image_split
from hwdigitize.training.datasets.sample import SPLITS

Glyph = npt.NDArray[np.uint8]

CANVAS_PX = 64
#: drawn glyphs fill this much of the canvas
DRAWN_PX = 48


@dataclass(frozen=True)
class Glyphs:
    """Labelled glyphs: images (n, CANVAS_PX, CANVAS_PX), labels (n,) into CLASSES, sources."""

    images: Glyph
    labels: npt.NDArray[np.int64]
    sources: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, keep: npt.NDArray[np.bool_]) -> Glyphs:
        """The glyphs for which ``keep`` is true."""
        return Glyphs(self.images[keep], self.labels[keep], self.sources[keep])


def join(parts: Sequence[Glyphs]) -> Glyphs:
    """All glyphs of several sets."""
    return Glyphs(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.sources for part in parts]),
    )


def load_glyphs(folder: Path, split: str) -> Glyphs:
    """Letters, digits and punctuation of ``characters.npz`` and ``punctuation.npz``.

    Punctuation comes without a split and gets that of :func:`glyph_arrays.image_split`.

    Raises:
        DataError: a file is missing or has other contents.
    """
    try:
        with np.load(folder / "characters.npz") as data:
            classes = np.array([CLASSES.index(c) for c in data["classes"]])
            letters = Glyphs(data["images"], classes[data["labels"]], data["source"])
            letters = letters.select(data["split"] == split)
        with np.load(folder / "punctuation.npz") as data:
            labels = np.array([CLASSES.index(c) for c in data["labels"]])
            marks = Glyphs(data["images"], labels, np.full(len(labels), "punctuation"))
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"cannot read characters from {folder}: {error}") from error
    wanted = np.array(
        [image_split(image) == SPLITS.get(split, split) for image in marks.images]
    )
    return join([letters, marks.select(wanted)])


def draw_glyphs(fonts: Sequence[Path], characters: str) -> Glyphs:
    """Every character in every font, fonts whose small letters are capitals left out.

    Raises:
        DataError: a file is no font that Pillow opens.
    """
    images: list[Glyph] = []
    labels: list[int] = []
    for path in fonts:
        try:
            font = ImageFont.truetype(str(path), 2 * DRAWN_PX)
        except OSError as error:
            raise DataError(f"{path} is no font: {error}") from error
        if _has_no_lower_case(font):
            continue
        drawn = {character: _draw(font, character) for character in characters}
        images += drawn.values()
        labels += [CLASSES.index(character) for character in drawn]
    stack = np.asarray(images, np.uint8).reshape(-1, CANVAS_PX, CANVAS_PX)
    inked = np.asarray(stack.any(axis=(1, 2)))
    glyphs = Glyphs(stack, np.asarray(labels, np.int64), np.full(len(labels), "fonts"))
    return glyphs.select(inked)


def _draw(font: ImageFont.FreeTypeFont, character: str) -> Glyph:
    left, top, right, bottom = (int(edge) for edge in font.getbbox(character))
    width, height = max(right - left, 1) + 8, max(bottom - top, 1) + 8
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).text((4 - left, 4 - top), character, 255, font)
    scale = DRAWN_PX / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    canvas = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    x, y = (CANVAS_PX - size[0]) // 2, (CANVAS_PX - size[1]) // 2
    canvas[y : y + size[1], x : x + size[0]] = np.asarray(
        image.resize(size, Image.Resampling.BOX)
    )
    return canvas


def _has_no_lower_case(font: ImageFont.FreeTypeFont) -> bool:
    pairs = [
        (_draw(font, c).ravel() > 127, _draw(font, c.upper()).ravel() > 127) for c in "aegr"
    ]
    overlaps = [(a & b).sum() / max((a | b).sum(), 1) for a, b in pairs]
    return float(np.mean(overlaps)) > 0.6


def to_canvas(image: Glyph) -> Glyph:
    """A glyph of any size as (CANVAS_PX, CANVAS_PX), ink 255 on paper 0, its ink centred."""
    ink = np.invert(image)
    if image.shape == (CANVAS_PX, CANVAS_PX):
        return ink
    _, marked = cv2.threshold(ink, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    left, top, width, height = cv2.boundingRect(marked)
    canvas = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    if not width:
        return canvas
    glyph = ink[top : top + height, left : left + width]
    scale = DRAWN_PX / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(glyph, size, interpolation=cv2.INTER_AREA if scale < 1 else 1)
    x, y = (CANVAS_PX - size[0]) // 2, (CANVAS_PX - size[1]) // 2
    canvas[y : y + size[1], x : x + size[0]] = small
    return canvas


def draw_junk(glyphs: Glyph, rng: np.random.Generator, kind: str | None = None) -> Glyph:
    """What is no character, one of :data:`JUNK`.

    Args:
        glyphs: (n, CANVAS_PX, CANVAS_PX) to make it from.
        rng: where the choices come from.
        kind: which of :data:`JUNK`; None for any.
    """
    first, second = glyphs[rng.integers(len(glyphs), size=2)]
    draw = JUNK[kind or JUNK_KINDS[rng.integers(len(JUNK_KINDS))]]
    return draw(first.copy(), second, rng)


def _doodle(first: Glyph, second: Glyph, rng: np.random.Generator) -> Glyph:
    return _scribble(np.zeros_like(first), rng, int(rng.integers(6, 14)))


def _struck_out(first: Glyph, second: Glyph, rng: np.random.Generator) -> Glyph:
    return _scribble(first, rng, int(rng.integers(4, 10)))


def _crossed_out(first: Glyph, second: Glyph, rng: np.random.Generator) -> Glyph:
    """Two lines from corner to corner, or two through the middle."""
    thickness = int(rng.integers(2, 6))
    if rng.random() < 0.6:
        ends = np.array([[[4, 4], [60, 60]], [[60, 4], [4, 60]]])
    else:
        ends = np.array([[[2, 24], [62, 24]], [[2, 40], [62, 40]]])
    for start, end in (ends + rng.integers(-4, 5, ends.shape)).tolist():
        cv2.line(first, start, end, 255, thickness, cv2.LINE_AA)
    return first


def _side_by_side(first: Glyph, second: Glyph, rng: np.random.Generator) -> Glyph:
    side = CANVAS_PX // 2
    return np.hstack([cv2.resize(half, (side, CANVAS_PX)) for half in (first, second)])


def _overwritten(first: Glyph, second: Glyph, rng: np.random.Generator) -> Glyph:
    shift = int(rng.integers(6, 16))
    moved = np.roll(second, -shift, axis=int(rng.choice(2)))
    return np.asarray(np.maximum(np.roll(first, shift, axis=1), moved))


#: what boxes hold that is no character, and how it is drawn
JUNK: dict[str, Callable[[Glyph, Glyph, np.random.Generator], Glyph]] = {
    "scribble": _doodle,
    "struck out": _struck_out,
    "crossed out": _crossed_out,
    "two side by side": _side_by_side,
    "overwritten": _overwritten,
}
JUNK_KINDS = tuple(JUNK)


def _scribble(canvas: Glyph, rng: np.random.Generator, turns: int) -> Glyph:
    knots = rng.uniform(8, CANVAS_PX - 8, (turns, 2))
    if rng.random() < 0.6:  # back and forth, as people strike out
        knots[:, 0] = np.where(np.arange(turns) % 2, rng.uniform(40, 60), rng.uniform(4, 24))
        knots[:, 1] = np.sort(knots[:, 1])
    steps = np.linspace(0, turns - 1, 8 * turns)
    curve = np.stack([np.interp(steps, np.arange(turns), knots[:, axis]) for axis in (0, 1)], 1)
    curve = cv2.GaussianBlur(curve, (1, 7), 2)
    points = np.round(curve * 16).astype(np.int32).reshape(-1, 1, 2)
    thickness = int(rng.integers(1, 5))
    cv2.polylines(canvas, [points], False, 255, thickness, cv2.LINE_AA, shift=4)
    return canvas


def distort(glyph: Glyph, rng: np.random.Generator) -> Glyph:
    """One way another hand, pen and scanner could have made this glyph, as a crop of a page.

    Smooth displacement on top of an affine map (Simard, Steinkraus and Platt, "Best practices
    for convolutional neural networks applied to visual document analysis", 2003), another
    stroke width, blur, noise, paper tone and remnants of the drawn box.

    Returns:
        (CANVAS_PX, CANVAS_PX) uint8, ink dark on light paper.
    """
    ink = _stroke_width(_warp(glyph, rng), rng)
    if rng.random() < 0.25:
        _add_box_remnants(ink, rng)
    if rng.random() < 0.15:
        _add_specks(ink, rng)
    dark = rng.uniform(110, 255) if rng.random() < 0.5 else 255.0
    page = 255 - rng.uniform(0, min(40, 255 - dark)) - dark * (ink / np.float32(255))
    if rng.random() < 0.4:
        page += rng.normal(0, rng.uniform(1, 12), page.shape)
    return np.clip(page, 0, 255).astype(np.uint8)


def empty_box(rng: np.random.Generator) -> Glyph:
    """A crop with nothing written in it, as :func:`distort` returns them."""
    blank = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    for add in (_add_box_remnants, _add_specks):
        if rng.random() < 0.7:
            add(blank, rng)
    noise = rng.normal(0, rng.uniform(0, 10), blank.shape)
    return np.clip(250 - blank * rng.uniform(0.3, 0.9) + noise, 0, 255).astype(np.uint8)


def _warp(glyph: Glyph, rng: np.random.Generator) -> Glyph:
    scale = rng.uniform(0.55, 1.05)
    slant, turn = rng.normal(0, 0.18), rng.normal(0, 0.1)
    aspect = np.exp(rng.normal(0, 0.12))
    shape = np.array([[aspect, slant], [0, 1 / aspect]]) * scale
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    inverse = np.linalg.inv(rotation @ shape)
    middle = CANVAS_PX / 2
    grid = np.mgrid[0:CANVAS_PX, 0:CANVAS_PX][::-1].reshape(2, -1) - middle
    wave = rng.normal(0, rng.uniform(0, 2.2), (2, 4, 4)).astype(np.float32)
    waves = [cv2.resize(w, (CANVAS_PX, CANVAS_PX), interpolation=cv2.INTER_CUBIC) for w in wave]
    x, y = (inverse @ grid).astype(np.float32).reshape(2, CANVAS_PX, CANVAS_PX) + np.float32(
        middle
    )
    return np.asarray(cv2.remap(glyph, x + waves[0], y + waves[1], cv2.INTER_LINEAR), np.uint8)


def _stroke_width(ink: Glyph, rng: np.random.Generator) -> Glyph:
    """Thicken or thin by blurring and moving the threshold; never thin to nothing.

    Seldom and mildly: a small letter, enlarged to the size of a capital, has the thicker
    strokes, and for pairs like s and S there is no other sign.
    """
    if rng.random() < 0.6:
        return ink
    sigma = rng.uniform(0.5, 1.4)
    blurred = cv2.GaussianBlur(ink, (0, 0), sigma).astype(np.float32) / 255
    threshold, gain = rng.uniform(0.2, 0.5), rng.uniform(2, 8)
    changed = np.clip((blurred - threshold) * gain + 0.5, 0, 1)
    if changed.sum() < 0.5 * ink.sum() / 255:
        changed = blurred / max(float(blurred.max()), 1e-3)
    return np.asarray(changed * 255, np.uint8)


def _add_box_remnants(ink: Glyph, rng: np.random.Generator) -> None:
    """Pieces of the box's lines along one to three of the edges, in place."""
    for edge in rng.choice(4, size=rng.integers(1, 4), replace=False):
        side = np.rot90(ink, int(edge))
        start, end = (
            (0, CANVAS_PX) if rng.random() < 0.6 else np.sort(rng.integers(0, CANVAS_PX, 2))
        )
        inset, thick = int(rng.integers(0, 4)), int(rng.integers(1, 4))
        band = side[inset : inset + thick, start:end]
        band[:] = np.maximum(band, int(rng.integers(120, 256)))


def _add_specks(ink: Glyph, rng: np.random.Generator) -> None:
    for x, y in rng.integers(0, CANVAS_PX - 2, (rng.integers(1, 5), 2)):
        size = int(rng.integers(1, 3))
        ink[y : y + size, x : x + size] = 255
