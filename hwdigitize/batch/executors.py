"""Where pages are read: in this process, or in worker processes with a time and memory limit.

An executor is one of ``concurrent.futures``: ``submit`` gives a future. Whatever dies, every
future ends exactly once, with a result or an exception. A call that breaks a limit or its
worker ends with a :class:`LimitError` and costs nothing but itself; the worker is replaced.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from hwdigitize.errors import HwdigitizeError, PageError

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

_WATCH_SECONDS = 0.02
_START_SECONDS = 60.0
_STARTS = 3
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
#: a worker that holds more than this share of its memory limit after a page is replaced
_RECYCLE_ABOVE = 0.6
#: a worker that dies while holding more than this share most likely died of it
_DIED_OF_MEMORY_ABOVE = 0.8
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"),
    "1",
)
_START = "import sys; from hwdigitize.batch.worker import main; main(*map(int, sys.argv[1:]))"


class LimitError(PageError):
    """A call that broke a limit or killed its worker."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__("worker", code, message)

    def __reduce__(self) -> tuple[type[LimitError], tuple[str, str]]:  # type: ignore[override]
        return type(self), (self.code, self.message)


class TimeExceeded(LimitError):  # noqa: N818
    """A call that took too long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            "time_limit",
            f"Reading this page took longer than {seconds:g} seconds and was given up. "
            "Allow more time with --page-seconds.",
        )
        self.seconds = seconds

    def __reduce__(self) -> tuple[type[TimeExceeded], tuple[float]]:  # type: ignore[override]
        return type(self), (self.seconds,)


class MemoryExceeded(LimitError):  # noqa: N818
    """A call that needed too much memory."""

    def __init__(self, megabytes: int) -> None:
        super().__init__(
            "memory_limit",
            f"Reading this page needs more than {megabytes} MB of memory and was given up. "
            "Allow more with --worker-megabytes, or scan at a lower resolution.",
        )
        self.megabytes = megabytes

    def __reduce__(self) -> tuple[type[MemoryExceeded], tuple[int]]:  # type: ignore[override]
        return type(self), (self.megabytes,)


class WorkerDied(LimitError):  # noqa: N818
    """A call whose worker process ended under it."""

    def __init__(self, ending: str) -> None:
        super().__init__(
            "worker_died",
            f"The program that reads pages stopped on this page ({ending}). "
            "The file is probably damaged; open it in a viewer and save or scan it again.",
        )
        self.ending = ending

    def __reduce__(self) -> tuple[type[WorkerDied], tuple[str]]:  # type: ignore[override]
        return type(self), (self.ending,)


class SerialExecutor(Executor):
    """Makes each call in this process when it is submitted, without limits."""

    def submit(
        self, fn: Callable[..., ResultT], /, *args: Any, **kwargs: Any
    ) -> Future[ResultT]:
        """Call ``fn`` now; the future comes back finished."""
        future: Future[ResultT] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # a future hands on whatever its call raised
            future.set_exception(error)
        return future


class _Task(NamedTuple):
    future: Future[Any]
    message: bytes


class IsolatedExecutor(Executor):
    """``jobs`` worker processes, each single-threaded and with its limits.

    A thread attends to each worker: it hands it one call at a time and watches the clock and
    the worker's memory until the answer is there. Workers start when first needed.
    """

    def __init__(self, jobs: int, page_seconds: float, worker_megabytes: int) -> None:
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._given_up = threading.Event()
        self._shut = False
        self._threads = [
            threading.Thread(
                target=self._attend,
                args=(_Worker(page_seconds, worker_megabytes, self._given_up),),
                daemon=True,
            )
            for _ in range(jobs)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, fn: Callable[..., ResultT], /, *args: Any, **kwargs: Any
    ) -> Future[ResultT]:
        """Queue a call. ``fn`` is an importable function; it, ``args`` and the result pickle.

        The future ends with the call's result or exception, a :class:`LimitError`, or a
        ``HwdigitizeError`` when no worker process can be started.
        """
        if self._shut:
            raise RuntimeError("cannot submit after shutdown")
        if kwargs:
            raise TypeError("keyword arguments are not sent to workers")
        future: Future[ResultT] = Future()
        self._tasks.put(_Task(future, pickle.dumps((fn, args), pickle.HIGHEST_PROTOCOL)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers after what is queued, or with ``cancel_futures`` at once."""
        self._shut = True
        if cancel_futures:
            self._given_up.set()
        for _ in self._threads:
            self._tasks.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _attend(self, worker: _Worker) -> None:
        while (task := self._tasks.get()) is not None:
            if self._given_up.is_set():
                task.future.cancel()
            if not task.future.set_running_or_notify_cancel():
                continue
            try:
                result = worker.call(task.message)
            except Exception as error:  # a future hands on whatever its call raised
                task.future.set_exception(error)
            else:
                task.future.set_result(result)
            del task  # keeps no page in memory while waiting for the next
        worker.end()


