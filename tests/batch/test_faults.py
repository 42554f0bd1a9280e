"""Killed at random instants and started again, a run ends as if nothing had happened."""

from __future__ import annotations

import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hwdigitize.batch import care
from hwdigitize.batch.run import run_batch
from hwdigitize.settings import Settings
from tests.conftest import ROOT

from . import fakes
from .conftest import results_in

log = logging.getLogger(__name__)

#: the third argument says who reads; a file is touched when the reports begin
PROGRAM = """
import sys
from pathlib import Path
from hwdigitize.batch.run import run_batch
from hwdigitize.batch.tasks import count_pages
from hwdigitize.settings import Settings
from tests.batch import fakes
source, out, reporting = map(Path, sys.argv[1:4])
work = {
    "fake": {"digitize": fakes.read_by_log, "count": fakes.count},
    "real": {"digitize": fakes.really_read_by_log, "count": count_pages},
}
def listen(progress):
    if progress.stage == "reporting":
        reporting.touch()
run_batch([source], out, Settings(), 2, listener=listen, **work[sys.argv[4]])
"""
WAIT_SECONDS = 600


def make_pages(folder: Path, files: int) -> Path:
    folder.mkdir()
    for number in range(files):
        (folder / f"{number}.png").write_bytes(b"%06d" % number + b"." * (number % 3))
    return folder


def children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(p) for t in tasks for p in (t / "children").read_text().split()]
    except OSError:
        return []


