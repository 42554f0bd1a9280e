"""What was read in the fields of a page, beside the truth."""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from hwdigitize.document import Box, FieldState, FieldValue, Page, Problem, Record
from hwdigitize.forms.confidence import with_state
from hwdigitize.forms.fields import NOT_PROVEN, NOT_SURE
from hwdigitize.forms.records import Field, Template
from hwdigitize.training.archive.archive import PageTruth
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
        evidence = with_state(self.evidence, self.state)
        return FieldSample(self.kind, self.file, evidence, self.right, bool(self.flags))


class PageRow(Record, frozen=True, kw_only=True):
    """One page: whether it was read from its own template, and its fields."""

    file: str
    matched: bool
    problems: tuple[str, ...]
    residual_px: float | None
    seconds: float
    notes: tuple[str, ...]
    hand: str
    failed: bool
    fields: tuple[FieldRow, ...]


def page_row(truth: PageTruth, page: Page, template: Template, seconds: float = 0.0) -> PageRow:
    """Compare one page with its truth; fields that were not read are wrong and flagged."""
    match = page.template
    matched = match is not None and (match.id, match.page) == (truth.template, truth.page)
    read = {field.name: field for field in page.fields} if matched else {}
    return PageRow(
        file=truth.file,
        matched=matched,
        problems=tuple(problem.code for problem in page.problems),
        residual_px=match.error_px if match else None,
        seconds=round(seconds, 3),
        notes=truth.notes,
        hand=truth.hand,
        failed=page.status == "failed",
        fields=tuple(
            _field_row(truth, known, read.get(known.name), template.field(known.name))
            for known in truth.fields
        ),
    )


def failed_page(truth: PageTruth, problem: str, template: Template) -> PageRow:
    """The row of a page of which nothing was read."""
    stopped = Problem(stage="page", code=problem, message="")
    return page_row(truth, Page(index=0, status="failed", problems=(stopped,)), template)


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
