"""Inputs and results that lie elsewhere: any URL that fsspec knows, such as ``s3://``.

Inputs are listed by the run and fetched by the workers, under their time limit. Results are
made in a local folder, as their ledger needs a local disk, and put to their URL when a run
ends.
Needs fsspec, which the extra ``hwdigitize[cluster]`` brings, and the package of the protocol.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwdigitize.batch.outputs import LEDGER, locked
from hwdigitize.errors import HwdigitizeError, OutputError, PageError, UsageError
from hwdigitize.pages.discovery import Skipped
from hwdigitize.pages.formats import SUFFIXES
from hwdigitize.pages.names import natural_key, safe_name, unique_names

#: held on this machine until all is put, which is longer than the run's own
_LOCK = "url.lock"
#: files put at once
_PUTS = 16
#: written when all of a results folder was put to its URL
_PUT = ".put"
#: belong to the local folder alone
_NOT_PUT = (_PUT, _LOCK, "run.lock", f"{LEDGER}-wal", f"{LEDGER}-shm")
#: of results, what is removed at the URL when it is no longer there
_MIRRORED = ("documents", "quarantine", "report")
#: keys of fsspec's descriptions of files that change with their content
_TELLING = ("size", "mtime", "LastModified", "last_modified", "updated", "ETag", "etag", "ukey")
_MARK = re.compile(r"#hwdigitize=([0-9]+)-([0-9a-f]{15})$")


def is_url(text: object) -> bool:
    """Whether a path is a URL, as ``file://`` is too."""
    return "://" in str(text)


