"""What the HTML report shows of a page, as small records that its templates only escape.

Everything a template needs is worked out here, so that no template reaches into a document.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hwdigitize.document import (
    Character,
    Document,
    FieldValue,
    IsolatedBox,
    Page,
    Point,
    Word,
)
from hwdigitize.reports.crops import Crop, crop, slope
from hwdigitize.reports.layout import corners
from hwdigitize.reports.names import image_paths, page_id
from hwdigitize.reports.rows import Group, group_label, group_of, kept, percent, problems_of

Level = Literal["sure", "likely", "unsure", "poor"]

#: kinds whose raw reading says what was seen in each box
MARKED = ("choice", "mark")


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character of a reading; ``weak`` where the doubt lies."""

    text: str
    weak: bool


@dataclass(frozen=True, slots=True)
class Other:
    """Another reading and its confidence in percent; None where it is the raw reading."""

    text: str
    percent: int | None


@dataclass(frozen=True, slots=True)
class Flag:
    """Something that a person is asked to look at; ``number`` counts from 1 on the page."""

    number: int
    what: str
    place: str
    glyphs: tuple[Glyph, ...]
    percent: int
    level: Level
    others: tuple[Other, ...]
    reasons: tuple[str, ...]
    crop: Crop


@dataclass(frozen=True, slots=True)
class Mark:
    """A box drawn over the scan, as SVG points; ``flag`` is the number of its flag, or 0."""

    points: str
    level: Level
    flag: int
    title: str


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field in the table of a form; ``flag`` is the number of its flag, or 0."""

    name: str
    kind: str
    value: str
    state: str
    raw: str
    percent: int
    level: Level
    flag: int
    reasons: tuple[str, ...]
    crop: Crop


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the page's text; ``flag`` is the number of its flag, or 0."""

    text: str
    flag: int


@dataclass(frozen=True, slots=True)
class PageView:
    """Everything on the view of one page; image names are relative to ``report/``, or empty.

    ``width`` and ``height`` are those of the scan, ``turn`` the degrees clockwise that set it
    upright.
    """

    id: str
    file: str
    number: int
    group: Group
    label: str
    width: int
    height: int
    turn: int
    scan: str
    marks: tuple[Mark, ...]
    flags: tuple[Flag, ...]
    fields: tuple[FieldRow, ...]
    lines: tuple[tuple[Token, ...], ...]
    problems: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


def page_view(document: Document, page: Page, flag_below: float, out: Path) -> PageView:
    """Work out everything the view of a page shows."""
    painter = _Painter(page, flag_below)
    fields = tuple(painter.field(field) for field in page.fields)
    for box in page.boxes:
        painter.isolated(box)
    lines = tuple(
        tuple(painter.word(word, number) for word in line.words)
        for number, line in enumerate(page.lines, 1)
    )
    scan = image_paths(document.file, page.index).scan
    return PageView(
        id=page_id(document.file, page.index),
        file=document.file,
        number=page.index + 1,
        group=group_of(page),
        label=group_label(group_of(page), page.flag_count),
        width=page.size_px[0],
        height=page.size_px[1],
        turn=page.rotation_degrees,
        scan=kept(out, scan),
        marks=tuple(painter.marks),
        flags=tuple(painter.flags),
        fields=fields,
        lines=lines,
        problems=tuple(problem.message for problem in problems_of(document, page)),
        facts=tuple(_facts(page)),
    )


