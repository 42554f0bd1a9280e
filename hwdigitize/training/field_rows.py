"""What was read in the fields of an archive, beside the truth."""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec

from hwdigitize.document import Box, FieldState, FieldValue, Page, Record
from hwdigitize.errors import DataError, OutputError
from hwdigitize.forms.fields import NOT_PROVEN, NOT_SURE
from hwdigitize.forms.records import Field, Template
from hwdigitize.forms.template import load_templates
from hwdigitize.pipeline import digitize_file
from hwdigitize.settings import Settings
from hwdigitize.training.archive.archive import TEMPLATES, PageTruth, load_truth
from hwdigitize.training.archive.fill import FieldTruth
from hwdigitize.training.fit_fields import FieldSample

#: flags that the judge gave, which change with the calibration
JUDGED = frozenset({NOT_SURE, NOT_PROVEN})
NOT_READ = "the page was not read"
_CODES = (("yyyy", "%Y"), ("yy", "%y"), ("mm", "%m"), ("dd", "%d"))


class FieldRow(Record, frozen=True, kw_only=True):
    """One field of one page: truth and reading. ``flags`` leaves out those of the judge."""

    file: str
    template: str
    name: str
    kind: str
    truth: str
    truth_state: FieldState
    value: str
    state: FieldState
    right: bool
    confidence: float
    flags: tuple[str, ...]
    evidence: dict[str, float]
    box: Box

    @property
    def sample(self) -> FieldSample:
        """What calibration needs of it."""
        return FieldSample(self.kind, self.file, self.evidence, self.right, bool(self.flags))


class PageRow(Record, frozen=True, kw_only=True):
    """One page: whether it was read from its own template, and its fields."""

    file: str
    matched: bool
    problems: tuple[str, ...]
    residual_px: float | None
    seconds: float
    notes: tuple[str, ...]
    hand: str
    fields: tuple[FieldRow, ...]


def read_archive(
    folder: Path,
    settings: Settings,
    keep: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[PageRow, ...]:
    """Read the pages of an archive and compare them with their truth.

    Args:
        folder: with ``truth.json``, its pages, and ``templates`` unless settings name others.
        settings: how to read.
        keep: file of JSON lines; pages that it holds are not read again, others are added.
        progress: told of pages done.

    Raises:
        DataError: the archive or the kept file cannot be used.
        TemplateError: its templates cannot be used.
    """
    truths = load_truth(folder)
    place = settings.templates or str(folder / TEMPLATES)
    settings = msgspec.structs.replace(settings, templates=place, report_images=False)
    forms = {template.id: template for template in load_templates(place)}
    _require_templates(truths, forms)
    kept = _load_kept(keep)
    rows = []
    for number, truth in enumerate(truths):
        if truth.file not in kept:
            page = digitize_file(folder / truth.file, truth.file, settings).pages[0]
            kept[truth.file] = page_row(truth, page, forms[truth.template])
            _keep(keep, kept[truth.file])
        rows.append(kept[truth.file])
        progress(number + 1, len(truths))
    return tuple(rows)


def _require_templates(truths: Sequence[PageTruth], forms: Mapping[str, Template]) -> None:
    missing = sorted({truth.template for truth in truths} - forms.keys())
    if missing:
        raise DataError(f"no template for {', '.join(missing)}; name the templates' folder")


def _load_kept(keep: Path | None) -> dict[str, PageRow]:
    if keep is None or not keep.exists():
        return {}
    try:
        lines = keep.read_bytes().splitlines()
        rows = [msgspec.json.decode(line, type=PageRow) for line in lines]
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(f"{keep} holds no readings: {error}; remove it") from error
    return {row.file: row for row in rows}


def _keep(keep: Path | None, row: PageRow) -> None:
    if keep is None:
        return
    try:
        with keep.open("ab") as file:
            file.write(msgspec.json.encode(row) + b"\n")
    except OSError as error:
        raise OutputError(f"cannot write {keep}: {error.strerror}") from error


def page_row(truth: PageTruth, page: Page, template: Template) -> PageRow:
    """Compare one page with its truth; fields that were not read are wrong and flagged."""
    match = page.template
    matched = match is not None and (match.id, match.page) == (truth.template, truth.page)
    read = {field.name: field for field in page.fields} if matched else {}
    return PageRow(
        file=truth.file,
        matched=matched,
        problems=tuple(problem.code for problem in page.problems),
        residual_px=match.error_px if match else None,
        seconds=round(sum(page.seconds.values()), 3),
        notes=truth.notes,
        hand=truth.hand,
        fields=tuple(
            _field_row(truth, known, read.get(known.name), template.field(known.name))
            for known in truth.fields
        ),
    )


def _field_row(
    page: PageTruth, known: FieldTruth, read: FieldValue | None, field: Field
) -> FieldRow:
    return FieldRow(
        file=page.file,
        template=page.template,
        name=known.name,
        kind=known.kind,
        truth=known.value,
        truth_state=known.state,
        value=read.value if read else "",
        state=read.state if read else "unreadable",
        right=read is not None and is_right(field, known, read),
        confidence=read.confidence if read else 0.0,
        flags=tuple(f for f in read.flags if f not in JUDGED) if read else (NOT_READ,),
        evidence=read.evidence if read else {},
        box=read.box if read else (0, 0, 0, 0),
    )


def is_right(field: Field, known: FieldTruth, read: FieldValue) -> bool:
    """Whether value and state are those of the truth.

    Values are compared as what they mean: numbers as numbers, dates as days, answers as a set,
    case where the grammar minds it, and white space only by where it is. A box without an
    answer is the same whether it was left empty or scribbled out.
    """
    if field.kind != "choice" and known.state != read.state:
        return False
    return meaning(field, known.value) == meaning(field, read.value)


def meaning(field: Field, value: str) -> object:
    """A value as it is compared."""
    text = " ".join(unicodedata.normalize("NFC", value).split())
    if field.kind == "choice":
        return frozenset(text.split("|")) - {""}
    if field.kind == "number":
        try:
            return Decimal(text)
        except InvalidOperation:
            return text
    if field.kind == "date":
        return next(_days(text, field.grammar.format or ""), text)
    if field.kind == "digits" or field.cells:
        text = text.replace(" ", "") if field.kind == "digits" else text
    return text if field.grammar.case == "exact" else text.casefold()


def _days(text: str, shape: str) -> Iterator[datetime.date]:
    """The day that a text means, as ISO 8601 or the field's format writes it.

    Of years of two digits the century is not compared.
    """
    short = "yy" in shape and "yyyy" not in shape
    known = shape
    for part, code in _CODES:
        known = known.replace(part, code)
    for code in ("%Y-%m-%d", known):
        try:
            day = datetime.datetime.strptime(text, code).date()
        except ValueError:
            continue
        yield day.replace(year=2000 + day.year % 100) if short else day
