"""Puts print, pen and accidents on paper, and scans the sheet badly.

Accidents happen to the paper (stamp, coffee, fold), so they come before the warp; light, noise
and compression belong to the scanner and come after it. Grey pages stay one channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.training.archive.form import DPI
from hwdigitize.training.synthetic.ink import Ink
from hwdigitize.training.synthetic.paper import CREAM, RECYCLED, WHITE, Colour
from hwdigitize.training.synthetic.printed import paste

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

PENS: tuple[tuple[Colour, float], ...] = (
    ((120, 50, 28), 0.36),
    ((40, 36, 34), 0.34),
    ((112, 108, 106), 0.14),
    ((190, 120, 70), 0.08),
    ((120, 110, 205), 0.04),
    ((60, 55, 180), 0.04),
)
"""Blue, black, pencil, pale blue, faint red and red, and how often."""
PAPERS: tuple[tuple[Colour, float], ...] = (
    (WHITE, 0.6),
    (RECYCLED, 0.14),
    (CREAM, 0.14),
    ((180, 232, 248), 0.06),
    ((208, 192, 240), 0.03),
    ((205, 235, 205), 0.03),
)
"""White, recycled, cream, yellow, pink and green, and how often."""
STAMPS = {
    "train": (cv2.FONT_HERSHEY_DUPLEX, ("DRAFT", "VOID", "4 JUL", "ENTERED")),
    "valid": (cv2.FONT_HERSHEY_SIMPLEX, ("RECEIVED", "COPY", "12 MAR", "ARCHIVE")),
    "test": (cv2.FONT_HERSHEY_COMPLEX, ("PAID", "SEEN", "OFFICE", "30 SEP")),
}
"""Lettering and words of the rubber stamps of each split."""
LID: Colour = (46, 46, 48)
NOISE_TILE_PX = 512


class Scanned(NamedTuple):
    """The picture, its resolution, what happened to the page, in words, and where it lies.

    ``matrix`` (3, 3) carries px of the sheet to px of the picture.
    """

    image: Image
    dpi: int
    notes: tuple[str, ...]
    matrix: Matrix


@dataclass(frozen=True)
class Sheet:
    """What is on one side: print, pen and code as ink (H, W), and their colours."""

    print: Ink
    pen: Ink
    code: Ink
    print_colour: Colour
    pen_colour: Colour
    paper: Colour


def choose(table: tuple[tuple[Colour, float], ...], rng: np.random.Generator) -> Colour:
    """A colour by its share."""
    shares = np.array([share for _, share in table])
    return table[int(rng.choice(len(table), p=shares / shares.sum()))][0]


def scan(sheet: Sheet, rng: np.random.Generator, split: str = "train") -> Scanned:
    """Scan one side, as well or badly as it comes; its stamps are those of a split."""
    notes: list[str] = []
    in_colour = rng.random() < 0.4
    image = _on_paper(sheet, in_colour)
    for accident, share in ACCIDENTS.items():
        if rng.random() < share:
            image = accident(image, rng, split)
            notes.append(accident.__name__)
    dpi = int(rng.choice((150, 200, 200, 300, 300, 300, 300)))
    photographed = rng.random() < 0.08
    way = "photographed" if photographed else "scanned"
    image, matrix = _warped(image, dpi, photographed, sheet.paper, rng)
    if photographed or rng.random() < 0.12:
        image = shadowed(image, rng)
        notes.append("shadow")
    machine = rng.random()
    if machine < 0.06:
        image, way = faxed(_grey(image), rng), "faxed"
    elif machine < 0.15:
        image, way = photocopied(_grey(image), rng), "photocopied"
    elif machine < 0.21:
        image, way = bilevel(_grey(image)), "bilevel"
    else:
        image = _noisy(image, rng)
    return Scanned(image, dpi, (way, *notes), matrix)


def _grey(image: Image) -> Image:
    return (
        image
        if image.ndim == 2
        else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    )


def _on_paper(sheet: Sheet, in_colour: bool) -> Image:
    if in_colour:
        bands = [_channel(sheet, _band(sheet, c)) for c in range(3)]
        return np.asarray(cv2.merge(bands), np.uint8)
    return _channel(sheet, tuple(_luma(c) for c in _colours(sheet)))


def _colours(sheet: Sheet) -> tuple[Colour, Colour, Colour]:
    return sheet.paper, sheet.print_colour, sheet.pen_colour


def _band(sheet: Sheet, band: int) -> tuple[float, ...]:
    return tuple(colour[band] for colour in _colours(sheet))


def _luma(colour: Colour) -> float:
    return 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2]


def _channel(sheet: Sheet, levels: tuple[float, ...]) -> Image:
    """One channel: paper, darkened by print, code and pen."""
    paper, printed, pen = levels
    share = np.arange(256) / 255
    under = cv2.LUT(
        sheet.print, np.round(paper * (1 - share * (1 - printed / 255))).astype(np.uint8)
    )
    over = cv2.LUT(sheet.pen, np.round(255 * (1 - share * (1 - pen / 255))).astype(np.uint8))
    both = cv2.multiply(under, over, scale=1 / 255)
    return np.asarray(
        both if not sheet.code.any() else cv2.min(both, 255 - (sheet.code // 8) * 7)
    )


# Accidents.


def stamp(image: Image, rng: np.random.Generator, split: str) -> Image:
    """A rubber stamp, round or square, somewhere on the page and askew."""
    side = int(rng.integers(260, 420))
    ink = np.zeros((side, side), np.uint8)
    thick = int(rng.integers(4, 8))
    if rng.random() < 0.5:
        cv2.circle(ink, (side // 2, side // 2), side // 2 - 8, 255, thick)
        cv2.circle(ink, (side // 2, side // 2), side // 3, 255, 3)
    else:
        cv2.rectangle(ink, (8, side // 4), (side - 8, 3 * side // 4), 255, thick)
    face, words = STAMPS[split]
    word = str(rng.choice(words))
    cv2.putText(ink, word, (side // 5, side // 2 + 14), face, side / 330, 255, 3, cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), float(rng.uniform(-30, 30)), 1)
    ink = np.asarray(cv2.warpAffine(ink, turn, (side, side)), np.uint8)
    worn = cv2.resize(rng.uniform(0.1, 1.0, (20, 20)).astype(np.float32), (side, side))
    ink = (ink * np.clip(worn * 1.3, 0, 0.8)).astype(np.uint8)
    colour = ((160, 60, 60), (60, 60, 190), (70, 70, 70))[int(rng.integers(3))]
    return _darkened(image, ink, colour, rng)


def coffee(image: Image, rng: np.random.Generator, _split: str) -> Image:
    """The ring of a cup."""
    side = int(rng.integers(500, 900))
    ring = np.zeros((side, side), np.uint8)
    for _ in range(3):
        axes = tuple(int(side * rng.uniform(0.40, 0.44)) for _ in range(2))
        level, wide = int(rng.integers(40, 110)), int(rng.integers(4, 16))
        cv2.ellipse(ring, (side // 2, side // 2), axes, 0, 0, 360, level, wide)
    cv2.circle(ring, (side // 2, side // 2), int(side * 0.4), 18, -1)
    return _darkened(image, cv2.GaussianBlur(ring, (0, 0), 4), (70, 120, 165), rng)


def staple(image: Image, rng: np.random.Generator, _split: str) -> Image:
    """A staple in the upper left corner, with its shadow."""
    spot = np.zeros((160, 240), np.uint8)
    cv2.line(spot, (40, 90), (180, 60), 90, 26)
    spot = np.asarray(cv2.GaussianBlur(spot, (0, 0), 9), np.uint8)
    cv2.line(spot, (50, 86), (170, 60), 230, 7, cv2.LINE_AA)
    layer = np.zeros(image.shape[:2], np.uint8)
    paste(layer, spot, int(rng.integers(20, 120)), int(rng.integers(10, 90)))
    return _under(image, layer, (70, 70, 70))


def fold(image: Image, rng: np.random.Generator, _split: str) -> Image:
    """A fold across the page: a light and a dark line."""
    height = image.shape[0]
    row = int(height * rng.choice((1 / 3, 0.5, 2 / 3)) + rng.normal(0, 8))
    rows = np.abs(np.arange(height, dtype=np.float32) - row)
    light = (
        1 - 0.25 * np.exp(-rows / 3) - 0.05 * (np.arange(height) > row) * np.exp(-rows / 200)
    )
    gain = np.repeat(light.astype(np.float32)[:, None], image.shape[1], axis=1)
    return _lit(image, gain)


ACCIDENTS = {stamp: 0.06, coffee: 0.04, staple: 0.08, fold: 0.08}
"""What happens to paper, and to what share of the pages."""


def _darkened(image: Image, ink: Ink, colour: Colour, rng: np.random.Generator) -> Image:
    height, width = image.shape[0], image.shape[1]
    layer = np.zeros((height, width), np.uint8)
    at = (
        int(rng.integers(-ink.shape[1] // 3, max(1, width - ink.shape[1] // 2))),
        int(rng.integers(-ink.shape[0] // 3, max(1, height - ink.shape[0] // 2))),
    )
    paste(layer, ink, *at)
    return _under(image, layer, colour)


def _under(image: Image, layer: Ink, colour: Colour) -> Image:
    """Darken by a layer of transparent ink, within its box alone."""
    x, y, width, height = cv2.boundingRect(layer)
    part = image[y : y + height, x : x + width]
    levels = colour if image.ndim == 3 else (_luma(colour),)
    share = layer[y : y + height, x : x + width, None].astype(np.float32) / 255
    gain = 1 - share * (1 - np.array(levels, np.float32) / 255)
    part[:] = (part * (gain if image.ndim == 3 else gain[:, :, 0])).astype(np.uint8)
    return image


# The scanner.


def _warped(
    image: Image, dpi: int, photographed: bool, paper: Colour, rng: np.random.Generator
) -> tuple[Image, Matrix]:
    """Skew, stretch and shift, or the perspective of a phone, and the scan's resolution."""
    height, width = image.shape[:2]
    scale = dpi / DPI
    degrees = (
        float(np.clip(rng.normal(0, 1.2), -5, 5))
        if rng.random() < 0.93
        else rng.uniform(-12, 12)
    )
    stretch = 1 + np.clip(rng.normal(0, 0.007, 2), -0.02, 0.02)
    turn = np.vstack(
        [cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0), [0, 0, 1]]
    )
    matrix = np.diag([scale * stretch[0], scale * stretch[1], 1.0]) @ turn
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    moved = cv2.perspectiveTransform(corners[None], matrix)[0]
    whole = abs(degrees) > 3 or photographed
    if photographed:
        moved += rng.uniform(-0.025, 0.025, (4, 2)) * width * scale
    low = moved.min(axis=0) if whole else np.zeros(2)
    border = rng.uniform(0, 0.02, 2) * width * scale if whole else rng.normal(0, 4, 2)
    moved = moved - low + border
    size = (
        np.ceil(moved.max(axis=0) + np.abs(border))
        if whole
        else np.round(np.array([width, height]) * scale)
    )
    final = cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32))
    if scale < 0.9:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.42 / scale), np.uint8)
    desk = LID if rng.random() < 0.5 or photographed else paper
    value = desk if image.ndim == 3 else _luma(desk)
    size_px = (int(size[0]), int(size[1]))
    warped = cv2.warpPerspective(image, final, size_px, borderValue=value)
    return np.asarray(warped, np.uint8), final


