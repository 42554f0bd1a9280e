"""What the HTML report shows of a run, as small records that its templates only escape.

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
    Problem,
    Word,
)
from hwdigitize.reports.crops import Crop, crop, slope
from hwdigitize.reports.layout import corners
from hwdigitize.reports.names import image_paths, page_id

Group = Literal["failed", "partial", "flagged", "clear", "skipped"]
Level = Literal["sure", "likely", "unsure", "poor"]

#: names of the groups, in the order in which they need a person
GROUPS: dict[Group, str] = {
    "failed": "Failed",
    "partial": "Partly read",
    "flagged": "Flagged",
    "clear": "Clear",
    "skipped": "Not read",
}
SNIPPET = 160
#: kinds whose raw reading says what was seen in each box
MARKED = ("choice", "mark")


@dataclass(frozen=True, slots=True)
class Row:
    """One page in the index, or a file that was not read (``id`` is empty)."""

    id: str
    folder: str
    name: str
    number: int
    group: Group
    label: str
    flags: int
    words: int
    percent: int | None
    snippet: str
    message: str
    writer: str
    thumbnail: str
    order: int

    @property
    def rank(self) -> tuple[int, int, int]:
        """Sort key: what needs a person first, then as the files came."""
        return list(GROUPS).index(self.group), -self.flags, self.order


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


def page_rows(document: Document, first: int, out: Path) -> Iterable[Row]:
    """Rows of a document's pages, ``first`` being the place of its first page in its bundle."""
    for order, page in enumerate(document.pages, first):
        words = [word for line in page.lines for word in line.words]
        folder, _, name = document.file.rpartition("/")
        thumbnail = image_paths(document.file, page.index).thumbnail
        yield Row(
            id=page_id(document.file, page.index),
            folder=folder,
            name=name,
            number=page.index + 1,
            group=_group(page),
            label=group_label(_group(page), page.flag_count),
            flags=page.flag_count,
            words=len(words),
            percent=percent(sum(w.confidence for w in words) / len(words)) if words else None,
            snippet=page.text.replace("\n", " ")[:SNIPPET],
            message=" ".join(
                problem.message for problem in page.problems + _of_file(document, page)
            ),
            writer=_writer(page),
            thumbnail=_kept(out, thumbnail),
            order=order,
        )


def skipped_row(file: str, reason: str, order: int) -> Row:
    """Make the row of a file that was not read; its name may hold bytes that are no text."""
    file = file.encode("utf-8", "replace").decode()
    folder, _, name = file.rpartition("/")
    return Row(
        "", folder, name, 0, "skipped", GROUPS["skipped"], 0, 0, None, "", reason, "", "", order
    )


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
        group=_group(page),
        label=group_label(_group(page), page.flag_count),
        width=page.size_px[0],
        height=page.size_px[1],
        turn=page.rotation_degrees,
        scan=_kept(out, scan),
        marks=tuple(painter.marks),
        flags=tuple(painter.flags),
        fields=fields,
        lines=lines,
        problems=tuple(problem.message for problem in page.problems + _of_file(document, page)),
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


def percent(confidence: float) -> int:
    """Whole percent, rounded down so that only certainty is 100 %."""
    return int(100 * confidence)


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


def group_label(group: Group, flags: int) -> str:
    """Name the state of a page, with the number of its flags."""
    if not flags:
        return GROUPS[group]
    counted = f"{flags} flag" if flags == 1 else f"{flags} flags"
    return counted if group == "flagged" else f"{GROUPS[group]}, {counted}"


def _group(page: Page) -> Group:
    if page.status != "ok":
        return page.status
    return "flagged" if page.flag_count else "clear"


def _of_file(document: Document, page: Page) -> tuple[Problem, ...]:
    """Problems of the whole file, told on its first page."""
    return document.problems if page is document.pages[0] else ()


def _kept(out: Path, image: str) -> str:
    """Path of an image as the report's index links to it; empty when the run kept none."""
    return image.removeprefix("report/") if (out / image).is_file() else ""


def _writer(page: Page) -> str:
    writer = page.writer
    if writer.known and writer.id:
        return writer.id
    return writer.cluster or ""


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
