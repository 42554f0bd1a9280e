"""The membership form of the samples: its print, its fields, and filling it in by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwdigitize.document import Box
from hwdigitize.training.synthetic.paper import (
    FORM_GREEN,
    WHITE,
    blank_paper,
    check_box,
    comb,
    lay_ink,
    letter_boxes,
    px,
)
from hwdigitize.training.synthetic.sheet import Scribe, Sheet

WIDTH_MM, HEIGHT_MM = 210, 200
LEFT_MM, FIELD_MM = 18, 62
CHOICES = {"membership": ("single", "family", "junior"), "newsletter": ("yes", "no")}
CAPITAL_SHARE = 0.5
"""Height of a capital in its letter box."""


@dataclass(frozen=True)
class Field:
    """One field: its label, how it is printed, and the top of its row in mm."""

    name: str
    label: str
    kind: str
    top_mm: float
    cells: int = 0


FIELDS = (
    Field("surname", "Surname", "boxes", 40, 20),
    Field("first_name", "First name", "boxes", 54, 20),
    Field("born", "Born (DDMMYYYY)", "comb", 68, 8),
    Field("postcode", "Postcode", "comb", 82, 8),
    Field("membership", "Membership", "checks", 97),
    Field("address", "Address", "line", 108),
    Field("email", "E-mail", "line", 121),
    Field("telephone", "Telephone", "line", 134),
    Field("amount", "Amount paid (GBP)", "line", 147),
    Field("newsletter", "Newsletter", "checks", 163),
    Field("signed", "Signed", "line", 174),
)


@dataclass(frozen=True)
class Place:
    """Where a field's value goes: its cells or boxes, or its line as one box."""

    name: str
    kind: str
    boxes: tuple[Box, ...]
    values: tuple[str, ...] = ()


def print_form(dpi: int, rng: np.random.Generator) -> tuple[Sheet, list[Place]]:
    """The empty form, and where its fields are."""
    page = blank_paper(px(WIDTH_MM, dpi), px(HEIGHT_MM, dpi), rng, WHITE, 1.0)
    sheet = Sheet(page, rng)
    left = px(LEFT_MM, dpi)
    sheet.print_text(
        "HOLLOW BROOK ALLOTMENT SOCIETY", left, px(20, dpi), px(6, dpi), FORM_GREEN
    )
    hint = "Membership form. Please write in capitals inside the boxes."
    sheet.print_text(hint, left, px(29, dpi), px(3.6, dpi), FORM_GREEN)
    for corner in _corners(dpi):
        lay_ink(
            sheet.page, np.full((px(4, dpi), px(4, dpi)), 255, np.uint8), *corner, (0, 0, 0)
        )
    return sheet, [_print_field(sheet, field, dpi) for field in FIELDS]


def _corners(dpi: int) -> list[tuple[int, int]]:
    """Registration marks, 8 mm from the edges."""
    far_x, far_y = WIDTH_MM - 12, HEIGHT_MM - 12
    return [(px(x, dpi), px(y, dpi)) for x in (8, far_x) for y in (8, far_y)]


def _print_field(sheet: Sheet, field: Field, dpi: int) -> Place:
    left, top = px(FIELD_MM, dpi), px(field.top_mm, dpi)
    base = top + px(6, dpi)
    sheet.print_text(field.label, px(LEFT_MM, dpi), base, px(4, dpi), FORM_GREEN)
    if field.kind == "boxes":
        return Place(
            field.name, "boxes", tuple(letter_boxes(sheet.page, dpi, left, top, field.cells))
        )
    if field.kind == "comb":
        return Place(field.name, "comb", tuple(comb(sheet.page, dpi, left, top, field.cells)))
    if field.kind == "checks":
        return _print_checks(sheet, field, left, top, dpi)
    right, bottom = px(WIDTH_MM - 20, dpi), top + px(8, dpi)
    sheet.page[bottom : bottom + 2, left:right] = FORM_GREEN
    return Place(field.name, "line", ((left, top, right, bottom),))


def _print_checks(sheet: Sheet, field: Field, left: int, top: int, dpi: int) -> Place:
    boxes, choices = [], CHOICES[field.name]
    for i, choice in enumerate(choices):
        box = check_box(sheet.page, dpi, left + i * px(36, dpi), top + px(1.5, dpi))
        sheet.print_text(choice, box[2] + px(2, dpi), box[3], px(4, dpi), FORM_GREEN)
        boxes.append(box)
    return Place(field.name, "checks", tuple(boxes), choices)


def fill_form(
    sheet: Sheet, places: list[Place], values: dict[str, str], scribe: Scribe, mark: str
) -> None:
    """Write the values into their places in one hand."""
    for place in places:
        value = values[place.name]
        if place.kind in ("boxes", "comb"):
            cell = place.boxes[0][3] - place.boxes[0][1]
            sheet.fill_boxes(
                scribe.with_capitals(CAPITAL_SHARE * cell), value, place.boxes, "character"
            )
        elif place.kind == "checks":
            for box, choice in zip(place.boxes, place.values, strict=True):
                sheet.tick(scribe, box, mark if choice == value else "")
        else:
            left, _, _, bottom = place.boxes[0]
            sheet.write_line(scribe, value, left + scribe.x_height_px, bottom - 3)
