"""What a cluster costs a page, and what a second worker brings.

    python -m benchmarks.cluster overhead [--pages 400] [--kilobytes 300]
    python -m benchmarks.cluster speedup [FILE...] [--copies 3]

``overhead`` has one-page files "read" that cost nothing but give back a result as large as a
real one, in a run to its end, by a local process and by a scheduler and a worker in processes
of their own: milliseconds of CPU a page of each process, which other work on the machine does
not change much, and of wall clock. A page of a file of its own is two calls, counting and
reading.
``speedup`` reads real pages (the samples) by a local process, one Dask worker and two: pages a
second, how much faster two are than one, and what the cluster costs a page. Wants idle cores.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from hwdigitize.batch.run import Progress, run_batch
from hwdigitize.document import Page, PageRef, PageResult
from hwdigitize.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples"


def count_one(path: Path, settings: Settings) -> int:
    return 1


def read_nothing(ref: PageRef, settings: Settings) -> PageResult:
    """An empty page with a picture of as many kilobytes as its file says."""
    scan = os.urandom(1000 * int(Path(ref.path).read_bytes().split()[0]))
    page = Page(index=ref.index, status="ok", size_px=(10, 10))
    return PageResult(ref=ref, page=page, scan=scan, thumbnail=b"small")


@contextmanager
def scheduler_and_worker(folder: Path) -> Iterator[tuple[str, dict[str, psutil.Process]]]:
    """Start both as an administrator would, and end them."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    file = folder / "scheduler.json"
    where = ["--scheduler-file", str(file)]
    start = [sys.executable, "-m", "dask"]
    hosts = ["--host", "127.0.0.1"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    scheduler = subprocess.Popen(
        [*start, "scheduler", *hosts, "--port", "8799", "--dashboard-address", ":0", *where],
        **quiet,
    )
    worker = subprocess.Popen(
        [*start, "worker", *hosts, "--nthreads", "1", "--no-nanny", *where], **quiet
    )
    try:
        named = {"scheduler": scheduler.pid, "worker": worker.pid}
        yield (
            "tcp://127.0.0.1:8799",
            {name: psutil.Process(pid) for name, pid in named.items()},
        )
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.wait()


def cpu_seconds(process: psutil.Process) -> float:
    """Of a process, without those it started."""
    times = process.cpu_times()
    return times.user + times.system


def overhead(pages: int, kilobytes: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scans = folder / "in"
        scans.mkdir()
        for number in range(pages):
            (scans / f"{number}.png").write_text(f"{kilobytes} {number}")
        print("| pages by | run | scheduler | Dask worker | wall |")
        print("| --- | --- | --- | --- | --- |")
        _measure("one local process", scans, folder / "local", None, {})
        with scheduler_and_worker(folder) as (address, processes):
            _measure("a cluster", scans, folder / "cluster", address, processes)


def _measure(
    name: str,
    scans: Path,
    out: Path,
    cluster: str | None,
    processes: dict[str, psutil.Process],
) -> None:
    """Milliseconds a page of a whole run, after one of a page that has started all."""
    import benchmarks.cluster as importable

    work = {"digitize": importable.read_nothing, "count": importable.count_one}
    if cluster:
        first = next(scans.iterdir())
        run_batch([first], out.with_suffix(".first"), Settings(), 1, cluster=cluster, **work)
    processes = {"run": psutil.Process()} | processes
    before = {key: cpu_seconds(process) for key, process in processes.items()}
    began = time.monotonic()
    summary = run_batch([scans], out, Settings(), 1, cluster=cluster, **work)
    wall = time.monotonic() - began
    assert summary.counts.done == summary.read > 0
    each = 1000 / summary.read
    spent = {key: each * (cpu_seconds(processes[key]) - before[key]) for key in processes}
    cells = (
        f"{spent[key]:.1f}" if key in spent else "" for key in ("run", "scheduler", "worker")
    )
    print(f"| {name} | {' | '.join(cells)} | {each * wall:.1f} |")


def speedup(files: list[Path], copies: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scans = folder / "in"
        scans.mkdir()
        for number in range(copies):
            for file in files:
                shutil.copy(file, scans / f"{number}-{file.name}")
        print("| read by | pages | seconds | pages/s |\n| --- | --- | --- | --- |")
        local = _read(scans, folder / "local", "one local process", 1)
        one = _read(scans, folder / "one", "one Dask worker", 1, "local:1")
        two = _read(scans, folder / "two", "two Dask workers", 2, "local:2")
        print(f"two workers are {two / one:.2f} times as fast as one")
        print(f"the cluster costs {1000 * (1 / one - 1 / local):.0f} ms a page")


def _read(scans: Path, out: Path, name: str, workers: int, cluster: str | None = None) -> float:
    """Pages a second; the clock starts once each worker has one, as loading is done once."""
    moments: list[float] = []

    def note(progress: Progress) -> None:
        if progress.stage == "reading" and progress.file:
            moments.append(time.monotonic())

    summary = run_batch([scans], out, Settings(), 1, cluster=cluster, listener=note)
    assert summary.read == len(moments) and not summary.counts.quarantined
    read = moments[workers - 1 :]
    seconds = read[-1] - read[0]
    rate = (len(read) - 1) / seconds
    print(f"| {name} | {summary.read} | {seconds:.1f} | {rate:.2f} |", flush=True)
    return rate


def main() -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    costs = commands.add_parser("overhead")
    costs.add_argument("--pages", type=int, default=400)
    costs.add_argument("--kilobytes", type=int, default=300)
    gain = commands.add_parser("speedup")
    gain.add_argument("files", type=Path, nargs="*", default=sorted(SAMPLES.glob("*.jpg")))
    gain.add_argument("--copies", type=int, default=3)
    args = parser.parse_args()
    if args.command == "overhead":
        overhead(args.pages, args.kilobytes)
    else:
        speedup(args.files, args.copies)


if __name__ == "__main__":
    main()
