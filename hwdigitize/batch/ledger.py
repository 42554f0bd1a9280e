"""The one truth of a run: every input file and page, what became of it, and its reading.

An SQLite file in WAL mode with a single writer. A page's state and its JSON change in one
transaction that is on disk before the page counts as done, so that a run killed at any instant
has each page either finished or waiting. Documents and reports are exports of it.

States of a page: ``waiting``, ``running`` (handed out), ``done``, ``review`` (a person must
look), ``quarantined`` (failed). Files that are no longer among the inputs stay in the ledger,
without a position, and are left out of counts and reports.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from hwdigitize.batch import intake
from hwdigitize.batch.bundles import MOST_PAGES, Bundle, Content, bundled
from hwdigitize.batch.fingerprint import Fingerprint
from hwdigitize.batch.intake import Plan
from hwdigitize.batch.ledger_file import LedgerFile
from hwdigitize.batch.records import (
    Counts,
    Inspection,
    Job,
    Reading,
    failed_page,
    first_problem,
    sha256_of,
    stamp,
    state_of,
)
from hwdigitize.document import Document, Page, PageRef
from hwdigitize.forms.assembly import check_pages, flag_across

_CHUNK = 500
_LAST = 2**62
_FINISHED = "('done', 'review', 'quarantined')"
_STATES = ("waiting", "running", "done", "review", "quarantined")


class PageKey(NamedTuple):
    """A page in the ledger, by the number of its file, and the file's name."""

    number: int
    page: int
    file: str


