"""All files made to break readers in one run, with two readable scans among them."""

from __future__ import annotations

import csv
import re
import shutil
import threading
from pathlib import Path

import pytest

from hwdigitize.batch import executors
from hwdigitize.batch.run import RunSummary, run_batch
from hwdigitize.settings import Settings

PAGES = {"multipage.pdf": 6, "g4-multi.tiff": 3, "rotation.pdf": 2}
MOST_BYTES = 1_500_000_000


@pytest.fixture(scope="module")
def readable(samples: Path) -> list[Path]:
    """Two scans of the project's own."""
    return [samples / "letter-plain.jpg", samples / "two-columns.png"]


@pytest.fixture(scope="module")
def source(
    shared_data: Path, readable: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    for path in (*sorted((shared_data / "hostile").iterdir()), *readable):
        shutil.copyfile(path, folder / path.name)
    return folder


class Watch:
    """Remembers the most memory that any process was seen to hold."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self.lock = threading.Lock()
        self.measure = executors._resident_bytes

    def __call__(self, pid: int) -> int:
        found = self.measure(pid)
        with self.lock:
            self.peak_bytes = max(self.peak_bytes, found)
        return found


@pytest.mark.slow
def test_hostile_files_are_all_accounted_for(
    source: Path, readable: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch()
    monkeypatch.setattr(executors, "_resident_bytes", watch)
    summary: RunSummary = run_batch([source], tmp_path / "out", Settings(), 2)
    with (tmp_path / "out" / "pages.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert not summary.interrupted
    assert summary.counts.quarantined > 0  # which is exit code 1
    assert {row["file"] for row in rows} == {path.name for path in source.iterdir()}
    for name in {row["file"] for row in rows}:
        pages = [row["page"] for row in rows if row["file"] == name and row["page"]]
        assert pages == [str(n + 1) for n in range(PAGES.get(name, 1))], name
    for row in rows:
        if row["status"] in ("failed", "partial", "skipped"):
            assert_a_clerk_understands(row["messages"])
    read = {row["file"]: row for row in rows if row["file"] in {p.name for p in readable}}
    assert [(row["status"], int(row["words"]) > 0) for row in read.values()] == [
        ("ok", True)
    ] * 2
    assert 0 < watch.peak_bytes <= MOST_BYTES


def assert_a_clerk_understands(message: str) -> None:
    assert len(message) > 20
    assert not re.search(r"Traceback|Error\b|Exception|Success|0x[0-9a-f]{4}|bug", message)
