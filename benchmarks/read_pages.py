"""Read page images with one tool; a JSON line a page: file, text, seconds, megabytes.

    python benchmarks/read_pages.py hwdigitize|tesseract|easyhtr|rapidocr FILE...

Runs in the environment that has the tool. The first page is read twice and timed once, so that
what a tool loads lazily is not counted.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path


def hwdigitize() -> Callable[[str], str]:
    from hwdigitize.document import PageRef
    from hwdigitize.pipeline import digitize_page
    from hwdigitize.settings import Settings

    settings = Settings()
    return lambda file: (
        digitize_page(
            PageRef(path=file, file=Path(file).name, sha256="", index=0), settings
        ).page.text
    )


def tesseract() -> Callable[[str], str]:
    def read(file: str) -> str:
        command = ["tesseract", file, "-", "--psm", "6", "-l", "eng"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return read


def easyhtr() -> Callable[[str], str]:
    import cv2
    from htr_pipeline import DetectorConfig, LineClusteringConfig, read_page

    # Of the scales 0.25, 0.4 and 1, the one that finds the words of pages scanned at 300 dpi.
    detector = DetectorConfig(scale=0.25, margin=5)
    clustering = LineClusteringConfig(min_words_per_line=1)

    def read(file: str) -> str:
        image = cv2.imread(file, cv2.IMREAD_GRAYSCALE)
        lines = read_page(image, detector, line_clustering_config=clustering)
        return "\n".join(" ".join(word.text for word in line) for line in lines)

    return read


def rapidocr() -> Callable[[str], str]:
    from rapidocr import RapidOCR

    engine = RapidOCR()
    return lambda file: "\n".join(engine(file).txts or ())


def main() -> None:
    tool, *files = sys.argv[1:]
    read = {f.__name__: f for f in (hwdigitize, tesseract, easyhtr, rapidocr)}[tool]()
    read(files[0])
    for file in files:
        began = time.perf_counter()
        text = read(file)
        seconds = time.perf_counter() - began
        usage = max(
            resource.getrusage(who).ru_maxrss
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        record = {"file": file, "text": text, "seconds": seconds, "megabytes": usage // 1024}
        print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
