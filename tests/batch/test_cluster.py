"""Every call comes back exactly once from a cluster too, and with the same bytes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

pytest.importorskip("distributed", reason="needs Dask: pip install 'hwdigitize[cluster]'")

from distributed import Client, LocalCluster

from hwdigitize.batch.cluster import ClusterExecutor, cluster_executor
from hwdigitize.batch.executors import (
    IsolatedExecutor,
    MemoryExceeded,
    SerialExecutor,
    TimeExceeded,
    WorkerDied,
    completed,
)
from hwdigitize.batch.records import Inspection, Job
from hwdigitize.batch.run import Progress, RunSummary, run_batch
from hwdigitize.batch.station import pack_kit
from hwdigitize.batch.tasks import inspect_file
from hwdigitize.errors import HwdigitizeError, ModelError, PageError, UsageError
from hwdigitize.settings import Settings

from . import fakes
from .conftest import MakeScans, results_in
from .test_executors import double, misbehave, slow

SETTINGS = Settings(page_seconds=20, worker_megabytes=300)
#: to give up a test that hangs; workers take long to start on a busy machine
WAIT_SECONDS = 150


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Two Dask workers, each a process that its nanny starts again when it dies."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, memory_limit=None, dashboard_address="127.0.0.1:0"
    ) as started:
        yield started


@pytest.fixture
def workers(cluster: LocalCluster) -> Iterator[ClusterExecutor]:
    with cluster_executor(cluster.scheduler_address, SETTINGS) as executor:
        yield executor


def pids(cluster: LocalCluster) -> list[int]:
    return [nanny.pid for nanny in cluster.workers.values() if nanny.pid]


def run(source: Path | str, out: Path, **more: Any) -> RunSummary:
    more = {"settings": SETTINGS, "digitize": fakes.slow_read, "count": fakes.count} | more
    return run_batch([source], out, **more)


# The seam: whatever dies, each call comes back once, and what it returns is the same.


@contextmanager
def killing_one(executor: Executor, cluster: LocalCluster) -> Iterator[Any]:
    """Kill a worker process after ten answers; nothing to kill where calls are made here."""
    done = 0

    def count_down() -> None:
        nonlocal done
        done += 1
        if done != 10:
            return
        if isinstance(executor, ClusterExecutor):
            os.kill(pids(cluster)[0], signal.SIGKILL)
        elif isinstance(executor, IsolatedExecutor):
            own = Path("/proc/self/task").glob("*/children")
            children = [int(pid) for path in own for pid in path.read_text().split()]
            ours = [pid for pid in children if is_page_worker(pid)]
            os.kill(ours[0], signal.SIGKILL)

    yield count_down
    assert done > 10


def is_page_worker(pid: int) -> bool:
    return b"hwdigitize.batch.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.parametrize("kind", ["serial", "processes", "dask"])
def test_each_call_comes_back_once_whatever_dies(
    kind: str, cluster: LocalCluster, workers: ClusterExecutor
) -> None:
    executor: Executor = {
        "serial": SerialExecutor,
        "processes": lambda: IsolatedExecutor(2, 20, 300),
        "dask": lambda: workers,
    }[kind]()
    items, values, errors = [], [], []
    with killing_one(executor, cluster) as count_down:
        for item, future in completed(executor, slow, range(40), 4, threading.Event()):
            items.append(item)
            if error := future.exception():
                errors.append(error)
            else:
                values.append(future.result())
            count_down()
    executor.shutdown()
    assert sorted(items) == list(range(40))
    assert len(values) == len(set(values)) == 40 - len(errors)
    # A local process takes its call with it, which is then made alone; Dask takes it elsewhere.
    assert len(errors) <= 1 and all(isinstance(error, WorkerDied) for error in errors)


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ("gulp", MemoryExceeded, "300 MB"),
        ("segfault", WorkerDied, "SIGSEGV"),
        ("page", PageError, "damaged"),
        ("model", ModelError, "bad weights"),
        ("unpicklable", RuntimeError, "only here"),
    ],
)
def test_a_bad_call_costs_itself_alone(
    workers: ClusterExecutor,
    cluster: LocalCluster,
    how: str,
    error: type[Exception],
    words: str,
) -> None:
    before = pids(cluster)
    calls = [workers.submit(misbehave, name) for name in ("a", how, "b")]
    with pytest.raises(error, match=words):
        calls[1].result(WAIT_SECONDS)
    assert [calls[n].result(WAIT_SECONDS) for n in (0, 2)] == ["a", "b"]
    assert pids(cluster) == before  # Dask's own workers live on


def test_a_call_that_hangs_is_given_up(cluster: LocalCluster) -> None:
    settings = Settings(page_seconds=2, worker_megabytes=300)
    with cluster_executor(cluster.scheduler_address, settings) as executor:
        with pytest.raises(TimeExceeded, match="2 seconds"):
            executor.submit(misbehave, "hang").result(WAIT_SECONDS)
        assert executor.submit(double, 4).result(WAIT_SECONDS) == 8


def test_workers_may_come_late_and_leave(cluster: LocalCluster) -> None:
    """Calls wait for a worker; reading ahead follows the size of the cluster."""
    with (
        LocalCluster(
            n_workers=0,
            threads_per_worker=1,
            memory_limit=None,
            dashboard_address="127.0.0.1:0",
        ) as empty,
        Client(empty, set_as_default=False) as client,
    ):
        executor = ClusterExecutor(client, pack_kit(SETTINGS), patience_seconds=3)
        future = executor.submit(double, 21)
        assert executor.ahead == 2
        empty.scale(2)
        assert future.result(WAIT_SECONDS) == 42
        client.wait_for_workers(2)
        time.sleep(2.1)
        assert executor.ahead == 4
        empty.scale(0)
        with pytest.raises(HwdigitizeError, match="no worker for 3 seconds"):
            for _ in range(200):
                time.sleep(0.1)
                executor.ahead  # noqa: B018 - asking is what raises
        executor.shutdown(cancel_futures=True)


def test_the_scheduler_gone_ends_the_run_and_not_its_pages() -> None:
    started = LocalCluster(
        n_workers=1, threads_per_worker=1, memory_limit=None, dashboard_address="127.0.0.1:0"
    )
    with cluster_executor(started.scheduler_address, SETTINGS) as executor:
        future = executor.submit(misbehave, "hang")
        started.close()
        with pytest.raises(HwdigitizeError, match="scheduler is gone"):
            future.result(WAIT_SECONDS)


# Runs.


def test_results_are_those_of_a_local_run_with_a_worker_killed_half_way(
    make_scans: MakeScans, tmp_path: Path, cluster: LocalCluster
) -> None:
    names = [f"{number}.png" for number in range(20)]
    source = make_scans(*names, "abort.png", "flag.png", "failed.png", "uncountable.png")
    killed: list[int] = []

    def kill_one(progress: Progress) -> None:
        if progress.stage == "reading" and progress.done >= 20 and not killed:
            killed.append(pids(cluster)[0])
            os.kill(killed[0], signal.SIGKILL)

    address = cluster.scheduler_address
    summary = run(source, tmp_path / "out", cluster=address, listener=kill_one)
    run(source, tmp_path / "local", jobs=2)
    assert killed
    assert summary.counts.quarantined == 3
    assert results_in(tmp_path / "out") == results_in(tmp_path / "local")
    again = run(source, tmp_path / "out", cluster=address)
    assert again.read == 0


def test_files_are_sent_to_workers_that_do_not_see_them(
    make_scans: MakeScans,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cluster: LocalCluster,
) -> None:
    """A worker takes a file for the run's own only if size and time agree."""
    source = make_scans("a.png", "b.png", "c.png")
    monkeypatch.setattr("hwdigitize.batch.cluster.size_and_time", lambda path: (1, 1))
    run(source, tmp_path / "out", cluster=cluster.scheduler_address)
    run(source, tmp_path / "local", jobs=0)
    assert results_in(tmp_path / "out") == results_in(tmp_path / "local")


