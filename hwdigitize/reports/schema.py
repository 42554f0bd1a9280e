"""The JSON Schema of a document, made from the records and the words that describe them.

``python -m hwdigitize.reports.schema docs/results.schema.json`` writes it; a test fails when
the file is not what the records say.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from hwdigitize.document import Document
from hwdigitize.reports.files import write_whole

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "urn:hwdigitize:document:1"

_BOX = "Left, top, right, bottom in pixels of the page as loaded; right and bottom exclusive."
_CONFIDENCE = "Calibrated probability, 0 to 1, that the whole text is right."
_FLAGGED = "Whether a person is asked to look."

#: what each property of each record means
DESCRIPTIONS: dict[str, dict[str, str]] = {
    "Document": {
        "file": "Path of the input file below the input folder, with forward slashes.",
        "sha256": "SHA-256 of the input file, 64 hexadecimal digits.",
        "pages": "The pages of the file, in its order.",
        "problems": "What is wrong with the whole: pages of a form missing, twice, disordered.",
        "schema": "Name and version of this schema.",
    },
    "Page": {
        "index": "Place of the page in its file, from 0.",
        "status": "ok; partial: some of the page could not be read; failed: nothing could.",
        "size_px": "Width and height of the page as loaded, in pixels; 0, 0 when it was not.",
        "dpi": "Resolution of the page as loaded, in dots per inch; null when unknown.",
        "rotation_degrees": "Turn, clockwise, that set the page upright: 0, 90, 180 or 270.",
        "skew_degrees": "Slope of the lines that was then straightened, in degrees.",
        "template": "The form template that the page was registered to; null without one.",
        "lines": "Text lines in reading order.",
        "boxes": "Drawn boxes that belong to no field: character boxes and check boxes.",
        "fields": "Fields of the form, in the order of its template.",
        "rules": "Rules of the form over fields of this page and of others.",
        "writer": "Who wrote the page, as far as is known.",
        "problems": "What failed; empty when the status is ok.",
    },
    "Line": {
        "box": _BOX,
        "baseline": "Points x, y of the line that the letters stand on, from left to right.",
        "polygon": "Corner points x, y around the line.",
        "ink": "Whether the line is handwritten, printed, or cannot be told.",
        "text": "The words, joined by spaces.",
        "confidence": _CONFIDENCE,
        "words": "Words in reading order.",
    },
    "Word": {
        "box": _BOX,
        "text": "What was read, in Unicode NFC.",
        "confidence": _CONFIDENCE,
        "flagged": _FLAGGED,
        "characters": "The characters of the text, one by one.",
        "alternatives": "Other readings, likeliest first.",
    },
    "Character": {
        "text": "One character.",
        "confidence": "Probability, 0 to 1, that this character is right.",
        "box": _BOX,
    },
    "Alternative": {
        "text": "Another reading.",
        "confidence": "Probability, 0 to 1, that this reading is the right one.",
    },
    "IsolatedBox": {
        "box": _BOX,
        "kind": "character: one letter or digit; check: a box to tick.",
        "text": "The character; x for a ticked check box; empty for an empty box.",
        "confidence": _CONFIDENCE,
        "flagged": _FLAGGED,
    },
    "FieldValue": {
        "name": "Name of the field in its template.",
        "kind": "Kind of the field in its template, such as text, number, date or check box.",
        "value": "The value, as the field's grammar writes it; empty when there is none.",
        "raw": "What was read, before the grammar.",
        "confidence": _CONFIDENCE,
        "flags": "Why a person is asked to look, in words; empty when nobody is.",
        "box": _BOX,
        "state": "value; or why there is none: empty, crossed_out or unreadable.",
        "alternatives": "Other legal values, likeliest first.",
        "evidence": "The numbers behind the confidence, by name.",
        "polygon": "Its corners, clockwise from the upper left of the upright form; or none.",
    },
    "TemplateMatch": {
        "id": "Name of the form template.",
        "version": "Version of the form template.",
        "error_px": "How far, in template pixels, its print lies from where it should.",
        "page": "Which page of the template it is, from 0.",
        "pages": "How many pages the template has.",
    },
    "CrossRule": {
        "rule": "The rule, as the template has it.",
        "fields": "The fields that it names.",
    },
    "RuleField": {
        "name": "Name of the field in the template.",
        "kind": "Kind of the field in the template.",
        "format": "Format of a date or time; else null.",
        "minimum": "Earliest date or time; null without one.",
        "maximum": "Latest date or time; null without one.",
    },
    "Writer": {
        "id": "Nearest writer of the gallery; null without a gallery or handwriting.",
        "score": "Likeness to that writer, at most 1; null where id is.",
        "cluster": "Label shared by the pages of a run that look written by one hand.",
        "known": "Whether the page is taken to be that writer's.",
        "note": "Why there is no writer, such as: no gallery.",
    },
    "Problem": {
        "stage": "Stage of the work that failed.",
        "code": "Stable code; docs/results.md lists them.",
        "message": "What happened and what to do about it, for a person.",
    },
}


def build_schema() -> dict[str, Any]:
    """Make the schema of a written document: every property is there, and no other.

    Raises:
        KeyError: a record or property has no description above.
    """
    made = msgspec.json.schema(Document)
    records = {name: dict(_record(name, made["$defs"][name])) for name in DESCRIPTIONS}
    if missing := made["$defs"].keys() - records.keys():
        raise KeyError(f"no description of {', '.join(sorted(missing))}")
    title = "A digitized document"
    return {"$schema": DIALECT, "$id": ID, "title": title, **made, "$defs": records}


def _record(name: str, made: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Tighten a record: described, required, confidences from 0 to 1."""
    properties = {}
    for key, value in made["properties"].items():
        kept = {word: what for word, what in value.items() if word != "default"}
        if key == "confidence":
            kept |= {"minimum": 0, "maximum": 1}
        properties[key] = {"description": DESCRIPTIONS[name][key], **kept}
    description = made["description"].replace("``", "")
    yield from {**made, "description": description, "properties": properties}.items()
    yield "required", list(properties)


def schema_bytes() -> bytes:
    """Make the schema as it lies in ``docs/results.schema.json``."""
    return msgspec.json.format(msgspec.json.encode(build_schema()), indent=2) + b"\n"


if __name__ == "__main__":
    write_whole(Path(sys.argv[1]), schema_bytes())
