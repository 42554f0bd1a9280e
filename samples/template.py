"""Draw the template of the membership form: ``python samples/template.py``.

It writes ``blank.png`` and ``form.toml`` to ``templates/membership``, from the same drawing
that the samples are filled in on.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import typer
from form import CHOICES, FIELDS, Place, print_form

from hwdigitize.forms.template import (
    Choice,
    Field,
    Grammar,
    Template,
    TemplatePage,
    save_template,
)

DPI = 200
#: lighter than this is paper, whose grain is no part of the form
PAPER_LEVEL = 200
#: how much higher than its line a written field may reach, in mm
RISE_MM = 2

GRAMMARS = {
    "born": Grammar(format="ddmmyyyy", minimum="1900-01-01", maximum="2025-12-31"),
    "postcode": Grammar(pattern="[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}", case="upper"),
    "email": Grammar(pattern=r"[a-z0-9._]+@[a-z0-9.]+\.[a-z]{2,5}", case="lower"),
    "telephone": Grammar(pattern=r"[0-9 ]{6,14}"),
    "amount": Grammar(minimum=0, maximum=500, decimals=2),
}
KINDS = {
    "surname": "letters",
    "first_name": "letters",
    "born": "date",
    "postcode": "text",
    "membership": "choice",
    "newsletter": "choice",
    "amount": "number",
    "signed": "signature",
}
REQUIRED = ("surname", "first_name", "membership", "signed")


def field(place: Place, label: str) -> Field:
    """A field of the template from where the form has it."""
    choices = tuple(
        Choice(value=value, label=value, box=box)
        for value, box in zip(place.values, place.boxes, strict=False)
    )
    rise = round(RISE_MM * DPI / 25.4) if place.kind == "line" else 0
    boxes = tuple((left, top - rise, right, bottom) for left, top, right, bottom in place.boxes)
    return Field(
        name=place.name,
        kind=KINDS.get(place.name, "text"),
        label=label,
        boxes=() if choices else boxes,
        cells=1 if place.kind in ("boxes", "comb") else 0,
        choices=choices,
        required=place.name in REQUIRED,
        grammar=GRAMMARS.get(place.name, Grammar()),
    )


def draw(out: Path = Path("templates/membership")) -> None:
    """Draw the blank and write the template beside it."""
    sheet, places = print_form(DPI, np.random.default_rng(7))
    grey = cv2.cvtColor(sheet.page, cv2.COLOR_BGR2GRAY)
    grey[grey > PAPER_LEVEL] = 255
    labels = {one.name: one.label for one in FIELDS}
    template = Template(
        id="membership",
        version="1",
        title="Hollow Brook Allotment Society, membership form",
        pages=(TemplatePage(blank="blank.png", size_px=grey.shape[::-1], dpi=DPI),),
        fields=tuple(field(place, labels[place.name]) for place in places),
    )
    save_template(template, out, [grey])


if __name__ == "__main__":
    assert set(CHOICES) <= set(KINDS)
    typer.run(draw)
