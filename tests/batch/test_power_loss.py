"""Power lost between any two writes: whatever the disk had kept, the run goes on from there.

A forked run ends without a word before its n-th write, for every n. What a disk may lose then
is taken away: new names whose folder was not synced, contents that were not synced themselves.
The ledger's own writes are SQLite's, in WAL mode with full syncs, and are lost before COMMIT.
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
from hwdigitize.batch.run import run_batch
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

    def sync(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        self.synced.add(str(path))
        for name in [name for name in self.unsynced_names if name.parent == path]:
            del self.unsynced_names[name]

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
            def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
                if not sql.lstrip().startswith(("SELECT", "PRAGMA")):
                    disk.write()
                return super().execute(sql, *values)

            def executemany(self, *args: Any) -> sqlite3.Cursor:
                disk.write()
                return super().executemany(*args)

        sqlite3.connect = lambda *args, **kw: connect(*args, **kw, factory=Connection)  # type: ignore


def run(source: Path, out: Path) -> None:
    run_batch([source], out, SETTINGS, 0, digitize=fakes.read, count=fakes.count)


def run_until(source: Path, out: Path, last: int, lose: bool) -> int:
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
        run(source, out)
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
        for page in (out / "report/pages").iterdir():
            assert page.read_bytes(), f"after write {last}"


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
