"""Inputs and results at URLs; the store is memory, or this disk by its URL."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hwdigitize.batch.records import Stamp, stamp
from hwdigitize.batch.remote import (
    fetch,
    find_remote,
    is_there,
    last_part,
    results_at,
    version_of,
)
from hwdigitize.errors import OutputError, PageError, UsageError

fsspec = pytest.importorskip("fsspec", reason="needs fsspec: pip install 'hwdigitize[cluster]'")


@pytest.fixture
def store() -> fsspec.AbstractFileSystem:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    return memory


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def test_files_are_found_in_natural_order(store: fsspec.AbstractFileSystem) -> None:
    for name in ("10.png", "2.PNG", "b/1.tif", ".hidden/1.png", "notes.txt"):
        store.pipe(f"/scans/{name}", b"x")
    found = find_remote(["memory://scans"])
    assert [file.file for file in found.files] == ["2.PNG", "10.png", "b/1.tif"]
    assert [last_part(file.path) for file in found.files] == ["2.PNG", "10.png", "1.tif"]
    assert [file.file for file in found.skipped] == ["notes.txt"]


def test_one_file_is_found_by_its_own_url(store: fsspec.AbstractFileSystem) -> None:
    store.pipe("/scans/a.png", b"x")
    assert [file.file for file in find_remote(["memory://scans/a.png"]).files] == ["a.png"]


def test_a_name_cannot_lead_out_of_the_results(store: fsspec.AbstractFileSystem) -> None:
    store.pipe("/scans/a\\..\\a\n.png", b"x")
    (file,) = find_remote(["memory://scans"]).files
    assert "\\" not in file.file and "\n" not in file.file


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("memory://nothing", "nothing at memory://nothing"),
        ("unheard://of/it", "cannot open unheard://of/it"),
    ],
)
def test_what_cannot_be_listed_is_said(
    store: fsspec.AbstractFileSystem, url: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        find_remote([url])


def test_a_changed_file_has_another_version(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    (scans / "a.png").write_bytes(b"one")
    (before,) = find_remote([scans.as_uri()]).files
    (same,) = find_remote([scans.as_uri()]).files
    (scans / "a.png").write_bytes(b"two")
    (after,) = find_remote([scans.as_uri()]).files
    assert before.path == same.path != after.path
    version = version_of(before.path)
    assert version is not None and version[0] == 3
    # As it stands in the ledger, where a path has lost a slash.
    assert stamp(Path(before.path)) == Stamp(*version)


def test_a_file_is_fetched(store: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    store.pipe("/scans/a.png", b"content")
    fetch("memory://scans/a.png#hwdigitize=7-0123456789abcde", str(tmp_path / "a"))
    assert (tmp_path / "a").read_bytes() == b"content"


def test_a_file_that_is_gone_is_a_problem_of_its_page(
    store: fsspec.AbstractFileSystem, tmp_path: Path
) -> None:
    with pytest.raises(PageError, match="no longer there"):
        fetch("memory://scans/a.png", str(tmp_path / "a"))


def test_a_store_that_fails_is_a_problem_of_the_page(
    store: fsspec.AbstractFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("503 slow down")

    monkeypatch.setattr(type(store), "get_file", fail)
    with pytest.raises(PageError, match="503 slow down"):
        fetch("memory://scans/a.png", str(tmp_path / "a"))


def test_results_in_a_folder_are_that_folder(tmp_path: Path) -> None:
    with results_at(str(tmp_path / "out")) as folder:
        assert folder == tmp_path / "out"


def test_results_are_put_to_their_url(store: fsspec.AbstractFileSystem, state: Path) -> None:
    with results_at("memory://out") as folder:
        assert folder.is_relative_to(state)
        write(folder, ledger="1", documents="first", lock="here")
    assert store.cat("/out/documents/a.json") == b"first"
    assert store.cat("/out/ledger.sqlite") == b"1"
    assert not store.exists("/out/run.lock")


def test_only_what_changed_is_put_again_and_what_went_goes(
    store: fsspec.AbstractFileSystem, state: Path
) -> None:
    with results_at("memory://out") as folder:
        write(folder, ledger="1", documents="first")
        (folder / "quarantine").mkdir()
        (folder / "quarantine" / "a.png").touch()
        time.sleep(0.1)  # what is as old as the putting is put once more
    store.pipe("/out/documents/a.json", b"seen")
    store.pipe("/out/other/own.txt", b"of somebody else")
    with results_at("memory://out") as folder:
        write(folder, ledger="2")
        (folder / "quarantine" / "a.png").unlink()
    assert store.cat("/out/documents/a.json") == b"seen"
    assert store.cat("/out/ledger.sqlite") == b"2"
    assert not store.exists("/out/quarantine/a.png")
    assert store.exists("/out/other/own.txt")


def test_another_machine_goes_on_with_results_at_a_url(
    store: fsspec.AbstractFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with results_at("memory://out") as folder:
        write(folder, ledger="1", documents="first")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    with results_at("memory://out") as folder:
        assert (folder / "ledger.sqlite").read_text() == "1"
        assert (folder / "documents" / "a.json").read_text() == "first"


def test_nothing_is_put_when_the_run_failed(store: fsspec.AbstractFileSystem) -> None:
    with pytest.raises(ZeroDivisionError), results_at("memory://out") as folder:
        write(folder, ledger="1")
        raise ZeroDivisionError
    assert not store.exists("/out/ledger.sqlite")
    with results_at("memory://out") as folder:
        assert (folder / "ledger.sqlite").exists()
    assert store.exists("/out/ledger.sqlite")


def test_a_second_run_is_refused_until_all_is_put(
    store: fsspec.AbstractFileSystem, state: Path
) -> None:
    with (
        results_at("memory://out") as folder,
        pytest.raises(OutputError, match="in use by process"),
        results_at("memory://out"),
    ):
        pass
    assert folder.is_dir() and store.find("/out") == []


@pytest.mark.parametrize("url", ["memory://scans/a.png", "memory://scans"])
def test_what_is_at_a_url_is_there(store: fsspec.AbstractFileSystem, url: str) -> None:
    assert not is_there(url + "#hwdigitize=7-0123456789abcde")
    store.pipe("/scans/a.png", b"content")
    assert is_there(url + "#hwdigitize=7-0123456789abcde") and is_there("memory://scans")


def test_a_store_that_takes_nothing_is_an_output_error(
    store: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("403 forbidden")

    monkeypatch.setattr(type(store), "put_file", fail)
    with (
        pytest.raises(OutputError, match=r"403 forbidden.*start the same command again"),
        results_at("memory://out") as folder,
    ):
        write(folder, ledger="1")


def write(folder: Path, ledger: str, documents: str = "", lock: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ledger.sqlite").write_text(ledger)
    if documents:
        (folder / "documents").mkdir()
        (folder / "documents" / "a.json").write_text(documents)
    if lock:
        (folder / "run.lock").write_text(lock)
