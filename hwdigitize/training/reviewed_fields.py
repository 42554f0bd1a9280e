"""Results of a run that a person has looked through, as fields with known truth.

In ``fields.csv`` of the results a column ``correct`` says what stands on the page where a
reading is wrong; ``(right)``, ``(empty)`` and ``(crossed out)`` say it in words. A page with
anything in that column counts as looked through: its other fields are right.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from hwdigitize.document import Document, FieldValue, Page
from hwdigitize.errors import DataError
from hwdigitize.forms.records import Template
from hwdigitize.forms.template import load_templates
from hwdigitize.recognition.runtime import load_card
from hwdigitize.reports.csv import harmless
from hwdigitize.reports.json import read_documents
from hwdigitize.settings import Settings
from hwdigitize.training.archive.archive import PageTruth
from hwdigitize.training.archive.fill import FieldTruth
from hwdigitize.training.datasets.corrections import CORRECT, CROSSED_OUT, EMPTY, RIGHT, table
from hwdigitize.training.field_rows import PageRow, page_row

#: what was corrected on one page, by field
Corrected = dict[str, str]


def reviewed_pages(results: Path, settings: Settings) -> tuple[PageRow, ...]:
    """The pages of a results folder that were looked through.

    Args:
        results: folder of a run, its ``fields.csv`` with the column ``correct``.
        settings: ``models`` that the calibration is for, and ``templates``, if not the run's.

    Raises:
        DataError: the folder is none of results, nothing in it was looked through, or other
            networks read it.
        TemplateError: the templates cannot be used.
    """
    try:
        run = json.loads((results / "run.json").read_text("utf-8"))
        corrected = _corrected(table(results / "fields.csv"))
    except (OSError, ValueError) as error:
        raise DataError(f"{results} is no folder of results: {error}") from error
    if not corrected:
        raise DataError(
            f"nothing in {results / 'fields.csv'} was looked through: add a column {CORRECT!r} "
            f"and write into it what stands on the page, or {RIGHT}"
        )
    _require_same_networks(results, run.get("models", {}), settings)
    forms = load_templates(settings.templates or run.get("settings", {}).get("templates"))
    by_id = {template.id: template for template in forms}
    try:
        documents = list(read_documents(results))
    except (OSError, msgspec.ValidationError) as error:
        raise DataError(f"{results / 'documents'} cannot be read: {error}") from error
    return tuple(row for d in documents for row in _rows(d, corrected, by_id))


def _corrected(rows: list[dict[str, str]]) -> dict[tuple[str, str], Corrected]:
    """What the column says, by file and page; pages where it says nothing are left out."""
    pages: dict[tuple[str, str], Corrected] = {}
    for row in rows:
        if said := row.get(CORRECT, "").strip():
            pages.setdefault((row["file"], row["page"]), {})[row["field"]] = said
    return pages


def _require_same_networks(results: Path, used: Mapping[str, str], settings: Settings) -> None:
    """Evidence of one network says nothing of another's."""
    for name in ("words", "characters"):
        own = load_card(name, settings.models).version
        if used.get(name) != own:
            raise DataError(
                f"{results} was read by {name} {used.get(name)} and not by {own}: name its "
                "networks with --models, or read the scans again"
            )


def _rows(
    document: Document,
    corrected: Mapping[tuple[str, str], Corrected],
    forms: Mapping[str, Template],
) -> Iterator[PageRow]:
    for page in document.pages:
        said = corrected.get((harmless(document.file), str(page.index + 1)))
        if said is None or page.template is None:
            continue
        if page.template.id not in forms:
            raise DataError(f"no template for {page.template.id}; name the templates' folder")
        yield page_row(_truth(document.file, page, said), page, forms[page.template.id])


def _truth(file: str, page: Page, said: Corrected) -> PageTruth:
    assert page.template
    return PageTruth(
        file=f"{file}:{page.index + 1}",
        template=page.template.id,
        page=page.template.page,
        fields=tuple(_field(field, said.get(field.name, RIGHT)) for field in page.fields),
    )


def _field(read: FieldValue, said: str) -> FieldTruth:
    """The truth of a field that was read, by what a person says of it."""
    if said == RIGHT:
        return FieldTruth(name=read.name, kind=read.kind, value=read.value, state=read.state)
    if said in (EMPTY, CROSSED_OUT):
        state = "empty" if said == EMPTY else "crossed_out"
        return FieldTruth(name=read.name, kind=read.kind, value="", state=state)  # type: ignore[arg-type]
    return FieldTruth(name=read.name, kind=read.kind, value=said)
