"""The output folder: one run at a time, and failures to write with their remedy."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hwdigitize.errors import OutputError

_LOCK = "run.lock"


@contextmanager
def output_errors(out: Path) -> Iterator[None]:
    """Turn failures to write below ``out`` into :class:`OutputError` with the remedy."""
    try:
        yield
    except OutputError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        raise OutputError(_advice(out, _is_full(error.__cause__), str(error))) from error
    except OSError as error:
        raise OutputError(_advice(out, _is_full(error), str(error))) from error
    except sqlite3.Error as error:
        full = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL
        raise OutputError(_advice(out, full, f"ledger.sqlite: {error}")) from error


def _is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def _advice(out: Path, full: bool, detail: str) -> str:
    if full:
        return (
            f"the disk that holds {out} is full ({detail}). What is done is kept: "
            "make room and start the same command again."
        )
    return f"cannot write results to {out} ({detail}). Check the folder and its permissions."


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold the output folder against a second run.

    The kernel drops the lock with its holder, so that a dead run never blocks the next.

    Raises:
        OutputError: another run holds it; the message names its process and host.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / _LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise OutputError(
                f"{out} is in use by {holder}; wait for it, stop it, or choose another --out"
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield
        file.truncate(0)
