"""How well a field can be seen at all: light enough, and with its form's print around it.

A field in the black of a copied shadow, or washed out by a fax, leaves no trace of writing and
would pass for empty.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from hwdigitize.document import Box
from hwdigitize.forms.cutting import crop
from hwdigitize.forms.fields import FieldReading
from hwdigitize.forms.records import Field

Grey = NDArray[np.uint8]

#: around a field, of its box's smaller side and in px at least, there is paper and print
AROUND, LEAST_AROUND_PX = 1.0, 8
#: of the page's paper; where most of a field is darker, nothing can be read
TOO_DARK = 0.4
#: print of the blank, and what counts as its trace on the page, of the page's paper
PRINTED, TRACE = 160, 0.75
#: print may lie so far off its place, and less print than this tells nothing
OFF_PX, LEAST_PRINT_PX = 2, 60
#: kinds that say something only where something was read
SELF_EVIDENT = "barcode"


def paper_level(page: Grey) -> float:
    """Brightness of a page's paper, in 1 to 255."""
    return max(float(np.percentile(page[::16, ::16], 90)), 1.0)


def with_sight(
    reading: FieldReading, field: Field, page: Grey, blank: Grey, paper: float
) -> FieldReading:
    """Add how well the field is seen to what was read in it.

    Args:
        reading: of the field.
        field: of the template.
        page: rectified, grey, uint8 (height, width), in template px.
        blank: the template's, likewise.
        paper: see :func:`paper_level`.

    Returns:
        The reading with evidence ``paper``, brightness of what is around the field's writing
        as a share of the page's paper, and ``print``, share of the form's own print around it
        that is on the page (absent where there is too little). What lies in the dark is
        ``unreadable``.
    """
    areas = [_around(box) for box in field.places]
    light = min(_light(crop(page, area)) for area in areas) / paper
    numbers = {"paper": min(light, 1.0)}
    printed = [_print_found(crop(page, a), crop(blank, a), paper * TRACE) for a in areas]
    wanted = sum(want for _, want in printed)
    if wanted >= LEAST_PRINT_PX:
        numbers["print"] = sum(found for found, _ in printed) / wanted
    seen = reading.with_evidence(**numbers)
    if light >= TOO_DARK or (field.kind == SELF_EVIDENT and reading.value):
        return seen
    return replace(seen, value="", state="unreadable").flagged("too dark to be read")


def _around(box: Box) -> Box:
    left, top, right, bottom = box
    by = max(LEAST_AROUND_PX, round(AROUND * min(right - left, bottom - top)))
    return max(left - by, 0), max(top - by, 0), right + by, bottom + by


def _light(part: Grey) -> float:
    return float(np.median(part[::2, ::2])) if part.size else 0.0


def _print_found(page: Grey, blank: Grey, darkest: float) -> tuple[int, int]:
    """Pixels of the blank's print with ink of the page near by, and all of them."""
    print_ = blank < PRINTED
    wanted = int(print_.sum())
    if not wanted or page.shape != blank.shape:
        return 0, 0
    near = cv2.erode(page, np.ones((2 * OFF_PX + 1, 2 * OFF_PX + 1), np.uint8))
    return int((near[print_] < darkest).sum()), wanted
