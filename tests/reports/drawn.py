"""Documents that never were: small, complete, and with what breaks careless reports."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from hwdigitize.document import (
    Alternative,
    Box,
    Character,
    Document,
    FieldValue,
    IsolatedBox,
    Line,
    Page,
    Problem,
    TemplateMatch,
    Word,
    Writer,
)
from hwdigitize.reports.html import RunInfo

RUN = RunInfo(
    version="0.1.0",
    flag_below=0.8,
    models={"words": "1"},
)


@dataclass(frozen=True)
class Skipped:
    file: str
    reason: str


def word(text: str, confidence: float, box: Box, *others: str) -> Word:
    left, top, right, bottom = box
    width = (right - left) // max(len(text), 1)
    return Word(
        box=box,
        text=text,
        confidence=confidence,
        flagged=confidence < 0.8,
        characters=tuple(
            Character(
                text=character,
                confidence=0.5 if place == 0 and confidence < 0.8 else 0.99,
                box=(left + place * width, top, left + (place + 1) * width, bottom),
            )
            for place, character in enumerate(text)
        ),
        alternatives=tuple(Alternative(text=other, confidence=0.1) for other in others),
    )


def line(*words: Word) -> Line:
    left, top = words[0].box[:2]
    right, bottom = words[-1].box[2:]
    return Line(
        box=(left, top, right, bottom),
        baseline=((left, bottom - 10), (right, bottom - 12)),
        polygon=((left, top), (right, top), (right, bottom), (left, bottom)),
        ink="hand",
        text=" ".join(word.text for word in words),
        confidence=min(word.confidence for word in words),
        words=words,
    )


def letter(file: str = "letters/a.png", text: str = "Dear") -> Document:
    """One page, two lines, one flagged word."""
    first = line(
        word(text, 0.97, (100, 100, 220, 160)), word("Ada,", 0.9, (240, 100, 340, 160))
    )
    second = line(word("cane", 0.41, (100, 200, 230, 260), "came", "cone"))
    page = Page(
        index=0,
        status="ok",
        size_px=(800, 1000),
        dpi=300.0,
        skew_degrees=-1.25,
        lines=(first, second),
        writer=Writer(id="ada", score=0.8, cluster="A", known=True),
    )
    return Document(file=file, sha256="a" * 64, pages=(page,))


def form(file: str = "forms/b.pdf") -> Document:
    """Two pages: a form with a flagged date, and a page that failed."""
    fields = (
        FieldValue(
            name="born",
            kind="date",
            value="1961-02-28",
            raw="28.2.1q61",
            confidence=0.6,
            flags=("not_a_date",),
            box=(50, 60, 350, 120),
        ),
        FieldValue(
            name="total",
            kind="number",
            value="-12.50",
            raw="-12.50",
            confidence=0.99,
            flags=(),
            box=(50, 160, 350, 220),
        ),
    )
    boxes = (
        IsolatedBox(
            box=(400, 60, 440, 100), kind="check", text="x", confidence=0.7, flagged=True
        ),
    )
    first = Page(
        index=0,
        status="partial",
        size_px=(600, 800),
        template=TemplateMatch(id="survey", version="2", error_px=1.25),
        fields=fields,
        boxes=boxes,
        problems=(
            Problem(stage="words", code="too_faint", message="Too faint. Scan it darker."),
        ),
    )
    damaged = Problem(stage="load", code="damaged", message="The page is damaged. Scan again.")
    second = Page(index=1, status="failed", problems=(damaged,))
    return Document(file=file, sha256="b" * 64, pages=(first, second))


def blank(file: str = "blank.png") -> Document:
    """One page with nothing on it."""
    page = Page(index=0, status="ok", size_px=(10, 10))
    return Document(file=file, sha256="c" * 64, pages=(page,))


def spoilt(document: Document, text: str) -> Document:
    """Put ``text`` wherever a document may hold words of others."""
    kept = ("status", "state", "ink", "schema", "sha256", "stage", "code")

    def spoil(value: object, key: str = "") -> object:
        match value:
            case dict():
                check = value.get("kind") in ("check", "character")
                return {
                    k: v if k == "kind" and check else spoil(v, k) for k, v in value.items()
                }
            case list() | tuple():
                return [spoil(item, key) for item in value]
            case str() if key not in kept:
                return text
        return value

    return msgspec.convert(spoil(msgspec.to_builtins(document)), Document)
