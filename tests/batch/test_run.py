"""A run accounts for every page, goes on where it ended, and does nothing twice."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from hwdigitize.batch import care, exports, migrations, outputs
from hwdigitize.batch.plan import plan_run
from hwdigitize.batch.run import Progress, RunSummary, run_batch
from hwdigitize.errors import ModelError, NothingToReadError, OutputError, UsageError
from hwdigitize.settings import Settings
from tests.conftest import ROOT

from . import fakes
from .conftest import MakeScans, results_in

SETTINGS = Settings(page_seconds=60, worker_megabytes=300)
IMPATIENT = Settings(page_seconds=4, worker_megabytes=300)


def run(source: Path, out: Path, jobs: int = 0, **more: Any) -> RunSummary:
    more = {"settings": SETTINGS, "digitize": fakes.read, "count": fakes.count} | more
    return run_batch([source], out, jobs=jobs, **more)


def table(out: Path) -> list[dict[str, str]]:
    with (out / "pages.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_results_folder_holds_every_page(make_scans: MakeScans, tmp_path: Path) -> None:
    source, out = make_scans("b.png", "a/1.png", "a/flag.png"), tmp_path / "out"
    summary = run(source, out)
    assert (summary.counts.done, summary.counts.review, summary.counts.quarantined) == (3, 3, 0)
    document = json.loads((out / "documents" / "a" / "1.png.json").read_bytes())
    assert [page["index"] for page in document["pages"]] == [0, 1]
    assert len(table(out)) == summary.counts.pages == 6
    assert (out / "report" / "index.html").is_file()
    assert len(list((out / "report" / "images").iterdir())) == 12
    told = json.loads((out / "run.json").read_bytes())
    assert told["counts"]["done"] == 3 and told["interrupted"] is False


def test_second_run_changes_no_byte_and_reads_nothing(
    make_scans: MakeScans, tmp_path: Path
) -> None:
    source, out = make_scans("a.png", "b.png"), tmp_path / "out"
    run(source, out)
    before = {
        p: p.read_bytes() for p in out.rglob("*") if p.suffix != ".sqlite" and p.is_file()
    }
    summary = run(source, out, digitize=None)
    after = {p: p.read_bytes() for p in out.rglob("*") if p.suffix != ".sqlite" and p.is_file()}
    assert summary.read == 0
    assert before == after


@pytest.mark.parametrize("gone", ["documents/a.png.json", "pages.csv", "report/index.html"])
def test_a_lost_output_is_written_again(
    make_scans: MakeScans, tmp_path: Path, gone: str
) -> None:
    source, out = make_scans("a.png", "b.png"), tmp_path / "out"
    run(source, out)
    (out / gone).unlink()
    assert run(source, out, digitize=None).read == 0
    assert (out / gone).is_file()


def test_only_new_and_changed_files_are_read(make_scans: MakeScans, tmp_path: Path) -> None:
    source, out = make_scans("a.png", "b.png", "c.png"), tmp_path / "out"
    run(source, out)
    (source / "b.png").write_bytes(b"other ink")
    (source / "d.png").write_bytes(b"new")
    (source / "c.png").unlink()
    os.utime(source / "a.png", (1, 1))
    summary = run(source, out)
    assert summary.read == 1 + 1  # b.png has a page now, and d.png one
    assert summary.vanished == 1
    assert {row["file"] for row in table(out)} == {"a.png", "b.png", "d.png"}
    assert (out / "documents" / "c.png.json").is_file()


@dataclass
class Case:
    setting: str
    value: object
    read: int


@pytest.mark.parametrize(
    "case",
    [
        Case("flag_below", 0.5, read=3),
        Case("decoder", "greedy", read=3),
        Case("language", "none", read=3),
        Case("page_seconds", 2.5, read=1),
        Case("max_megapixels", 300.0, read=1),
    ],
)
def test_changed_settings_read_again_what_they_affect(
    make_scans: MakeScans, tmp_path: Path, case: Case
) -> None:
    source, out = make_scans("a.png", "failed.png", "uncountable.png"), tmp_path / "out"
    run(source, out)
    changed = msgspec.structs.replace(SETTINGS, **{case.setting: case.value})
    assert run(source, out, settings=changed).read == case.read
    assert run(source, out, settings=changed, digitize=None).read == 0


def test_password_and_weights_count_by_content(make_scans: MakeScans, tmp_path: Path) -> None:
    source, out = make_scans("a.png"), tmp_path / "out"
    models, secrets = tmp_path / "models", tmp_path / "passwords"
    models.mkdir()
    (models / "words.onnx").write_bytes(b"1")
    secrets.write_text("one")
    settings = Settings(models=str(models), password_file=str(secrets))
    run(source, out, settings=settings)
    secrets.write_text("two")
    assert run(source, out, settings=settings).read == 0
    (models / "words.onnx").write_bytes(b"2")
    assert run(source, out, settings=settings).read == 1


@pytest.mark.parametrize("jobs", [0, 2])
def test_every_failure_is_in_the_table(
    make_scans: MakeScans, tmp_path: Path, jobs: int
) -> None:
    names = ("a.png", "failed.png", "uncountable.png", "empty.png", "bug.png", "z.png")
    source, out = make_scans(*names, "notes.txt"), tmp_path / "out"
    summary = run(source, out, jobs)
    rows = {row["file"]: row for row in table(out) if row["page"] in ("", "1")}
    assert set(rows) == {*names, "notes.txt"}
    assert rows["uncountable.png"]["messages"] == "The file is damaged. Scan it again."
    assert rows["empty.png"]["problems"] == "ingest:no_pages"
    assert rows["failed.png"]["problems"] == "ingest:damaged"
    assert "report it" in rows["bug.png"]["messages"]
    assert rows["notes.txt"]["status"] == "skipped"
    assert summary.counts.quarantined == 4
    assert ("page:bug", 1, "bug.png") in summary.problems


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("hang", "time_limit", marks=pytest.mark.slow),
        ("hog", "memory_limit"),
        ("abort", "worker_died"),
        pytest.param("exit", "worker_died", marks=pytest.mark.slow),
        pytest.param("kill", "worker_died", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    "place",
    [1, pytest.param(0, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)],
)
def test_a_page_that_breaks_a_limit_is_lost_alone(
    make_scans: MakeScans, tmp_path: Path, name: str, code: str, place: int
) -> None:
    names = ["1.png", "2.png"]
    names.insert(place, f"{place}-{name}.png")
    source, out = make_scans(*names), tmp_path / "out"
    settings = IMPATIENT if name == "hang" else SETTINGS
    summary = run(source, out, jobs=2, settings=settings)
    failed = [row for row in table(out) if row["status"] == "failed"]
    assert [row["problems"] for row in failed] == [f"worker:{code}"]
    assert summary.counts.pages == 1 + 2 + 3
    assert summary.counts.done == 5
    (attempts,) = query(out, "SELECT max(attempts) FROM pages WHERE state = 'quarantined'")
    assert attempts == (2,)


def query(out: Path, sql: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(out / "ledger.sqlite") as db:
        return db.execute(sql).fetchall()


def test_a_page_that_died_once_is_read_alone(make_scans: MakeScans, tmp_path: Path) -> None:
    source, out = make_scans("a.png", "once.png"), tmp_path / "out"
    summary = run(source, out, jobs=1)
    assert summary.counts.quarantined == 0
    assert summary.counts.done == 3


def test_a_page_short_of_memory_is_read_alone_once_and_then_given_up(
    make_scans: MakeScans, tmp_path: Path
) -> None:
    source, out = make_scans("hungry.png", "peckish.png", "z.png"), tmp_path / "out"
    summary = run(source, out, jobs=1, digitize=fakes.short_of_memory)
    attempts = query(out, "SELECT file, state, attempts FROM pages JOIN files ON id = file_id")
    assert set(attempts) == {
        ("hungry.png", "quarantined", 2),
        ("peckish.png", "done", 2),
        ("peckish.png", "done", 1),
        ("z.png", "done", 1),
    }
    assert summary.problems == (("page:out_of_memory", 1, "hungry.png"),)


def test_what_failed_lies_in_quarantine_with_the_reason_until_it_is_read(
    make_scans: MakeScans, tmp_path: Path
) -> None:
    source, out = make_scans("a/failed.png", "b.png"), tmp_path / "out"
    run(source, out)
    kept, why = out / "quarantine/a/failed.png", out / "quarantine/a/failed.png.why.txt"
    assert sorted(p for p in (out / "quarantine").rglob("*") if p.is_file()) == [kept, why]
    assert kept.samefile(source / "a/failed.png")
    assert why.read_text() == "page 1: The page is damaged. Scan it again. (ingest:damaged)\n"
    (source / "a/failed.png").unlink()  # a damaged input is scanned again
    make_scans("a/failed.png")
    (source / "a/failed.png").write_bytes(b"good")
    changed = msgspec.structs.replace(SETTINGS, page_seconds=50)
    run(source, out, digitize=fakes.well_behaved, settings=changed)
    assert not kept.exists() and not why.exists()


def test_quarantine_copies_where_it_cannot_link(
    make_scans: MakeScans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_disk(*paths: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_disk)
    source, out = make_scans("failed.png", "failed.png.why.txt.png"), tmp_path / "out"
    run(source, out)
    kept = out / "quarantine/failed.png"
    assert kept.read_bytes() == (source / "failed.png").read_bytes()
    assert not kept.samefile(source / "failed.png")


def test_a_file_that_kills_the_counter_is_one_failed_page(
    make_scans: MakeScans, tmp_path: Path
) -> None:
    source, out = make_scans("a.png", "countdeath.png", "c.png"), tmp_path / "out"
    summary = run(source, out, jobs=1)
    assert summary.counts.quarantined == 1
    assert json.loads((out / "documents/countdeath.png.json").read_bytes())["sha256"]
    assert run(source, out, digitize=None, count=None).read == 0


def test_a_bad_model_stops_the_run_and_keeps_what_is_done(
    make_scans: MakeScans, tmp_path: Path
) -> None:
    source, out = make_scans("1.png", "2.png", "3-model.png", "4.png"), tmp_path / "out"
    with pytest.raises(ModelError, match="damaged"):
        run(source, out)
    (source / "3-model.png").unlink()
    assert run(source, out).read == 1


def test_stop_keeps_what_is_done_and_goes_on_later(
    make_scans: MakeScans, tmp_path: Path
) -> None:
    source, out = make_scans(*(f"{n}.png" for n in range(6))), tmp_path / "out"
    stop = threading.Event()

    def stop_after_three(progress: Progress) -> None:
        if progress.stage == "reading" and progress.done == 3:
            stop.set()

    first = run(source, out, listener=stop_after_three, stop=stop)
    assert first.interrupted and first.read < first.counts.pages
    assert len(table(out)) == first.read
    second = run(source, out)
    assert first.read + second.read == second.counts.pages == second.counts.done
    run(source, tmp_path / "unbroken")
    assert results_in(out) == results_in(tmp_path / "unbroken")


def test_jobs_change_no_byte(make_scans: MakeScans, tmp_path: Path) -> None:
    source = make_scans(*(f"{n}.png" for n in range(8)))
    run(source, tmp_path / "one", jobs=0)
    run(source, tmp_path / "two", jobs=3)
    assert results_in(tmp_path / "one") == results_in(tmp_path / "two")


def test_nothing_to_read(tmp_path: Path, make_scans: MakeScans) -> None:
    (tmp_path / "void").mkdir()
    with pytest.raises(NothingToReadError, match="no file"):
        run(tmp_path / "void", tmp_path / "out")
    with pytest.raises(NothingToReadError, match=r"1 files skipped, such as notes\.txt"):
        run(make_scans("notes.txt"), tmp_path / "out")
    with pytest.raises(UsageError, match="does not exist"):
        run(tmp_path / "absent", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_output_that_cannot_be_written(make_scans: MakeScans, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError, match="cannot write results"):
        run(make_scans("a.png"), tmp_path / "taken" / "out")


def test_output_that_is_no_ledger_or_a_newer_one(make_scans: MakeScans, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(make_scans("a.png"), out)
    with sqlite3.connect(out / "ledger.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(OutputError, match="newer hwdigitize"):
        run(tmp_path / "in", out)
    for left in out.glob("ledger.sqlite*"):
        left.unlink()
    (out / "ledger.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(OutputError, match="not a database"):
        run(tmp_path / "in", out)


def test_a_ledger_of_the_first_version_is_taken_over_and_read_anew(
    make_scans: MakeScans, tmp_path: Path
) -> None:
    source, out = make_scans("a.png", "b.png"), tmp_path / "out"
    out.mkdir()
    with sqlite3.connect(out / "ledger.sqlite") as db:
        db.executescript(migrations.SCRIPTS[0] + "PRAGMA user_version = 1")
        db.execute(
            "INSERT INTO files (id, file, path, position, sha256, reading, pages) "
            "VALUES (7, 'a.png', x'00', 0, 'old', 'old', 1)"
        )
        db.execute("INSERT INTO pages (file_id, page_index, state) VALUES (7, 0, 'done')")
    with pytest.raises(OutputError, match="another version"):
        care.status(out)
    assert dict(plan_run([source], out, SETTINGS).reasons) == {
        "new": "1 files",
        "older ledger": "1 pages",
    }
    assert run(source, out).read == 1 + 2
    assert list(care.verify(out)) == []


def test_a_full_disk_stops_the_run_and_it_goes_on(
    make_scans: MakeScans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = make_scans(*(f"{n}.png" for n in range(6))), tmp_path / "out"

    def full(ledger: object, out: Path, file: str) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(exports, "write_document", full)
        with pytest.raises(OutputError, match=r"is full .* start the same command again"):
            run(source, out)
    run(source, out)
    run(source, tmp_path / "unbroken")
    assert results_in(out) == results_in(tmp_path / "unbroken")


def test_a_run_stops_before_the_disk_is_full_and_goes_on(
    make_scans: MakeScans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = make_scans(*(f"{n}.png" for n in range(6))), tmp_path / "out"
    room = iter([outputs.LEAST_FREE_BYTES] * 5)

    def usage(path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=next(room, outputs.LEAST_FREE_BYTES - 1))

    with monkeypatch.context() as patch:
        patch.setattr(outputs.shutil, "disk_usage", usage)
        with pytest.raises(OutputError, match=r"is full \(50 MB left\)") as stopped:
            run(source, out)
    assert stopped.value.exit_code == 6
    assert list(care.verify(out)) == [
        "the reports do not show what was read last; start the run again"
    ]
    rest = run(source, out)
    assert rest.read == rest.counts.done - 5
    run(source, tmp_path / "unbroken")
    assert results_in(out) == results_in(tmp_path / "unbroken")


def test_a_lock_names_process_and_host_and_dies_with_its_holder(
    make_scans: MakeScans, tmp_path: Path
) -> None:
    source, out = make_scans("a.png"), tmp_path / "out"
    hold = (
        "import sys, time; from pathlib import Path\n"
        "from hwdigitize.batch.outputs import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", hold, out]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        whose = f"in use by process {holder.pid} on {socket.gethostname()}"
        with pytest.raises(OutputError, match=whose):
            run(source, out)
        holder.kill()
    assert "process" in (out / "run.lock").read_text()  # it had no time to clear it
    assert run(source, out).read == 1


def test_second_run_on_one_folder_is_refused(make_scans: MakeScans, tmp_path: Path) -> None:
    source, out = make_scans("a.png"), tmp_path / "out"
    out.mkdir()
    with (out / "run.lock").open("w") as held:
        held.write("process 4711 on archive")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="in use by process 4711 on archive"):
            run(source, out)
    assert run(source, out).read == 1  # the holder is gone, whatever the file says


def test_progress_counts_what_was_done_before(make_scans: MakeScans, tmp_path: Path) -> None:
    source, out = make_scans("a.png", "b.png"), tmp_path / "out"
    run(source, out)
    (source / "c.png").write_bytes(b"new")
    told: list[Progress] = []
    run(source, out, listener=told.append)
    reading = [progress for progress in told if progress.stage == "reading"]
    assert [(p.done, p.total) for p in reading] == [(3, 4), (4, 4)]
    assert reading[-1].file == "c.png" and reading[-1].state == "done"
