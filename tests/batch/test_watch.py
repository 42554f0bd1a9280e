"""A watched folder's files are read when they are complete, and the figures say so."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from hwdigitize.batch import care, watch
from hwdigitize.batch.metrics import Publisher, Work, publishing, render
from hwdigitize.batch.records import Counts
from hwdigitize.batch.run import Progress, run_batch
from hwdigitize.batch.watch import Pace, watch_folder
from hwdigitize.errors import OutputError, UsageError
from hwdigitize.settings import Settings
from tests.conftest import ROOT

from . import fakes
from .conftest import results_in

SETTINGS = Settings(page_seconds=60, worker_megabytes=300)
PACE = Pace(look_seconds=10, settle_seconds=15, report_seconds=1000)


def put(path: Path, data: bytes, age_seconds: int = 100) -> None:
    """Write a file that was last changed a while ago, as one copied with its times."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    moment = int(time.time()) - age_seconds
    os.utime(path, (moment, moment))


class Script(threading.Event):
    """Takes the place of waiting: the clock goes on, and the next thing happens."""

    def __init__(self, steps: Iterator[None]) -> None:
        super().__init__()
        self.steps = steps
        self.now = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0
        if next(self.steps, "end") == "end":
            self.set()
        return self.is_set()


Play = Callable[[Callable[[Path, Path, list[str]], Iterator[None]]], Path]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Watch while a script goes on: it gets input folder, results and the pages read so far."""

    def play(script: Callable[[Path, Path, list[str]], Iterator[None]]) -> Path:
        source, out, read = tmp_path / "in", tmp_path / "out", list[str]()
        source.mkdir()
        stop = Script(script(source, out, read))
        monkeypatch.setattr(
            watch, "time", SimpleNamespace(monotonic=lambda: stop.now, time=time.time)
        )

        def listen(progress: Progress) -> None:
            if progress.state:
                read.append(f"{progress.file} {progress.page}")

        watch_folder(
            source,
            out,
            SETTINGS,
            0,
            stop,
            pace=PACE,
            publisher=Publisher(tmp_path / "metrics.prom"),
            listener=listen,
            digitize=fakes.well_behaved,
            count=fakes.count,
        )
        return out

    return play


def test_files_are_read_when_they_have_been_still(play: Play, tmp_path: Path) -> None:
    def script(source: Path, out: Path, read: list[str]) -> Iterator[None]:
        yield  # empty at first
        put(source / "b.png", b"be")
        yield
        yield
        assert read == []  # 10 seconds are too few
        put(source / "b.png", b"begin")
        yield
        yield
        assert read == []  # it grew
        yield
        assert read == ["b.png 1", "b.png 2", "b.png 3"]
        assert (out / "documents/b.png.json").is_file()
        put(source / "a.png", b"abc")
        put(source / "c.png", b"abc")
        for _ in range(3):
            yield
        assert read[3:] == ["a.png 1", "c.png 1"]
        put(source / "a.png", b"abcdef", age_seconds=50)  # changed in place
        for _ in range(3):
            yield
        assert read[5:] == ["a.png 1"]

    out = play(script)
    assert list(care.verify(out)) == []
    run_batch(
        [tmp_path / "in"],
        tmp_path / "run",
        SETTINGS,
        0,
        digitize=fakes.well_behaved,
        count=fakes.count,
    )
    assert results_in(out) == results_in(tmp_path / "run")


@pytest.mark.parametrize("name", ["a.png.part", ".a.png", "~$a.png", "a.png.crdownload", "a~"])
def test_files_under_way_wait_for_their_name(play: Play, name: str) -> None:
    def script(source: Path, out: Path, read: list[str]) -> Iterator[None]:
        put(source / name, b"\x89PNG\r\n\x1a\n.")
        for _ in range(4):
            yield
        assert read == []
        (source / name).rename(source / "a.png")
        for _ in range(4):
            yield
        assert read == ["a.png 1"]

    play(script)


def test_a_folder_that_is_off_for_a_while_loses_nothing(play: Play) -> None:
    def script(source: Path, out: Path, read: list[str]) -> Iterator[None]:
        put(source / "a.png", b"abc")
        for _ in range(3):
            yield
        source.rename(source.with_name("off"))
        yield
        assert care.status(out).vanished == 0
        source.with_name("off").rename(source)
        yield
        assert read == ["a.png 1"]

    assert care.status(play(script)).counts.done == 1


def test_what_is_remembered_does_not_grow(play: Play, tmp_path: Path) -> None:
    def settling() -> str:
        text = (tmp_path / "metrics.prom").read_text()
        return re.findall(r"hwdigitize_files_settling (\d+)", text)[0]

    def script(source: Path, out: Path, read: list[str]) -> Iterator[None]:
        for number in range(5):
            put(source / f"{number}.png", b"abc")
            yield
            yield
            assert settling() == "1"
            yield
            assert settling() == "0" and len(read) == number + 1

    play(script)


def test_reports_come_in_time_and_at_the_end(play: Play) -> None:
    def script(source: Path, out: Path, read: list[str]) -> Iterator[None]:
        def rows() -> int:
            return len((out / "pages.csv").read_text("utf-8-sig").splitlines()) - 1

        put(source / "a.png", b"abc")
        for _ in range(3):
            yield
        assert rows() == 1
        put(source / "b.png", b"abc")
        for _ in range(3):
            yield
        assert len(read) == 2 and rows() == 1  # written a moment ago
        for _ in range(100):
            yield
        assert rows() == 2
        put(source / "c.png", b"abc")
        for _ in range(3):
            yield

    out = play(script)
    assert len((out / "pages.csv").read_text("utf-8-sig").splitlines()) == 4


def test_figures_are_published(play: Play, tmp_path: Path) -> None:
    def script(source: Path, out: Path, read: list[str]) -> Iterator[None]:
        put(source / "a.png", b"ab")
        put(source / "uncountable.png", b"ab")
        for _ in range(3):
            yield

    play(script)
    text = (tmp_path / "metrics.prom").read_text()
    assert 'hwdigitize_pages{state="done"} 3' in text
    assert 'hwdigitize_pages{state="quarantined"} 1' in text
    assert "hwdigitize_pages_read_total 4" in text
    assert "hwdigitize_failures_total 1" in text


def test_figures_are_of_prometheus_format() -> None:
    text = render(Counts(1, 2, 3, 4, 5, 6, 7, 8), 9, Work(10, 1, 2, 3.5))
    sample = r'hwdigitize_[a-z_]+(\{[a-z]+="[a-z]+"\})? [0-9.e+]+'
    comment = r"# (HELP hwdigitize_[a-z_]+ .+|TYPE hwdigitize_[a-z_]+ (gauge|counter))"
    assert text.endswith("\n")
    for line in text.splitlines():
        assert re.fullmatch(f"{sample}|{comment}", line), line
    assert "hwdigitize_queue 9\n" in text
    assert int(re.findall(r'process="main"} (\d+)', text)[0]) > 10_000_000


def test_figures_over_http_are_for_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with publishing(None, port) as publisher:
        publisher.publish("hwdigitize_pages 1\n")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert answer.read() == b"hwdigitize_pages 1\n"
        with pytest.raises(OutputError, match="cannot listen"), publishing(None, port):
            pass


def test_figures_over_http_are_where_they_were_asked_for() -> None:
    with socket.create_server(("127.0.0.2", 0)) as free:
        port = free.getsockname()[1]
    with publishing(None, port, "127.0.0.2") as publisher:
        publisher.publish("hwdigitize_pages 2\n")
        with urllib.request.urlopen(f"http://127.0.0.2:{port}/metrics") as answer:
            assert answer.read() == b"hwdigitize_pages 2\n"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
    elsewhere = publishing(None, port, "203.0.113.7")  # an address of nobody (RFC 5737)
    with pytest.raises(OutputError, match=r"cannot listen on 203\.0\.113\.7"), elsewhere:
        pass


def test_a_watch_needs_a_folder(tmp_path: Path) -> None:
    stop, nobody = threading.Event(), Publisher(None)
    with pytest.raises(UsageError, match="nothing to watch"):
        watch_folder(tmp_path / "no", tmp_path / "out", SETTINGS, 0, stop, publisher=nobody)


def test_sigterm_ends_a_watch_in_order_with_code_0(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    pace = ["--look-seconds", "0.2", "--settle-seconds", "0.3"]
    program = [sys.executable, "-c", "from hwdigitize.cli import main; main()"]
    command = [*program, "watch", source, "--out", out, *pace]
    with subprocess.Popen(command, cwd=ROOT) as process:
        put(source / "notes.png", b"no image")
        deadline = time.monotonic() + 60
        while not (out / "pages.csv").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert care.status(out).counts.quarantined == 1
    assert list(care.verify(out)) == []
