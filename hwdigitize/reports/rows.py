"""Rows of the report's index: one for each page, and for each file that was not read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hwdigitize.document import Document, Page, Problem
from hwdigitize.reports.names import image_paths, page_id

Group = Literal["failed", "partial", "flagged", "clear", "skipped"]

#: names of the groups, in the order in which they need a person
GROUPS: dict[Group, str] = {
    "failed": "Failed",
    "partial": "Partly read",
    "flagged": "Flagged",
    "clear": "Clear",
    "skipped": "Not read",
}
SNIPPET = 160


@dataclass(frozen=True, slots=True)
class Row:
    """One page in the index, or a file that was not read (``id`` is empty).

    ``turn`` are the degrees clockwise that set its thumbnail upright.
    """

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
    turn: int
    order: int

    @property
    def rank(self) -> tuple[int, int, int]:
        """Sort key: what needs a person first, then as the files came."""
        return list(GROUPS).index(self.group), -self.flags, self.order


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
            group=group_of(page),
            label=group_label(group_of(page), page.flag_count),
            flags=page.flag_count,
            words=len(words),
            percent=percent(sum(w.confidence for w in words) / len(words)) if words else None,
            snippet=page.text.replace("\n", " ")[:SNIPPET],
            message=" ".join(problem.message for problem in problems_of(document, page)),
            writer=_writer(page),
            thumbnail=kept(out, thumbnail),
            turn=page.rotation_degrees,
            order=order,
        )


def skipped_row(file: str, reason: str, order: int) -> Row:
    """Make the row of a file that was not read; its name may hold bytes that are no text."""
    file = file.encode("utf-8", "replace").decode()
    folder, _, name = file.rpartition("/")
    return Row(
        id="",
        folder=folder,
        name=name,
        number=0,
        group="skipped",
        label=GROUPS["skipped"],
        flags=0,
        words=0,
        percent=None,
        snippet="",
        message=reason,
        writer="",
        thumbnail="",
        turn=0,
        order=order,
    )


def percent(confidence: float) -> int:
    """Whole percent, rounded down so that only certainty is 100 %."""
    return int(100 * confidence)


def group_label(group: Group, flags: int) -> str:
    """Name the state of a page, with the number of its flags."""
    if not flags:
        return GROUPS[group]
    counted = f"{flags} flag" if flags == 1 else f"{flags} flags"
    return counted if group == "flagged" else f"{GROUPS[group]}, {counted}"


def group_of(page: Page) -> Group:
    """Say which group a page that was read belongs to."""
    if page.status != "ok":
        return page.status
    return "flagged" if page.flag_count else "clear"


def problems_of(document: Document, page: Page) -> tuple[Problem, ...]:
    """Problems of a page, and on a file's first page those of the whole file."""
    return page.problems + (document.problems if page is document.pages[0] else ())


def kept(out: Path, image: str) -> str:
    """Path of an image as the report's index links to it; empty when the run kept none."""
    return image.removeprefix("report/") if (out / image).is_file() else ""


def _writer(page: Page) -> str:
    writer = page.writer
    if writer.known and writer.id:
        return writer.id
    return writer.cluster or ""
