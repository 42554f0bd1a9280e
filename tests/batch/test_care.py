"""A results folder says how it stands, what is wrong with it, and what to do again."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hwdigitize.batch import care
from hwdigitize.batch.ledger import Ledger
from hwdigitize.batch.plan import plan_run
from hwdigitize.batch.run import Progress, RunSummary, run_batch
from hwdigitize.document import Page, PageRef, PageResult, TemplateMatch
from hwdigitize.errors import OutputError, UsageError
from hwdigitize.settings import Settings

from . import fakes
from .conftest import MakeScans, results_in

SETTINGS = Settings(page_seconds=60, worker_megabytes=300)


def run(source: Path, out: Path, **more: Any) -> RunSummary:
    more = {"settings": SETTINGS, "digitize": fakes.read, "count": fakes.count} | more
    return run_batch([source], out, jobs=0, **more)


def query(out: Path, sql: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(out / "ledger.sqlite") as db:
        return db.execute(sql).fetchall()


# status


def test_status_of_a_finished_run(make_scans: MakeScans, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(make_scans("a.png", "b.png", "failed.png", "flag.png"), out)
    found = care.status(out)
    assert found.holder is None and found.seconds_left is None
    assert (found.counts.done, found.counts.review, found.counts.quarantined) == (5, 1, 1)
    assert found.problems == (("ingest:damaged", 1, "failed.png"),)
    assert found.rate > 0


def test_status_while_a_run_writes(make_scans: MakeScans, tmp_path: Path) -> None:
    source, out = make_scans("a.png", "b.png", "c.png"), tmp_path / "out"
    seen = []

    def look(progress: Progress) -> None:
        if progress.stage == "reading":
            seen.append(care.status(out))

    run(source, out, listener=look)
    done = [status.counts.finished for status in seen]
    assert done == list(range(7))
    assert all(s.holder and s.holder.startswith(f"process {os.getpid()} on") for s in seen)
    assert seen[3].seconds_left is not None and seen[3].seconds_left > 0
    assert seen[6].seconds_left == 0


def test_no_results(tmp_path: Path) -> None:
    for look in (care.status, lambda out: list(care.verify(out)), care.prune):
        with pytest.raises(UsageError, match="has no ledger"):
            look(tmp_path)
    assert not list(tmp_path.iterdir())


# retry


def again(out: Path, only: str | None = None, quarantined: bool = False, **more: Any) -> int:
    """Retry as the command does; how many pages were read."""
    waiting, last = care.retry(out, only, quarantined)
    read = run(Path(last.inputs[0]), out, settings=last.settings, **more).read
    assert read == waiting
    return read


def test_retry_reads_what_failed(make_scans: MakeScans, tmp_path: Path) -> None:
    source, out = make_scans("a.png", "failed.png", "uncountable.png"), tmp_path / "out"
    run(source, out)
    waiting, last = care.retry(out, None, False)
    assert waiting == 2 and last.settings == SETTINGS
    counted: list[str] = []

    def count(path: Path, settings: Settings) -> int:
        counted.append(path.name)
        return 3

    summary = run(source, out, digitize=fakes.well_behaved, count=count)
    assert counted == ["uncountable.png"]
    assert (summary.read, summary.counts.quarantined) == (1 + 3, 0)


def test_retry_reads_where_the_last_run_did(
    make_scans: MakeScans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On its cluster, with the files that its settings name, from wherever it is called."""
    from hwdigitize.cli import main

    source, out = make_scans("a.png", "failed.png"), tmp_path / "out"
    monkeypatch.chdir(tmp_path)
    Path("secret").write_text("password")
    Path("dask.yaml").write_text("cluster: nowhere.Cluster\n")
    settings = msgspec.structs.replace(SETTINGS, password_file="secret")
    asked: list[Any] = []

    def carry_out(
        inputs: Any, out: Any, settings: Any, jobs: Any, quiet: Any, where: Any
    ) -> None:
        asked.append((settings.password_file, where))

    monkeypatch.setattr("hwdigitize.cli.care.carry_out", carry_out)
    for cluster in (None, "tcp://scheduler:8786", "dask.yaml"):
        run(source, out, settings=settings)
        with closing(Ledger(out)) as ledger:
            ledger.note_run([source], settings, cluster)
        with pytest.raises(SystemExit):
            main(["retry", str(out), "--only", "*"])
    with pytest.raises(SystemExit):
        main(["retry", str(out), "--only", "*", "--cluster", "none"])
    secret = str(tmp_path / "secret")
    assert asked == [
        (secret, None),
        (secret, "tcp://scheduler:8786"),
        (secret, str(tmp_path / "dask.yaml")),
    ]


