"""What is wrong with a template, said before a run begins."""

from __future__ import annotations

import keyword
import math
import re
from pathlib import Path

from hwdigitize.document import Box
from hwdigitize.errors import TemplateError
from hwdigitize.forms.records import CELLED, WRITTEN, Field, Grammar, Template

ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
#: more pages, boxes or cells than any form has
MOST_PAGES, MOST_BOXES, MOST_CELLS = 1000, 20_000, 200
#: pixels that a box needs to be written in
LEAST_SIDE_PX = 4


def bad(file: Path, key: str, what: str, remedy: str) -> TemplateError:
    """The error for one key of one file: what is wrong there, and what to do."""
    place = f"{file}: {key}: " if key else f"{file}: "
    return TemplateError(f"{place}{what}. {remedy.rstrip('.')}.")


def check_template(template: Template, file: Path) -> None:
    """Check everything that can be checked before a scan is seen.

    Raises:
        TemplateError: with the first thing that is wrong.
    """
    if not ID.fullmatch(template.id):
        remedy = "Use small letters, digits, - and _"
        raise bad(file, "id", f'"{template.id}" cannot name a form', remedy)
    if not template.version.strip():
        raise bad(file, "version", "is empty", 'Write a version, such as version = "1"')
    if not 1 <= len(template.pages) <= MOST_PAGES:
        what = f"there are {len(template.pages)} pages"
        raise bad(file, "pages", what, "Describe each page with its blank in [[pages]]")
    if sum(len(field.places) for field in template.fields) > MOST_BOXES:
        raise bad(file, "fields", "there are too many boxes for a form", "Is it one form?")
    for number, page in enumerate(template.pages):
        if not (math.isfinite(page.dpi) and 20 <= page.dpi <= 2400):
            remedy = "Give the resolution of the blank, normally 300"
            raise bad(file, f"pages[{number}].dpi", f"{page.dpi:g} cannot be", remedy)
        for box in page.marks:
            _check_box(file, f"pages[{number}].marks", box, page.size_px)
    _check_names(template, file)
    for field in template.fields:
        _check_field(template, field, file)
    _check_overlaps(template, file)


def _check_names(template: Template, file: Path) -> None:
    seen = set()
    for number, field in enumerate(template.fields):
        key, name = f"fields[{number}].name", field.name
        if not name.isidentifier() or keyword.iskeyword(name):
            remedy = "Use letters, digits and _, and begin with a letter"
            raise bad(file, key, f'"{name}" cannot name a field', remedy)
        if name in seen:
            remedy = "Give each field a name of its own"
            raise bad(file, key, f'"{name}" is the name of two fields', remedy)
        seen.add(name)


def _check_field(template: Template, field: Field, file: Path) -> None:
    def wrong(key: str, what: str, remedy: str) -> TemplateError:
        return bad(file, f'field "{field.name}", {key}', what, remedy)

    if not 0 <= field.page < len(template.pages):
        remedy = f"Pages are counted from 0 to {len(template.pages) - 1}"
        raise wrong("page", f"there is no page {field.page}", remedy)
    if field.kind == "choice":
        _check_choices(field, file)
    elif field.choices or field.multiple:
        raise wrong("kind", f"a {field.kind} has no choices", 'Make it kind = "choice"')
    elif not field.boxes:
        raise wrong("boxes", "there is none", "Say where on the page it is written")
    if field.kind == "mark" and len(field.boxes) > 1:
        raise wrong("boxes", "a mark has one box", 'Several make a kind = "choice"')
    if not 0 <= field.cells <= MOST_CELLS:
        raise wrong("cells", f"{field.cells} cannot be", f"Use 0 to {MOST_CELLS}")
    if field.cells and field.kind not in CELLED:
        raise wrong("cells", f"a {field.kind} has no cells", "Leave the key out")
    if field.kind not in WRITTEN and field.grammar != Grammar():
        raise wrong("grammar", f"a {field.kind} has no grammar", "Leave it out")
    for box in field.places:
        _check_box(file, f'field "{field.name}"', box, template.pages[field.page].size_px)


def _check_choices(field: Field, file: Path) -> None:
    key = f'field "{field.name}", choices'
    if field.boxes:
        remedy = "Give each choice its box"
        raise bad(file, key, "a choice has no boxes of its own", remedy)
    if not field.choices:
        raise bad(file, key, "there is none", "List value, label and box of each check box")
    values = [choice.value for choice in field.choices]
    if "" in values:
        raise bad(file, key, "one has no value", "Empty is the value of no answer")
    if len(set(values)) < len(values):
        double = next(value for value in values if values.count(value) > 1)
        raise bad(file, key, f'two have the value "{double}"', "Give each its own value")


def _check_box(file: Path, key: str, box: Box, size_px: tuple[int, int]) -> None:
    left, top, right, bottom = box
    if right - left < LEAST_SIDE_PX or bottom - top < LEAST_SIDE_PX:
        remedy = "A box is left, top, right, bottom in pixels of the blank"
        raise bad(file, key, f"the box {list(box)} is empty or turned around", remedy)
    if left < 0 or top < 0 or right > size_px[0] or bottom > size_px[1]:
        what = f"the box {list(box)} lies outside the blank, {size_px[0]} x {size_px[1]} pixels"
        raise bad(file, key, what, "Move it inside, or is it in pixels of another resolution?")


def _check_overlaps(template: Template, file: Path) -> None:
    """Sweep down each page; boxes that touch do not overlap."""
    for page in range(len(template.pages)):
        owned = sorted(
            ((box, field.name) for field in template.on_page(page) for box in field.places),
            key=lambda item: item[0][1],
        )
        open_boxes: list[tuple[Box, str]] = []
        for box, name in owned:
            open_boxes = [item for item in open_boxes if item[0][3] > box[1]]
            for other, owner in open_boxes:
                if other[0] < box[2] and box[0] < other[2]:
                    what = f'the box {list(box)} overlaps {list(other)} of "{owner}"'
                    raise bad(file, f'field "{name}"', what, "Move or shrink one of them")
            open_boxes.append((box, name))
