"""Every page and file has its row, and no cell runs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwdigitize.document import Document
from hwdigitize.reports import tables
from hwdigitize.reports.csv import harmless
from tests.reports.drawn import Skipped, blank, form, letter


def write_tables(
    out: Path, documents: Iterable[Document], skipped: Iterable[Skipped] = ()
) -> None:
    tables.write_tables(out, [tables.Source(lambda: documents)], skipped)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_every_page_and_every_skipped_file_has_a_row(tmp_path: Path) -> None:
    skipped = [Skipped("notes.txt", "This is not a scan.")]
    write_tables(tmp_path, [letter(), form(), blank()], skipped)
    rows = table(tmp_path / "pages.csv")
    assert [(row["file"], row["page"], row["status"]) for row in rows] == [
        ("letters/a.png", "1", "ok"),
        ("forms/b.pdf", "1", "partial"),
        ("forms/b.pdf", "2", "failed"),
        ("blank.png", "1", "ok"),
        ("notes.txt", "", "skipped"),
    ]
    assert rows[2]["problems"] == "load:damaged"
    assert rows[2]["messages"] == "The page is damaged. Scan again."
    assert rows[4]["messages"] == "This is not a scan."


def test_a_page_row_counts(tmp_path: Path) -> None:
    write_tables(tmp_path, [letter()])
    (row,) = table(tmp_path / "pages.csv")
    assert (row["lines"], row["words"], row["flags"]) == ("2", "3", "1")
    assert (row["writer"], row["writer_known"], row["writer_cluster"]) == ("ada", "yes", "A")
    assert row["confidence"] == "0.76"


def test_a_file_without_pages_is_accounted_for(tmp_path: Path) -> None:
    write_tables(tmp_path, [Document(file="empty.pdf", sha256="0" * 64, pages=())])
    (row,) = table(tmp_path / "pages.csv")
    assert (row["file"], row["status"], row["problems"]) == (
        "empty.pdf",
        "failed",
        "ingest:no_pages",
    )


def test_words_are_in_reading_order_with_their_boxes(tmp_path: Path) -> None:
    write_tables(tmp_path, [letter()])
    rows = table(tmp_path / "words.csv")
    assert [(row["line"], row["word"], row["text"]) for row in rows] == [
        ("1", "1", "Dear"),
        ("1", "2", "Ada,"),
        ("2", "1", "cane"),
    ]
    assert rows[2]["flagged"] == "yes" and rows[2]["alternatives"] == "came | cone"
    assert [rows[2][side] for side in ("left", "top", "right", "bottom")] == [
        *("100", "200", "230", "260")
    ]


def test_fields_keep_negative_numbers(tmp_path: Path) -> None:
    write_tables(tmp_path, [form()])
    born, total = table(tmp_path / "fields.csv")
    assert (born["value"], born["raw"], born["flags"]) == (
        "1961-02-28",
        "28.2.1q61",
        "not_a_date",
    )
    assert (total["value"], total["template"]) == ("-12.50", "survey")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "' =1"),
        ("\r=1", "' =1"),
        (" =1", "' =1"),
        ("＝1", "'＝1"),
        ("a;=1+1", "a;'=1+1"),
        ("-12,5", "-12,5"),
        ("+41", "+41"),
        ("-1.234,50", "-1.234,50"),
        ("a=b", "a=b"),
        ("two\r\nlines", "two  lines"),
        ("a\0b\u202egpj", "a b gpj"),
        ("", ""),
    ],
)
def test_no_cell_runs(text: str, cell: str) -> None:
    assert harmless(text) == cell


@given(st.text(st.characters(codec=None)))
def test_any_text_is_one_line_that_does_not_run(text: str) -> None:
    cell = harmless(text)
    assert len(cell.splitlines()) <= 1
    cell.encode()
    start = cell.lstrip()[:1]
    assert start not in tuple("=@") and (
        start not in tuple("+-") or cell.strip()[1:2].isdigit()
    )


def test_hostile_text_survives_the_file(tmp_path: Path) -> None:
    nasty = '=HYPERLINK("http://x","y")\n"quoted",\t\x00;end'
    write_tables(tmp_path, [letter(text=nasty, file="a,b\n.png")])
    row = table(tmp_path / "words.csv")[0]
    assert row["file"] == "a,b .png"
    assert row["text"] == '\'=HYPERLINK("http://x","y") "quoted",  ;end'


def test_excel_is_told_that_it_is_utf8(tmp_path: Path) -> None:
    write_tables(tmp_path, [letter(text="été")])
    assert (tmp_path / "words.csv").read_bytes().startswith(b"\xef\xbb\xbffile,page")


def test_documents_are_taken_one_at_a_time_and_a_broken_run_keeps_the_old_tables(
    tmp_path: Path,
) -> None:
    write_tables(tmp_path, [letter("old.png")])

    def broken() -> Iterator[Document]:
        yield letter("new.png")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_tables(tmp_path, broken())
    assert [row["file"] for row in table(tmp_path / "pages.csv")] == ["old.png"]
    assert len(list(tmp_path.iterdir())) == 3


def test_what_did_not_change_is_copied_and_the_tables_are_as_if_written_anew(
    tmp_path: Path,
) -> None:
    """Also where a form gets a column more, and where a bundle comes before others."""
    old, new = tmp_path / "old", tmp_path / "new"
    fields = form().pages[0].fields
    more = msgspec.structs.replace(fields[0], name="place")
    page = msgspec.structs.replace(form().pages[0], fields=(more, *fields))
    longer = msgspec.structs.replace(form("forms/c.pdf"), pages=(page,))
    bundles = [[letter("0.png")], [letter(), form()], [longer, blank()]]
    parts = tables.write_tables(old, [tables.Source(lambda: bundles[1])]).parts
    asked: list[int] = []

    def source(number: int, part: tables.Part | None = None) -> tables.Source:
        def documents() -> list[Document]:
            asked.append(number)
            return bundles[number]

        return tables.Source(documents, part)

    skipped = [Skipped("notes.txt", "This is not a scan.")]
    first = tables.write_tables(old, [source(0), source(1, parts[0])], skipped)
    assert asked == [0]
    last = tables.write_tables(old, [*map(source, (0, 1), first.parts), source(2)], skipped)
    assert asked == [0, 2, 1]  # the second, for the form's new column alone
    whole = tables.write_tables(new, [source(0), source(1), source(2)], skipped)
    assert last == whole
    files = [path.relative_to(new) for path in sorted(new.rglob("*.csv"))]
    assert len(files) == 4
    for file in files:
        assert (old / file).read_bytes() == (new / file).read_bytes()
