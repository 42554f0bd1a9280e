"""Many small pages in one run: memory, rate, ledger, and how soon a finished run ends again.

    python benchmarks/soak.py --pages 20000 --jobs 1

Measures the run, its ledger and reports, not reading: workers load each page (a small PNG) for
real and then make up a reading of 40 words. ``--real`` reads with the networks instead. Whether
the run gets slower is told by its own CPU seconds a thousand pages, which other work on the
machine changes little. In the end the run is started again, as it is and with ten pages more.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from hwdigitize.batch.metrics import memory_bytes
from hwdigitize.batch.run import Progress, run_batch
from hwdigitize.batch.tasks import digitize_page
from hwdigitize.document import Character, Line, Page, PageRef, PageResult, Word
from hwdigitize.pages.ingest import load_page
from hwdigitize.recognition.runtime import models_folder
from hwdigitize.settings import Settings

#: samples a run, and the pages before the first that count (fewer in a short run)
SAMPLES = 80
WARM_UP_PAGES = 1000
WORDS = 40


def made_up(ref: PageRef, settings: Settings) -> PageResult:
    """Load a page for real, and make up what is read on it."""
    scan = load_page(ref, settings)
    chance = np.random.default_rng(int(ref.sha256[:8], 16))
    lines = tuple(_line(chance, top) for top in range(0, WORDS * 5, 50))
    hand = chance.normal(size=256)
    hand /= np.linalg.norm(hand)
    height, width = scan.image.shape[:2]
    small = cv2.imencode(".jpg", scan.image)[1].tobytes()
    page = Page(index=ref.index, status="ok", size_px=(width, height), lines=lines)
    embedding = tuple(round(float(x), 6) for x in hand)
    return PageResult(ref=ref, page=page, embedding=embedding, thumbnail=small, scan=small)


def _line(chance: np.random.Generator, top: int) -> Line:
    words = tuple(_word(chance, 40 * n, top) for n in range(10))
    corners = ((0, top), (400, top), (400, top + 40), (0, top + 40))
    text = " ".join(word.text for word in words)
    return Line(
        box=(0, top, 400, top + 40),
        baseline=((0, top + 30), (400, top + 30)),
        polygon=corners,
        ink="hand",
        text=text,
        confidence=0.9,
        words=words,
    )


def _word(chance: np.random.Generator, left: int, top: int) -> Word:
    letters = "".join(chr(97 + n) for n in chance.integers(0, 26, chance.integers(2, 9)))
    box = (left, top, left + 38, top + 40)
    sure = round(float(chance.uniform(0.6, 1)), 3)
    characters = tuple(Character(text=c, confidence=sure, box=box) for c in letters)
    return Word(
        box=box, text=letters, confidence=sure, flagged=sure < 0.8, characters=characters
    )


def draw_pages(folder: Path, pages: int) -> None:
    """Small pages, each its own: its number, written on white."""
    for number in range(pages):
        image = np.full((120, 400), 255, np.uint8)
        cv2.putText(image, str(number), (20, 80), cv2.FONT_HERSHEY_SIMPLEX, 2, 0, 3)
        path = folder / f"{number // 1000:03}" / f"page {number}.png"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), image)


class Sample(NamedTuple):
    """The run after some pages: seconds since it began, own CPU seconds, MB held."""

    pages: int
    seconds: float
    cpu_seconds: float
    main_mb: float
    workers_mb: float


class Watcher:
    """Takes a sample now and then."""

    def __init__(self, pages: int) -> None:
        self.every = max(pages // SAMPLES, 1)
        self.samples: list[Sample] = []
        self.reporting = (0.0, 0.0)
        self.began = time.monotonic()
        print("pages\tseconds\tCPU s a thousand\tMB\tMB of workers")

    def listen(self, progress: Progress) -> None:
        if progress.stage == "reporting":
            self.reporting = (time.monotonic(), time.process_time())
        if progress.stage == "reading" and progress.done % self.every == 0:
            self.take(progress.done)

    def take(self, pages: int) -> None:
        main, workers = memory_bytes()
        seconds = time.monotonic() - self.began
        sample = Sample(pages, seconds, time.process_time(), main / 1e6, workers / 1e6)
        self.samples.append(sample)
        if pages % (4 * self.every) == 0:
            before = self.samples[-5:][0]
            spent = sample.cpu_seconds - before.cpu_seconds
            thousands = max(pages - before.pages, 1) / 1000
            print(
                f"{pages}\t{seconds:.0f}\t{spent / thousands:.2f}\t"
                f"{sample.main_mb:.1f}\t{sample.workers_mb:.1f}",
                flush=True,
            )

    def told(self) -> str:
        """Say how long it took to report."""
        wall, cpu = self.reporting
        spent = time.monotonic() - wall, time.process_time() - cpu
        return f"{spent[0]:.1f} s, {spent[1]:.1f} s of CPU"


def warm(samples: list[Sample]) -> list[Sample]:
    """Samples after the warm-up."""
    from_page = min(WARM_UP_PAGES, samples[-1].pages // 3)
    return [s for s in samples if s.pages >= from_page]


def slope(samples: list[Sample], what: str) -> float:
    """MB, or whatever it is, a thousand pages, by least squares after the warm-up."""
    kept = warm(samples)
    return float(
        np.polyfit([s.pages / 1000 for s in kept], [getattr(s, what) for s in kept], 1)[0]
    )


def rates(samples: list[Sample], clock: str) -> tuple[float, float]:
    """Pages a second in the first and last quarter after the warm-up."""
    kept = warm(samples)
    quarter = max(len(kept) // 4, 1)

    def rate(first: Sample, last: Sample) -> float:
        return (last.pages - first.pages) / (getattr(last, clock) - getattr(first, clock))

    return rate(kept[0], kept[quarter]), rate(kept[-1 - quarter], kept[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=20000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--real", action="store_true", help="read with the networks")
    parser.add_argument("--folder", type=Path, help="where to work; emptied afterwards")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="soak", dir=given.folder))
    try:
        soak(folder, given.pages, given.jobs, given.real)
    finally:
        shutil.rmtree(folder)


def soak(folder: Path, pages: int, jobs: int, real: bool) -> None:
    """Run, and print what was measured."""
    import soak as this  # under a name that workers can import

    source, out = folder / "in", folder / "out"
    source.mkdir()
    draw_pages(source, pages)
    models = folder / "models"  # a copy, so that none of them changes meanwhile
    shutil.copytree(models_folder(None), models)
    settings = Settings(models=str(models))
    watcher = Watcher(pages)
    digitize = digitize_page if real else this.made_up
    summary = run_batch(
        [source], out, settings, jobs, listener=watcher.listen, digitize=digitize
    )
    print(f"conservation: {summary.counts}")
    print(f"reports: {watcher.told()}, then {memory_bytes()[0] / 1e6:.0f} MB")
    samples = watcher.samples
    for what in ("main_mb", "workers_mb"):
        print(f"{what}: {slope(samples, what):+.3f} a thousand pages")
    for clock in ("seconds", "cpu_seconds"):
        first, last = rates(samples, clock)
        change = f"{100 * (last / first - 1):+.1f} %"
        print(f"pages by {clock}: {first:.1f} at the start, {last:.1f} at the end ({change})")
    ledger = out / "ledger.sqlite"
    with sqlite3.connect(ledger) as db:
        (kept,) = db.execute(
            "SELECT sum(length(result) + length(embedding)) FROM pages"
        ).fetchone()
    size = ledger.stat().st_size
    print(
        f"ledger: {size / pages:.0f} bytes a page, {(size - kept) / pages:.0f} beside readings"
    )
    for what in ("finished run again", "ten pages more"):
        began = (time.monotonic(), time.process_time())
        watcher = Watcher(pages)
        again = run_batch(
            [source], out, settings, jobs, listener=watcher.listen, digitize=digitize
        )
        spent = time.monotonic() - began[0], time.process_time() - began[1]
        print(f"{what}: {spent[0]:.2f} s, {spent[1]:.2f} s of CPU, {again.read} pages read")
        print(f"  of it reports: {watcher.told()}", flush=True)
        for number in range(10):
            page = (source / "000" / f"page {number}.png").read_bytes()
            (source / "000" / f"more {number}.png").write_bytes(page + bytes([number]))


if __name__ == "__main__":
    main()
