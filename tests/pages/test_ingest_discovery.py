"""Which files are read, in what order, under what name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from hwdigitize.errors import UsageError
from hwdigitize.pages.ingest import Inputs, find_inputs


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(inputs: Inputs) -> list[str]:
    return [found.file for found in inputs.files]


def reasons(inputs: Inputs) -> dict[str, str]:
    return {skipped.file: skipped.reason for skipped in inputs.skipped}


def test_folders_are_walked_in_natural_order(tmp_path: Path) -> None:
    touch(tmp_path, "b/2.tif", "b/10.tif", "a.pdf", "b/c/1.jpeg", "z.HEIC")
    found = find_inputs([tmp_path])
    assert names(found) == ["a.pdf", "z.HEIC", "b/2.tif", "b/10.tif", "b/c/1.jpeg"]
    assert all(item.path == tmp_path / item.file for item in found.files)
    assert found.skipped == ()


def test_unknown_files_are_listed_and_hidden_ones_are_not(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt", ".hidden.png", ".git/a.png", "empty.png")
    (tmp_path / "scan").write_bytes(b"\xff\xd8\xff\xe0 no suffix")
    found = find_inputs([tmp_path])
    assert names(found) == ["empty.png", "scan"]
    assert reasons(found) == {"notes.txt": "neither an image nor a PDF"}


def test_a_named_file_is_called_by_its_name(tmp_path: Path) -> None:
    touch(tmp_path, "in/.page.png")
    assert names(find_inputs([tmp_path / "in/.page.png"])) == [".page.png"]


def test_equal_names_in_two_folders_stay_apart(tmp_path: Path) -> None:
    touch(tmp_path, "x/deep/p.png", "y/deep/p.png", "z/p.png")
    found = find_inputs([tmp_path / "x", tmp_path / "y", tmp_path / "z/p.png"])
    assert names(found) == ["x/deep/p.png", "y/deep/p.png", "z/p.png"]


def test_one_file_named_twice_is_read_once(tmp_path: Path) -> None:
    touch(tmp_path, "p.png")
    found = find_inputs([tmp_path, tmp_path / "p.png"])
    assert names(found) == ["p.png"]
    assert reasons(found) == {"p.png": "read already under another name"}


def test_the_output_folder_is_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "p.png", "out/thumbnail.png", "out/report/a.png")
    found = find_inputs([tmp_path], exclude=tmp_path / "out")
    assert names(found) == ["p.png"]
    with pytest.raises(UsageError, match="output folder"):
        find_inputs([tmp_path], exclude=tmp_path)


def test_a_scan_folder_inside_the_output_folder_is_read(tmp_path: Path) -> None:
    touch(tmp_path, "out/scans/p.png")
    assert names(find_inputs([tmp_path / "out/scans"], exclude=tmp_path / "out")) == ["p.png"]


def test_links_are_neither_walked_nor_followed_outside(tmp_path: Path) -> None:
    touch(tmp_path, "secret/p.png", "in/a/p.png", "in/.store/q.png")
    folder = tmp_path / "in"
    (folder / "a/loop").symlink_to(folder)
    (folder / "self").symlink_to("self")
    (folder / "a/0.png").symlink_to(folder / "a/p.png")
    (folder / "q.png").symlink_to(folder / ".store/q.png")
    (folder / "out.png").symlink_to(tmp_path / "secret/p.png")
    (folder / "dead.png").symlink_to("nothing")
    found = find_inputs([folder])
    assert names(found) == ["a/p.png", "q.png"]
    expected = {
        "a/loop": "a link to a folder",
        "self": "a link that leads nowhere",
        "a/0.png": "read already",
        "out.png": "a link out of the input folder",
        "dead.png": "a link that leads nowhere",
    }
    told = reasons(found)
    assert told.keys() == expected.keys()
    assert all(told[name].startswith(reason) for name, reason in expected.items())


def test_a_folder_named_through_a_link_is_read(tmp_path: Path) -> None:
    touch(tmp_path, "real/p.png")
    (tmp_path / "link").symlink_to("real")
    assert names(find_inputs([tmp_path / "link"])) == ["p.png"]


def test_pipes_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    found = find_inputs([tmp_path])
    assert found.files == ()
    assert "pipe" in reasons(found)["pipe.png"]


def test_names_that_are_no_text_are_read_and_safe(tmp_path: Path) -> None:
    raw = os.fsdecode(b"b\xe4r.png")
    touch(tmp_path, raw, "new\nline.png", "<img src=x>.png", "=1+1.png")
    found = find_inputs([tmp_path])
    assert {item.path.name for item in found.files} >= {raw, "new\nline.png"}
    assert_safe(names(found))


def assert_safe(files: Iterable[str]) -> None:
    for file in files:
        assert file.encode("utf-8").isascii()
        assert file.isprintable()


def test_deep_folders_and_long_names_are_read(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(12):
        folder = folder / ("d" * 200)
    folder.mkdir(parents=True)
    (folder / ("p" * 251 + ".png")).touch()
    (name,) = names(find_inputs([tmp_path]))
    assert len(name) < 300
    assert name.endswith(".png")


def test_a_missing_path_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        find_inputs([tmp_path / "nothing"])


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    assert find_inputs([tmp_path]) == Inputs((), ())
