"""Papers and what is printed on them: rules, squares, letter boxes, combs, check boxes.

Pages are colour images (H, W, 3), BGR, uint8; what is printed is drawn onto them in place.
Lengths are in px unless the name says mm.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.document import Box
from hwdigitize.training.synthetic.ink import Ink

Page: TypeAlias = npt.NDArray[np.uint8]
Colour: TypeAlias = tuple[int, int, int]

WHITE: Colour = (250, 252, 252)
CREAM: Colour = (226, 240, 247)
RECYCLED: Colour = (218, 226, 230)
PALE_BLUE: Colour = (224, 200, 178)
GREY: Colour = (150, 150, 150)
PINK: Colour = (180, 170, 235)
FORM_GREEN: Colour = (120, 140, 60)
MM_AN_INCH = 25.4


def px(mm: float, dpi: float) -> int:
    """Millimetres on paper as pixels."""
    return round(mm * dpi / MM_AN_INCH)


def blank_paper(
    width: int, height: int, rng: np.random.Generator, tone: Colour = WHITE, grain: float = 1.5
) -> Page:
    """Paper of a tone, with fibres (fine) and clouds (broad) of ``grain`` grey levels."""
    fine = rng.normal(0, grain, (height, width)).astype(np.float32)
    knots = rng.normal(0, grain, (height // 90 + 2, width // 90 + 2)).astype(np.float32)
    clouds = cv2.resize(knots, (width, height), interpolation=cv2.INTER_CUBIC)
    texture = cv2.GaussianBlur(fine, (0, 0), 0.8) + clouds
    page = texture[:, :, None] + np.array(tone, dtype=np.float32)
    return np.clip(page, 0, 255).astype(np.uint8)


def lay_ink(page: Page, ink: Ink, left: int, top: int, colour: Colour) -> Box | None:
    """Lay ink (255 covers) on the page; returns the box it covers, or None when outside."""
    height, width = ink.shape
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, page.shape[1]), min(top + height, page.shape[0])
    if x0 >= x1 or y0 >= y1:
        return None
    share = ink[y0 - top : y1 - top, x0 - left : x1 - left, None].astype(np.float32) / 255
    under = page[y0:y1, x0:x1]
    mixed = under * (1 - share) + np.minimum(under, np.array(colour, np.float32)) * share
    under[:] = np.round(mixed).astype(np.uint8)
    return x0, y0, x1, y1


def rule(
    page: Page,
    dpi: float,
    spacing_mm: float = 8.0,
    top_mm: float = 25.0,
    bottom_mm: float = 8.0,
    colour: Colour = PALE_BLUE,
) -> list[int]:
    """Draw ruled lines across the page; returns their rows, which writing stands on."""
    height, width = page.shape[:2]
    last_mm = height * MM_AN_INCH / dpi - bottom_mm
    rows = [px(mm, dpi) for mm in np.arange(top_mm, last_mm, spacing_mm)]
    for row in rows:
        _line(page, (0, row), (width, row), colour, dpi)
    return rows


def margin_line(page: Page, dpi: float, left_mm: float = 22.0, colour: Colour = PINK) -> None:
    """Draw the vertical margin line of an exercise book."""
    x = px(left_mm, dpi)
    _line(page, (x, 0), (x, page.shape[0]), colour, dpi)


def squares(
    page: Page, dpi: float, spacing_mm: float = 5.0, colour: Colour = PALE_BLUE
) -> list[int]:
    """Draw squared paper; returns the rows of its horizontal lines."""
    height, width = page.shape[:2]
    for mm in np.arange(spacing_mm / 2, width * MM_AN_INCH / dpi, spacing_mm):
        _line(page, (px(mm, dpi), 0), (px(mm, dpi), height), colour, dpi)
    return rule(page, dpi, spacing_mm, spacing_mm / 2, 0, colour)


def letter_boxes(
    page: Page,
    dpi: float,
    left: int,
    top: int,
    count: int,
    cell_mm: tuple[float, float] = (6.0, 8.0),
    gap_mm: float = 0.0,
    colour: Colour = FORM_GREEN,
) -> list[Box]:
    """Draw a row of boxes for one character each; returns them from left to right."""
    width, height = px(cell_mm[0], dpi), px(cell_mm[1], dpi)
    step = width + px(gap_mm, dpi)
    boxes = [
        (left + i * step, top, left + i * step + width, top + height) for i in range(count)
    ]
    for box in boxes:
        _frame(page, box, colour, dpi)
    return boxes


def comb(
    page: Page,
    dpi: float,
    left: int,
    top: int,
    count: int,
    cell_mm: tuple[float, float] = (6.0, 8.0),
    colour: Colour = FORM_GREEN,
) -> list[Box]:
    """Draw a comb, a base line with short teeth; returns its open cells from left to right."""
    width, height = px(cell_mm[0], dpi), px(cell_mm[1], dpi)
    base, tooth = top + height, top + round(0.6 * height)
    _line(page, (left, base), (left + count * width, base), colour, dpi)
    for i in range(count + 1):
        x = left + i * width
        high = top if i in (0, count) else tooth
        _line(page, (x, high), (x, base), colour, dpi)
    return [(left + i * width, top, left + (i + 1) * width, base) for i in range(count)]


def check_box(
    page: Page,
    dpi: float,
    left: int,
    top: int,
    side_mm: float = 4.5,
    colour: Colour = FORM_GREEN,
) -> Box:
    """Draw an empty check box and return it."""
    side = px(side_mm, dpi)
    box = (left, top, left + side, top + side)
    _frame(page, box, colour, dpi)
    return box


def rule_remnants(crop: Ink, rng: np.random.Generator) -> Ink:
    """Add what is left of a ruled line to a word's crop: faint, broken, ink 255 on 0."""
    height, width = crop.shape
    row = int(rng.integers(height // 3, height))
    level = int(rng.integers(60, 200))
    remnant = np.zeros_like(crop)
    for start in range(0, width, max(4, width // 6)):
        if rng.random() < 0.7:
            stop = start + int(rng.integers(2, max(4, width // 5)))
            remnant[row : row + int(rng.integers(1, 3)), start:stop] = level
    return np.maximum(crop, remnant)


def box_remnants(crop: Ink, rng: np.random.Generator) -> Ink:
    """Add the edges of a letter box, or the teeth of a comb, that stayed in a crop."""
    height, width = crop.shape
    remnant = np.zeros_like(crop)
    level, thick = int(rng.integers(120, 256)), int(rng.integers(1, 3))
    if rng.random() < 0.7:
        remnant[height - thick :, :] = level
    teeth = rng.random() < 0.5
    for at in (0, width - thick):
        if rng.random() < 0.6:
            remnant[round(0.6 * height) if teeth else 0 :, at : at + thick] = level
    return np.maximum(crop, remnant)


def _line(
    page: Page, start: tuple[int, int], end: tuple[int, int], colour: Colour, dpi: float
) -> None:
    cv2.line(page, start, end, colour, max(1, round(dpi / 130)), cv2.LINE_AA)


def _frame(page: Page, box: Box, colour: Colour, dpi: float) -> None:
    left, top, right, bottom = box
    cv2.rectangle(page, (left, top), (right, bottom), colour, max(1, round(dpi / 130)))