def test_inputs_at_urls_are_fetched_by_the_workers(
    make_scans: MakeScans, tmp_path: Path, cluster: LocalCluster
) -> None:
    source = make_scans("a.png", "b/c.png", "b/d.png")
    address = cluster.scheduler_address
    run(source.as_uri(), tmp_path / "out", cluster=address)
    run(source, tmp_path / "local", jobs=0)
    assert results_in(tmp_path / "out") == results_in(tmp_path / "local")
    (source / "a.png").write_bytes(b"changed.")
    assert run(source.as_uri(), tmp_path / "out", cluster=address).read == 3


def test_a_file_that_changes_under_a_run_is_noticed(
    tmp_path: Path, workers: ClusterExecutor
) -> None:
    from hwdigitize.document import PageRef

    path = tmp_path / "a.png"
    path.write_bytes(b"one")
    ref = PageRef(path=path.as_uri(), file="a.png", sha256="0" * 64, index=0)
    with pytest.raises(PageError, match="changed during the run"):
        workers.submit(fakes_path, ref).result(WAIT_SECONDS)


def fakes_path(ref: Any) -> str:
    return str(ref.path)


def test_what_is_missing_is_said_as_locally(tmp_path: Path, workers: ClusterExecutor) -> None:
    gone = Job("gone.png", str(tmp_path / "gone.png"), "")
    found: Inspection = workers.submit(inspect, gone).result(WAIT_SECONDS)
    assert found == inspect(gone)
    assert found.problem and found.problem.code == "missing"


