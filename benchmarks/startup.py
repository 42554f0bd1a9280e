"""Seconds until `hwdigitize --help` has printed and until a one-page run has its first result.

    python benchmarks/startup.py [--runs 5]

Medians of whole processes, after one that is not counted. The first result is there when the
page's JSON is; the run goes on to write its reports.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [str(Path(sys.executable).parent / "hwdigitize")]


def help_seconds() -> float:
    began = time.perf_counter()
    subprocess.run([*COMMAND, "--help"], capture_output=True, check=True)
    return time.perf_counter() - began


def first_result_seconds() -> float:
    page = ROOT / "samples" / "note-photographed.jpg"
    with tempfile.TemporaryDirectory() as out:
        command = [*COMMAND, "run", str(page), "--out", out, "--jobs", "1", "--quiet"]
        began = time.perf_counter()
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        result = Path(out) / "documents" / f"{page.name}.json"
        while not result.exists() and process.poll() is None:
            time.sleep(0.005)
        seconds = time.perf_counter() - began
        process.wait()
        if not result.exists():
            raise SystemExit("the run gave no result")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    for name, measure in (("--help", help_seconds), ("first result", first_result_seconds)):
        seconds = [measure() for _ in range(runs + 1)][1:]
        low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
        print(f"{name}: median {middle:.2f} s, {low:.2f} to {high:.2f} over {runs} runs")


if __name__ == "__main__":
    main()
