"""Pages a second against cores, page size and words a page, and where the time goes.

    python -m benchmarks.throughput --pages 20 --cores 1 2

Pages of pages.parquet (validation split, 300 dpi), as PNG files, read by ``digitize_page`` in
as many processes as cores, with all three networks, one thread each; the first page is read
once before and not timed. Seconds are the processes' own (``time.process_time``) beside those
of the clock, as other work on the machine slows the clock down. Page sizes are the same pages
reduced or enlarged; words a page are pages with most of their lines painted white.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import polars as pl

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("HWDIGITIZE_DATA", HERE.parents[1] / "shared" / "data"))
SCALES = (0.5, 1.0, 1.5)
LINES = (0, 2, 5)


def export(pages: int, folder: Path, scale: float = 1.0, lines: int | None = None) -> list[str]:
    """Write pages as PNG files, at another size or with fewer lines."""
    table = pl.read_parquet(DATA / "pages.parquet", columns=["page", "image", "split", "lines"])
    table = table.filter((pl.col("split") == "val") & (pl.col("lines").list.len() > 0))
    folder.mkdir(exist_ok=True)
    files = []
    for row in table[:: max(len(table) // pages, 1)][:pages].iter_rows(named=True):
        image = cv2.imdecode(np.frombuffer(row["image"], np.uint8), cv2.IMREAD_GRAYSCALE)
        if lines is not None and len(row["lines"]) > lines:
            image[row["lines"][lines]["box"][1] :] = 255
        if scale != 1:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        path = folder / f"{row['page']}.png"
        cv2.imwrite(str(path), image)
        files.append(str(path))
    return files


def read(files: Sequence[str], ready: object, answers: object) -> None:
    """One process's share: its seconds by stage, processor seconds, words and peak memory."""
    import resource

    cv2.setNumThreads(1)
    from hwdigitize.document import PageRef
    from hwdigitize.pipeline import digitize_page
    from hwdigitize.settings import Settings

    settings = Settings()
    refs = [PageRef(path=f, file=Path(f).name, sha256="", index=0) for f in files]
    digitize_page(refs[0], settings)
    ready.wait()  # type: ignore[attr-defined]
    began, spent = time.perf_counter(), time.process_time()
    stages: Counter[str] = Counter()
    words = 0
    for ref in refs:
        result = digitize_page(ref, settings)
        stages.update(result.seconds)
        words += sum(len(line.words) for line in result.page.lines)
    answer = {
        "clock": time.perf_counter() - began,
        "processor": time.process_time() - spent,
        "words": words,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "stages": dict(stages),
    }
    answers.put(answer)  # type: ignore[attr-defined]


def measure(files: Sequence[str], cores: int) -> dict[str, object]:
    """Read the files in as many processes as cores, each all of them."""
    context = multiprocessing.get_context("spawn")
    ready, answers = context.Barrier(cores), context.Queue()
    workers = [context.Process(target=read, args=(files, ready, answers)) for _ in range(cores)]
    for worker in workers:
        worker.start()
    told = [answers.get() for _ in workers]
    for worker in workers:
        worker.join()
    pages = len(files) * cores
    processor = sum(answer["processor"] for answer in told)
    stages: Counter[str] = Counter()
    for answer in told:
        stages.update(answer["stages"])
    whole = sum(stages.values())
    return {
        "cores": cores,
        "pages_a_second": round(pages / max(answer["clock"] for answer in told), 2),
        "pages_a_processor_second": round(pages / processor, 2),
        "words_a_page": round(sum(answer["words"] for answer in told) / pages),
        "peak_megabytes": max(answer["megabytes"] for answer in told),
        "share": {name: round(seconds / whole, 3) for name, seconds in stages.most_common()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--cores", type=int, nargs="+", default=[1])
    parser.add_argument("--all", action="store_true", help="page sizes and words a page too")
    args = parser.parse_args()
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    with tempfile.TemporaryDirectory() as folder:
        files = export(args.pages, Path(folder) / "pages")
        for cores in args.cores:
            print(json.dumps(measure(files, cores)), flush=True)
        if not args.all:
            return
        for scale in SCALES:
            files = export(args.pages, Path(folder) / f"scale{scale}", scale=scale)
            print(json.dumps({"scale": scale} | measure(files, 1)), flush=True)
        for lines in LINES:
            files = export(args.pages, Path(folder) / f"lines{lines}", lines=lines)
            print(json.dumps({"lines": lines} | measure(files, 1)), flush=True)


if __name__ == "__main__":
    main()
