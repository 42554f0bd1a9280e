"""Figures of a watch for Prometheus: as a text file for its node exporter, or over HTTP.

The text format is Prometheus' own, version 0.0.4.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from hwdigitize.batch.records import Counts
from hwdigitize.errors import OutputError
from hwdigitize.reports.files import write_whole

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
LOOPBACK = "127.0.0.1"
_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Work(NamedTuple):
    """What this process has done since it began; counters, in Prometheus' words."""

    pages: int = 0
    failures: int = 0
    flags: int = 0
    seconds: float = 0.0


def render(counts: Counts, settling: int, work: Work) -> str:
    """Write all figures; ``settling`` are files that may still be growing."""
    states = {name: getattr(counts, name) for name in ("done", "review", "quarantined")}
    states |= {"waiting": counts.waiting, "running": counts.running}
    own, workers = memory_bytes()
    lines = [
        *_metric("pages", "gauge", "Pages by state", _by("state", states)),
        *_metric("files", "gauge", "Input files taken in", {"": counts.files}),
        *_metric("files_skipped", "gauge", "Files that are no pages", {"": counts.skipped}),
        *_metric("files_settling", "gauge", "Files not yet complete", {"": settling}),
        *_metric("queue", "gauge", "Pages to be read", {"": counts.waiting + counts.running}),
        *_metric("pages_read_total", "counter", "Pages read or given up", {"": work.pages}),
        *_metric("failures_total", "counter", "Pages that failed", {"": work.failures}),
        *_metric("flags_total", "counter", "Readings a person must see", {"": work.flags}),
        *_metric("page_seconds_total", "counter", "Worker seconds", {"": work.seconds}),
        *_metric(
            "memory_bytes",
            "gauge",
            "Resident memory",
            _by("process", {"main": own, "workers": workers}),
        ),
        *_metric("last_look_seconds", "gauge", "Unix time of this", {"": time.time()}),
    ]
    return "\n".join(lines) + "\n"


def _metric(name: str, kind: str, text: str, values: dict[str, float]) -> Iterator[str]:
    yield f"# HELP hwdigitize_{name} {text}."
    yield f"# TYPE hwdigitize_{name} {kind}"
    yield from (f"hwdigitize_{name}{label} {value}" for label, value in values.items())


def _by(label: str, values: dict[str, int]) -> dict[str, float]:
    return {f'{{{label}="{name}"}}': value for name, value in values.items()}


def memory_bytes() -> tuple[int, int]:
    """Resident memory of this process, and of all that it started."""
    own = os.getpid()
    return _resident(own), sum(_resident(child) for child in _children(own))


def _children(pid: int) -> Iterator[int]:
    children: list[int] = []
    with suppress(OSError):  # the process has ended
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - raises as it should
            with suppress(OSError):  # the thread has
                text = Path(f"/proc/{pid}/task/{task}/children").read_text()
                children += map(int, text.split())
    for child in children:
        yield child
        yield from _children(child)


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


class Publisher:
    """Gives the latest figures to whoever asks."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.text = ""

    def publish(self, text: str) -> None:
        """Replace what was published.

        Raises:
            OutputError: the file cannot be written.
        """
        self.text = text
        if self.file:
            write_whole(self.file, text.encode(), durable=False)


@contextmanager
def publishing(
    file: Path | None, port: int | None, address: str = LOOPBACK
) -> Iterator[Publisher]:
    """Publish in a file that is always whole, and at ``http://address:port/metrics``.

    Args:
        file: text file, or None for none.
        port: to listen on, or None for none.
        address: of this machine, as others see it; the loopback is seen by itself alone.

    Raises:
        OutputError: the port is taken, or the address is not one of this machine.
    """
    publisher = Publisher(file)
    if port is None:
        yield publisher
        return
    try:
        server = _server(address)((address, port), partial(_Answer, publisher))
    except OSError as error:
        raise OutputError(f"cannot listen on {address} port {port}: {error}") from error
    with server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield publisher
        finally:
            server.shutdown()


class _SixServer(ThreadingHTTPServer):
    address_family = socket.AF_INET6


def _server(address: str) -> type[ThreadingHTTPServer]:
    return _SixServer if ":" in address else ThreadingHTTPServer


class _Answer(BaseHTTPRequestHandler):
    timeout = 10  # seconds; a caller that says nothing holds its thread no longer

    def __init__(self, publisher: Publisher, *args: object) -> None:
        self.publisher = publisher
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        if self.path != "/metrics":
            self.send_error(404)
            return
        data = self.publisher.text.encode()
        self.send_response(200)
        self.send_header("Content-Type", _TYPE)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of each call."""
