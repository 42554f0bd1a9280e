"""Files that are whole or not there: temporary name, flush, rename."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from hwdigitize.errors import OutputError


@contextmanager
def replacing(path: Path, durable: bool = True, **how: Any) -> Iterator[IO[Any]]:
    """Open a temporary file beside ``path``; it takes the place of ``path`` when all went well.

    ``how`` goes to ``open``: ``mode="wb"``, or ``mode="w"`` with an encoding. Missing folders
    are made. When the block raises, the temporary file is removed and ``path`` is untouched.
    The temporary name is always the same one, so that what a killed process left is replaced
    when the file is made again; two writers of one file are for the caller to prevent.
    ``durable`` waits for the disk, which files that can be made again need not.

    Raises:
        OutputError: the folder or file cannot be written.
    """
    temporary = path.with_name(
        f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}.tmp"
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open(**how) as file:
                yield file
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            temporary.replace(path)
            if durable:
                _sync_folder(path.parent)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write {path}: {reason}") from error


def _sync_folder(folder: Path) -> None:
    """Have a new name survive a loss of power, as the file's content does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, data: bytes, durable: bool = True) -> None:
    """Write ``data`` to ``path`` so that a reader sees all of it or what was there before.

    Raises:
        OutputError: the folder or file cannot be written.
    """
    with replacing(path, durable, mode="wb") as file:
        file.write(data)
