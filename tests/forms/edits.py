"""The acceptance templates: imported, then edited as one would edit form.toml by hand.

The box files of queXF and formHTR know where fields are, not what may be written in them; these
are the keys that their forms' labels suggest, no more.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from hwdigitize.cli.templates import load_blanks
from hwdigitize.forms.importing import import_formhtr, import_quexf
from hwdigitize.forms.records import Field, Grammar, Template
from hwdigitize.forms.template import save_template

CAPITALS = Grammar(pattern="[A-Z]+( [A-Z]+)*", case="upper")
TWO, THREE = Grammar(pattern=r"\d{2}"), Grammar(pattern=r"\d{3}")
MINUTES = Grammar(pattern=r"\d{2}\.\d{3}")


def edited_survey(field: Field) -> Field:
    """People were asked to write capitals in the boxes."""
    if field.kind == "letters":
        return msgspec.structs.replace(field, grammar=CAPITALS)
    return field


def edited_logsheet(field: Field) -> Field:
    """HH, MM and DD have two digits; DD of a longitude three; the year is printed."""
    name = field.name
    if name == "year":
        return msgspec.structs.replace(field, printed=True)
    if name.endswith("longitude_dd"):
        return msgspec.structs.replace(field, grammar=THREE)
    if name.endswith("itude_mm"):
        return msgspec.structs.replace(field, grammar=MINUTES)
    if name.endswith("latitude_dd"):
        return msgspec.structs.replace(field, grammar=TWO)
    if name.endswith(("_hh", "_mm", "month", "day")):
        bounded = msgspec.structs.replace(field.grammar, pattern=TWO.pattern)
        return msgspec.structs.replace(field, grammar=bounded)
    return field


def build_survey(forms: Path, folder: Path) -> None:
    """Import and edit the survey's template."""
    blanks = load_blanks(forms / "survey" / "original.pdf")
    boxes = forms / "survey" / "boxes.xml"
    template = import_quexf(boxes.read_bytes(), blanks, "survey", boxes)
    _save(template, edited_survey, blanks, folder)


def build_logsheet(forms: Path, folder: Path) -> None:
    """Import and edit the logsheet's template."""
    blanks = load_blanks(forms / "logsheet" / "front_template.pdf")
    boxes = forms / "logsheet" / "front_fields.json"
    template = import_formhtr(boxes.read_bytes(), blanks, "logsheet", boxes)
    _save(template, edited_logsheet, blanks, folder)


def _save(template: Template, edit, blanks, folder: Path) -> None:  # type: ignore[no-untyped-def]
    fields = tuple(edit(field) for field in template.fields)
    edited = msgspec.structs.replace(template, fields=fields)
    save_template(edited, folder / template.id, blanks)
