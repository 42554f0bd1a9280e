"""Bundles end where names say, and reports put together from them are as if written anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwdigitize.batch import bundles, care, ledger
from hwdigitize.batch.bundles import LEAST_PAGES, MOST_PAGES, Bundle, Content, bundled
from hwdigitize.batch.run import run_batch
from hwdigitize.settings import Settings

from . import fakes
from .conftest import results_in

SETTINGS = Settings(page_seconds=60, worker_megabytes=300)


def contents(names: list[str], pages: int = 1) -> list[Content]:
    return [Content(n, name, pages, name.encode()) for n, name in enumerate(names)]


def in_bundles(names: list[str], whole: bool = False) -> list[Bundle]:
    return list(bundled(contents(names), whole))


@given(st.lists(st.integers(1, 900), max_size=40))
def test_bundles_hold_all_files_once_and_no_more_than_may_be(sizes: list[int]) -> None:
    files = [Content(n, f"{n // 7}/{n}", pages, b"") for n, pages in enumerate(sizes)]
    found = list(bundled(files, whole=False))
    places = [place for bundle in found for place in range(bundle.first, bundle.last + 1)]
    assert places == list(range(len(sizes)))
    of = [sum(sizes[bundle.first : bundle.last + 1]) for bundle in found]
    assert all(pages <= MOST_PAGES for pages in of)
    assert all(pages >= min(LEAST_PAGES, MOST_PAGES - 900) for pages in of[:-1])


def test_bundles_end_with_large_folders() -> None:
    names = [f"{folder}/{number}" for folder in "abc" for number in range(LEAST_PAGES)]
    assert [bundle.first_file for bundle in in_bundles(names)] == ["a/0", "b/0", "c/0"]
    (one,) = in_bundles(names, whole=True)
    assert (one.key, one.first_file, one.last_file) == ("all", "a/0", f"c/{LEAST_PAGES - 1}")


@pytest.mark.parametrize("shape", ["{0}.png", "{0}/1.png"], ids=["one folder", "many folders"])
def test_a_file_more_changes_few_bundles(shape: str) -> None:
    names = [shape.format(f"{number:05}") for number in range(20_000)]
    more = sorted([*names, shape.format("01234a")])
    before, after = ({bundle.digest for bundle in in_bundles(n)} for n in (names, more))
    assert len(before) > 10
    assert 1 <= len(after - before) <= 3


def run(source: Path, out: Path) -> None:
    run_batch([source], out, SETTINGS, 0, digitize=fakes.read, count=fakes.count)


def test_results_of_many_nights_are_those_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files come, change and go, among others; all is as in a run that finds them so."""
    for module in (bundles, ledger):
        monkeypatch.setattr(module, "MOST_PAGES", 10)
    monkeypatch.setattr(bundles, "LEAST_PAGES", 4)
    source, out = tmp_path / "in", tmp_path / "out"
    (source / "b").mkdir(parents=True)

    def put(name: str, content: str) -> None:
        (source / name).write_text(content)

    for number in range(12):
        put(f"b/{number:02}.png", f"{number} " + "." * (number % 3))
    run(source, out)
    views = {path: path.stat().st_ino for path in (out / "report/pages").iterdir()}
    assert len(list((out / "report").glob("bundle-*.html"))) > 2
    put("a flag.png", "first")
    put("b/03 failed.png", "between")
    put("b/05.png", "changed, and fewer pages")
    put("notes.txt", "no scan")
    (source / "b/11.png").unlink()
    run(source, out)
    same = [
        path for path, node in views.items() if path.exists() and path.stat().st_ino == node
    ]
    gone = [path for path in views if not path.exists()]
    assert len(same) >= len(views) - 3 - 3 and gone
    assert list(care.verify(out)) == []
    run(source, tmp_path / "new")
    found, expected = results_in(out), results_in(tmp_path / "new")
    left = {name for name in found if "11" in name.rpartition("/")[2][:3] or "/05-" in name}
    counts = {"run.json"}  # which says that one file vanished
    for name in found.keys() | expected.keys():
        if name not in left | counts:
            assert found.get(name) == expected.get(name), name
    monkeypatch.setattr(bundles, "MOST_PAGES", 1000)
    monkeypatch.setattr(ledger, "MOST_PAGES", 1000)
    put("z.png", "last")
    run(source, out)
    assert not list((out / "report").glob("bundle-*.html"))
    assert list(care.verify(out)) == []
