"""The HTML report: an index of all pages and a view of each, open from disk, network off.

``report/index.html`` shows the first rows by itself and finds the others in JavaScript files
below ``report/data/``, since a page opened from disk may not fetch. ``report/list.html`` lists
all pages without JavaScript. ``report/pages/<id>.html`` shows one page.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import msgspec

from hwdigitize.document import Document
from hwdigitize.reports.csv import SkippedFile
from hwdigitize.reports.files import write_whole
from hwdigitize.reports.names import image_paths
from hwdigitize.reports.views import GROUPS, Group, Row, page_rows, page_view, skipped_row

__all__ = ["RunInfo", "image_paths", "write_report"]

#: rows that index.html shows at a time
ROWS_SHOWN = 50
ROWS_A_FILE = 1000
TEXTS_A_FILE = 1000


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the report says of the run itself.

    ``started`` is ISO 8601; ``models`` maps a network's name to its version; readings less sure
    than ``flag_below`` were flagged.
    """

    version: str
    started: str
    seconds: float
    flag_below: float
    models: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of the whole run; ``files`` are those that were read."""

    files: int
    pages: int
    words: int
    flags: int
    groups: dict[Group, int]

    @property
    def waiting(self) -> int:
        """How many pages need a person."""
        return self.pages - self.groups["clear"]


@dataclass(frozen=True, slots=True)
class Near:
    """Where a page stands in the order of need; ids are empty at the ends."""

    previous: str
    next: str
    place: int
    waiting: int


def write_report(
    out: Path,
    documents: Callable[[], Iterable[Document]],
    run: RunInfo,
    skipped: Iterable[SkippedFile] = (),
) -> Path:
    """Write ``report/`` below ``out`` and return the path of its ``index.html``.

    ``documents`` is called more than once, as a page links to the next one that needs a person;
    one document is held at a time. Images are those at ``out / image_paths(file, index)``; a
    page without them is shown on blank paper. Pages are written first and the index last, so
    that whatever it links to is there.

    Raises:
        OutputError: a file cannot be written.
    """
    report = out / "report"
    rows, tally = _count(documents(), skipped, out)
    near = _near(rows, tally.waiting)
    templates = _templates()
    page_template = templates.get_template("page.html.j2")
    _write_static(report / "static")
    for document in documents():
        for page in document.pages:
            view = page_view(document, page, run.flag_below, out)
            html = page_template.render(page=view, run=run, near=near[view.id])
            _write(report / "pages" / f"{view.id}.html", html)
    row_files = _write_data(report / "data", "rows", map(_data, rows), ROWS_A_FILE)
    text_files = _write_data(report / "data", "texts", _texts(documents()), TEXTS_A_FILE)
    _sweep(report / "pages", {f"{name}.html" for name in near})
    _sweep(report / "data", {*row_files, *text_files})
    _write(report / "list.html", templates.get_template("list.html.j2").render(rows=rows))
    index = templates.get_template("index.html.j2").render(
        run=run,
        tally=tally,
        groups=GROUPS,
        rows=rows[:ROWS_SHOWN],
        blank=skipped_row("", "", 0),
        rows_shown=ROWS_SHOWN,
        row_files=row_files,
        text_files=text_files,
    )
    return _write(report / "index.html", index)


def _count(
    documents: Iterable[Document], skipped: Iterable[SkippedFile], out: Path
) -> tuple[list[Row], Tally]:
    """Rows of the index, what needs a person first, and the counts of the run."""
    rows: list[Row] = []
    files = 0
    for document in documents:
        files += 1
        rows.extend(page_rows(document, len(rows), out))
    groups = Counter(row.group for row in rows)
    tally = Tally(
        files=files,
        pages=len(rows),
        words=sum(row.words for row in rows),
        flags=sum(row.flags for row in rows),
        groups={group: groups[group] for group in GROUPS},
    )
    left_out = [
        skipped_row(file.file, file.reason, len(rows) + n) for n, file in enumerate(skipped)
    ]
    tally.groups["skipped"] = len(left_out)
    return sorted(rows + left_out, key=lambda row: row.rank), tally


def _near(rows: Sequence[Row], waiting: int) -> dict[str, Near]:
    """Each page's neighbours in the order of need, by id."""
    ids = [row.id for row in rows if row.id]
    around = zip(["", *ids], ids, [*ids[1:], ""], strict=False)
    return {
        name: Near(previous, following, place, waiting)
        for place, (previous, name, following) in enumerate(around, 1)
    }


def _texts(documents: Iterable[Document]) -> Iterable[tuple[int, str]]:
    """Place in the order of the files, and text, of each page that has any: for the search."""
    pages = (page for document in documents for page in document.pages)
    return ((order, page.text) for order, page in enumerate(pages) if page.lines)


def _data(row: Row) -> tuple[Any, ...]:
    """Give a row as index.js takes it, in the order of the class."""
    return tuple(asdict(row).values())


def _write_data(folder: Path, name: str, items: Iterable[Any], a_file: int) -> list[str]:
    """Write items to JavaScript files that a page opened from disk can load; their names."""
    names: list[str] = []
    remaining = iter(items)
    while piece := list(itertools.islice(remaining, a_file)):
        names.append(f"{name}-{len(names):03}.js")
        json = msgspec.json.encode(piece).decode()
        _write(folder / names[-1], f'hwdigitize.add("{name}", {json});\n')
    return names


def _write_static(folder: Path) -> None:
    for file in resources.files(__package__).joinpath("static").iterdir():
        write_whole(folder / file.name, file.read_bytes(), durable=False)


def _write(path: Path, text: str) -> Path:
    """Write text, with what UTF-8 cannot hold (names of broken files) as question marks."""
    write_whole(path, text.encode("utf-8", "replace"), durable=False)
    return path


def _sweep(folder: Path, current: set[str]) -> None:
    """Remove pages and data files that an earlier report left in the folder."""
    for path in [*folder.glob("*.html"), *folder.glob("*.js")]:
        if path.name not in current:
            path.unlink(missing_ok=True)


def _templates() -> jinja2.Environment:
    """Load the package's templates; everything they are given is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hwdigitize.reports", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": duration, "day": day, "grouped": "{:,}".format}
    return environment


def duration(seconds: float) -> str:
    """Say how long something took: ``4 min 10 s``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def day(moment: str) -> str:
    """Say when, as people here write it: ``12 March 2026, 10:32``, local time."""
    when = datetime.fromisoformat(moment).astimezone()
    return f"{when.day} {when:%B %Y, %H:%M}"
