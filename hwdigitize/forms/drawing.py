"""A template drawn for a person to check: its fields with their names on the blank."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hwdigitize.document import Box
from hwdigitize.forms.records import Field, Template
from hwdigitize.forms.template import load_blank

#: colour a kind, dark enough to be read on paper
COLOURS = {
    "text": "#1f5fbf",
    "lines": "#1f5fbf",
    "letters": "#7a3db8",
    "digits": "#0a7d5a",
    "number": "#0a7d5a",
    "date": "#b35c00",
    "time": "#b35c00",
    "choice": "#c2185b",
    "mark": "#c2185b",
    "signature": "#6d4c41",
    "barcode": "#37474f",
}
MARK_COLOUR = "#d50000"
#: height of names in inches, and width of the lines around boxes
_LETTER_INCHES, _LINE_INCHES = 0.085, 0.01


def draw_fields(template: Template, page: int) -> NDArray[np.uint8]:
    """The blank of a page, RGB (height, width, 3), with boxes, names and choices drawn on it.

    Raises:
        TemplateError: the blank cannot be decoded.
    """
    dpi = template.pages[page].dpi
    picture = Image.fromarray(load_blank(template, page)).convert("RGB")
    draw = ImageDraw.Draw(picture, "RGBA")
    font = ImageFont.load_default(max(10, round(dpi * _LETTER_INCHES)))
    line = max(1, round(dpi * _LINE_INCHES))
    taken: list[tuple[float, float, float, float]] = []
    for mark in template.pages[page].marks:
        draw.rectangle(_inside(mark), outline=MARK_COLOUR, width=line)
    for field in template.on_page(page):
        colour = COLOURS[field.kind]
        for box in field.cell_boxes or field.places:
            draw.rectangle(_inside(box), fill=f"{colour}28", outline=colour, width=line)
        for box, text in _names(field):
            _write(draw, box, text, font, colour, taken)
    return np.asarray(picture)


def _inside(box: Box) -> Box:
    """Pillow's rectangles include their last pixel."""
    return box[0], box[1], box[2] - 1, box[3] - 1


def _names(field: Field) -> Iterator[tuple[Box, str]]:
    star = "*" if field.required else ""
    yield (field.places[0], f"{field.name}{star} {field.kind}")
    for choice in field.choices[1:]:
        yield choice.box, f"= {choice.value}"


def _write(
    draw: ImageDraw.ImageDraw,
    box: Box,
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    colour: str,
    taken: list[tuple[float, float, float, float]],
) -> None:
    """Write on white above a box, or below or higher where other names are already."""
    _, top, width, bottom = draw.textbbox((0, 0), text, font=font)
    height = bottom - top + 4
    page_width, page_height = draw.im.size
    x = max(0.0, min(box[0], page_width - width - 2))
    rows = (box[1] - height, box[3], box[1] - 2 * height, box[3] + height, box[1])
    places = [
        (x, y, x + width + 2, y + height - 1) for y in rows if 0 <= y < page_height - height
    ]
    free = (place for place in places if not any(map(partial(_meet, place), taken)))
    place = next(free, places[0])
    taken.append(place)
    draw.rectangle(place, fill="#ffffffd0")
    draw.text((place[0] + 1, place[1] + 1 - top), text, fill=colour, font=font)


def _meet(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] <= other[3] and other[1] <= one[3]