def test_retry_by_name(make_scans: MakeScans, tmp_path: Path) -> None:
    source, out = make_scans("a/1.png", "a/failed.png", "b/3.png"), tmp_path / "out"
    run(source, out)
    before = results_in(out)
    assert again(out, only="a/*") == 1 + 2
    assert again(out, only="a/*", quarantined=True) == 1
    assert again(out, only="c/*") == 0
    assert results_in(out) == before


# verify


def damage_document(out: Path) -> None:
    path = out / "documents/a.png.json"
    path.write_bytes(path.read_bytes().replace(b"0.75", b"0.76"))


def drop_key(out: Path) -> None:
    path = out / "documents/a.png.json"
    plain = json.loads(path.read_bytes())
    del plain["sha256"]
    path.write_text(json.dumps(plain))


def damage_image(out: Path) -> None:
    next((out / "report/images").iterdir()).write_bytes(b"")


def lose_table(out: Path) -> None:
    (out / "pages.csv").unlink()


def lose_page(out: Path) -> None:
    query(out, "DELETE FROM pages WHERE page_index = 1")


def lose_document(out: Path) -> None:
    (out / "documents/b.png.json").unlink()


def lose_view(out: Path) -> None:
    next((out / "report/pages").glob("b-2-*.html")).unlink()


def damage_index(out: Path) -> None:
    (out / "report/index.html").write_text("index")


def damage_reading(out: Path) -> None:
    query(out, "UPDATE pages SET result = x'00' WHERE page_index = 1")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (damage_document, "a.png.json: is not what was written"),
        (drop_key, "a.png.json: not of the schema"),
        (damage_image, "jpg: is not what was written"),
        (lose_table, "pages.csv: is missing"),
        (lose_page, "b.png: has 2 pages, 1 of them are accounted for"),
        (lose_document, "b.png.json: No such file"),
        (lose_view, "b.png: its pages in"),
        (damage_index, "index.html: is not what was written"),
        (damage_reading, "b.png, page 2: its reading in ledger.sqlite is damaged"),
    ],
)
def test_verify_finds_and_the_next_run_mends(
    make_scans: MakeScans, tmp_path: Path, harm: Any, words: str
) -> None:
    source, out = make_scans("a.png", "b.png", "failed.png"), tmp_path / "out"
    run(source, out)
    before = results_in(out)
    assert list(care.verify(out)) == []
    harm(out)
    wrong = list(care.verify(out))
    assert any(words in sentence for sentence in wrong)
    assert list(care.verify(out, mend=True)) == wrong
    run(source, out)
    assert list(care.verify(out)) == []
    assert results_in(out) == before


def test_a_document_of_a_vanished_input_is_mended(
    make_scans: MakeScans, tmp_path: Path
) -> None:
    source, out = make_scans("a.png", "b.png"), tmp_path / "out"
    run(source, out)
    path = out / "documents/a.png.json"
    before = path.read_bytes()
    (source / "a.png").unlink()
    run(source, out)
    path.unlink()
    assert len(list(care.verify(out, mend=True))) == 1
    assert path.read_bytes() == before and list(care.verify(out)) == []


def test_verify_of_a_run_that_was_interrupted(make_scans: MakeScans, tmp_path: Path) -> None:
    source, out = make_scans("a.png", "b.png", "c.png"), tmp_path / "out"
    stop = threading.Event()
    run(source, out, stop=stop, listener=lambda p: stop.set() if p.done == 2 else None)
    assert list(care.verify(out)) == []


# prune


def test_prune_removes_what_is_gone_and_nothing_else(
    make_scans: MakeScans, tmp_path: Path
) -> None:
    source, out = make_scans("a.png", "b/failed.png", "c.png", "d.png"), tmp_path / "out"
    run(source, out)
    (source / "b/failed.png").unlink()
    (source / "c.png").rename(source / ".c.png")
    (tmp_path / "only").mkdir()
    run(source, out)
    gone = ("b/failed.png", "c.png", "failed-1", "failed-2", "c-1", "c-2", "c-3")
    kept = {p for p in results_in(out) if not any(f"/{name}" in p for name in gone)}
    assert care.prune(out, keep=True) == care.prune(out) == ["b/failed.png", "c.png"]
    assert set(results_in(out)) == kept
    assert not any(path.is_file() for path in (out / "quarantine").rglob("*"))
    assert list(care.verify(out)) == []
    assert run(source, out, digitize=None).vanished == 0


