"""What a run finds to do: its inputs beside those known, and what changed since.

Every reading in the ledger was made under the fingerprint that the ledger holds. When a run
comes with another, the pages that the difference touches wait again, those of vanished inputs
too, and the new fingerprint takes the old one's place, all in one transaction.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from hwdigitize.batch.fingerprint import (
    NAMED_TEMPLATES,
    TEMPLATE,
    VERSION,
    Fingerprint,
    touches,
)

#: the ledger was made before readings had a fingerprint of parts
_OLDER = "older ledger"


class Change(NamedTuple):
    """Something that readings depend on and that is not as it was, and how many it touches."""

    name: str
    pages: int


class Plan(NamedTuple):
    """What a run will do, by reason. A page that several changes touch counts for the first.

    ``left`` are pages that an earlier run or ``retry`` left to be read; ``changed_files`` is
    None where files were not looked into.
    """

    new_files: int
    vanished_files: int
    left: int
    changes: tuple[Change, ...]
    changed_files: int | None = None

    @property
    def reasons(self) -> Iterator[tuple[str, str]]:
        """Reasons, with how many of what, of those that apply."""
        files = {
            "new": self.new_files,
            "changed": self.changed_files,
            "vanished": self.vanished_files,
        }
        yield from ((name, f"{count} files") for name, count in files.items() if count)
        if self.left:
            yield "left from before", f"{self.left} pages"
        yield from ((name, f"{pages} pages") for name, pages in self.changes)


def take_in(
    db: sqlite3.Connection,
    files: Iterable[tuple[str, Path | str]],
    skipped: Iterable[tuple[str, str]],
    prints: Fingerprint,
) -> Plan:
    """Note the inputs of a run, in order, and let wait what must be read anew.

    Belongs into a transaction; rolling that back undoes all.
    """
    db.execute("UPDATE pages SET state = 'waiting' WHERE state = 'running'")
    new, vanished = _place(db, files)
    db.execute("DELETE FROM skipped")
    db.executemany(
        "INSERT INTO skipped VALUES (?, ?, ?)", ((n, *file) for n, file in enumerate(skipped))
    )
    (left,) = db.execute(
        "SELECT count(*) FROM pages p JOIN files f ON f.id = p.file_id "
        "WHERE p.state = 'waiting' AND position NOT NULL AND pages NOT NULL"
    ).fetchone()
    return Plan(new, vanished, left, tuple(_apply(db, prints)))


def _place(db: sqlite3.Connection, files: Iterable[tuple[str, Path | str]]) -> tuple[int, int]:
    """Give each file its place among the inputs; how many are new, and how many vanished."""
    db.execute("CREATE TEMP TABLE IF NOT EXISTS present (file PRIMARY KEY, position, path)")
    db.execute("DELETE FROM present")
    db.executemany(
        "INSERT INTO present VALUES (?, ?, ?)",
        ((file, n, os.fsencode(path)) for n, (file, path) in enumerate(files)),
    )
    vanished = db.execute(
        "UPDATE files SET position = NULL "
        "WHERE position NOT NULL AND file NOT IN (SELECT file FROM present)"
    ).rowcount
    db.execute(
        "UPDATE files SET position = n.position, path = n.path FROM present n "
        "WHERE n.file = files.file "
        "AND (files.position IS NOT n.position OR files.path IS NOT n.path)"
    )
    new = db.execute(
        "INSERT INTO files (position, file, path) SELECT position, file, path FROM present "
        "WHERE file NOT IN (SELECT file FROM files) ORDER BY position"
    ).rowcount
    return new, vanished


def _apply(db: sqlite3.Connection, prints: Fingerprint) -> Iterator[Change]:
    """Let wait what differences to the ledger's fingerprint touch, one after the other."""
    row = db.execute("SELECT value FROM meta WHERE key = 'fingerprint'").fetchone()
    before: Fingerprint | None = (
        msgspec.json.decode(row[0], type=dict[str, str]) if row else None
    )
    if before == prints:
        return
    for name in _differences(before, prints):
        yield from _reread(db, name, gone=name not in prints)
    db.execute(
        "INSERT OR REPLACE INTO meta VALUES ('fingerprint', ?)",
        (msgspec.json.encode(prints, order="sorted").decode(),),
    )


def _differences(before: Fingerprint | None, prints: Fingerprint) -> list[str]:
    if before is None:
        return [_OLDER]
    names = sorted(before.keys() | prints.keys())
    differing = [name for name in names if before.get(name) != prints.get(name)]
    return sorted(differing, key=lambda name: name != VERSION)


def _reread(db: sqlite3.Connection, name: str, gone: bool) -> Iterator[Change]:
    """Let the pages wait that a change touches; those that failed do after any change."""
    condition, values = _condition(name, gone)
    touched = (
        f"state IN ('done', 'review', 'quarantined') AND (state = 'quarantined' OR {condition})"
    )
    present = "file_id IN (SELECT id FROM files WHERE position NOT NULL)"
    (pages,) = db.execute(
        f"SELECT count(*) FROM pages WHERE {touched} AND {present}", values
    ).fetchone()
    again = "pages = NULL" if name in (VERSION, _OLDER) else "document_bytes = NULL"
    db.execute(
        f"UPDATE files SET {again} WHERE id IN (SELECT file_id FROM pages WHERE {touched})",
        values,
    )
    db.execute("UPDATE files SET pages = NULL WHERE failed")
    db.execute(f"UPDATE pages SET state = 'waiting', alone = 0 WHERE {touched}", values)
    if pages:
        yield Change(name, pages)


def _condition(name: str, gone: bool) -> tuple[str, tuple[object, ...]]:
    """SQL for what of the pages that were read a change touches.

    A template touches the pages read by it and those of none, which may be of it now; one that
    is gone, of these, only those that looked like a form. Pages of other templates keep theirs.
    """
    if name.startswith(TEMPLATE):
        of_none = "problem LIKE 'form:%'" if gone else "TRUE"
        condition = f"(template = ? OR template IS NULL AND {of_none})"
        return condition, (name.removeprefix(TEMPLATE),)
    if name == NAMED_TEMPLATES:
        return "template IS NULL", ()
    if name in (VERSION, _OLDER):
        return "TRUE", ()
    return "parts & ?", (int(touches(name)),)
