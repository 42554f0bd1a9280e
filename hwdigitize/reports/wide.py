"""Filled forms as rows: one table a form, ``forms/<template>.csv``, a column for each field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from hwdigitize.document import Document
from hwdigitize.forms.assembly import FilledForm, assemble, check_form

FOLDER = "forms"
#: columns before the fields
ABOUT = ("file", "first_page", "pages", "version", "flagged", "problems")


class FormRow(NamedTuple):
    """A filled form: what stands in the columns of ``ABOUT``, and values by field."""

    about: list[str | int]
    values: dict[str, str]


def form_rows(document: Document) -> Iterator[tuple[str, FormRow]]:
    """The filled forms of a document, each with the id of its template."""
    for form in assemble(document.pages):
        values = {field.name: field.value for field in form.fields}
        yield form.template.id, FormRow(_about(document.file, form), values)


def table_name(template: str) -> str:
    """Path of a template's table in the results folder."""
    return f"{FOLDER}/{re.sub(r'[^A-Za-z0-9._-]', '_', template)}.csv"


def _about(file: str, form: FilledForm) -> list[str | int]:
    return [
        file,
        form.pages[0][1].index + 1,
        len(form.pages),
        form.template.version,
        ", ".join(field.name for field in form.fields if field.flags),
        " ".join(problem.code for problem in check_form(form)),
    ]
