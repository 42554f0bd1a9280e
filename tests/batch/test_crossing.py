"""Rules over two pages hold in a run: whoever reads which page when, resumed or read again."""

from __future__ import annotations

from pathlib import Path

import msgspec

from hwdigitize.batch.ledger import Ledger
from hwdigitize.batch.run import RunSummary, run_batch
from hwdigitize.document import (
    CrossRule,
    FieldValue,
    Page,
    PageRef,
    PageResult,
    RuleField,
    TemplateMatch,
    decode_document,
)
from hwdigitize.settings import Settings

RULE = CrossRule(
    rule="total == part",
    fields=(RuleField(name="part", kind="number"), RuleField(name="total", kind="number")),
)


def two_pages(path: Path, settings: Settings) -> int:
    return 2


def read(ref: PageRef, settings: Settings) -> PageResult:
    """The file holds a value a page, a line each."""
    value = Path(ref.path).read_text().splitlines()[ref.index]
    field = FieldValue(
        name=("part", "total")[ref.index],
        kind="number",
        value=value,
        raw=value,
        confidence=1.0,
        flags=(),
        box=(0, 0, 9, 9),
    )
    match = TemplateMatch(id="sum", version="1", error_px=0.1, page=ref.index, pages=2)
    page = Page(index=ref.index, status="ok", template=match, fields=(field,), rules=(RULE,))
    return PageResult(ref=ref, page=page)


def read_second_wrong(ref: PageRef, settings: Settings) -> PageResult:
    result = read(ref, settings)
    if ref.index == 0:
        return result
    wrong = msgspec.structs.replace(result.page.fields[0], value="7")
    return msgspec.structs.replace(
        result, page=msgspec.structs.replace(result.page, fields=(wrong,))
    )


def run(folder: Path, out: Path, how: object = read) -> RunSummary:
    return run_batch([folder], out, Settings(), 0, digitize=how, count=two_pages)  # type: ignore[arg-type]


def flagged(out: Path) -> list[bool]:
    (path,) = out.rglob("form.png.json")
    pages = decode_document(path.read_bytes()).pages
    return [bool(page.fields[0].flags) for page in pages]


def test_a_broken_rule_sends_both_pages_to_review(tmp_path: Path) -> None:
    folder, out = tmp_path / "scans", tmp_path / "results"
    folder.mkdir()
    (folder / "form.png").write_text("1\n2\n")
    (folder / "good.png").write_text("1\n1\n")
    summary = run(folder, out)
    assert (summary.counts.review, summary.counts.done) == (2, 2)
    assert flagged(out) == [True, True]


def test_read_again_the_other_page_is_cleared_too(tmp_path: Path) -> None:
    folder, out = tmp_path / "scans", tmp_path / "results"
    folder.mkdir()
    (folder / "form.png").write_text("2\n2\n")
    assert run(folder, out, read_second_wrong).counts.review == 2
    ledger = Ledger(out)
    with ledger._change() as db:  # as if the run had been killed before the second page
        db.execute("UPDATE pages SET state = 'waiting' WHERE page_index = 1")
        db.execute("UPDATE files SET document_bytes = NULL")
    ledger.close()
    summary = run(folder, out)
    assert (summary.counts.review, summary.counts.done) == (0, 2)
    assert flagged(out) == [False, False]


def test_started_again_nothing_is_done_twice(tmp_path: Path) -> None:
    folder, out = tmp_path / "scans", tmp_path / "results"
    folder.mkdir()
    (folder / "form.png").write_text("1\n2\n")
    run(folder, out)
    before = {p: p.read_bytes() for p in out.rglob("*.json")}
    assert run(folder, out).read == 0
    assert {p: p.read_bytes() for p in out.rglob("*.json")} == before
