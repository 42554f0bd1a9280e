"""The HTML report: indexes of all pages and a view of each, open from disk, network off.

Pages come in bundles, and each bundle has an index: its first rows stand there by themselves,
the others in JavaScript files below ``report/data/``, as a page from disk may not fetch.
``report/index.html`` is the index of the only bundle, or an overview of several, and then
``report/all.html`` searches all of them. ``list-….html`` lists a bundle without JavaScript,
``report/pages/<id>.html`` shows one page. A view holds nothing of other pages: which one comes
next it finds in a data file of its bundle. So a new page costs its own view and its bundle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from hwdigitize.document import Document
from hwdigitize.reports.csv import SkippedFile
from hwdigitize.reports.files import write_changed
from hwdigitize.reports.names import image_paths, page_id, view_path
from hwdigitize.reports.rows import GROUPS, Group, Row, page_rows, skipped_row
from hwdigitize.reports.views import page_view

if TYPE_CHECKING:
    import jinja2

__all__ = ["BundleName", "Report", "RunInfo", "Tally", "image_paths"]

#: rows that an index shows at a time
ROWS_SHOWN = 50
#: where files of a bundle that the report no longer has would be found
_OF_BUNDLES = ("bundle-*.html", "list-*.html", "all.html", "data/*.js")


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the report says of the run itself.

    ``models`` maps a network's name to its version; readings less sure than ``flag_below`` were
    flagged. ``claims`` say what is proven of the accepted fields of forms, a sentence a kind.
    """

    version: str
    flag_below: float
    models: dict[str, str] = {}
    claims: tuple[str, ...] = ()


class BundleName(msgspec.Struct, frozen=True):
    """A bundle: letters and digits that name its files, and its first and last input file."""

    key: str
    first: str
    last: str

    @property
    def title(self) -> str:
        """Say which files it holds: ``letters/ 1.png – 9.png``."""
        (folder, slash, first), (other, _, last) = map(_split, (self.first, self.last))
        if self.first == self.last:
            return _legible(self.first)
        last = last if folder == other else self.last
        return _legible(f"{folder}{slash} {first} – {last}".strip())


class Tally(msgspec.Struct, frozen=True):
    """Counts of a bundle, or of all; ``files`` are those that were read."""

    files: int = 0
    pages: int = 0
    words: int = 0
    flags: int = 0
    groups: dict[Group, int] = {}

    @property
    def waiting(self) -> int:
        """How many pages need a person."""
        return self.pages - self.groups.get("clear", 0)

    def plus(self, other: Tally) -> Tally:
        """Add the counts of another bundle."""
        return Tally(
            self.files + other.files,
            self.pages + other.pages,
            self.words + other.words,
            self.flags + other.flags,
            {name: self.groups.get(name, 0) + other.groups.get(name, 0) for name in GROUPS},
        )