def inspect(job: Job) -> Inspection:
    return inspect_file(fakes.count, SETTINGS, job)


# Workers that would read otherwise.


def test_a_folder_of_weights_is_brought_to_the_workers(
    tmp_path: Path, cluster: LocalCluster
) -> None:
    import functools

    (tmp_path / "words.json").write_text("{}")
    settings = msgspec.structs.replace(SETTINGS, models=str(tmp_path))
    with cluster_executor(cluster.scheduler_address, settings) as executor:
        call = functools.partial(weights_at, settings)
        folder, files = executor.submit(call, 0).result(WAIT_SECONDS)
    assert folder != str(tmp_path)
    assert files == ["words.json"]


def weights_at(settings: Settings, number: int) -> tuple[str | None, list[str]]:
    return settings.models, sorted(path.name for path in Path(settings.models or "").iterdir())


@pytest.mark.parametrize(
    ("differing", "error"), [("model words", ModelError), ("library numpy", UsageError)]
)
def test_a_worker_that_would_read_otherwise_is_refused_by_name(
    cluster: LocalCluster, differing: str, error: type[HwdigitizeError]
) -> None:
    kit = pack_kit(SETTINGS)
    kit = kit._replace(prints=kit.prints | {differing: "another"})
    with Client(cluster.scheduler_address, set_as_default=False) as client:
        executor = ClusterExecutor(client, kit)
        with pytest.raises(error, match=f"worker tcp://.* another {differing}"):
            executor.submit(double, 1).result(WAIT_SECONDS)
        executor.shutdown()


# Which cluster.


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("tcp://127.0.0.1:1", "no scheduler answers"),
        ("local:", "tcp://HOST:PORT, local:WORKERS or a YAML file"),
        ("somewhere", "tcp://HOST:PORT, local:WORKERS or a YAML file"),
        ("absent.yaml", "cannot read absent.yaml"),
    ],
)
def test_what_is_no_cluster_is_said(
    spec: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hwdigitize.batch.cluster._CONNECT_SECONDS", 2)
    with pytest.raises(UsageError, match=words), cluster_executor(spec, SETTINGS):
        pass


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cluster: nowhere.Cluster", "that is installed here"),
        ("arguments: {}", "must name a class"),
        ("cluster: distributed.LocalCluster\nscales: 2", "unknown keys: scales"),
        ("[", "cannot read"),
    ],
)
def test_a_bad_cluster_file_is_said(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "dask.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=words), cluster_executor(str(path), SETTINGS):
        pass


def test_a_cluster_file_starts_its_cluster(tmp_path: Path) -> None:
    path = tmp_path / "dask.yaml"
    path.write_text(
        "cluster: distributed.LocalCluster\n"
        "arguments: {n_workers: 0, threads_per_worker: 1, dashboard_address: ':0'}\n"
        "scale: 1\n"
    )
    with cluster_executor(str(path), SETTINGS) as executor:
        assert executor.submit(double, 3).result(WAIT_SECONDS) == 6


def test_urls_need_a_cluster(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="add --cluster"):
        run(tmp_path.as_uri(), tmp_path / "out")
