"""Pages on a cluster: an executor on Dask's distributed scheduler, with the same promises.

Dask brings calls to workers that come and go, and takes a call to another one when a worker
dies; time and memory limits are held on the worker, see :mod:`hwdigitize.batch.station`. What
comes back is as from local processes: a result, the call's own exception, or a ``LimitError``.
Needs the extra ``hwdigitize[cluster]``; imported only when a cluster is asked for.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from hwdigitize.batch.executors import WorkerDied
from hwdigitize.batch.records import Inspection, Job, Reading, Stamp, stamp
from hwdigitize.batch.remote import is_url
from hwdigitize.batch.station import (
    Answer,
    Kit,
    NotHereError,
    Source,
    close_station,
    pack_kit,
    size_and_time,
    work,
)
from hwdigitize.document import PageRef
from hwdigitize.errors import HwdigitizeError, UsageError
from hwdigitize.settings import Settings

try:
    import dask
    import yaml
    from distributed import Client, KilledWorker, LocalCluster
except ModuleNotFoundError as error:
    raise UsageError("--cluster needs Dask: pip install 'hwdigitize[cluster]'") from error

ResultT = TypeVar("ResultT")

_CONNECT_SECONDS = 30.0
#: how long to wait for a worker, at the start and when all are gone
PATIENCE_SECONDS = 600.0
_LOOK_SECONDS = 2.0
#: of a YAML file
_KEYS = {"cluster", "arguments", "scale", "adapt", "threads", "patience_seconds"}
_QUIET = {
    # contents of pages are meant to be in the calls; Dask warns of that from 10 MB on
    "distributed.admin.large-graph-warning-threshold": "1 TiB",
    # nobody asks for the lines of source that a call came from, which are dear to find
    "distributed.diagnostics.computations.nframes": 0,
}


@contextmanager
def cluster_executor(spec: str, settings: Settings) -> Iterator[ClusterExecutor]:
    """Executor on the cluster that ``spec`` names; whatever ends the block ends its work.

    Args:
        spec: ``tcp://host:8786`` (or ``tls://``) for a scheduler that runs; ``local:4`` for
            four worker processes here; or a YAML file, see docs/cluster.md.
        settings: of the run; go to each worker once with the files that they name.

    Raises:
        UsageError: there is no such cluster, or the YAML file is not right.
        HwdigitizeError: no worker joins.
    """
    kit = pack_kit(settings)
    with _connected(spec) as (client, expected):
        executor = ClusterExecutor(client, kit, *expected)
        try:
            executor.wait_for_worker()
            yield executor
        finally:
            executor.shutdown(cancel_futures=True)


class _Expected(NamedTuple):
    """Threads that a cluster may grow to, and how long to go on without any (seconds)."""

    most_threads: int = 0
    patience_seconds: float = PATIENCE_SECONDS


class _Task(NamedTuple):
    future: Future[Any]
    call: Callable[..., Any]
    args: tuple[Any, ...]
    stamp: Stamp


class ClusterExecutor(Executor):
    """Calls by way of a Dask client.

    Args:
        client: connected; the caller closes it.
        kit: what workers need.
        most_threads: that the cluster may grow to, if it grows by itself.
        patience_seconds: to go on without any worker.
    """

    def __init__(
        self,
        client: Client,
        kit: Kit,
        most_threads: int = 0,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._client = client
        self._calls = client.get_executor(pure=False)
        # A task, not scattered data: Dask makes it again when its holders die, and forgets it
        # with this client, however that ends.
        self._digest = kit.digest
        with dask.config.set(_QUIET):
            self._kit = client.submit(Kit, *kit, key=f"kit-{self._digest}", priority=1)
        self._most_threads = most_threads
        self._patience_seconds = patience_seconds
        self._threads = 0
        self._looked = self._worker_seen = time.monotonic() - _LOOK_SECONDS
        self._sending = False

    @property
    def ahead(self) -> int:
        """Twice the threads of the cluster as it is now: so many calls keep it busy.

        Raises:
            HwdigitizeError: there has been no worker for too long.
        """
        if time.monotonic() - self._looked >= _LOOK_SECONDS:
            self._look()
        return 2 * max(self._threads, self._most_threads, 1)

    def wait_for_worker(self) -> None:
        """Return once there is one.

        Raises:
            HwdigitizeError: there was none for too long.
        """
        self._look()
        while not self._threads:
            time.sleep(min(0.1, self._patience_seconds))
            self._look()

    def _look(self) -> None:
        """Count the cluster's threads, without asking about each worker."""
        self._looked = time.monotonic()
        if self._client.status == "closed":
            raise _scheduler_lost()
        self._threads = self._client.scheduler_info(n_workers=0)["total_threads"]
        if self._threads:
            self._worker_seen = self._looked
        elif self._looked - self._worker_seen > self._patience_seconds:
            raise HwdigitizeError(
                f"the cluster has had no worker for {self._patience_seconds:g} seconds; start "
                "workers, then the same command again. What is done is kept."
            )

    def submit(
        self, fn: Callable[..., ResultT], /, *args: Any, **kwargs: Any
    ) -> Future[ResultT]:
        """Send a call. ``fn`` is importable on the workers; it, ``args`` and the result pickle.

        The future ends with the call's result or exception, a ``LimitError``, or a
        ``HwdigitizeError`` when the cluster cannot make the call.
        """
        if kwargs:
            raise TypeError("keyword arguments are not sent to workers")
        future: Future[ResultT] = Future()
        path = next((arg.path for arg in args if isinstance(arg, (Job, PageRef))), None)
        seen = stamp(Path(path)) if path else Stamp(None, None)
        self._send(_Task(future, fn, args, seen), _source(path, self._sending))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the run's processes on the workers, with ``cancel_futures`` at once."""
        self._calls.shutdown(wait=wait and not cancel_futures)
        with suppress(OSError, TimeoutError):  # a cluster that is gone has nothing left to end
            if self._client.status == "running":
                self._client.run(close_station, self._digest, on_error="ignore")

    def _send(self, task: _Task, source: Source) -> None:
        with dask.config.set(_QUIET):
            inner = self._calls.submit(work, self._kit, task.call, task.args, source)
        task.future.add_done_callback(functools.partial(_cancel_too, inner))
        inner.add_done_callback(functools.partial(self._take, task))

    def _take(self, task: _Task, inner: Future[Answer]) -> None:
        """Hand on what came of a call, or send it again with the file's content."""
        answer = _answer(inner)
        if isinstance(answer.value, NotHereError) and not answer.good:
            path = next(arg.path for arg in task.args if isinstance(arg, (Job, PageRef)))
            self._sending = True
            self._send(task, _content(path))
            return
        if not task.future.set_running_or_notify_cancel():
            return
        if answer.good:
            task.future.set_result(_as_sent(answer.value, task))
        else:
            task.future.set_exception(answer.value)


