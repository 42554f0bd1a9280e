"""What runs on a machine of a cluster: pages, in limited worker processes, as locally.

A Dask worker holds one station for each run that sends it pages: the run's settings with the
files that they name, and an :class:`IsolatedExecutor` with as many processes as the Dask worker
has threads. So a page that breaks a limit or kills its process costs itself alone, here too,
and the Dask worker lives on. Before its first page a station makes sure that it would read as
the run itself: same version, same libraries, same weights and templates, by their hashes.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, NamedTuple

import msgspec

from hwdigitize.batch.executors import IsolatedExecutor
from hwdigitize.batch.fingerprint import Fingerprint, fingerprint
from hwdigitize.batch.records import Job, sha256_of
from hwdigitize.batch.remote import fetch, is_url, last_part
from hwdigitize.document import PageRef
from hwdigitize.errors import HwdigitizeError, ModelError, PageError, UsageError
from hwdigitize.settings import Settings

#: libraries whose versions change what is read
_LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless", "pillow", "pypdfium2")
#: settings that name files, which travel with the run
_NAMING_FILES = ("models", "templates", "gallery", "password_file")
#: files beside the weights that only training needs
_NOT_SENT = (".keras", ".jsonl")
#: a station without calls for this long is closed when another run comes
_IDLE_SECONDS = 600.0


class Kit(NamedTuple):
    """What every worker of a run is given, once: settings, the files they name, their hashes.

    ``files`` has contents by name, such as ``models/words.onnx``; empty where the run uses what
    the package brings, which is then compared by hash and not sent.
    """

    settings: Settings
    files: dict[str, bytes]
    prints: Fingerprint

    @property
    def digest(self) -> str:
        """Name of this kit among others."""
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()}
        return hashlib.sha256(repr((self.settings, hashes, self.prints)).encode()).hexdigest()


class Source(NamedTuple):
    """How a worker comes by an input file: size and time of the run's own, or the content.

    A worker opens the path itself if it finds the very same file there; ``data`` is sent when
    it does not. Both are None for a URL, which the worker fetches, and for a file that the run
    cannot read.
    """

    seen: tuple[int, int] | None = None
    data: bytes | None = None


class Answer(NamedTuple):
    """What came of a call: its value, or the exception it raised."""

    good: bool
    value: Any


class NotHereError(Exception):
    """The input file cannot be seen from this worker; its content has to be sent."""


def pack_kit(settings: Settings) -> Kit:
    """Gather what workers need beside the package.

    Raises:
        UsageError: a file that the settings name cannot be read.
    """
    files: dict[str, bytes] = {}
    for key in _NAMING_FILES:
        if (named := getattr(settings, key)) is not None:
            files |= _contents(key, Path(named))
    return Kit(settings, files, _prints(settings))


def _contents(key: str, root: Path) -> dict[str, bytes]:
    try:
        found = (path for path in (root, *root.rglob("*")) if path.is_file())
        return {
            (Path(key) / path.relative_to(root)).as_posix(): path.read_bytes()
            for path in found
            if path.suffix not in _NOT_SENT
        }
    except OSError as error:
        raise UsageError(f"cannot read {error.filename or root}: {error.strerror}") from error


def _prints(settings: Settings) -> Fingerprint:
    """All that a reading depends on besides its page."""
    return fingerprint(settings) | {f"library {name}": _version(name) for name in _LIBRARIES}


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def work(kit: Kit, call: Callable[..., Any], args: tuple[Any, ...], source: Source) -> Answer:
    """Make a call on this Dask worker, in one of its limited processes.

    What the call raises is part of the answer, so that an exception of the task itself is
    always one of the cluster.
    """
    from distributed import get_worker

    try:
        return Answer(True, _station(get_worker(), kit).call(call, args, source))
    except Exception as error:  # an answer hands on whatever its call raised
        return Answer(False, error)


def close_station(digest: str, dask_worker: Any = None) -> None:
    """End what a run left on this Dask worker."""
    _stations(dask_worker).close(digest)


def _station(worker: Any, kit: Kit) -> Station:
    threads, folder = worker.state.nthreads, Path(worker.local_directory)
    return _stations(worker).open(kit, lambda: Station(kit, threads, folder, worker.address))


def _stations(worker: Any) -> _Stations:
    """The stations of a Dask worker; kept with it, as several may share a process."""
    stations: _Stations = vars(worker).setdefault("hwdigitize_stations", _Stations())
    return stations


class _Stations:
    """The stations of one Dask worker by kit; opened once, whichever thread comes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Station] = {}

    def open(self, kit: Kit, make: Callable[[], Station]) -> Station:
        with self._lock:
            digest = kit.digest
            if digest not in self._open:
                self._close_idle()
                self._open[digest] = make()
            return self._open[digest]

    def close(self, digest: str) -> None:
        with self._lock:
            if station := self._open.pop(digest, None):
                station.close()

    def _close_idle(self) -> None:
        """End what runs left behind that were killed."""
        for digest, station in list(self._open.items()):
            if time.monotonic() - station.used > _IDLE_SECONDS + station.longest_seconds:
                self._open.pop(digest).close()


