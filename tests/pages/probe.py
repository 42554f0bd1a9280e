"""Load every page of the files named, each in a process of its own with limits.

Run as ``python -m tests.pages.probe FILE…``; prints a JSON line a file. A fork keeps it quick:
the libraries are imported once.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

from hwdigitize.document import PageRef
from hwdigitize.errors import PageError
from hwdigitize.pages.ingest import count_pages, load_page
from hwdigitize.settings import Settings

CPU_SECONDS = 20
ADDRESS_SPACE = 4 << 30


def outcomes(path: Path) -> list[list[str]]:
    """``[code, message]`` a page: "ok" or "partial" and the image's shape, or the error's."""
    settings = Settings()
    try:
        pages = count_pages(path, settings)
    except PageError as error:
        return [[error.code, error.message]]
    return [page_outcome(path, index, settings) for index in range(pages)]


def page_outcome(path: Path, index: int, settings: Settings) -> list[str]:
    ref = PageRef(path=str(path), file=path.name, sha256="", index=index)
    try:
        scan = load_page(ref, settings)
    except PageError as error:
        return [error.code, error.message]
    return ["partial" if scan.problems else "ok", f"{scan.image.shape} {scan.dpi}"]


def probe(path: Path) -> dict[str, object]:
    """Fork, load, and what it took."""
    start = time.monotonic()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        os.write(writer, json.dumps(outcomes(path)).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    _, status, usage = os.wait4(child, 0)
    return {
        "file": path.name,
        "exit": os.waitstatus_to_exitcode(status),
        "seconds": round(time.monotonic() - start, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "megabytes": usage.ru_maxrss // 1024,
        "pages": json.loads(answer or b"[]"),
    }


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(json.dumps(probe(Path(name))), flush=True)
