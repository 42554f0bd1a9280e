"""Documents come back as they were written, from where they were put."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwdigitize.reports.json import document_path, read_documents, write_document
from tests.reports.drawn import blank, form, letter


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("a.png", "documents/a.png.json"),
        ("deep/er/é b.pdf", "documents/deep/er/é b.pdf.json"),
        ("[1] & 'x'.png", "documents/[1] & 'x'.png.json"),
    ],
)
def test_a_path_is_like_the_input(file: str, path: str) -> None:
    assert document_path(Path("out"), file) == Path("out", path)


@pytest.mark.parametrize(
    "file", ["../../etc/passwd", "/etc/passwd", "a/../../b", "a\0b", "", "x" * 255, "é" * 200]
)
def test_a_hostile_name_stays_below_documents(tmp_path: Path, file: str) -> None:
    path = document_path(tmp_path, file)
    assert path.resolve().is_relative_to((tmp_path / "documents").resolve())
    assert all(len(step.encode()) <= 255 for step in path.parts)
    path.parent.mkdir(parents=True)
    path.touch()


def test_a_folder_called_like_a_document_is_no_obstacle(tmp_path: Path) -> None:
    for file in ("a.png", "a.png.json/b.png"):
        write_document(tmp_path, letter(file))
    assert {document.file for document in read_documents(tmp_path)} == {
        "a.png",
        "a.png.json/b.png",
    }


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@given(names, names)
def test_different_files_have_different_documents(one: str, other: str) -> None:
    same = document_path(Path(), one) == document_path(Path(), other)
    assert same == (one == other)


def test_documents_come_back(tmp_path: Path) -> None:
    written = [letter(), form(), blank()]
    for document in written:
        write_document(tmp_path, document)
    read = sorted(read_documents(tmp_path), key=lambda document: document.sha256)
    assert read == written
