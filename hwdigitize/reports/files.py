"""Files that are whole or not there: temporary name, flush, rename."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
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
                _sync(path.parent)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write {path}: {reason}") from error


def _sync(path: Path) -> None:
    """Have a file's content, or the names in a folder, survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
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


def write_changed(path: Path, data: bytes) -> str:
    """Write ``data`` whole, unless ``path`` holds it already; does not wait for the disk.

    Returns:
        The SHA-256 of the data.

    Raises:
        OutputError: the folder or file cannot be written.
    """
    if not _holds(path, data):
        write_whole(path, data, durable=False)
    return hashlib.sha256(data).hexdigest()


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def write_together(files: Mapping[Path, bytes]) -> None:
    """Write the files of one folder whole, and wait for the disk: once for each, once for all.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    for path, data in files.items():
        write_whole(path, data, durable=False)
    try:
        for path in (*files, *{path.parent for path in files}):
            _sync(path)
    except OSError as error:
        raise OutputError(f"cannot write {error.filename}: {error.strerror}") from error