class _Painter:
    """Collects the marks and flags of one page while its parts are walked through."""

    def __init__(self, page: Page, flag_below: float) -> None:
        self.turn = page.rotation_degrees
        self.flag_below = flag_below
        self.marks: list[Mark] = []
        self.flags: list[Flag] = []

    def word(self, word: Word, line: int) -> Token:
        number = self.next_flag(word.flagged)
        if number:
            self.flags.append(
                Flag(
                    number=number,
                    what="Word",
                    place=f"line {line}",
                    glyphs=self.glyphs(word.text, word.characters),
                    percent=percent(word.confidence),
                    level=self.level(word.confidence),
                    others=tuple(
                        Other(other.text, percent(other.confidence))
                        for other in word.alternatives
                        if other.text != word.text
                    ),
                    reasons=(),
                    crop=crop(corners(word.box), self.turn),
                )
            )
        self.mark(corners(word.box), word.confidence, number, word.text)
        return Token(word.text, number)

    def isolated(self, box: IsolatedBox) -> None:
        number = self.next_flag(box.flagged)
        text = shown(box.kind, box.text)
        if number:
            self.flags.append(
                Flag(
                    number=number,
                    what="Check box" if box.kind == "check" else "Letter box",
                    place="",
                    glyphs=(Glyph(text, False),),
                    percent=percent(box.confidence),
                    level=self.level(box.confidence),
                    others=(),
                    reasons=(),
                    crop=crop(corners(box.box), self.turn),
                )
            )
        self.mark(corners(box.box), box.confidence, number, text)

    def field(self, field: FieldValue) -> FieldRow:
        number = self.next_flag(bool(field.flags))
        outline = field.polygon or corners(field.box)
        row = FieldRow(
            name=field.name.replace("_", " "),
            kind=field.kind.replace("_", " "),
            value=shown(field.kind, field.value) if field.state == "value" else "",
            state=field.state.replace("_", " "),
            raw=field.raw if field.raw != field.value and field.kind not in MARKED else "",
            percent=percent(field.confidence),
            level=self.level(field.confidence),
            flag=number,
            reasons=tuple(reason.replace("_", " ") for reason in field.flags),
            crop=crop(outline, -slope(outline) if field.polygon else self.turn),
        )
        if number:
            self.flags.append(_field_flag(row, field))
        self.mark(outline, field.confidence, number, f"{row.name}: {row.value}")
        return row

    def next_flag(self, flagged: bool) -> int:
        return len(self.flags) + 1 if flagged else 0

    def mark(self, outline: Sequence[Point], confidence: float, flag: int, text: str) -> None:
        title = f"{text or 'nothing read'}, {percent(confidence)} %"
        level = self.level(confidence)
        points = " ".join(f"{x},{y}" for x, y in outline)
        self.marks.append(Mark(points, level, flag, title))

    def glyphs(self, text: str, characters: tuple[Character, ...]) -> tuple[Glyph, ...]:
        """Show where in a word the doubt lies, when its characters are known."""
        if "".join(character.text for character in characters) != text:
            return (Glyph(text, False),) if text else ()
        return tuple(Glyph(c.text, c.confidence < self.flag_below) for c in characters)

    def level(self, confidence: float) -> Level:
        if confidence >= max(0.95, self.flag_below):
            return "sure"
        if confidence >= self.flag_below:
            return "likely"
        return "unsure" if confidence >= 0.6 * self.flag_below else "poor"


def shown(kind: str, value: str) -> str:
    """Spell out a value that a bare character would not explain."""
    if "check" in kind or kind == "mark":
        return "ticked" if value in ("x", "true") else "not ticked"
    if kind == "signature":
        return "signed" if value == "true" else "not signed"
    return value


def _field_flag(row: FieldRow, field: FieldValue) -> Flag:
    others = [
        Other(shown(field.kind, other.text), percent(other.confidence))
        for other in field.alternatives
        if other.text
    ]
    if row.raw:
        others.insert(0, Other(row.raw, None))
    return Flag(
        number=row.flag,
        what=row.name,
        place=row.kind,
        glyphs=(Glyph(row.value, False),) if row.value else (),
        percent=row.percent,
        level=row.level,
        others=tuple(others),
        reasons=row.reasons,
        crop=row.crop,
    )


def _facts(page: Page) -> Iterable[tuple[str, str]]:
    """Say what else is known of a page, as labels and values."""
    if all(page.size_px):
        dpi = f" at {page.dpi:.0f} dpi" if page.dpi else ""
        yield "Scan", f"{page.size_px[0]} × {page.size_px[1]} pixels{dpi}"
        turned = f"{page.rotation_degrees}° clockwise, then straightened"
        yield "Turned", f"{turned} by {page.skew_degrees:.1f}°"
    if page.template:
        match = page.template
        yield "Form", f"{match.id} {match.version}, laid on within {match.error_px:.1f} pixels"
    if page.writer.id:
        likeness = (
            f", likeness {page.writer.score:.2f}" if page.writer.score is not None else ""
        )
        known = "" if page.writer.known else "nobody in the gallery; nearest is "
        yield "Writer", f"{known}{page.writer.id}{likeness}"
    elif page.writer.note:
        yield "Writer", page.writer.note
    if page.writer.cluster:
        yield "Same hand as", f"other pages of {page.writer.cluster}"