class Report:
    """Writes ``report/`` below ``out``, piece by piece, each only if it is not so already.

    Images are those at ``out / image_paths(file, index)``; a page without them is shown on
    blank paper. Methods raise ``OutputError`` where a file cannot be written, and return the
    SHA-256 of indexes and data by their path below ``out``.
    """

    def __init__(self, out: Path, run: RunInfo) -> None:
        self.out, self.run = out, run
        self.folder = out / "report"
        self._templates = _templates()
        for file in resources.files(__package__).joinpath("static").iterdir():
            write_changed(self.folder / "static" / file.name, file.read_bytes())

    def write_views(self, document: Document) -> dict[int, str]:
        """Write the views of a document's pages; the SHA-256 of each by page, from 0."""
        template = self._templates.get_template("page.html.j2")
        hashes = {}
        for page in document.pages:
            view = page_view(document, page, self.run.flag_below, self.out)
            path = self.out / view_path(document.file, page.index)
            hashes[page.index] = write_changed(path, _bytes(template.render(page=view)))
        return hashes

    def remove_views(self, file: str, indices: Iterable[int]) -> None:
        """Remove the views of pages of a file."""
        for index in indices:
            (self.out / view_path(file, index)).unlink(missing_ok=True)

    def write_bundle(
        self,
        bundle: BundleName,
        documents: Iterable[Document],
        skipped: Iterable[SkippedFile] = (),
        alone: bool = True,
    ) -> tuple[Tally, dict[str, str]]:
        """Write the index of a bundle, which is that of the report if it is ``alone``."""
        rows: list[Row] = []
        texts: list[tuple[str, str]] = []
        files = 0
        for document in documents:
            files += 1
            rows += page_rows(document, len(rows), self.out)
            texts += _texts(document)
        tally = _count(rows, files)
        rows += [
            skipped_row(file.file, file.reason, len(rows) + n) for n, file in enumerate(skipped)
        ]
        tally.groups["skipped"] = len(rows) - tally.pages
        index = "index.html" if alone else f"bundle-{bundle.key}.html"
        needed = sorted(rows, key=lambda row: row.rank)
        order = [tally.waiting, index, [row.id for row in needed if row.id]]
        data = f"data/{bundle.key}"
        hashes = self._write_data(f"{data}-rows.js", "rows", bundle.key, map(_data, rows))
        hashes |= self._write_data(f"{data}-texts.js", "texts", bundle.key, texts)
        hashes |= self._write_data(f"{data}-order.js", "order", bundle.key, order)
        shown = {"tally": tally, "bundle": bundle, "alone": alone, "index": index}
        shown |= {"keys": [bundle.key], "rows": needed}
        hashes |= self._write(f"list-{bundle.key}.html", "list.html.j2", shown)
        shown |= {"rows": needed[:ROWS_SHOWN]}
        return tally, hashes | self._write(index, "index.html.j2", shown)

    def write_overview(self, bundles: Sequence[tuple[BundleName, Tally]]) -> dict[str, str]:
        """Write the overview of several bundles, and the index that searches all of them."""
        tally = Tally()
        for _, of_bundle in bundles:
            tally = tally.plus(of_bundle)
        keys = [bundle.key for bundle, _ in bundles]
        shown = {"tally": tally, "bundle": None, "alone": False, "rows": [], "keys": keys}
        hashes = self._write("all.html", "index.html.j2", shown)
        more = {"tally": tally, "bundles": bundles}
        return hashes | self._write("index.html", "overview.html.j2", more)

    def sweep(self, current: Iterable[str]) -> None:
        """Remove indexes and data of bundles that are not among the ``current`` files."""
        kept = set(current)
        for pattern in _OF_BUNDLES:
            for path in self.folder.glob(pattern):
                if path.relative_to(self.out).as_posix() not in kept:
                    path.unlink(missing_ok=True)

    def _write(self, name: str, template: str, shown: Mapping[str, Any]) -> dict[str, str]:
        more = {
            "run": self.run,
            "groups": GROUPS,
            "blank": skipped_row("", "", 0),
            "rows_shown": ROWS_SHOWN,
        }
        html = self._templates.get_template(template).render(**more, **shown)
        return {f"report/{name}": write_changed(self.folder / name, _bytes(html))}

    def _write_data(
        self, path: str, name: str, key: str, items: Iterable[Any]
    ) -> dict[str, str]:
        """Write items to a JavaScript file that a page opened from disk can load."""
        json = msgspec.json.encode(list(items)).decode()
        script = f'hwdigitize.add("{name}", "{key}", {json});\n'
        return {f"report/{path}": write_changed(self.folder / path, _bytes(script))}


def _split(file: str) -> tuple[str, str, str]:
    return file.rpartition("/")


def _count(rows: Sequence[Row], files: int) -> Tally:
    groups = Counter(row.group for row in rows)
    return Tally(
        files=files,
        pages=len(rows),
        words=sum(row.words for row in rows),
        flags=sum(row.flags for row in rows),
        groups={group: groups[group] for group in GROUPS},
    )


def _texts(document: Document) -> list[tuple[str, str]]:
    """Id and text of each page that has any: for the search."""
    return [
        (page_id(document.file, page.index), page.text) for page in document.pages if page.lines
    ]


def _data(row: Row) -> tuple[Any, ...]:
    """Give a row as index.js takes it, in the order of the class."""
    return tuple(asdict(row).values())


def _bytes(text: str) -> bytes:
    """Encode text, with what UTF-8 cannot hold (names of broken files) as question marks."""
    return text.encode("utf-8", "replace")


def _legible(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _templates() -> jinja2.Environment:
    """Load the package's templates; everything they are given is escaped."""
    import jinja2  # not needed until the first page has been read

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hwdigitize.reports", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["grouped"] = "{:,}".format
    return environment