class _Worker:
    """One worker process, seen from here: started when needed, ended when it misbehaves."""

    def __init__(self, seconds: float, megabytes: int, given_up: threading.Event) -> None:
        self._seconds = seconds
        self._megabytes = megabytes
        self._given_up = given_up
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def call(self, message: bytes) -> Any:
        """Have a call made; raises what it raised, or a :class:`LimitError`."""
        process, connection = self._ready()
        try:
            connection.send_bytes(message)
            peak_bytes = self._watch(process, connection)
            data = _received(connection)
            if data is None:
                raise self._death(process, peak_bytes)
        except OSError:
            raise self._death(process, 0) from None
        except LimitError:
            self.end()
            raise
        if _resident_bytes(process.pid) > _RECYCLE_ABOVE * self._limit_bytes:
            self.end()
        return self._result(data)

    def _result(self, data: bytes) -> Any:
        good, value = pickle.loads(data)
        if isinstance(value, MemoryError) and not good:
            self.end()
            raise MemoryExceeded(self._megabytes)
        if not good:
            raise value
        return value

    @property
    def _limit_bytes(self) -> int:
        return self._megabytes * 1_000_000

    def _watch(self, process: subprocess.Popen[bytes], connection: Connection) -> int:
        """Wait for an answer or the end of the worker; the most memory seen, in bytes."""
        deadline = time.monotonic() + self._seconds
        peak_bytes = 0
        while not connection.poll(_WATCH_SECONDS):
            peak_bytes = max(peak_bytes, _resident_bytes(process.pid))
            if peak_bytes > self._limit_bytes:
                raise MemoryExceeded(self._megabytes)
            if time.monotonic() > deadline:
                raise TimeExceeded(self._seconds)
            if self._given_up.is_set():
                raise WorkerDied("the run was stopped")
        return peak_bytes

    def _death(self, process: subprocess.Popen[bytes], peak_bytes: int) -> LimitError:
        self.end()
        if peak_bytes > _DIED_OF_MEMORY_ABOVE * self._limit_bytes:
            return MemoryExceeded(self._megabytes)
        code = process.returncode
        return WorkerDied(signal.Signals(-code).name if code < 0 else f"exit code {code}")

    def _ready(self) -> tuple[subprocess.Popen[bytes], Connection]:
        """Return the running worker, started anew if there is none or it died idle."""
        for _ in range(_STARTS):
            if self._process and self._connection and self._process.poll() is None:
                return self._process, self._connection
            self.end()
            self._start()
        raise HwdigitizeError(
            f"worker processes cannot be started ({_STARTS} attempts); "
            "is there memory, and is hwdigitize whole? See the lines above."
        )

    def _start(self) -> None:
        near, far = socket.socketpair()
        with far:
            arguments = [str(far.fileno()), str(os.getpid()), str(self._megabytes)]
            paths = (str(Path(path).absolute()) for path in sys.path)
            process = subprocess.Popen(
                [sys.executable, "-c", _START, *arguments],
                pass_fds=[far.fileno()],
                env=os.environ | _ONE_THREAD | {"PYTHONPATH": os.pathsep.join(paths)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is the parent's to handle
            )
        self._process, self._connection = process, Connection(near.detach())
        if not self._connection.poll(_START_SECONDS) or _received(self._connection) is None:
            self.end()

    def end(self) -> None:
        """Kill the process and what it started; the next call starts another."""
        if self._connection:
            self._connection.close()
        if self._process:
            if self._process.returncode is None:  # not waited for: its group is still its own
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = self._connection = None


def _received(connection: Connection) -> bytes | None:
    """Return the next message, or None when the other end is gone."""
    try:
        return connection.recv_bytes()
    except (EOFError, OSError):
        return None


def _resident_bytes(pid: int) -> int:
    """Return the memory that a process holds, 0 once it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def completed(
    executor: Executor,
    call: Callable[[ItemT], ResultT],
    items: Iterable[ItemT],
    ahead: int | Callable[[], int],
    stop: threading.Event,
    grace_seconds: float = 3.0,
) -> Iterator[tuple[ItemT, Future[ResultT]]]:
    """Call ``call(item)`` for each item and give item and finished future as they finish.

    At most ``ahead`` items are taken from ``items`` beyond those given back; where workers come
    and go it is asked for each time, and may raise. After ``stop`` is set no item is taken, and
    what is not finished ``grace_seconds`` later is not given back.
    """
    left = iter(items)
    under_way: dict[Future[ResultT], ItemT] = {}
    while not stop.is_set():
        most = ahead() if callable(ahead) else ahead
        while len(under_way) < most and not stop.is_set():
            try:
                item = next(left)
            except StopIteration:
                break
            under_way[executor.submit(call, item)] = item
        if not under_way:
            return
        for future in wait(under_way, 0.2, FIRST_COMPLETED).done:
            yield under_way.pop(future), future
    running = [future for future in under_way if not future.cancel()]
    for future in wait(running, grace_seconds).done:
        yield under_way.pop(future), future
