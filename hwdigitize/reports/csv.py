"""Rows of the tables, for spreadsheets: ``pages.csv``, ``words.csv``, ``fields.csv``.

They are for people: UTF-8 with a byte order mark, without which Excel takes accents for Windows
letters; pages count from 1; a cell is one line of text and never a formula. What has to be
exact, down to a tab in a reading, is in the JSON documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Protocol

from hwdigitize.document import Document, Page

Cell = str | int | float | bool | None
Row = Iterable[Cell]

BOX = ("left", "top", "right", "bottom")
PAGES = (
    *("file", "page", "status", "flags", "lines", "words", "boxes", "fields", "confidence"),
    *("template", "writer", "writer_known", "writer_cluster", "width_px", "height_px", "dpi"),
    *("rotation_degrees", "skew_degrees", "problems", "messages"),
)
WORDS = (
    *("file", "page", "line", "word", "text", "confidence", "flagged", "alternatives", "ink"),
    *BOX,
)
FIELDS = (
    *("file", "page", "template", "field", "kind", "value", "raw", "confidence", "flags"),
    *("state", "alternatives", *BOX),
)

#: control characters, line ends, marks that turn the direction of text, halves of characters
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
#: a spreadsheet runs a cell that begins so; after ";" too where that separates the cells
FORMULA = re.compile(r"(^|;)(?=\s*[=+\-@＝＋－＠])")
NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*\s?%?")


class SkippedFile(Protocol):
    """A file that was not read at all, and why, in words a clerk understands."""

    @property
    def file(self) -> str:
        """Path below the input folder."""

    @property
    def reason(self) -> str:
        """Why."""


def page_rows(document: Document) -> Iterator[Row]:
    """One row a page, in the columns of ``PAGES``; a file without pages gets a row as well."""
    for page in document.pages:
        words = [word for line in page.lines for word in line.words]
        problems = page.problems + (document.problems if page is document.pages[0] else ())
        yield (
            *(document.file, page.index + 1, page.status, page.flag_count),
            *(len(page.lines), len(words), len(page.boxes), len(page.fields)),
            sum(word.confidence for word in words) / len(words) if words else None,
            page.template.id if page.template else None,
            *(page.writer.id, page.writer.known, page.writer.cluster),
            *(*page.size_px, page.dpi, page.rotation_degrees, page.skew_degrees),
            " ".join(f"{problem.stage}:{problem.code}" for problem in problems),
            " ".join(problem.message for problem in problems),
        )
    if not document.pages:
        blank = [None] * (len(PAGES) - 5)
        yield (
            document.file,
            None,
            "failed",
            *blank,
            "ingest:no_pages",
            "The file has no page.",
        )


def skipped_row(file: str, reason: str) -> Row:
    """Make the row of a file that was not read."""
    return (file, None, "skipped", *[None] * (len(PAGES) - 5), "skipped", reason)


def word_rows(document: Document) -> Iterator[Row]:
    """One row a word in reading order, in the columns of ``WORDS``."""
    for page in document.pages:
        for number, line in enumerate(page.lines, 1):
            for place, word in enumerate(line.words, 1):
                others = " | ".join(other.text for other in word.alternatives)
                yield (
                    *(document.file, page.index + 1, number, place, word.text),
                    *(word.confidence, word.flagged, others, line.ink, *word.box),
                )


def field_rows(document: Document) -> Iterator[Row]:
    """One row a field of a form, in the columns of ``FIELDS``."""
    for page in document.pages:
        for field in page.fields:
            yield (
                *_place(document, page),
                field.name,
                field.kind,
                field.value,
                field.raw,
                field.confidence,
                "; ".join(field.flags),
                field.state,
                " | ".join(other.text for other in field.alternatives),
                *field.box,
            )


def harmless(text: str) -> str:
    """Text for one cell: a single line, and never a formula.

    Line ends and control characters become spaces. A cell that a spreadsheet would run gets an
    apostrophe in front, the mark for "this is text"; plain numbers such as ``-12,5`` stay, as
    they cannot do harm and people add them up.
    """
    line = UNPRINTABLE.sub(" ", text)
    if NUMBER.fullmatch(line):
        return line
    return FORMULA.sub(r"\1'", line)


def _place(document: Document, page: Page) -> tuple[str, int, str | None]:
    return document.file, page.index + 1, page.template.id if page.template else None


def cells(rows: Iterable[Row]) -> Iterator[list[str]]:
    """Rows as a spreadsheet takes them, see :func:`harmless`."""
    return ([_cell(cell) for cell in row] for row in rows)


def _cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case float():
            return f"{cell:.4f}".rstrip("0").rstrip(".")
        case int():
            return str(cell)
        case _:
            return harmless(cell)
