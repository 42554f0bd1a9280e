"""Whole pages: character error rate and pages a second, beside other tools in the same run.

    python benchmarks/pages.py --split test --pages 54
    python benchmarks/pages.py --pages 20 --tools hwdigitize tesseract easyhtr rapidocr \
        --peer-python PYTHON_WITH_EASYHTR_AND_RAPIDOCR

Every tool reads the same PNG files one after the other, in one process on one thread, and its
clock starts when it is loaded. CER compares the text in reading order with white space removed,
with what stands on the page: `#`, which the truth uses for struck-out words, is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
from rapidfuzz.distance import Levenshtein

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("HWDIGITIZE_DATA", HERE.parents[1] / "shared" / "data"))
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "MKL_NUM_THREADS"), "1")


def export(split: str | None, pages: int, folder: Path) -> dict[str, str]:
    """Write the pages as PNG files; file name to text without white space."""
    table = pl.read_parquet(DATA / "pages.parquet", columns=["page", "image", "split", "lines"])
    table = table.filter(pl.col("lines").list.len() > 0)
    if split:
        table = table.filter(pl.col("split") == split)
    truth = {}
    step = max(len(table) // pages, 1)
    for row in table[::step][:pages].iter_rows(named=True):
        path = folder / f"{row['page']}.png"
        path.write_bytes(row["image"])
        truth[str(path)] = squeeze(" ".join(line["text"] for line in row["lines"]))
    return truth


def squeeze(text: str) -> str:
    return "".join(text.split()).replace("#", "")


def measure(tool: str, python: str, truth: dict[str, str]) -> dict[str, object]:
    command = [python, str(HERE / "read_pages.py"), tool, *truth]
    env = os.environ | ONE_THREAD
    output = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if output.returncode:
        raise SystemExit(f"{tool} failed:\n{output.stderr[-2000:]}")
    records = [json.loads(line) for line in output.stdout.splitlines() if line.startswith("{")]
    pairs = [(squeeze(r["text"]), truth[r["file"]]) for r in records]
    characters = sum(map(len, truth.values()))
    edits = sum(Levenshtein.distance(*pair) for pair in pairs)
    # easyhtr writes capitals only
    caseless = sum(Levenshtein.distance(a.lower(), b.lower()) for a, b in pairs)
    seconds = [r["seconds"] for r in records]
    return {
        "tool": tool,
        "pages": len(records),
        "cer": round(edits / characters, 4),
        "cer_caseless": round(caseless / characters, 4),
        "pages_per_second": round(len(seconds) / sum(seconds), 2),
        "peak_megabytes": max(r["megabytes"] for r in records),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split")
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--tools", nargs="+", default=["hwdigitize"])
    parser.add_argument("--peer-python", default=sys.executable)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        truth = export(args.split, args.pages, Path(folder))
        for tool in args.tools:
            own = tool in ("hwdigitize", "tesseract")
            python = sys.executable if own else args.peer_python
            print(json.dumps(measure(tool, python, truth)), flush=True)


if __name__ == "__main__":
    main()
