"""Results as ALTO, PAGE, hOCR and text: named safely, the same each time."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from hwdigitize.batch.interchange import FORMATS, Exported, export
from hwdigitize.batch.run import run_batch
from hwdigitize.errors import UsageError
from hwdigitize.settings import Settings

from . import fakes
from .conftest import MakeScans

#: of one, two and three pages; the first page of the last fails
SCANS = ("a.png", "b/b.pdf", "failed.pdf")


@pytest.fixture
def results(make_scans: MakeScans, tmp_path: Path) -> Path:
    run(make_scans(*SCANS), tmp_path / "out")
    return tmp_path / "out"


def run(source: Path, out: Path, **more: Any) -> None:
    work: dict[str, Any] = {"digitize": fakes.read, "count": fakes.count}
    run_batch([source], out, Settings(), 0, **work, **more)


def names(folder: Path) -> list[str]:
    found = (
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    return sorted(found)


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("alto", ["a.png.alto.xml", "b/b.pdf.alto-1.xml", "b/b.pdf.alto-2.xml"]),
        ("page", ["a.png.page.xml", "b/b.pdf.page-1.xml", "b/b.pdf.page-2.xml"]),
        ("hocr", ["a.png.hocr", "b/b.pdf.hocr", "failed.pdf.hocr"]),
        ("text", ["a.png.txt", "b/b.pdf.txt", "failed.pdf.txt"]),
    ],
)
def test_each_file_or_page_has_its_own(
    results: Path, tmp_path: Path, kind: str, made: list[str]
) -> None:
    if kind in ("alto", "page"):
        made = [*made, f"failed.pdf.{kind}-2.xml", f"failed.pdf.{kind}-3.xml"]
    done = export(results, kind, tmp_path / "x")
    assert names(tmp_path / "x") == made
    assert done == Exported(len(made), failed_pages=1, unfinished=0)


@pytest.mark.parametrize("kind", FORMATS)
def test_once_more_is_the_same_and_writes_nothing(
    results: Path, tmp_path: Path, kind: str
) -> None:
    export(results, kind, tmp_path / "x")
    before = {
        name: (tmp_path / "x" / name).stat().st_mtime_ns for name in names(tmp_path / "x")
    }
    export(results, kind, tmp_path / "x")
    after = {name: (tmp_path / "x" / name).stat().st_mtime_ns for name in names(tmp_path / "x")}
    assert after == before
    export(results, kind, tmp_path / "y")
    for name in before:
        assert (tmp_path / "x" / name).read_bytes() == (tmp_path / "y" / name).read_bytes()


def test_the_image_is_named_by_the_last_part_of_its_name(results: Path, tmp_path: Path) -> None:
    export(results, "alto", tmp_path / "x")
    root = ElementTree.parse(tmp_path / "x" / "b" / "b.pdf.alto-2.xml").getroot()
    assert [e.text for e in root.iter() if e.tag.endswith("}fileName")] == ["b.pdf"]
    assert [e.get("ID") for e in root.iter() if e.tag.endswith("}Page")] == ["page_2"]


def test_a_file_that_is_not_read_to_the_end_is_left_out(
    make_scans: MakeScans, tmp_path: Path
) -> None:
    stop = threading.Event()
    listener: Any = lambda p: stop.set() if p.stage == "reading" and p.done == 2 else None  # noqa: E731
    run(make_scans(*SCANS), tmp_path / "out", stop=stop, listener=listener)
    assert export(tmp_path / "out", "text", tmp_path / "x").unfinished == 2
    assert names(tmp_path / "x") == ["a.png.txt"]


def test_nothing_leaves_the_folder(make_scans: MakeScans, tmp_path: Path) -> None:
    run(make_scans("n" * 250 + ".png", "a.png.xml/b.png", "a.png"), tmp_path / "out")
    for kind in FORMATS:
        export(tmp_path / "out", kind, tmp_path / "x")
    assert sum(name.endswith(".txt") for name in names(tmp_path / "x")) == 3


def test_an_unknown_format_is_refused(results: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--format odt: give one of alto, page, hocr, text"):
        export(results, "odt", tmp_path / "x")
    with pytest.raises(UsageError, match="no ledger"):
        export(tmp_path, "alto", tmp_path / "x")
