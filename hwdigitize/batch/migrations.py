"""The ledger's tables. A new version is a new script at the end, never a change of one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from hwdigitize.errors import OutputError

SCRIPTS = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE files (
        id INTEGER PRIMARY KEY,
        file TEXT NOT NULL UNIQUE,          -- path below the input folder, for people
        path BLOB NOT NULL,                 -- where it lies, as the system spells it
        position INTEGER,                   -- order among the inputs; null: not among them
        size INTEGER, mtime_ns INTEGER,     -- as inspected; null: look again
        sha256 TEXT NOT NULL DEFAULT '',
        reading TEXT, limits TEXT,          -- fingerprints it was inspected under
        pages INTEGER,                      -- null: not inspected yet
        failed INTEGER NOT NULL DEFAULT 0,  -- its pages cannot be counted
        alone INTEGER NOT NULL DEFAULT 0,   -- broke a limit: to be taken by itself
        document_bytes INTEGER              -- size of its JSON; null: to be written
    );
    CREATE INDEX files_in_order ON files (position) WHERE position IS NOT NULL;
    CREATE TABLE skipped (
        position INTEGER PRIMARY KEY, file TEXT NOT NULL, reason TEXT NOT NULL
    );
    CREATE TABLE pages (
        file_id INTEGER NOT NULL REFERENCES files,
        page_index INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting',
        alone INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        flags INTEGER NOT NULL DEFAULT 0,
        problem TEXT,                       -- stage:code of the first
        worker TEXT, started REAL, finished REAL,
        cluster TEXT,
        embedding BLOB,                     -- float32
        result BLOB,                        -- JSON of the page, zlib
        PRIMARY KEY (file_id, page_index)
    );
    """,
    """
    ALTER TABLE files DROP COLUMN reading;      -- the fingerprint is the ledger's, in meta
    ALTER TABLE files DROP COLUMN limits;
    ALTER TABLE files ADD COLUMN document_sha256 BLOB;
    ALTER TABLE pages ADD COLUMN template TEXT; -- that it was read by
    ALTER TABLE pages ADD COLUMN parts INTEGER NOT NULL DEFAULT 0; -- fingerprint.Part
    ALTER TABLE pages ADD COLUMN images BLOB;   -- SHA-256 of scan and thumbnail, 16 bytes each
    CREATE TABLE outputs (path TEXT PRIMARY KEY, sha256 TEXT NOT NULL);
    CREATE INDEX pages_by_state ON pages (state, flags, file_id);
    CREATE INDEX pages_by_time ON pages (finished);
    CREATE INDEX pages_by_problem ON pages (problem) WHERE problem NOT NULL;
    """,
    """
    ALTER TABLE pages ADD COLUMN seconds TEXT;  -- by stage, JSON; no longer in the result,
    DELETE FROM meta WHERE key IN ('fingerprint', 'reported'); -- so that all is read anew
    -- document_bytes below zero: written, but perhaps not on disk yet
    ALTER TABLE files ADD COLUMN viewed INTEGER NOT NULL DEFAULT 0; -- 1: its pages' views are
        -- in the report as they should be; -1: but perhaps not on disk yet; 0: to be written
    ALTER TABLE files ADD COLUMN views INTEGER NOT NULL DEFAULT 0;  -- of how many pages
    CREATE TRIGGER view_again AFTER UPDATE OF document_bytes ON files
        WHEN NEW.document_bytes IS NULL
        BEGIN UPDATE files SET viewed = 0 WHERE id = NEW.id; END;
    CREATE TABLE bundles (key TEXT PRIMARY KEY, report TEXT NOT NULL); -- as in the reports
    """,
    """
    ALTER TABLE files ADD COLUMN views_hash BLOB;   -- of its views together, 16 bytes
    UPDATE files SET viewed = 0;
    DELETE FROM meta WHERE key = 'reported';
    """,
)


def check_version(db: sqlite3.Connection, folder: Path) -> None:
    """Refuse a ledger that cannot be read as it is.

    Raises:
        OutputError: it was written by another version.
    """
    if db.execute("PRAGMA user_version").fetchone() != (len(SCRIPTS),):
        raise OutputError(
            f"{folder} was written by another version of hwdigitize; start a run on it first"
        )


def migrate(db: sqlite3.Connection, folder: Path) -> None:
    """Bring a ledger to the newest version, one transaction a step.

    Raises:
        OutputError: it was written by a newer hwdigitize.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > len(SCRIPTS):
        raise OutputError(
            f"{folder} was written by a newer hwdigitize; install that, or choose another --out"
        )
    for step, script in enumerate(SCRIPTS[version:], version + 1):
        db.executescript(f"BEGIN;{script};PRAGMA user_version = {step};COMMIT;")
