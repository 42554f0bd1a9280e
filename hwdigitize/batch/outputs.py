"""The output folder: one run at a time, and failures to write with their remedy."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hwdigitize.errors import OutputError

_LOCK = "run.lock"
LEDGER = "ledger.sqlite"
#: a run stops with less room than this: the ledger must be able to write what it knows
LEAST_FREE_BYTES = 50_000_000
#: time that ``status`` may hold the lock to see whether someone else does
_PROBE_SECONDS = 0.5


@contextmanager
def output_errors(out: Path) -> Iterator[None]:
    """Turn failures to write below ``out`` into :class:`OutputError` with the remedy."""
    try:
        yield
    except OutputError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        if not _is_full(error.__cause__):  # it may be a file elsewhere, of figures
            raise OutputError(f"{error}. Check the folder and its permissions.") from error
        raise OutputError(_advice(out, True, str(error))) from error
    except OSError as error:
        raise OutputError(_advice(out, _is_full(error), str(error))) from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0)
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise OutputError(
                f"{out / LEDGER} is damaged ({error}). Put a copy of it back, or choose "
                "another --out, where all is read anew."
            ) from error
        full = code == sqlite3.SQLITE_FULL
        raise OutputError(_advice(out, full, f"{LEDGER}: {error}")) from error


def _is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def _advice(out: Path, full: bool, detail: str) -> str:
    if full:
        return (
            f"the disk that holds {out} is full ({detail}). What is done is kept: "
            "make room and start the same command again."
        )
    return f"cannot write results to {out} ({detail}). Check the folder and its permissions."


def check_room(out: Path) -> None:
    """Notice a disk that is nearly full while there is room to end in order.

    Raises:
        OutputError: the message says what to do; what is done is kept.
    """
    free = shutil.disk_usage(out).free
    if free < LEAST_FREE_BYTES:
        raise OutputError(_advice(out, True, f"{free / 1e6:.0f} MB left"))


@contextmanager
def locked(out: Path, name: str = _LOCK) -> Iterator[None]:
    """Hold the output folder against a second run, by a lock file of that name.

    The kernel drops the lock with its holder, so that a dead run never blocks the next.

    Raises:
        OutputError: another run holds it; the message names its process and host.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / name).open("a+") as file:
        deadline = time.monotonic() + _PROBE_SECONDS
        while not _lock(file, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                file.seek(0)
                holder = file.read().strip() or "another process"
                raise OutputError(
                    f"{out} is in use by {holder}; wait for it or stop it "
                    f"(`hwdigitize status {out}` says how far it is)"
                )
            time.sleep(0.05)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield
        file.truncate(0)


def holder(out: Path) -> str | None:
    """Say which process is writing to a results folder: ``process 7 on host``, or None."""
    try:
        with (out / _LOCK).open() as file:
            return None if _lock(file, fcntl.LOCK_SH) else file.read().strip()
    except OSError:
        return None


def _lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