def _source(path: str | None, sending: bool) -> Source:
    if path is None or is_url(path):
        return Source()
    return _content(path) if sending else Source(size_and_time(path))


def _content(path: str) -> Source:
    """The file itself; nothing where it cannot be read, which the worker then says."""
    with suppress(OSError):
        return Source(data=Path(path).read_bytes())
    return Source()


def _cancel_too(inner: Future[Any], outer: Future[Any]) -> None:
    if outer.cancelled():
        inner.cancel()


def _answer(inner: Future[Answer]) -> Answer:
    """What came of a call; a failure of the cluster as what it means for page or run."""
    if inner.cancelled():
        return Answer(False, _scheduler_lost())
    match inner.exception():
        case None:
            return inner.result()
        case KilledWorker() as error:
            ending = f"its worker ended {error.allowed_failures + 1} times"
            return Answer(False, WorkerDied(ending))
        case error:
            return Answer(False, _unable(error))


def _scheduler_lost() -> HwdigitizeError:
    return HwdigitizeError(
        "the cluster's scheduler is gone, or took the work back; start the same command again "
        "when it is there. What is done is kept."
    )


def _unable(error: BaseException) -> HwdigitizeError:
    return HwdigitizeError(
        f"the cluster cannot do the work: {type(error).__name__}: {error}. "
        "Is the same hwdigitize installed on every worker?"
    )


def _as_sent(value: Any, task: _Task) -> Any:
    """Put the run's own path and time of the file back into what a worker says of it."""
    match value:
        case Reading():
            return value._replace(ref=next(a for a in task.args if isinstance(a, PageRef)))
        case Inspection():
            return value._replace(stamp=task.stamp)
    return value


# Which cluster.


@contextmanager
def _connected(spec: str) -> Iterator[tuple[Client, _Expected]]:
    """Connect to a cluster that runs, or to one started for this."""
    if is_url(spec):
        with _client(spec, spec) as client:
            yield client, _Expected()
        return
    with _started(spec) as (cluster, expected), _client(cluster, spec) as client:
        yield client, expected


@contextmanager
def _client(cluster: Any, spec: str) -> Iterator[Client]:
    try:
        client = Client(cluster, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise UsageError(f"no scheduler answers at {spec}: {error}. Is it running?") from error
    with client:
        yield client


@contextmanager
def _started(spec: str) -> Iterator[tuple[Any, _Expected]]:
    """Start a cluster, here or as a YAML file says; it ends with the block."""
    kind, _, number = spec.partition(":")
    if kind == "local" and number.isdecimal() and int(number):
        workers = int(number)
        with LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=None,  # a page's memory is limited where it is read
            dashboard_address="127.0.0.1:0",  # or it serves all the world on port 8787
        ) as cluster:
            yield cluster, _Expected()
        return
    if Path(spec).suffix not in (".yaml", ".yml"):
        raise UsageError(
            f"--cluster {spec}: give tcp://HOST:PORT, local:WORKERS or a YAML file"
        )
    with _configured(Path(spec)) as started:
        yield started


@contextmanager
def _configured(path: Path) -> Iterator[tuple[Any, _Expected]]:
    """Start the cluster that a YAML file describes, see docs/cluster.md."""
    try:
        told = yaml.safe_load(path.read_text("utf-8"))
        unknown = told.keys() - _KEYS
        module, _, name = told["cluster"].rpartition(".")
        make = getattr(import_module(module), name)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    except (AttributeError, KeyError, TypeError, ValueError, ImportError) as error:
        raise UsageError(
            f"{path} must name a class under 'cluster', such as "
            f"dask_jobqueue.SLURMCluster, that is installed here ({error})"
        ) from error
    if unknown:
        raise UsageError(f"{path}: unknown keys: {', '.join(sorted(map(str, unknown)))}")
    with make(**told.get("arguments", {})) as cluster:
        adapt, scale = told.get("adapt"), told.get("scale", 0)
        if adapt:
            cluster.adapt(**adapt)
        elif scale:
            cluster.scale(scale)
        most = adapt.get("maximum", 0) if adapt else scale
        patience = told.get("patience_seconds", PATIENCE_SECONDS)
        yield cluster, _Expected(most * told.get("threads", 1), patience)