class Station:
    """A run's place on one Dask worker.

    Args:
        kit: the run's settings and files.
        threads: how many pages at once.
        folder: where to put files; what is put there is removed with the station.
        name: of the worker, for messages.

    Raises:
        ModelError, UsageError: this worker would read otherwise than the run; says where.
    """

    def __init__(self, kit: Kit, threads: int, folder: Path, name: str) -> None:
        self.used = time.monotonic()
        self._folder = TemporaryDirectory(prefix="hwdigitize-", dir=folder)
        self._settings = _unpack(kit, Path(self._folder.name))
        _check(kit.prints, _prints(self._settings), name)
        self._held = threading.local()
        self._executor = IsolatedExecutor(
            threads, kit.settings.page_seconds, kit.settings.worker_megabytes
        )

    @property
    def longest_seconds(self) -> float:
        """How long a call may be under way: fetching and reading have their limit each."""
        return 2 * self._settings.page_seconds

    def close(self) -> None:
        """End the processes and remove the files."""
        self._executor.shutdown(cancel_futures=True)
        self._folder.cleanup()

    def call(self, call: Callable[..., Any], args: tuple[Any, ...], source: Source) -> Any:
        """Make a call with the files of this machine in the place of the run's.

        Raises:
            NotHereError: the content of the file has to be sent.
            Exception: whatever the call raised, or a ``LimitError``.
        """
        self.used = time.monotonic()
        args = tuple(self._at_hand(arg, source) for arg in args)
        return self._executor.submit(_with_settings(call, self._settings), *args).result()

    def _at_hand(self, item: Any, source: Source) -> Any:
        """Put a page's or file's reference onto a path that can be opened here."""
        match item:
            case Job():
                return item._replace(path=self._path(item.path, "", source))
            case PageRef():
                path = self._path(item.path, item.sha256, source)
                return msgspec.structs.replace(item, path=path)
        return item

    def _path(self, path: str, sha256: str, source: Source) -> str:
        if source.data is None and not is_url(path):
            if source.seen is None:  # nor does the run see it: the call will say so
                return str(Path(self._folder.name) / "missing" / last_part(path))
            if size_and_time(path) != source.seen:
                raise NotHereError
            return path
        held = self._hold(path, source)
        if sha256 and held.sha256 != sha256:
            raise PageError(
                "ingest",
                "changed",
                "The file is not the one whose pages were counted: it changed during the run. "
                "Start the same command again.",
            )
        return str(held.path)

    def _hold(self, name: str, source: Source) -> _Held:
        """Have a file here; each thread keeps its last, whose next page often comes next."""
        held: _Held | None = getattr(self._held, "file", None)
        if held and held.name == name and source.data is None:
            return held
        if held:
            self._held.file = None
            shutil.rmtree(held.path.parent, ignore_errors=True)
        path = Path(mkdtemp(dir=self._folder.name)) / last_part(name)
        try:
            if source.data is None:
                self._executor.submit(fetch, name, str(path)).result()
            else:
                path.write_bytes(source.data)
        except BaseException:  # what came of it is of no use, and may be large
            shutil.rmtree(path.parent, ignore_errors=True)
            raise
        self._held.file = held = _Held(name, path, sha256_of(str(path)))
        return held


class _Held(NamedTuple):
    name: str
    path: Path
    sha256: str


def size_and_time(path: str) -> tuple[int, int] | None:
    """Size and time of change (ns) of a file, by which a shared one is known everywhere."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns


def _with_settings(call: Callable[..., Any], settings: Settings) -> Callable[..., Any]:
    """Exchange the run's settings in a call for those with the paths of this machine."""
    if not isinstance(call, functools.partial):
        return call
    args = (settings if isinstance(arg, Settings) else arg for arg in call.args)
    return functools.partial(call.func, *args, **call.keywords)


def _unpack(kit: Kit, folder: Path) -> Settings:
    for name, data in kit.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    named = {
        key: str(folder / key)
        for key in _NAMING_FILES
        if getattr(kit.settings, key) is not None
    }
    return msgspec.structs.replace(kit.settings, **named)


def _check(wanted: Fingerprint, found: Fingerprint, worker: str) -> None:
    """Refuse a worker that would read otherwise than the run.

    Raises:
        ModelError: its weights differ.
        UsageError: something else differs.
    """
    differing = list(_differences(wanted, found))
    if not differing:
        return
    models = any(name.startswith("model ") for name in differing)
    error: type[HwdigitizeError] = ModelError if models else UsageError
    raise error(
        f"worker {worker} would read otherwise than this run: it has another "
        f"{', '.join(differing)}. Install the same hwdigitize there, with the same "
        "constraints.txt, or take the worker out of the cluster."
    )


def _differences(wanted: Fingerprint, found: Fingerprint) -> Iterator[str]:
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            yield name
