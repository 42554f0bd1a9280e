"""All files made to break readers in one run, with readable scans among them."""

from __future__ import annotations

import csv
import re
import shutil
import threading
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from hwdigitize.batch import executors
from hwdigitize.batch.run import RunSummary, run_batch
from hwdigitize.document import Page, Writer
from hwdigitize.reports.json import read_documents
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


GOOD_PAGES = 100
#: three ways to name the same files, so that none is known from another
NAMES = ("{number:03} {name}", "again/{name}", "third time/x{name}")


def draw_good_pages(folder: Path) -> None:
    """Small pages of a printed word or two, each different."""
    folder.mkdir()
    for number in range(GOOD_PAGES):
        page = np.full((160, 420), 255, np.uint8)
        cv2.putText(page, f"Page {number}", (30, 90), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 2, 0, 3)
        cv2.imwrite(str(folder / f"{number:03} good.png"), page)


def read_pages(out: Path) -> dict[str, list[Page]]:
    """Pages by file, without the labels of a run's hands."""
    return {
        document.file: [
            msgspec.structs.replace(page, writer=Writer(note=page.writer.note))
            for page in document.pages
        ]
        for document in read_documents(out)
    }


@pytest.mark.slow
def test_good_pages_among_three_times_all_hostile_files_read_as_alone(
    shared_data: Path, tmp_path: Path
) -> None:
    clean, mixed = tmp_path / "clean", tmp_path / "mixed"
    draw_good_pages(clean)
    shutil.copytree(clean, mixed)
    hostile = sorted((shared_data / "hostile").iterdir())
    for pattern in NAMES:
        for number, path in enumerate(hostile):
            copy = mixed / pattern.format(number=number, name=path.name)
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, copy)
    settings = Settings(report_images=False)
    run_batch([clean], tmp_path / "out clean", settings, 2)
    summary = run_batch([mixed], tmp_path / "out mixed", settings, 2)
    alone, among = read_pages(tmp_path / "out clean"), read_pages(tmp_path / "out mixed")
    assert not summary.interrupted
    counts = summary.counts
    assert counts.pages == counts.done + counts.review + counts.quarantined
    assert counts.pages == sum(map(len, among.values()))
    assert len(among) == GOOD_PAGES + len(NAMES) * len(hostile)
    assert len(alone) == GOOD_PAGES
    assert all(page.status == "ok" and page.lines for pages in alone.values() for page in pages)
    assert {file: among[file] for file in alone} == alone
    first, *others = (
        [among[pattern.format(number=n, name=path.name)] for n, path in enumerate(hostile)]
        for pattern in NAMES
    )
    assert others == [first, first]  # hostile files fare alike, whatever they are called