def absolute(path: Path | str) -> str:
    """Path from the root; a URL as it is."""
    return str(path) if is_url(path) else str(Path(path).absolute())


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file to read at the URL ``path``; ``file`` is its name in every result."""

    path: str
    file: str


@dataclass(frozen=True, slots=True)
class RemoteInputs:
    """All that was found at URLs: what to read, in order, and what not."""

    files: tuple[RemoteFile, ...]
    skipped: tuple[Skipped, ...]


def find_remote(urls: Sequence[str]) -> RemoteInputs:
    """Find page files at URLs, below them if they are folders, in natural order.

    A file is taken for a page by its suffix, as looking into it would mean to fetch it. Hidden
    files are left out.

    Paths of what is found are URLs, marked with size and version where the store tells them, so
    that a changed file is noticed without fetching it.

    Raises:
        UsageError: nothing is there, or the URL's protocol is not known or not installed.
    """
    found: list[tuple[str, str]] = []
    for url in urls:
        found += _listed(url)
    names = unique_names(name for name, _ in found)
    files = (RemoteFile(url, name) for name, (_, url) in zip(names, found, strict=True))
    pages = tuple(file for file in files if _is_page(file.file))
    reason = "neither an image nor a PDF, by its name"
    skipped = (Skipped(name, reason) for name in names if not _is_page(name))
    return RemoteInputs(pages, tuple(skipped))


def _is_page(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES


def _listed(url: str) -> Iterator[tuple[str, str]]:
    store, root = opened(url)
    try:
        found: dict[str, dict[str, Any]] = store.find(root, detail=True)
    except OSError as error:
        raise UsageError(f"cannot list {url}: {error}") from error
    if not found:
        raise UsageError(f"there is nothing at {url}. Check its spelling.")
    for path in sorted(found, key=natural_key):
        inside = path.removeprefix(root).strip("/") or last_part(path)
        parts = inside.split("/")
        if not any(part.startswith(".") for part in parts):
            yield safe_name(parts), store.unstrip_protocol(path) + _mark(found[path])


def _mark(about: dict[str, Any]) -> str:
    telling = [str(about[key]) for key in _TELLING if about.get(key) is not None]
    if not isinstance(about.get("size"), int) or len(telling) < 2:
        return ""
    digest = hashlib.sha256(repr(telling).encode()).hexdigest()[:15]
    return f"#hwdigitize={about['size']}-{digest}"


def version_of(url: str) -> tuple[int, int] | None:
    """Size and version of a URL as it was found, if it is marked with them."""
    match = _MARK.search(url)
    return (int(match[1]), int(match[2], 16)) if match else None


def is_there(path: str) -> bool:
    """Whether a file or folder is at a path or URL.

    Raises:
        UsageError: the URL's protocol is not installed here.
        OSError: the store does not answer.
    """
    if not is_url(path):
        return Path(path).exists()
    store, place = opened(_MARK.sub("", path))
    return bool(store.exists(place))


def last_part(path: str) -> str:
    """Name of the file that a path or URL ends in."""
    return _MARK.sub("", path).rstrip("/").rsplit("/", 1)[-1] or "unnamed"


def fetch(url: str, place: str) -> None:
    """Copy a file from its URL; called in a limited worker process.

    Raises:
        PageError: it is not there or cannot be fetched.
        UsageError: its protocol is not installed here.
    """
    store, path = opened(_MARK.sub("", url))
    try:
        store.get_file(path, place)
    except FileNotFoundError as error:
        message = "The file is no longer there. Was it moved or renamed?"
        raise PageError("ingest", "missing", message) from error
    except MemoryError:
        raise
    except Exception as error:  # stores raise what they like; to the page it is all one
        message = f"The file cannot be fetched: {type(error).__name__}: {error}"
        raise PageError("ingest", "unreadable", message) from error


def opened(url: str) -> tuple[Any, str]:
    """Return the fsspec file system of a URL, and the path in it.

    Raises:
        UsageError: fsspec or the package of the protocol is not installed.
    """
    try:
        from fsspec.core import url_to_fs

        store, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        where = socket.gethostname()
        raise UsageError(
            f"cannot open {url} on {where}: {error}. URLs need pip install "
            "'hwdigitize[cluster]' and the package of their protocol, such as s3fs."
        ) from error
    return store, str(path)


@contextmanager
def results_at(out: str) -> Iterator[Path]:
    """Give the local folder for results at ``out``: itself, or of a URL its copy here.

    The copy lies in the user's state folder (``XDG_STATE_HOME``) and stays there, so that a run
    that was killed goes on. Where there is none, results that were put to the URL from another
    machine are brought here first. When the block ends well, what is new is put to the URL, the
    ledger last, so that it never tells of what is not there.

    Raises:
        OutputError: the URL cannot be read or written, or a run here is writing to it.
    """
    if not is_url(out):
        yield Path(out)
        return
    folder = _copy_of(out)
    with locked(folder, _LOCK):
        with _output_errors(out, folder):
            if not (folder / LEDGER).exists():
                _bring(out, folder)
        yield folder
        with _output_errors(out, folder):
            _put(folder, out)


def _copy_of(out: str) -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    digest = hashlib.sha256(out.rstrip("/").encode()).hexdigest()[:16]
    return Path(state) / "hwdigitize" / safe_name([f"{last_part(out)}-{digest}"])


@contextmanager
def _output_errors(out: str, folder: Path) -> Iterator[None]:
    try:
        yield
    except (MemoryError, HwdigitizeError):
        raise
    except Exception as error:  # stores raise what they like
        raise OutputError(
            f"cannot use {out} for results: {type(error).__name__}: {error}. What is done is "
            f"kept in {folder}; start the same command again."
        ) from error


def _bring(out: str, folder: Path) -> None:
    """Copy earlier results from their URL, the ledger last: with it the copy is whole."""
    store, root = opened(out)
    if not store.exists(f"{root.rstrip('/')}/{LEDGER}"):
        return
    names = [path.removeprefix(root).strip("/") for path in store.find(root)]
    for name in sorted(names, key=lambda name: (name == LEDGER, name)):
        if ".." in name.split("/"):
            raise OutputError(f"{out} holds a name that leads out of it: {name}")
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        store.get_file(f"{root.rstrip('/')}/{name}", str(place))
    (folder / _PUT).touch()


def _put(folder: Path, out: str) -> None:
    """Copy what changed since the last time to the URL."""
    store, root = opened(out)
    mark = folder / _PUT
    since = mark.stat().st_mtime_ns if mark.exists() else 0
    begun = folder / f"{_PUT}.begun"
    begun.touch()
    names = list(_changed(folder, since))
    targets = [f"{root.rstrip('/')}/{name}" for name in names]
    for parent in dict.fromkeys(target.rpartition("/")[0] for target in targets):
        store.makedirs(parent, exist_ok=True)
    with ThreadPoolExecutor(_PUTS) as pool:
        for _ in pool.map(store.put_file, (str(folder / name) for name in names), targets):
            pass  # raises what went wrong, and puts no more then
    if (folder / LEDGER).exists():
        store.put_file(str(folder / LEDGER), f"{root.rstrip('/')}/{LEDGER}")
    if since:
        _remove(store, root, _gone(store, root, folder))
    begun.replace(mark)


def _changed(folder: Path, since: int) -> Iterator[str]:
    """Names of files written or linked since a time (ns), but for the ledger."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        told = name not in _NOT_PUT and not name.startswith(_PUT) and path.suffix != ".tmp"
        if told and name != LEDGER and path.is_file() and path.stat().st_ctime_ns >= since:
            yield name


def _gone(store: Any, root: str, folder: Path) -> Iterator[str]:
    for part in _MIRRORED:
        for path in store.find(f"{root.rstrip('/')}/{part}"):
            name = path.removeprefix(root).strip("/")
            if not (folder / name).exists():
                yield name


def _remove(store: Any, root: str, names: Iterable[str]) -> None:
    for name in list(names):
        store.rm_file(f"{root.rstrip('/')}/{name}")