@dataclass
class Faults:
    """Starts a run again and again, and kills it or its workers at random instants.

    ``strikes`` counts the kills by when they struck: before any page of that start was read,
    while pages were read, and while reports were written.
    """

    folder: Path
    source: Path
    chance: random.Random
    reader: str = "fake"
    strikes: Counter[str] = field(default_factory=Counter)
    readers: set[int] = field(default_factory=set)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def reads(self) -> list[str]:
        """Pages whose reading was begun."""
        begun = self.folder / "log"
        lines = begun.read_text().splitlines() if begun.exists() else []
        self.readers = {int(line.split()[2]) for line in lines}
        return [line.rpartition(" ")[0] for line in lines]

    def start(self) -> subprocess.Popen[bytes]:
        (self.folder / "reporting").unlink(missing_ok=True)
        environment = os.environ | {"READING_LOG": str(self.folder / "log")}
        places = (self.source, self.out, self.folder / "reporting")
        command = [sys.executable, "-c", PROGRAM, *places, self.reader]
        return subprocess.Popen(command, cwd=ROOT, env=environment)

    def wait(self, program: subprocess.Popen[bytes], until: Callable[[], bool]) -> bool:
        """Wait until something holds; whether the run was still there then."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not until() and program.poll() is None:
            assert time.monotonic() < deadline, "the run hangs"
            time.sleep(0.005)
        return program.poll() is None

    def strike(self, pid: int, when: str) -> None:
        os.kill(pid, signal.SIGKILL)
        self.strikes[when] += 1
        log.info("kill %d: process %d %s", self.strikes.total(), pid, when)

    def kill_run(self, when: str, most_seconds: float) -> None:
        """Start a run and kill it at a random instant of a stage; it dies of nothing else."""
        begun = len(self.reads)
        stages = {
            "before": lambda: True,
            "reading": lambda: len(self.reads) > begun,
            "reporting": (self.folder / "reporting").exists,
        }
        with self.start() as program:
            assert self.wait(program, stages[when]), f"ended by itself, not {when}"
            time.sleep(self.chance.uniform(0, most_seconds))
            # what was meant to strike early may strike while pages are read, on a quick machine
            struck = "reading" if when == "before" and len(self.reads) > begun else when
            assert program.poll() is None, f"ended by itself, not {when}"
            self.strike(program.pid, struck)
        assert program.returncode == -signal.SIGKILL

    def kill_workers(self, times: int, apart: int) -> None:
        """Run to the end and kill workers that have read, each after some pages more.

        Not those that are starting: one that dies three times over as it starts ends the run.
        """
        killed: set[int] = set()
        with self.start() as program:
            for _ in range(times):
                begun = len(self.reads)
                assert self.wait(program, lambda begun=begun: len(self.reads) >= begun + apart)
                time.sleep(self.chance.uniform(0, 0.05))
                readers = self.readers - killed
                workers = [pid for pid in children(program.pid) if pid in readers]
                assert workers, "no worker to kill"
                victim = self.chance.choice(workers)
                killed.add(victim)
                self.strike(victim, "reading")
            program.wait(WAIT_SECONDS)
        assert program.returncode == 0 and len(killed) == times

    def finish(self) -> None:
        with self.start() as program:
            program.wait(WAIT_SECONDS)
        assert program.returncode == 0


def check(faults: Faults, whole: Path, pages: int) -> None:
    """All pages are there once, nothing differs from an unbroken run, no damage is found."""
    assert results_in(faults.out) == results_in(whole)
    assert list(care.verify(faults.out)) == []
    assert len(set(faults.reads)) == pages
    # A kill costs at most what was handed out: two pages a worker, begun again.
    assert len(faults.reads) - pages <= 4 * faults.strikes.total()


def unbroken(source: Path, out: Path) -> Path:
    run_batch([source], out, Settings(), 0, digitize=fakes.read, count=fakes.count)
    return out


@pytest.mark.parametrize(
    ("files", "kills"),
    [
        (6, {"before": 1, "reading": 1, "reporting": 1}),
        pytest.param(
            100, {"before": 10, "reading": 30, "reporting": 10}, marks=pytest.mark.slow
        ),
    ],
)
def test_a_run_killed_and_started_again_loses_nothing_and_does_nothing_twice(
    tmp_path: Path, files: int, kills: dict[str, int]
) -> None:
    source = make_pages(tmp_path / "in", files)
    faults = Faults(tmp_path, source, random.Random(files))
    early = ["before"] * kills["before"] + ["reading"] * kills["reading"]
    faults.chance.shuffle(early)
    for when in early:
        faults.kill_run(when, 0.3 if when == "before" else 0.06)
    for _ in range(kills["reporting"]):
        faults.kill_run("reporting", 0.1)
    faults.finish()
    assert faults.strikes.total() == sum(kills.values())
    assert faults.strikes["before"] > 0 and faults.strikes["reporting"] == kills["reporting"]
    check(faults, unbroken(source, tmp_path / "whole"), sum(n % 3 + 1 for n in range(files)))


@pytest.mark.parametrize(
    ("files", "kills"), [(6, 2), pytest.param(100, 50, marks=pytest.mark.slow)]
)
def test_workers_killed_cost_no_page(tmp_path: Path, files: int, kills: int) -> None:
    source = make_pages(tmp_path / "in", files)
    faults = Faults(tmp_path, source, random.Random(kills))
    faults.kill_workers(kills, apart=3)
    assert faults.strikes.total() == kills
    check(faults, unbroken(source, tmp_path / "whole"), sum(n % 3 + 1 for n in range(files)))


@pytest.mark.slow
def test_a_real_run_killed_and_started_again_gives_the_same_bytes(tmp_path: Path) -> None:
    """With the networks that are shipped, on drawn pages."""
    source = tmp_path / "in"
    source.mkdir()
    for name in ("letter-plain.jpg", "field-diary.jpg", "lettre-ruled.jpg"):
        shutil.copy(ROOT / "samples" / name, source)
    faults = Faults(tmp_path, source, random.Random(1), reader="real")
    for when, seconds in (("before", 1.0), ("reading", 1.0), ("reading", 0.2)):
        faults.kill_run(when, seconds)
    faults.kill_run("reporting", 0.1)
    faults.finish()
    assert faults.strikes.total() == 4
    run_batch([source], tmp_path / "whole", Settings(), 0)
    check(faults, tmp_path / "whole", 3)


def test_finished_pages_are_not_read_again_by_a_killed_run(tmp_path: Path) -> None:
    faults = Faults(tmp_path, make_pages(tmp_path / "in", 4), random.Random(4))
    faults.finish()
    reads = faults.reads
    faults.finish()
    assert faults.reads == reads
