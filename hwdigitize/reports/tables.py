"""The tables of a run put together from bundles, so that what did not change is only copied.

A table is a header and the rows of each bundle of documents, in order. Where the rows of a
bundle lie in the table that is there, and that nothing changed in it, is known by whoever keeps
its :class:`Part`; then the bytes are copied and no document is looked into.
"""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from hwdigitize.document import Document
from hwdigitize.reports.csv import (
    FIELDS,
    PAGES,
    WORDS,
    Row,
    SkippedFile,
    cells,
    field_rows,
    page_rows,
    skipped_row,
    word_rows,
)
from hwdigitize.reports.files import replacing
from hwdigitize.reports.wide import ABOUT, FOLDER, FormRow, form_rows, table_name

_COPIED_BYTES = 1 << 20
TABLES: dict[str, tuple[Sequence[str], Callable[[Document], Iterator[Row]]]] = {
    "pages.csv": (PAGES, page_rows),
    "words.csv": (WORDS, word_rows),
    "fields.csv": (FIELDS, field_rows),
}


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the tables hold of a bundle: first byte and bytes by table, columns by form."""

    spans: dict[str, tuple[int, int]]
    columns: dict[str, tuple[str, ...]]


class Source(NamedTuple):
    """A bundle: where the documents come from, and its part of the tables if they show it."""

    documents: Callable[[], Iterable[Document]]
    part: Part | None = None


class Written(NamedTuple):
    """What the tables hold now, bundle by bundle, and the SHA-256 of each by its path."""

    parts: list[Part]
    hashes: dict[str, str]


def write_tables(
    out: Path, sources: Sequence[Source], skipped: Iterable[SkippedFile] = ()
) -> Written:
    """Write the tables below ``out``, holding one document at a time.

    ``pages.csv`` has a row for every page and one for every skipped file, so that each input
    is accounted for. ``forms/`` gets a table for each form, a column for each of its fields.
    The tables that are there must be those that the parts of ``sources`` are of.

    Raises:
        OutputError: a file cannot be written; what was there before is untouched.
    """
    with ExitStack() as stack:
        tables = {
            name: stack.enter_context(_Table(out, name, header))
            for name, (header, _) in TABLES.items()
        }
        forms = stack.enter_context(_Forms())
        spans = [
            _copy(tables, source.part)
            if source.part
            else _render(tables, forms, number, source.documents())
            for number, source in enumerate(sources)
        ]
        tables["pages.csv"].write(skipped_row(file.file, file.reason) for file in skipped)
        hashes = forms.finish(out, sources, spans)
    hashes |= {name: table.sha256 for name, table in tables.items()}
    columns = (
        source.part.columns if source.part else forms.columns(number)
        for number, source in enumerate(sources)
    )
    return Written([Part(*pair) for pair in zip(spans, columns, strict=True)], hashes)


Spans = dict[str, tuple[int, int]]


def _copy(tables: dict[str, _Table], part: Part) -> Spans:
    return {name: table.copy(*part.spans[name]) for name, table in tables.items()}


def _render(
    tables: dict[str, _Table], forms: _Forms, bundle: int, documents: Iterable[Document]
) -> Spans:
    starts = {name: table.size for name, table in tables.items()}
    for document in documents:
        forms.add(bundle, document)
        for name, (_, rows) in TABLES.items():
            tables[name].write(rows(document))
    return {name: (start, tables[name].size - start) for name, start in starts.items()}


class _Table:
    """A table being written anew beside what is there."""

    def __init__(self, out: Path, name: str, header: Iterable[str]) -> None:
        self.path = out / name
        self.size = 0
        self._hash = hashlib.sha256()
        self._header = header
        self._stack = ExitStack()

    def __enter__(self) -> _Table:
        self._file: IO[bytes] = self._stack.enter_context(
            replacing(self.path, durable=False, mode="wb")
        )
        there = self.path.is_file()
        self._old = self._stack.enter_context(self.path.open("rb")) if there else None
        self._put(b"\xef\xbb\xbf" + _lines([self._header]))
        return self

    def __exit__(self, *error: Any) -> bool | None:
        return self._stack.__exit__(*error)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def has_same_header(self) -> bool:
        """Whether the table that is there has the same columns; ask before writing rows."""
        if self._old is None:
            return False
        self._old.seek(0)
        return hashlib.sha256(self._old.read(self.size)).digest() == self._hash.digest()

    def write(self, rows: Iterable[Row]) -> None:
        self._put(_lines(rows))

    def copy(self, start: int, size: int) -> tuple[int, int]:
        """Copy from the table that is there; where it lies now."""
        begin = self.size
        if size and self._old is not None:
            self._old.seek(start)
            for at in range(0, size, _COPIED_BYTES):
                self._put(self._old.read(min(size - at, _COPIED_BYTES)))
        return begin, self.size - begin

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)


def _lines(rows: Iterable[Row]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(cells(rows))
    return text.getvalue().encode()


class _Forms:
    """Rows of filled forms, which wait in temporary files until all columns are known."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._spools: dict[str, IO[bytes]] = {}
        self._starts: dict[tuple[int, str], int] = {}
        self._columns: dict[int, dict[str, dict[str, None]]] = {}

    def __enter__(self) -> _Forms:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.close()

    def add(self, bundle: int, document: Document) -> None:
        """Take in the forms of a document; those of one bundle follow each other."""
        for template, row in form_rows(document):
            if template not in self._spools:
                new = tempfile.TemporaryFile()  # noqa: SIM115  (the stack closes it)
                self._spools[template] = self._stack.enter_context(new)
            spool = self._spools[template]
            self._starts.setdefault((bundle, template), spool.tell())
            spool.write(msgspec.json.encode((bundle, row)) + b"\n")
            columns = self._columns.setdefault(bundle, {}).setdefault(template, {})
            columns.update(dict.fromkeys(row.values))

    def columns(self, bundle: int) -> dict[str, tuple[str, ...]]:
        """Fields of the forms of a bundle, by template."""
        found = self._columns.get(bundle, {})
        return {template: tuple(columns) for template, columns in found.items()}

    def _rows(self, bundle: int, template: str) -> Iterator[FormRow]:
        decoder = msgspec.json.Decoder(tuple[int, FormRow])
        spool = self._spools[template]
        spool.seek(self._starts[bundle, template])
        for number, row in map(decoder.decode, spool):
            if number != bundle:
                return
            yield row

    def finish(
        self, out: Path, sources: Sequence[Source], spans: list[Spans]
    ) -> dict[str, str]:
        """Write a table a template and remove others; the SHA-256 of each by its path.

        ``spans`` of each bundle are added to.
        """
        columns = [
            source.part.columns if source.part else self.columns(number)
            for number, source in enumerate(sources)
        ]
        templates = dict.fromkeys(template for of_bundle in columns for template in of_bundle)
        hashes = {}
        for template in templates:
            union = dict.fromkeys(c for of in columns for c in of.get(template, ()))
            with _Table(out, table_name(template), [*ABOUT, *union]) as table:
                same = table.has_same_header()
                for number, source in enumerate(sources):
                    if template in columns[number]:
                        spans[number][table_name(template)] = self._write(
                            table, template, number, source, list(union), same
                        )
                hashes[table_name(template)] = table.sha256
        for path in (out / FOLDER).glob("*.csv"):
            if f"{FOLDER}/{path.name}" not in hashes:
                path.unlink()
        return hashes

    def _write(
        self,
        table: _Table,
        template: str,
        number: int,
        source: Source,
        columns: Sequence[str],
        same: bool,
    ) -> tuple[int, int]:
        """Rows of one bundle: copied, or made anew where the table has other columns now."""
        if source.part and same:
            return table.copy(*source.part.spans[table_name(template)])
        rows = (
            _form_rows(source.documents(), template)
            if source.part
            else self._rows(number, template)
        )
        start = table.size
        table.write([*row.about, *(row.values.get(c, "") for c in columns)] for row in rows)
        return start, table.size - start


def _form_rows(documents: Iterable[Document], template: str) -> Iterator[FormRow]:
    for document in documents:
        yield from (row for name, row in form_rows(document) if name == template)
