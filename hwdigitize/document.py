"""The records that cross a stage, process or file boundary.

A :class:`Document` is one input file and is written as one JSON file, schema
``hwdigitize/1``; docs/results.md describes it and ``docs/results.schema.json`` is generated
from these classes. All records are frozen and hold plain values only, no arrays, so that they
pickle small and compare by value.

Boxes are left, top, right, bottom in pixels of the page as loaded, before it was turned and
deskewed; right and bottom are exclusive. Text is NFC. A confidence is a calibrated probability
that the whole value is right.
"""

from __future__ import annotations

from typing import Literal

import msgspec

SCHEMA = "hwdigitize/1"

Box = tuple[int, int, int, int]
Point = tuple[int, int]
Status = Literal["ok", "partial", "failed"]
Ink = Literal["hand", "print", "unknown"]
BoxKind = Literal["character", "check"]
FieldState = Literal["value", "empty", "crossed_out", "unreadable"]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all records: immutable, compared by value, strict about unknown keys."""


class Problem(Record, frozen=True, kw_only=True):
    """Something that failed, in words a clerk understands.

    ``code`` is stable and listed in docs/results.md; ``message`` names the remedy.
    """

    stage: str
    code: str
    message: str


class Alternative(Record, frozen=True, kw_only=True):
    """Another reading, with its own probability of being the right one."""

    text: str
    confidence: float


class Character(Record, frozen=True, kw_only=True):
    """One character of a reading; its box is as wide as the network's evidence for it."""

    text: str
    confidence: float
    box: Box


class Word(Record, frozen=True, kw_only=True):
    """One word on the page. ``flagged`` asks a person to look."""

    box: Box
    text: str
    confidence: float
    flagged: bool
    characters: tuple[Character, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


class Line(Record, frozen=True, kw_only=True):
    """One text line, its words in reading order; the text is the words joined by spaces."""

    box: Box
    baseline: tuple[Point, ...]
    polygon: tuple[Point, ...]
    ink: Ink
    text: str
    confidence: float
    words: tuple[Word, ...] = ()


class IsolatedBox(Record, frozen=True, kw_only=True):
    """A drawn box of the page: a character box (one cell of a row or comb) or a check box.

    ``text`` is the character, empty for an empty box; a ticked check box reads ``x``.
    """

    box: Box
    kind: BoxKind
    text: str
    confidence: float
    flagged: bool


class FieldValue(Record, frozen=True, kw_only=True):
    """One field of a form: the value its grammar allows and the raw reading behind it.

    ``state`` says why a value is empty: nothing is written, or it is crossed out or unreadable;
    it is an answer like others, and ``confidence`` the probability that value and state are
    right. A choice of several values has them in ``value``, with ``|`` between. ``flags`` are
    sentences for a person; without one the field is accepted. ``evidence`` are the numbers that
    the confidence was made of, by name. ``polygon`` are its corners on the scan, clockwise from
    the upper left one of the upright form; none means those of ``box``.
    """

    name: str
    kind: str
    value: str
    raw: str
    confidence: float
    flags: tuple[str, ...]
    box: Box
    state: FieldState = "value"
    alternatives: tuple[Alternative, ...] = ()
    evidence: dict[str, float] = {}
    polygon: tuple[Point, ...] = ()


class TemplateMatch(Record, frozen=True, kw_only=True):
    """The form template that the page was registered to, and how well, in template pixels.

    ``page`` is the template's page, from 0, of ``pages``.
    """

    id: str
    version: str
    error_px: float
    page: int = 0
    pages: int = 1


class RuleField(Record, frozen=True, kw_only=True):
    """A field that a rule names, and what it takes to understand its value."""

    name: str
    kind: str
    format: str | None = None
    minimum: float | str | None = None
    maximum: float | str | None = None


class CrossRule(Record, frozen=True, kw_only=True):
    """A rule of the form over fields of several pages, checked where these are put together.

    Each page that has one of its fields brings it, so that a document says by itself what must
    hold in it.
    """

    rule: str
    fields: tuple[RuleField, ...]


class Writer(Record, frozen=True, kw_only=True):
    """Who wrote the page.

    ``id`` is the nearest writer of the gallery and ``known`` whether the page is taken to be
    theirs; without a gallery ``id`` is None and ``note`` says so. ``cluster`` labels pages of
    one run that look written by one hand.
    """

    id: str | None = None
    score: float | None = None
    cluster: str | None = None
    known: bool = False
    note: str | None = None


class Page(Record, frozen=True, kw_only=True):
    """Everything known of one page."""

    index: int
    status: Status
    size_px: tuple[int, int] = (0, 0)
    dpi: float | None = None
    rotation_degrees: int = 0
    skew_degrees: float = 0.0
    template: TemplateMatch | None = None
    lines: tuple[Line, ...] = ()
    boxes: tuple[IsolatedBox, ...] = ()
    fields: tuple[FieldValue, ...] = ()
    rules: tuple[CrossRule, ...] = ()
    writer: Writer = Writer()
    problems: tuple[Problem, ...] = ()

    @property
    def text(self) -> str:
        """The page's text in reading order, a line each."""
        return "\n".join(line.text for line in self.lines)

    @property
    def flag_count(self) -> int:
        """How many words, boxes and fields a person must look at."""
        words = sum(word.flagged for line in self.lines for word in line.words)
        boxes = sum(box.flagged for box in self.boxes)
        return words + boxes + sum(bool(field.flags) for field in self.fields)


class Document(Record, frozen=True, kw_only=True):
    """One input file; ``file`` is its path below the input folder, with forward slashes.

    ``problems`` are those of the whole: a page of a form that is missing, twice, or in another
    order than its template's.
    """

    file: str
    sha256: str
    pages: tuple[Page, ...]
    problems: tuple[Problem, ...] = ()
    schema: Literal["hwdigitize/1"] = "hwdigitize/1"


class PageRef(Record, frozen=True, kw_only=True):
    """Where one page is to be found; what a worker gets."""

    path: str
    file: str
    sha256: str
    index: int


class PageResult(Record, frozen=True, kw_only=True):
    """What a worker gives back: the page, and what the run needs besides what is written.

    ``thumbnail`` and ``scan`` are encoded images (JPEG) for the report, ``embedding`` the
    writer embedding, unit length, for clustering; empty where the page failed. ``seconds`` by
    stage are here and not in the page, which is the same whenever and wherever it is read.
    """

    ref: PageRef
    page: Page
    embedding: tuple[float, ...] = ()
    thumbnail: bytes = b""
    scan: bytes = b""
    scan_scale: float = 1.0
    seconds: dict[str, float] = {}


def encode(record: Record) -> bytes:
    """JSON of a record, UTF-8, indented by two, keys in the order of the class."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def decode_document(data: bytes) -> Document:
    """Read a document back.

    Raises:
        msgspec.ValidationError: the data is not of schema ``hwdigitize/1``.
    """
    return msgspec.json.decode(data, type=Document)
