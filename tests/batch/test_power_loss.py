"""Power lost between any two writes: whatever the disk had kept, the run goes on from there.

A forked run ends without a word before its n-th write, for every n. What a disk may lose then
is taken away: new names whose folder was not synced, contents that were not synced themselves,
and of the ledger's log (SQLite's, in WAL mode) what came after the last full sync.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hwdigitize.batch import care
from hwdigitize.batch.run import Progress, run_batch
from hwdigitize.settings import Settings

from . import fakes
from .conftest import MakeScans, results_in

SETTINGS = Settings(page_seconds=60, worker_megabytes=300)


class Disk:
    """Counts writes, and at the last one loses what was not synced and ends the process."""

    def __init__(self, last: int, lose: bool) -> None:
        self.writes, self.last, self.lose = 0, last, lose
        self.unsynced_names: dict[Path, bytes | None] = {}
        self.unsynced_contents: set[Path] = set()
        self.synced: set[str] = set()
        self.log, self.logged = Path(), 0

    def write(self) -> None:
        self.writes += 1
        if self.writes == self.last:
            if self.lose:
                self.lose_unsynced()
            os.kill(os.getpid(), signal.SIGKILL)

    def lose_unsynced(self) -> None:
        for path in self.unsynced_contents:
            if path.exists():
                os.truncate(path, 0)
        for path, before in self.unsynced_names.items():
            path.unlink(missing_ok=True)
            if before is not None:
                path.write_bytes(before)
        if self.log.is_file():
            os.truncate(self.log, self.logged)

    def sync(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        self.synced.add(str(path))
        self.unsynced_contents.discard(path)
        for name in [name for name in self.unsynced_names if name.parent == path]:
            del self.unsynced_names[name]

    def sync_log(self) -> None:
        """Take all of the ledger's log to be on the disk."""
        self.logged = self.log.stat().st_size if self.log.is_file() else 0

    def rename(self, source: Path, target: Path) -> None:
        before = target.read_bytes() if target.exists() else None
        self.unsynced_names.setdefault(target.absolute(), before)
        if str(source.absolute()) in self.synced:
            self.synced.remove(str(source.absolute()))
            self.unsynced_contents.discard(target)
        else:
            self.unsynced_contents.add(target)

    def link(self, target: Path) -> None:
        self.unsynced_names.setdefault(target.absolute(), None)

    def sync_all(self) -> None:
        self.unsynced_names.clear()
        self.unsynced_contents.clear()

    def install(self) -> None:
        """Put this in the way of everything that writes, in this process."""
        replace, link, fsync, sync = Path.replace, os.link, os.fsync, os.sync

        def noted(call: Callable[..., Any], note: Callable[..., None]) -> Callable[..., Any]:
            def replacement(*args: Any) -> Any:
                self.write()
                note(*args)
                return call(*args)

            return replacement

        Path.replace = noted(replace, self.rename)  # type: ignore[method-assign]
        os.link = noted(link, lambda source, target: self.link(Path(target)))
        os.fsync = noted(fsync, self.sync)
        os.sync = noted(sync, self.sync_all)
        disk, connect = self, sqlite3.connect

        class Connection(sqlite3.Connection):
            full = True  # as SQLite is by itself

            def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
                if not sql.lstrip().startswith(("SELECT", "PRAGMA")):
                    disk.write()
                if sql.startswith("PRAGMA synchronous"):
                    self.full = sql.endswith("FULL")
                done = super().execute(sql, *values)
                if self.full and not self.in_transaction:
                    disk.sync_log()
                return done

            def executemany(self, *args: Any) -> sqlite3.Cursor:
                disk.write()
                return super().executemany(*args)

        def connected(place: Path, **how: Any) -> sqlite3.Connection:
            disk.log = Path(f"{place}-wal")
            return connect(place, **how, factory=Connection)

        sqlite3.connect = connected  # type: ignore[assignment]


def run(source: Path, out: Path, done: Path | None = None) -> int:
    """Run, noting what is told to be finished; how many pages were read."""

    def note(progress: Progress) -> None:
        if done and progress.state:
            with done.open("a") as file:
                file.write(f"{progress.file} {progress.page}\n")

    fake = {"digitize": fakes.read, "count": fakes.count}
    return run_batch([source], out, SETTINGS, 0, listener=note, **fake).read


def run_until(source: Path, out: Path, last: int, lose: bool, done: Path | None = None) -> int:
    """Run in a process that ends before its write ``last``; how many writes were made."""
    reading, writing = os.pipe()
    if child := os.fork():
        os.close(writing)
        _, status = os.waitpid(child, 0)
        with os.fdopen(reading) as told:
            writes = told.read()
        assert writes or os.WTERMSIG(status) == signal.SIGKILL, status
        return int(writes or 0)
    try:
        disk = Disk(last, lose)
        disk.install()
        run(source, out, done)
        os.write(writing, str(disk.writes).encode())
    finally:
        os._exit(0)


@pytest.mark.parametrize("lose", [True, False], ids=["losing", "keeping"])
@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.slow), 23])
def test_power_lost_between_any_two_writes(
    make_scans: MakeScans, tmp_path: Path, lose: bool, every: int
) -> None:
    source = make_scans("a.png", "b/failed.png", "flag.png")
    run(source, tmp_path / "whole")
    expected = results_in(tmp_path / "whole")
    writes = run_until(source, tmp_path / "counted", 0, lose)
    assert writes > 60
    for last in range(1, writes + 1, every):
        out = tmp_path / f"out{last}"
        assert run_until(source, out, last, lose) == 0
        run(source, out)
        assert results_in(out) == expected, f"after write {last}"
        assert list(care.verify(out)) == [], f"after write {last}"
        assert (out / "quarantine/b/failed.png").is_file(), f"after write {last}"


def test_what_was_reported_done_is_not_read_again_after_power_was_lost(
    make_scans: MakeScans, tmp_path: Path
) -> None:
    """A page whose JSON was seen is in the ledger for good."""
    source, done = make_scans("a.png", "b.png", "flag.png"), tmp_path / "done"
    writes = run_until(source, tmp_path / "counted", 0, lose=True)
    for last in range(1, writes + 1, 3):
        out = tmp_path / f"out{last}"
        done.write_text("")
        run_until(source, out, last, lose=True, done=done)
        finished = len(done.read_text().splitlines())
        assert run(source, out) <= 6 - finished, f"after write {last}"


def test_a_disk_that_syncs_nothing_is_noticed(make_scans: MakeScans, tmp_path: Path) -> None:
    """That is: this simulation can fail."""
    source, out = make_scans("a.png", "flag.png"), tmp_path / "out"
    disk = Disk(0, lose=True)
    run(source, out)
    image = next((out / "report/images").iterdir())
    disk.unsynced_contents.add(image)
    disk.unsynced_names[out / "pages.csv"] = None
    disk.lose_unsynced()
    assert len(list(care.verify(out))) == 2
