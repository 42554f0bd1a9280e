"""A file is there whole or as it was before."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwdigitize.errors import EXIT_OUTPUT_NOT_WRITABLE, OutputError
from hwdigitize.reports.files import replacing, write_whole


def test_folders_are_made_and_no_temporary_file_stays(tmp_path: Path) -> None:
    write_whole(tmp_path / "deep" / "er" / "a.txt", b"new")
    assert (tmp_path / "deep" / "er" / "a.txt").read_bytes() == b"new"
    assert [path.name for path in (tmp_path / "deep" / "er").iterdir()] == ["a.txt"]


def test_what_was_there_stays_until_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path, mode="w") as file:
        file.write("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_what_was_there_stays_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path, mode="w") as file:
        file.write("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*file/a\.txt") as caught:
        write_whole(tmp_path / "file" / "a.txt", b"")
    assert caught.value.exit_code == EXIT_OUTPUT_NOT_WRITABLE
