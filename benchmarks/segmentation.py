"""Lines and words found, against the truth of the shared tables.

    python benchmarks/segmentation.py --pages 100            # of each table, evenly chosen
    python benchmarks/segmentation.py --split test
    python benchmarks/segmentation.py --worst 10 --draw DIR  # pictures of the worst pages
    python benchmarks/segmentation.py --fit                  # fit the gap network

pages.parquet: truth is the lines and words marked ok that hold a letter or a digit. Lines and
words that are not, punctuation marks among them, are ignored: not missed, and no false alarm
for what matches or lies mostly in them. Pages without boxes are left out.

ruled_pages.parquet: truth is every transcribed line's box, which is looser than its ink. Most
pages open with two lines of print that were not transcribed: print is ignored, by the centre of
what was found lying above the uppermost line of the truth, or, where a hand wrote above or into
the print, by its lying in the print's known place, ``HEADER``. All else found is a false alarm,
page numbers, that were not transcribed, among them.

Milliseconds are the process's own, of ``find_lines``.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
from matching import Floats, Score, score

from hwdigitize.pages.segmentation import TextLine, find_lines

DATA = Path(
    os.environ.get("HWDIGITIZE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
)
# Left, top, right, bottom as shares of the page.
HEADER = (0.05, 0.035, 0.97, 0.07)


@dataclass(frozen=True)
class Result:
    """One page: its scores, what was found, and the milliseconds that took."""

    page: str
    split: str
    lines: Score
    words: Score
    found: tuple[TextLine, ...]
    milliseconds: float


def rows(table: str, splits: list[str], pages: int) -> Iterator[dict[str, Any]]:
    """Pages with boxes, evenly chosen over the table."""
    data = pl.read_parquet(DATA / table).filter(pl.col("lines").list.len() > 0)
    if splits:
        data = data.filter(pl.col("split").is_in(splits))
    step = max(1, len(data) // pages) if pages else 1
    yield from data[::step].iter_rows(named=True)


def image(row: dict[str, Any]) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(row["image"], np.uint8), cv2.IMREAD_GRAYSCALE)


def boxes(items: list[Any]) -> Floats:
    return np.array(items, np.float64).reshape(-1, 4)


def counted(item: dict[str, Any]) -> bool:
    return item.get("ok", True) and any(character.isalnum() for character in item["text"])


def evaluate(row: dict[str, Any]) -> Result:
    page = image(row)
    start = time.process_time()
    found = find_lines(page)
    milliseconds = 1000 * (time.process_time() - start)
    truth = [item["box"] for item in row["lines"] if counted(item)]
    ignored = [item["box"] for item in row["lines"] if not counted(item)]
    words = row.get("words") or []
    if "words" not in row:
        ignored += header(truth, page.shape)
    return Result(
        row["page"],
        row["split"],
        score(boxes([line.box for line in found]), boxes(truth), boxes(ignored)),
        score(
            boxes([word for line in found for word in line.words]) if words else boxes([]),
            boxes([item["box"] for item in words if counted(item)]),
            boxes([item["box"] for item in words if not counted(item)]),
        ),
        found,
        milliseconds,
    )


def header(truth: list[list[int]], shape: tuple[int, ...]) -> list[list[float]]:
    """The regions in which what is found on a ruled page is ignored."""
    height, width = shape[:2]
    left, top, right, bottom = HEADER
    above = [0.0, 0.0, float(width), float(min(box[1] for box in truth))]
    return [above, [left * width, top * height, right * width, bottom * height]]


def report(table: str, results: list[Result]) -> None:
    print(f"{table}: {len(results)} pages", end="")
    print(f", {np.median([r.milliseconds for r in results]):.0f} ms a page (median)")
    for split in ["all", *sorted({r.split for r in results})]:
        own = [r for r in results if split in ("all", r.split)]
        lines = sum((r.lines for r in own), Score())
        words = sum((r.words for r in own), Score())
        print(f"  {split:15} {len(own):4} pages  line F1 {lines.f1:.4f} {lines}", end="")
        print(f"  word F1 {words.f1:.4f} {words}" if words.hits else "")


def wrong(result: Result) -> int:
    return sum(s.false + s.missed for s in (result.lines, result.words))


def draw(row: dict[str, Any], result: Result, path: Path) -> None:
    """The page with truth in green, found words in red and found lines in blue."""
    page = cv2.cvtColor(image(row), cv2.COLOR_GRAY2BGR)
    for item in row.get("words") or row["lines"]:
        colour = (0, 160, 0) if counted(item) else (160, 200, 160)
        cv2.rectangle(page, item["box"][:2], item["box"][2:], colour, 5)
    for line in result.found:
        cv2.rectangle(page, line.box[:2], line.box[2:], (255, 120, 0), 2)
        cv2.polylines(page, [np.array(line.baseline)], False, (255, 0, 200), 2)
        for word in line.words:
            cv2.rectangle(page, word[:2], word[2:], (0, 0, 255), 2)
    cv2.imwrite(str(path), page)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=0, help="about how many of each table")
    parser.add_argument("--split", nargs="*", default=[])
    parser.add_argument("--table", nargs="*", default=["pages", "ruled_pages"])
    parser.add_argument("--worst", type=int, default=0, help="name the worst pages")
    parser.add_argument("--draw", type=Path, help="folder for pictures of the worst pages")
    parser.add_argument("--fit", action="store_true", help="fit the gap network")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.fit:
        from gapfit import fit

        return fit(rows("pages.parquet", ["train", "val"], arguments.pages))
    for table in arguments.table:
        pages = rows(f"{table}.parquet", arguments.split, arguments.pages)
        results = []
        worst: list[tuple[int, dict[str, Any], Result]] = []
        for row in pages:
            results.append(evaluate(row))
            worst.append((wrong(results[-1]), row, results[-1]))
            worst = sorted(worst, key=lambda w: -w[0])[: arguments.worst]
        report(table, results)
        for _, row, result in worst:
            print(
                f"  {result.page:24} {result.split:8} lines {result.lines} words {result.words}"
            )
            if arguments.draw:
                draw(row, result, arguments.draw / f"{result.page}.png")


if __name__ == "__main__":
    main()