def shadowed(image: Image, rng: np.random.Generator) -> Image:
    """A soft shadow over one side, as of a book's fold or a hand."""
    small = (image.shape[1] // 16 + 1, image.shape[0] // 16 + 1)
    y, x = np.linspace(-1, 1, small[1])[:, None], np.linspace(-1, 1, small[0])[None]
    angle, edge = rng.uniform(0, 2 * np.pi), rng.uniform(-0.1, 0.6)
    across = x * np.cos(angle) + y * np.sin(angle)
    depth = rng.uniform(0.2, 0.5)
    light = 1 - depth / (1 + np.exp(-(across - edge) / rng.uniform(0.06, 0.2)))
    gain = cv2.resize(
        light.astype(np.float32), image.shape[1::-1], interpolation=cv2.INTER_LINEAR
    )
    return _lit(image, np.asarray(gain, np.float32))


def _lit(image: Image, gain: Floats) -> Image:
    level = np.round(np.clip(gain, 0, 1) * 255).astype(np.uint8)
    if image.ndim == 3:
        level = cv2.merge([level] * 3)
    return np.asarray(cv2.multiply(image, level, scale=1 / 255), np.uint8)


def faxed(grey: Image, rng: np.random.Generator) -> Image:
    """Sent at 200 dpi across and 100 or 200 down: thin, black and white, lines lost."""
    height, width = grey.shape
    down = float(rng.choice((0.5, 1.0)))
    small = cv2.resize(grey, (width, round(height * down)), interpolation=cv2.INTER_AREA)
    two = _thresholded(small, float(rng.uniform(0.62, 0.78)))
    for row in rng.integers(0, two.shape[0], int(rng.integers(0, 6))):
        two[row : row + 1] = 255
    return np.asarray(cv2.resize(two, (width, height), interpolation=cv2.INTER_NEAREST))


def photocopied(grey: Image, rng: np.random.Generator) -> Image:
    """Copied once or twice: hard, dark, speckled, with a toner line."""
    soft = cv2.GaussianBlur(grey, (0, 0), float(rng.uniform(0.6, 1.1))).astype(np.float32)
    paper = float(np.percentile(soft[::16, ::16], 75))
    hard = np.clip((soft / max(paper, 1) - 0.72) * rng.uniform(3.0, 5.0) + 0.5, 0, 1) * 250
    copy = hard.astype(np.uint8)
    for _ in range(int(rng.integers(40, 160))):
        at = (int(rng.integers(copy.shape[1])), int(rng.integers(copy.shape[0])))
        cv2.circle(copy, at, int(rng.integers(0, 2)), int(rng.integers(0, 120)), -1)
    if rng.random() < 0.5:
        x = int(rng.integers(copy.shape[1]))
        cv2.line(copy, (x, 0), (x, copy.shape[0]), 120, 1)
    return _noisy(copy, rng)


def bilevel(grey: Image) -> Image:
    """Black and white, thresholded locally."""
    return _thresholded(grey, 0.8)


def _thresholded(grey: Image, share: float) -> Image:
    small = cv2.resize(grey, None, fx=1 / 16, fy=1 / 16, interpolation=cv2.INTER_AREA)
    paper = cv2.resize(cv2.dilate(small, np.ones((5, 5))), grey.shape[::-1])
    level = cv2.multiply(paper, share)
    return np.asarray(cv2.compare(grey, np.asarray(level, np.uint8), cv2.CMP_GT), np.uint8)


def _noisy(image: Image, rng: np.random.Generator) -> Image:
    """Sensor noise, from one tile repeated from a random place."""
    soft = cv2.GaussianBlur(image, (3, 3), float(rng.uniform(0.3, 0.9)))
    sigma = float(rng.uniform(1, 7))
    tile = rng.normal(0, sigma, (NOISE_TILE_PX, NOISE_TILE_PX)).astype(np.int16)
    times = [side // NOISE_TILE_PX + 1 for side in image.shape[:2]]
    noise = np.tile(tile, times)[: image.shape[0], : image.shape[1]]
    if image.ndim == 3:
        noise = cv2.merge([noise] * 3)
    return np.asarray(cv2.add(soft, noise, dtype=cv2.CV_8U), np.uint8)
