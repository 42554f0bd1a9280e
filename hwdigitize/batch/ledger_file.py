"""The ledger's file, and what it is asked by those who look after it."""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from hwdigitize.batch.migrations import check_version, migrate
from hwdigitize.batch.outputs import LEDGER
from hwdigitize.batch.remote import absolute
from hwdigitize.errors import UsageError
from hwdigitize.settings import Settings

_OF_INPUTS = "FROM pages p JOIN files f ON f.id = p.file_id WHERE position NOT NULL"


class LastRun(NamedTuple):
    """What a run was asked for, and when it began (Unix seconds); all paths are absolute."""

    inputs: list[str]
    settings: Settings
    began: float
    cluster: str | None = None


class LedgerFile:
    """The file, its transactions, and all of a ledger that pages do not pass through."""

    def __init__(self, folder: Path, reading: bool = False) -> None:
        """Open ``folder/ledger.sqlite``, made or migrated as needed; or for ``reading`` only.

        Raises:
            OutputError: it was written by another version: a newer one, or for reading an
                older.
            sqlite3.Error: it cannot be opened or is no ledger.
        """
        if reading:
            uri = f"{(folder / LEDGER).absolute().as_uri()}?mode=ro"
            self._db = sqlite3.connect(uri, isolation_level=None, uri=True)
            check_version(self._db, folder)
            return
        self._db = sqlite3.connect(folder / LEDGER, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        migrate(self._db, folder)
        self._wait_for_disk(False)

    def close(self) -> None:
        """Close the file; everything is on disk already."""
        self._db.close()

    def _wait_for_disk(self, wait: bool) -> None:
        """Whether a transaction waits until it, and what was before it, is on disk."""
        self._db.execute(f"PRAGMA synchronous = {'FULL' if wait else 'NORMAL'}")

    @contextmanager
    def _change(self, keep: bool = True, soon: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is kept, or none, as without ``keep``.

        It is on disk at the end; or ``soon``, with the next that is, where the loss of it costs
        nothing but to do it again. Such are single statements, too.
        """
        self._wait_for_disk(not soon)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            if keep:
                self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._wait_for_disk(False)

    def skipped(self) -> list[tuple[str, str]]:
        """Files that were not read at all, each with the reason."""
        return self._db.execute("SELECT file, reason FROM skipped ORDER BY position").fetchall()

    # the run

    def note_run(
        self, inputs: Sequence[Path | str], settings: Settings, cluster: str | None
    ) -> None:
        """Remember what a run was asked for, wherever the next one is started."""
        named = {
            key: str(Path(place).absolute())
            for key in ("models", "templates", "gallery", "password_file")
            if (place := getattr(settings, key)) is not None
        }
        run = LastRun(
            [absolute(path) for path in inputs],
            msgspec.structs.replace(settings, **named),
            time.time(),
            str(Path(cluster).absolute()) if cluster and Path(cluster).is_file() else cluster,
        )
        data = msgspec.json.encode(run).decode()
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('run', ?)", (data,))

    def last_run(self) -> LastRun:
        """Return what the last run was asked for.

        Raises:
            UsageError: there was none, or it was one of an older version.
        """
        row = self._db.execute("SELECT value FROM meta WHERE key = 'run'").fetchone()
        try:
            return msgspec.json.decode(row[0] if row else "", type=LastRun)
        except msgspec.DecodeError as error:
            raise UsageError(
                "no run is known here; start `hwdigitize run` once more"
            ) from error

    def finished_since(self, moment: float) -> tuple[int, float]:
        """How many pages were finished since, and when the last was (Unix seconds)."""
        query = "SELECT count(*), coalesce(max(finished), 0) FROM pages WHERE finished > ?"
        pages, last = self._db.execute(query, (moment,)).fetchone()
        return int(pages), float(last)

    def worst_problems(self, most: int = 5) -> list[tuple[str, int, str]]:
        """First problems of pages as ``stage:code``, how many, and a file; commonest first."""
        return self._db.execute(
            f"SELECT problem, count(*), min(file) {_OF_INPUTS} AND problem NOT NULL "
            "GROUP BY problem ORDER BY count(*) DESC, problem LIMIT ?",
            (most,),
        ).fetchall()

    def flags(self) -> int:
        """How many readings a person must look at."""
        query = f"SELECT coalesce(sum(flags), 0) {_OF_INPUTS} AND state = 'review'"
        return int(self._db.execute(query).fetchone()[0])

    def wait_again(self, pattern: str, failed: bool) -> int:
        """Let pages of matching inputs wait again, or those alone that failed; how many."""
        chosen = (
            "state IN ('done', 'review', 'quarantined') AND (state = 'quarantined' OR NOT ?) "
            "AND file_id IN (SELECT id FROM files WHERE position NOT NULL AND file GLOB ?)"
        )
        with self._change() as db:
            # What could not be counted is counted again.
            db.execute(
                "UPDATE files SET document_bytes = NULL, "
                "pages = CASE WHEN failed THEN NULL ELSE pages END "
                f"WHERE id IN (SELECT file_id FROM pages WHERE {chosen})",
                (failed, pattern),
            )
            return db.execute(
                f"UPDATE pages SET state = 'waiting', alone = 0 WHERE {chosen}",
                (failed, pattern),
            ).rowcount

    # vanished inputs

    def vanished(self) -> int:
        """How many files of earlier runs are not among the inputs."""
        query = "SELECT count(*) FROM files WHERE position IS NULL"
        return int(self._db.execute(query).fetchone()[0])

    def vanished_files(self) -> list[str]:
        """Names of the files of earlier runs that are not among the inputs."""
        rows = self._db.execute("SELECT file FROM files WHERE position IS NULL ORDER BY file")
        return [file for (file,) in rows]

    def page_indices(self, file: str) -> list[int]:
        """Pages known of a file, from 0."""
        query = (
            "SELECT page_index FROM pages WHERE file_id = (SELECT id FROM files WHERE file = ?)"
        )
        return [index for (index,) in self._db.execute(query, (file,))]

    def finished_at(self, file: str) -> dict[int, float]:
        """When each page of a file was finished (Unix seconds), by page from 0."""
        query = (
            "SELECT page_index, coalesce(finished, 0) FROM pages "
            "WHERE file_id = (SELECT id FROM files WHERE file = ?)"
        )
        return dict(self._db.execute(query, (file,)))

    def forget(self, file: str) -> None:
        """Drop a file and its pages."""
        with self._change() as db:
            db.execute(
                "DELETE FROM pages WHERE file_id = (SELECT id FROM files WHERE file = ?)",
                (file,),
            )
            db.execute("DELETE FROM files WHERE file = ?", (file,))

    # what is on disk

    def reported(self) -> str | None:
        """Return the digest of what the reports on disk show."""
        row = self._db.execute("SELECT value FROM meta WHERE key = 'reported'").fetchone()
        return row[0] if row else None

    def note_reported(
        self, digest: str, bundles: Iterable[tuple[str, str]], outputs: dict[str, str]
    ) -> None:
        """Remember what is on disk: the state shown, of which bundles, the SHA-256 by path."""
        with self._change() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('reported', ?)", (digest,))
            db.execute("DELETE FROM bundles")
            db.executemany("INSERT INTO bundles VALUES (?, ?)", bundles)
            db.execute("DELETE FROM outputs")
            db.executemany("INSERT INTO outputs VALUES (?, ?)", outputs.items())

    def reported_bundles(self) -> dict[str, str]:
        """What was noted of the bundles that the reports on disk show, by key."""
        return dict(self._db.execute("SELECT key, report FROM bundles"))

    def settle(self) -> None:
        """Remember that all documents and views that were written are on disk."""
        with self._change() as db:
            db.execute(
                "UPDATE files SET document_bytes = -document_bytes WHERE document_bytes < 0"
            )
            db.execute("UPDATE files SET viewed = 1 WHERE viewed < 0")

    def unsettled(self) -> bool:
        """Whether documents or views were written that may not be on disk."""
        query = "SELECT 1 FROM files WHERE document_bytes < 0 OR viewed < 0 LIMIT 1"
        return self._db.execute(query).fetchone() is not None

    def seconds_by_stage(self) -> dict[str, float]:
        """Time that workers spent on the pages of the inputs, by stage."""
        rows = self._db.execute(
            "SELECT key, sum(value) FROM pages p JOIN files f ON f.id = p.file_id, "
            "json_each(p.seconds) WHERE position NOT NULL AND p.seconds != '' GROUP BY key"
        )
        return {stage: round(seconds, 3) for stage, seconds in rows}

    def outputs(self) -> list[tuple[str, str]]:
        """Tables and report as they were written: path and SHA-256."""
        return self._db.execute("SELECT path, sha256 FROM outputs ORDER BY path").fetchall()

    def documents_written(self) -> Iterator[tuple[str, bytes]]:
        """Files with a document that is up to date, and its SHA-256; vanished ones too."""
        yield from self._db.execute(
            "SELECT file, document_sha256 FROM files WHERE document_bytes NOT NULL "
            "AND document_sha256 NOT NULL ORDER BY id"
        )

    def images(self) -> Iterator[tuple[str, int, bytes]]:
        """Pages with images, and the short hashes of scan and thumbnail."""
        yield from self._db.execute(
            "SELECT file, page_index, images FROM files f JOIN pages p ON p.file_id = f.id "
            "WHERE length(images) > 0 AND state IN ('done', 'review') ORDER BY f.id, page_index"
        )

    def views_written(self) -> Iterator[tuple[str, int, bytes]]:
        """Inputs whose views are up to date, of how many pages, and their hash together."""
        yield from self._db.execute(
            "SELECT file, views, views_hash FROM files "
            "WHERE position NOT NULL AND viewed != 0 ORDER BY id"
        )

    def damage(self) -> Iterator[str]:
        """What SQLite finds wrong with the file, in its words."""
        for (line,) in self._db.execute("PRAGMA quick_check"):
            if line != "ok":
                yield line

    def illegible(self) -> Iterator[tuple[str, int]]:
        """Finished pages whose reading is damaged."""
        for file, index, result in self._db.execute(
            "SELECT file, page_index, result FROM files f JOIN pages p ON p.file_id = f.id "
            "WHERE result NOT NULL AND state NOT IN ('waiting', 'running') ORDER BY f.id"
        ):
            try:
                zlib.decompress(result)
            except (zlib.error, TypeError):
                yield file, index

    # what is to be made again

    def count_again(self, file: str) -> None:
        """Have a file's pages counted, and read, by the next run."""
        self._db.execute("UPDATE files SET pages = NULL WHERE file = ?", (file,))

    def read_again(self, file: str, index: int) -> None:
        """Have a page read by the next run."""
        with self._change() as db:
            db.execute(
                "UPDATE pages SET state = 'waiting', alone = 0 WHERE page_index = ? "
                "AND file_id = (SELECT id FROM files WHERE file = ?)",
                (index, file),
            )
            db.execute("UPDATE files SET document_bytes = NULL WHERE file = ?", (file,))

    def report_again(self, file: str | None = None) -> None:
        """Have tables and report, and the views of a file, written by the next run."""
        with self._change() as db:
            db.execute("UPDATE files SET viewed = 0 WHERE file = ?", (file,))
            db.execute("DELETE FROM meta WHERE key = 'reported'")
            db.execute("DELETE FROM bundles")

    def not_conserved(self) -> list[tuple[str, int, int]]:
        """Files that lost or gained pages: their pages, and how many are accounted for."""
        return self._db.execute(
            "SELECT file, pages, (SELECT count(*) FROM pages p WHERE p.file_id = f.id "
            "AND page_index BETWEEN 0 AND f.pages - 1 "
            "AND (state IN ('waiting', 'running') OR result NOT NULL)) AS found "
            "FROM files f WHERE position IS NOT NULL AND pages IS NOT NULL AND found != pages"
        ).fetchall()
