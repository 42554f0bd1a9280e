"""Every call comes back exactly once, whatever dies."""

from __future__ import annotations

import ctypes
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import pytest

from hwdigitize.batch.executors import (
    IsolatedExecutor,
    MemoryExceeded,
    SerialExecutor,
    TimeExceeded,
    WorkerDied,
    completed,
)
from hwdigitize.errors import ModelError, PageError


def double(number: int) -> int:
    return 2 * number


def pid_of(number: int) -> int:
    return os.getpid()


def slow(number: int) -> int:
    time.sleep(0.02)
    return number


def misbehave(how: str) -> str:
    if how == "hang":
        time.sleep(600)
    if how == "hog":
        hog = []
        while True:
            hog.append(b"x" * 10_000_000)
    if how == "gulp":
        bytearray(10_000_000_000)
    if how == "mapped":
        libc = ctypes.CDLL(None)
        libc.mmap.restype = ctypes.c_void_p
        size = 600_000_000  # shared memory escapes the limit on data
        place = libc.mmap(None, ctypes.c_size_t(size), 3, 0x21, -1, ctypes.c_long(0))
        ctypes.memset(place, 1, size)
    if how == "abort":
        os.abort()
    if how == "segfault":
        ctypes.string_at(0)
    if how == "exit":
        os._exit(3)
    if how == "page":
        raise PageError("ingest", "damaged", "The page is damaged.")
    if how == "model":
        raise ModelError("bad weights")
    if how == "unpicklable":
        raise type("Local", (Exception,), {})("only here")
    return how


def threads(number: int) -> tuple[int, str | None]:
    import cv2

    return cv2.getNumThreads(), os.environ.get("OMP_NUM_THREADS")


@pytest.fixture(scope="module")
def workers() -> Iterator[IsolatedExecutor]:
    executor = IsolatedExecutor(2, page_seconds=60, worker_megabytes=300)
    yield executor
    executor.shutdown(cancel_futures=True)


def run_all(executor: Executor, numbers: range) -> list[int]:
    results = completed(executor, slow, numbers, 4, threading.Event())
    return sorted(future.result() for _, future in results)


def test_serial_gives_each_back_once() -> None:
    assert run_all(SerialExecutor(), range(10)) == list(range(10))


def test_serial_hands_on_errors() -> None:
    with pytest.raises(PageError, match="damaged"):
        SerialExecutor().submit(misbehave, "page").result()


def test_processes_give_each_back_once(workers: IsolatedExecutor) -> None:
    assert run_all(workers, range(40)) == list(range(40))


def test_workers_live_on_from_call_to_call(workers: IsolatedExecutor) -> None:
    pids = {workers.submit(pid_of, n).result() for n in range(20)}
    assert 1 <= len(pids) <= 2
    assert os.getpid() not in pids


def test_each_back_once_with_workers_killed(workers: IsolatedExecutor) -> None:
    chance = random.Random(4)
    items, errors = [], []
    for item, future in completed(workers, slow, range(50), 4, threading.Event()):
        items.append(item)
        if error := future.exception():
            errors.append(error)
        if len(items) % 8 == 0:
            time.sleep(chance.uniform(0, 0.05))
            os.kill(chance.choice(children()), signal.SIGKILL)
    assert sorted(items) == list(range(50))
    assert errors and len(errors) <= 6
    assert {type(error) for error in errors} == {WorkerDied}


def children() -> list[int]:
    tasks = Path("/proc/self/task")
    return [
        int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()
    ]


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ("hog", MemoryExceeded, "300 MB"),
        ("gulp", MemoryExceeded, "300 MB"),
        ("mapped", MemoryExceeded, "300 MB"),
        ("abort", WorkerDied, "SIGABRT"),
        ("segfault", WorkerDied, "SIGSEGV"),
        ("exit", WorkerDied, "exit code 3"),
        ("page", PageError, "damaged"),
        ("model", ModelError, "bad weights"),
        ("unpicklable", RuntimeError, "only here"),
    ],
)
def test_a_bad_call_costs_itself_alone(
    workers: IsolatedExecutor, how: str, error: type[Exception], words: str
) -> None:
    calls = [workers.submit(misbehave, name) for name in ("a", how, "b", "c")]
    with pytest.raises(error, match=words):
        calls[1].result()
    assert [calls[n].result() for n in (0, 2, 3)] == ["a", "b", "c"]


def test_a_call_that_hangs_costs_itself_alone() -> None:
    executor = IsolatedExecutor(2, page_seconds=3, worker_megabytes=300)
    calls = [executor.submit(misbehave, name) for name in ("a", "hang", "b", "c")]
    with pytest.raises(TimeExceeded, match="3 seconds"):
        calls[1].result()
    assert [calls[n].result() for n in (0, 2, 3)] == ["a", "b", "c"]
    executor.shutdown()


def test_workers_are_single_threaded(workers: IsolatedExecutor) -> None:
    assert workers.submit(threads, 0).result() == (1, "1")


def test_reading_ahead_is_bounded() -> None:
    taken = 0

    def numbers() -> Iterator[int]:
        nonlocal taken
        for number in range(50):
            taken += 1
            yield number

    given = 0
    for _ in completed(SerialExecutor(), double, numbers(), 3, threading.Event()):
        given += 1
        assert taken <= given + 3
    assert given == 50


def test_stop_ends_soon_and_takes_no_more(workers: IsolatedExecutor) -> None:
    stop = threading.Event()
    began = time.monotonic()
    given = []
    for item, _ in completed(workers, slow, range(10_000), 4, stop, grace_seconds=1):
        given.append(item)
        if len(given) == 5:
            stop.set()
    assert 5 <= len(given) <= 9
    assert time.monotonic() - began < 5


def test_shutdown_does_not_wait_for_a_hanging_call() -> None:
    executor = IsolatedExecutor(1, page_seconds=600, worker_megabytes=300)
    future = executor.submit(misbehave, "hang")
    queued = executor.submit(double, 1)
    time.sleep(0.5)
    began = time.monotonic()
    executor.shutdown(cancel_futures=True)
    assert time.monotonic() - began < 2
    assert isinstance(future.exception(), WorkerDied)
    assert queued.cancelled()


def test_workers_die_with_their_parent(tmp_path: Path) -> None:
    script = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from hwdigitize.batch.executors import IsolatedExecutor\n"
        "from tests.batch.test_executors import pid_of\n"
        "executor = IsolatedExecutor(1, 60, 300)\n"
        "print(executor.submit(pid_of, 0).result(), flush=True); time.sleep(60)\n"
    )
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", script, root], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 5
    while is_alive(worker) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(worker)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