def test_prune_keeps_what_is_only_left_out(make_scans: MakeScans, tmp_path: Path) -> None:
    source, out = make_scans("a.png", "b.png"), tmp_path / "out"
    run(source, out)
    run_batch([source / "a.png"], out, SETTINGS, 0, digitize=fakes.read, count=fakes.count)
    assert care.prune(out) == []


def test_prune_refuses_when_the_inputs_are_gone_as_a_whole(
    make_scans: MakeScans, tmp_path: Path
) -> None:
    source, out = make_scans("a.png", "b.png"), tmp_path / "out"
    run(source, out)
    source.rename(tmp_path / "unmounted")
    with pytest.raises(UsageError, match="is its disk mounted"):
        care.prune(out)


def test_care_is_refused_while_a_run_writes(make_scans: MakeScans, tmp_path: Path) -> None:
    source, out = make_scans("a.png"), tmp_path / "out"
    refused = []

    def try_it(progress: Progress) -> None:
        with pytest.raises(OutputError, match=f"in use by process {os.getpid()}"):
            care.retry(out, None, False)
        refused.append(progress.stage)

    run(source, out, listener=try_it)
    assert "reading" in refused


# dry run


def reasons(source: Path, out: Path, settings: Settings = SETTINGS) -> dict[str, str]:
    return dict(plan_run([source], out, settings).reasons)


def test_dry_run_says_what_and_changes_nothing(make_scans: MakeScans, tmp_path: Path) -> None:
    source, out = make_scans("a.png", "b.png", "c.png", "failed.png"), tmp_path / "out"
    assert reasons(source, out) == {"new": "4 files"}
    assert not out.exists()
    run(source, out)
    assert reasons(source, out) == {}
    (source / "b.png").write_bytes(b"other ink")
    (source / "c.png").unlink()
    (source / "d.png").write_bytes(b"new")
    os.utime(source / "a.png", (1, 1))
    before = query(out, "SELECT * FROM files"), query(out, "SELECT * FROM pages")
    changed = msgspec.structs.replace(SETTINGS, language="none", page_seconds=50.0)
    # a.png has a page, b.png 2, failed.png 1; one of them failed and counts once
    assert reasons(source, out, changed) == {
        "new": "1 files",
        "changed": "1 files",
        "vanished": "1 files",
        "setting language": "4 pages",
    }
    assert reasons(source, out) == dict.fromkeys(("new", "changed", "vanished"), "1 files")
    assert before == (query(out, "SELECT * FROM files"), query(out, "SELECT * FROM pages"))


def of_form(ref: PageRef, settings: Settings) -> PageResult:
    """Page a… is of form A, b… of form B, all others of none."""
    template = None
    if ref.file[0] in "ab":
        template = TemplateMatch(id=ref.file[0].upper(), version="1", error_px=0.5)
    return PageResult(ref=ref, page=Page(index=ref.index, status="ok", template=template))


def test_a_changed_template_touches_its_pages_and_those_of_none(
    make_scans: MakeScans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hwdigitize.forms import template
    from hwdigitize.recognition import writers

    monkeypatch.setattr(template, "load_templates", lambda folder: ())
    for name in "AB":
        (tmp_path / "forms" / name).mkdir(parents=True)
        (tmp_path / "forms" / name / "form.toml").write_text(f'id = "{name}"')
    source, out = make_scans("a.png", "b.png", "c.png"), tmp_path / "out"
    settings = msgspec.structs.replace(SETTINGS, templates=str(tmp_path / "forms"))
    run(source, out, settings=settings, digitize=of_form)
    (tmp_path / "forms/B/form.toml").write_text('id = "B"\ntitle = "better"')
    assert reasons(source, out, settings) == {"template B": "5 pages"}
    assert run(source, out, settings=settings, digitize=of_form).read == 5
    (tmp_path / "forms/B/form.toml").unlink()
    assert reasons(source, out, settings) == {"template B": "2 pages"}
    monkeypatch.setattr(writers, "load_gallery", lambda path, models: None)
    louder = msgspec.structs.replace(settings, flag_below=0.9, dpi=200, gallery="none.npz")
    assert reasons(source, out, louder) == {"setting flag_below": "3 pages"}
    bigger = msgspec.structs.replace(settings, dpi=200, gallery="none.npz", beam_width=4)
    assert reasons(source, out, bigger) == {"template B": "2 pages"}
