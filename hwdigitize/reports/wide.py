"""One table a form, ``forms/<template>.csv``: a row for each filled form, a column a field.

Rows wait in temporary files, since the columns are known only when every form was seen.
"""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import msgspec

from hwdigitize.document import Document
from hwdigitize.forms.assembly import FilledForm, assemble, check_form
from hwdigitize.reports.files import replacing

FOLDER = "forms"
#: columns before the fields
ABOUT = ("file", "first_page", "pages", "version", "flagged", "problems")

Cells = Callable[[Iterable[str | int]], list[str]]


class WideTables:
    """Collects forms document by document, then writes a table a template.

    Args:
        cells: makes the text of cells, as in the other tables.
    """

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._stack = ExitStack()
        self._spools: dict[str, IO[bytes]] = {}
        self._columns: dict[str, dict[str, None]] = {}

    def __enter__(self) -> WideTables:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.close()

    def add(self, document: Document) -> None:
        """Take in the forms of a document."""
        for form in assemble(document.pages):
            name = form.template.id
            values = {field.name: field.value for field in form.fields}
            self._columns.setdefault(name, {}).update(dict.fromkeys(values))
            row = msgspec.json.encode((_about(document.file, form), values))
            self._spool(name).write(row + b"\n")

    def _spool(self, name: str) -> IO[bytes]:
        if name not in self._spools:
            spool = tempfile.TemporaryFile()  # noqa: SIM115  (the stack closes it)
            self._spools[name] = self._stack.enter_context(spool)
        return self._spools[name]

    def write(self, out: Path) -> None:
        """Write the tables below ``out`` and remove those of forms that are no longer there.

        Raises:
            OutputError: a file cannot be written.
        """
        written = {self._write(out / FOLDER, name) for name in self._spools}
        for path in (out / FOLDER).glob("*.csv"):
            if path not in written:
                path.unlink()

    def _write(self, folder: Path, name: str) -> Path:
        path = folder / f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.csv"
        columns = list(self._columns[name])
        with replacing(path, mode="w", encoding="utf-8-sig", newline="") as file:
            table = csv.writer(file)
            table.writerow([*ABOUT, *self._cells(columns)])
            for about, values in _rows(self._spools[name]):
                table.writerow(
                    self._cells([*about, *(values.get(column, "") for column in columns)])
                )
        return path


def _about(file: str, form: FilledForm) -> tuple[str | int, ...]:
    return (
        file,
        form.pages[0][1].index + 1,
        len(form.pages),
        form.template.version,
        ", ".join(field.name for field in form.fields if field.flags),
        " ".join(problem.code for problem in check_form(form)),
    )


def _rows(spool: IO[bytes]) -> Iterator[tuple[list[str | int], dict[str, str]]]:
    decoder = msgspec.json.Decoder(tuple[list[str | int], dict[str, str]])
    spool.seek(0)
    return (decoder.decode(line) for line in spool)
