"""Processor time of forms of about thirty fields, from the file to their values.

    python -m benchmarks.form_speed --archive ARCHIVE [--pages 40]

ARCHIVE is a folder that ``benchmarks.fields generate`` drew. One core; the first page is read
once before, so that networks and templates are loaded.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections import defaultdict
from pathlib import Path

import cv2

from hwdigitize.pipeline import digitize_file
from hwdigitize.settings import Settings
from hwdigitize.training.archive.archive import TEMPLATES, load_truth

#: fields of a page, at least and at most
FIELDS = range(25, 36)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--pages", type=int, default=40)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    settings = Settings(templates=str(given.archive / TEMPLATES), report_images=False)
    pages = [truth for truth in load_truth(given.archive) if len(truth.fields) in FIELDS]
    digitize_file(given.archive / pages[0].file, pages[0].file, settings)
    seconds: dict[str, list[float]] = defaultdict(list)
    for truth in random.Random(0).sample(pages, min(given.pages, len(pages))):
        began = time.process_time()
        page = digitize_file(given.archive / truth.file, truth.file, settings).pages[0]
        if page.fields:
            taken = (time.process_time() - began) * 30 / len(page.fields)
            seconds[truth.template].append(taken)
    print("| form | pages | seconds of CPU for 30 fields, median |\n| --- | --- | --- |")
    for form, taken in sorted(seconds.items()):
        print(f"| {form} | {len(taken)} | {statistics.median(taken):.2f} |")
    every = [one for taken in seconds.values() for one in taken]
    print(f"| all | {len(every)} | {statistics.median(every):.2f} |")


if __name__ == "__main__":
    main()