class Ledger(LedgerFile):
    """An open ledger; one thread of one process writes."""

    # files

    def take_in(
        self,
        files: Iterable[tuple[str, Path | str]],
        skipped: Iterable[tuple[str, str]],
        prints: Fingerprint,
        keep: bool = True,
    ) -> Plan:
        """Note the inputs of this run, in order, and what of them must be done anew.

        What was under way when a run died waits again. Without ``keep`` nothing is changed, and
        inputs that changed are told too.
        """
        with self._change(keep) as db:
            plan = intake.take_in(db, files, skipped, prints)
            if keep:
                return plan
            return plan._replace(changed_files=self._changed_files())

    def _changed_files(self) -> int:
        """How many files hold something else than what was read of them."""
        known = (job for job in self.files_to_inspect(alone=False) if job.known)
        return sum(sha256_of(job.path) != job.known for job in known)

    def files_to_inspect(self, alone: bool) -> Iterator[Job]:
        """Files whose pages are not known, or that changed on disk since, in order."""
        query = (
            "SELECT position, file, path, sha256, pages, size, mtime_ns FROM files "
            "WHERE position > ? AND alone = ? ORDER BY position LIMIT ?"
        )
        last = -1
        while rows := self._db.execute(query, (last, alone, _CHUNK)).fetchall():
            last = rows[-1][0]
            for _, file, raw, sha256, pages, *seen in rows:
                path = os.fsdecode(raw)
                if pages is None or seen[0] is None or tuple(seen) != stamp(Path(path)):
                    yield Job(file, path, sha256 if pages is not None else "")

    def record_inspection(self, file: str, found: Inspection) -> None:
        """Take in what a file holds: its pages wait, unless it holds what was known.

        A file with a problem gets one page, quarantined with it, so that it is accounted for.
        """
        count = 1 if found.problem else found.pages
        with self._change(soon=True) as db:
            (number,) = db.execute("SELECT id FROM files WHERE file = ?", (file,)).fetchone()
            db.execute(
                "UPDATE files SET size = ?, mtime_ns = ?, alone = 0 WHERE id = ?",
                (*found.stamp, number),
            )
            if count is None:
                return
            db.execute(
                "UPDATE files SET sha256 = ?, pages = ?, failed = ?, document_bytes = NULL "
                "WHERE id = ?",
                (found.sha256, count, found.problem is not None, number),
            )
            db.execute("DELETE FROM pages WHERE file_id = ?", (number,))
            db.executemany(
                "INSERT INTO pages (file_id, page_index) VALUES (?, ?)",
                ((number, index) for index in range(count)),
            )
            if found.problem:
                page = failed_page(0, found.problem)
                db.execute(
                    "UPDATE pages SET state = 'quarantined', problem = ?, result = ? "
                    "WHERE file_id = ?",
                    (first_problem(page), zlib.compress(msgspec.json.encode(page), 1), number),
                )

    def inspect_alone(self, file: str) -> None:
        """Set a file aside that broke a limit, to be looked at with nothing beside it."""
        self._db.execute("UPDATE files SET alone = 1 WHERE file = ?", (file,))

    # pages

    def claim(self, alone: bool, chunk: int) -> Iterator[PageRef]:
        """Give out the waiting pages in order; they are marked ``chunk`` at a time."""
        query = (
            "SELECT f.position, p.page_index, f.id, f.path, f.file, f.sha256 "
            "FROM files f CROSS JOIN pages p ON p.file_id = f.id "
            "WHERE f.position >= ?1 AND (f.position, p.page_index) > (?1, ?2) "
            "AND p.state = 'waiting' AND p.alone = ?3 "
            "ORDER BY f.position, p.page_index LIMIT ?4"
        )
        last = (-1, -1)
        while rows := self._db.execute(query, (*last, alone, chunk)).fetchall():
            last = rows[-1][:2]
            with self._change(soon=True) as db:
                db.executemany(
                    "UPDATE pages SET state = 'running', attempts = attempts + 1 "
                    "WHERE page_index = ? AND file_id = ?",
                    (row[1:3] for row in rows),
                )
            for _, index, _, path, file, sha256 in rows:
                yield PageRef(path=os.fsdecode(path), file=file, sha256=sha256, index=index)

    def record(self, reading: Reading) -> None:
        """Take in a finished page, read or given up for good; then it is on disk."""
        with self._change() as db:
            changed = db.execute(
                "UPDATE pages SET "
                "state = ?, flags = ?, problem = ?, result = ?, embedding = ?, "
                "worker = ?, started = ?, finished = ?, template = ?, parts = ?, images = ?, "
                "seconds = ?, alone = 0, cluster = NULL "
                "WHERE page_index = ? AND file_id = (SELECT id FROM files WHERE file = ?) "
                "AND state = 'running'",
                (*reading[1:13], reading.ref.index, reading.ref.file),
            )
            if changed.rowcount != 1:
                raise AssertionError(f"a page came back that was not out: {reading.ref}")
            db.execute(
                "UPDATE files SET document_bytes = NULL WHERE file = ?", (reading.ref.file,)
            )
            self._settle(reading.ref.file)

    def _settle(self, file: str) -> None:
        """Give pages of forms the states that rules over several pages ask for.

        What was read of a page stays as it is; once all pages of a file are there, again after
        each that is read anew, states and flags follow from all of them.
        """
        if not self.is_finished(file):
            return
        (forms,) = self._db.execute(
            "SELECT count(template) FROM pages "
            "WHERE file_id = (SELECT id FROM files WHERE file = ?)",
            (file,),
        ).fetchone()
        if forms < 2:
            return
        for page in self.document(file).pages:
            self._db.execute(
                "UPDATE pages SET state = ?, flags = ? "
                "WHERE page_index = ? AND file_id = (SELECT id FROM files WHERE file = ?)",
                (state_of(page), page.flag_count, page.index, file),
            )

    def read_alone(self, ref: PageRef) -> None:
        """Set a page aside that broke a limit, to be read with nothing beside it."""
        self._db.execute(
            "UPDATE pages SET state = 'waiting', alone = 1 "
            "WHERE page_index = ? AND file_id = (SELECT id FROM files WHERE file = ?)",
            (ref.index, ref.file),
        )

    def give_back(self) -> None:
        """Let all pages wait that were handed out and did not come back."""
        self._db.execute("UPDATE pages SET state = 'waiting' WHERE state = 'running'")

    # what is in it

    def counts(self) -> Counts:
        """Count files and pages of this run's inputs, at one moment."""
        files, uncounted = self._db.execute(
            "SELECT count(*), count(*) - count(pages) FROM files WHERE position IS NOT NULL"
        ).fetchone()
        (skipped,) = self._db.execute("SELECT count(*) FROM skipped").fetchone()
        by_state = dict(
            self._db.execute(
                "SELECT state, count(*) FROM pages p JOIN files f ON f.id = p.file_id "
                "WHERE position IS NOT NULL AND pages IS NOT NULL GROUP BY state"
            )
        )
        return Counts(files, skipped, uncounted, *(by_state.get(name, 0) for name in _STATES))

    def check_conservation(self) -> None:
        """Hold that each counted file has all its pages, each once and in a known state.

        Raises:
            AssertionError: a page was lost or invented; a bug.
        """
        if wrong := self.not_conserved():
            raise AssertionError(f"pages lost or invented in the ledger: {wrong[:5]}")

    def problems(self) -> list[tuple[str, int]]:
        """First problems of pages as ``stage:code`` and how many, the most common first."""
        return self._db.execute(
            "SELECT problem, count(*) FROM pages p JOIN files f ON f.id = p.file_id "
            "WHERE position IS NOT NULL AND problem NOT NULL GROUP BY problem "
            "ORDER BY count(*) DESC, problem"
        ).fetchall()

    def bundles(self) -> list[Bundle]:
        """The inputs in bundles, see :func:`hwdigitize.batch.bundles.bundled`."""
        (pages,) = self._db.execute(
            "SELECT coalesce(sum(pages), 0) FROM files WHERE position NOT NULL"
        ).fetchone()
        rows = self._db.execute(
            "SELECT f.position, f.file, f.sha256, f.pages, "
            "p.page_index, p.state, p.problem, p.finished "
            "FROM files f CROSS JOIN pages p ON p.file_id = f.id "
            "WHERE f.position IS NOT NULL AND f.pages IS NOT NULL "
            "ORDER BY f.position, p.page_index"
        )
        files = (
            Content(*key, repr([row[1:] for row in of_file]).encode())
            for key, of_file in itertools.groupby(
                rows, key=lambda row: (row[0], row[1], row[3])
            )
        )
        return list(bundled(files, whole=pages <= MOST_PAGES))

    def digest(self, bundles: Sequence[Bundle] | None = None) -> str:
        """Digest of everything that reports show; any page read anew changes it."""
        shown = [[b.key, b.digest] for b in (self.bundles() if bundles is None else bundles)]
        return hashlib.sha256(repr((shown, self.skipped())).encode()).hexdigest()

    def documents(self, bundle: Bundle) -> Iterator[Document]:
        """Inputs of a bundle with their finished pages, in order, one at a time."""
        for file, _, _ in self.written(bundle.first, bundle.last):
            document = self.document(file)
            if document.pages:
                yield document

    def document(self, file: str) -> Document:
        """One input with its finished pages."""
        number, sha256 = self._db.execute(
            "SELECT id, sha256 FROM files WHERE file = ?", (file,)
        ).fetchone()
        rows = self._db.execute(
            f"SELECT result, cluster FROM pages WHERE file_id = ? AND state IN {_FINISHED} "
            "ORDER BY page_index",
            (number,),
        )
        pages = flag_across([_page(*row) for row in rows])
        return Document(file=file, sha256=sha256, pages=pages, problems=check_pages(pages))

    def written(
        self, first: int = 0, last: int = _LAST
    ) -> Iterator[tuple[str, int | None, bytes | None]]:
        """Counted inputs between two positions, in order, with size and SHA-256 of their JSON.

        The size is None if the JSON is stale, and negative if it may not be on disk yet.
        """
        query = (
            "SELECT position, file, document_bytes, document_sha256 FROM files "
            "WHERE position BETWEEN ? AND ? AND pages IS NOT NULL ORDER BY position LIMIT ?"
        )
        while rows := self._db.execute(query, (first, last, _CHUNK)).fetchall():
            first = rows[-1][0] + 1
            yield from (row[1:] for row in rows)

    def note_written(self, file: str, data: bytes) -> None:
        """Remember that a file's JSON is up to date, maybe not on disk; see ``settle``."""
        self._db.execute(
            "UPDATE files SET document_bytes = ?, document_sha256 = ? WHERE file = ?",
            (-len(data), hashlib.sha256(data).digest(), file),
        )

    def to_view(self) -> Iterator[tuple[str, int]]:
        """Files whose views in the report are stale, in order, and of how many pages some are.

        Vanished files come last: all of theirs are to go.
        """
        query = (
            "SELECT id, file, views FROM files WHERE id > ? AND CASE WHEN position IS NULL "
            "THEN views > 0 ELSE pages NOT NULL AND viewed < 1 END ORDER BY id LIMIT ?"
        )
        last = -1
        while rows := self._db.execute(query, (last, _CHUNK)).fetchall():
            last = rows[-1][0]
            yield from (row[1:] for row in rows)

    def note_viewed(self, file: str, views: int, views_hash: bytes) -> None:
        """Remember that the views of a file's pages are up to date; see ``settle``."""
        self._db.execute(
            "UPDATE files SET views = ?, views_hash = ?, "
            "viewed = iif(position IS NULL, 0, -1) WHERE file = ?",
            (views, views_hash, file),
        )

    def is_present(self, file: str) -> bool:
        """Whether a file is among the inputs."""
        query = "SELECT position NOT NULL FROM files WHERE file = ?"
        return bool(self._db.execute(query, (file,)).fetchone()[0])

    def seen(self, file: str) -> tuple[int | None, int | None] | None:
        """Size and time of an input as last looked into; None if it is not known."""
        query = "SELECT size, mtime_ns FROM files WHERE file = ? AND position NOT NULL"
        found: tuple[int | None, int | None] | None = self._db.execute(
            query, (file,)
        ).fetchone()
        return found

    def path(self, file: str) -> str:
        """Where an input lies: a path, or a URL."""
        query = "SELECT path FROM files WHERE file = ?"
        return os.fsdecode(self._db.execute(query, (file,)).fetchone()[0])

    def is_finished(self, file: str) -> bool:
        """Whether all pages of a file are finished."""
        query = (
            "SELECT 1 FROM pages p JOIN files f ON f.id = p.file_id "
            f"WHERE file = ? AND state NOT IN {_FINISHED} LIMIT 1"
        )
        return self._db.execute(query, (file,)).fetchone() is None

    # writers

    def embeddings(self, bundle: Bundle) -> tuple[list[PageKey], NDArray[np.float32]]:
        """Keys and embeddings (n, d) of the pages of a bundle that have one, in order."""
        rows = self._db.execute(
            "SELECT p.file_id, p.page_index, file, p.embedding FROM files f CROSS JOIN pages p "
            "ON p.file_id = f.id WHERE f.position BETWEEN ? AND ? AND f.pages IS NOT NULL "
            f"AND p.state IN {_FINISHED} AND length(p.embedding) > 0 "
            "ORDER BY f.position, p.page_index",
            (bundle.first, bundle.last),
        )
        keys: list[PageKey] = []
        data = bytearray()
        for *key, embedding in rows:
            keys.append(PageKey(*key))
            data += embedding
        vectors = np.frombuffer(data, np.float32)
        return keys, vectors.reshape(len(keys), -1) if keys else vectors.reshape(0, 0)

    def label(self, keys: Sequence[PageKey], clusters: Sequence[str | None]) -> None:
        """Keep the writer cluster of each page; documents that it changes become stale."""
        with self._change() as db:
            for (number, index, _), cluster in zip(keys, clusters, strict=True):
                changed = db.execute(
                    "UPDATE pages SET cluster = ?1 WHERE file_id = ?2 AND page_index = ?3 "
                    "AND cluster IS NOT ?1",
                    (cluster, number, index),
                )
                if changed.rowcount:
                    db.execute("UPDATE files SET document_bytes = NULL WHERE id = ?", (number,))


def _page(result: bytes, cluster: str | None) -> Page:
    page = msgspec.json.decode(zlib.decompress(result), type=Page)
    if cluster is None:
        return page
    writer = msgspec.structs.replace(page.writer, cluster=cluster)
    return msgspec.structs.replace(page, writer=writer)
