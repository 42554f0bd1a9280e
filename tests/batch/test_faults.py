"""Killed at random instants and started again, a run ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hwdigitize.batch.run import run_batch
from hwdigitize.settings import Settings
from tests.conftest import ROOT

from . import fakes
from .conftest import results_in

PROGRAM = """
import sys
from pathlib import Path
from hwdigitize.batch.run import run_batch
from hwdigitize.settings import Settings
from tests.batch import fakes
source, out = map(Path, sys.argv[1:])
run_batch([source], out, Settings(), 2, digitize=fakes.read_by_log, count=fakes.count)
"""


def make_pages(folder: Path, files: int) -> Path:
    folder.mkdir()
    for number in range(files):
        (folder / f"{number}.png").write_bytes(b"%06d" % number + b"." * (number % 3))
    return folder


def start(source: Path, out: Path, log: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"READING_LOG": str(log)}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, source, out], cwd=ROOT, env=environment
    )


def children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(p) for t in tasks for p in (t / "children").read_text().split()]
    except OSError:
        return []


def run_killed(
    source: Path, out: Path, log: Path, chance: random.Random, times: int, workers: bool
) -> int:
    """Run to the end, killing run or worker ``times`` times; how many kills struck."""
    strikes = 0
    for _ in range(20 * times):
        with start(source, out, log) as program:
            before = len(log.read_bytes()) if log.exists() else 0
            while strikes < times and program.poll() is None:
                if log.exists() and len(log.read_bytes()) > before:
                    time.sleep(chance.uniform(0, 0.15))
                    victims = children(program.pid) if workers else [program.pid]
                    if victims and program.poll() is None:
                        os.kill(chance.choice(victims), signal.SIGKILL)
                        strikes += 1
                    before = len(log.read_bytes())
                time.sleep(0.01)
        if program.returncode == 0:
            return strikes
    raise AssertionError("the run did not come to its end")


@pytest.mark.parametrize(
    ("workers", "files", "times"),
    [
        pytest.param(False, 20, 10, marks=pytest.mark.slow),
        pytest.param(True, 20, 10, marks=pytest.mark.slow),
        pytest.param(False, 100, 50, marks=pytest.mark.slow),
        pytest.param(True, 100, 50, marks=pytest.mark.slow),
        (False, 6, 2),
    ],
)
def test_killed_and_started_again_nothing_is_lost_or_done_twice(
    tmp_path: Path, workers: bool, files: int, times: int
) -> None:
    source = make_pages(tmp_path / "in", files)
    log = tmp_path / "log"
    chance = random.Random(files * times)
    strikes = run_killed(source, tmp_path / "out", log, chance, times, workers)
    assert strikes >= times // 2
    run_batch(
        [source], tmp_path / "whole", Settings(), 0, digitize=fakes.read, count=fakes.count
    )
    assert results_in(tmp_path / "out") == results_in(tmp_path / "whole")
    pages = sum(number % 3 + 1 for number in range(files))
    reads = log.read_text().splitlines()
    assert len(set(reads)) == pages
    # A kill costs at most what was handed out: two pages a worker, begun again.
    assert len(reads) - pages <= 4 * strikes


def test_finished_pages_are_not_read_again_by_a_killed_run(tmp_path: Path) -> None:
    source, out, log = make_pages(tmp_path / "in", 4), tmp_path / "out", tmp_path / "log"
    with start(source, out, log) as program:
        program.wait(60)
    reads = log.read_text()
    with start(source, out, log) as program:
        program.wait(60)
    assert log.read_text() == reads
