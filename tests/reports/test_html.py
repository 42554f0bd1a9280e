"""The report shows every page, links to what is there, and runs nothing it was given."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import pytest

from hwdigitize.document import Document
from hwdigitize.reports.crops import crop
from hwdigitize.reports.html import ROWS_SHOWN, BundleName, Report
from hwdigitize.reports.names import image_paths, page_id
from tests.reports.drawn import RUN, Skipped, blank, form, letter, spoilt

NASTY = (
    """"><script>document.title='ran'</script><img src=x onerror="document.title='ran'">"""
    """</script></title><!-- ]]> {{ 7*7 }} ' onload='document.title=1' """
    """javascript:1 \u2028&amp;"""
)


class Outline(HTMLParser):
    """Tags with the names of their attributes, and where links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, *(name for name, _ in attributes)))
        self.links += [
            value for name, value in attributes if value and name in ("href", "src", "data-src")
        ]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def report(out: Path, documents: Sequence[Document], *skipped: Skipped) -> Path:
    """Write the report of a single bundle."""
    writer = Report(out, RUN)
    for document in documents:
        writer.write_views(document)
    writer.write_bundle(BundleName("all", "", ""), documents, skipped)
    return writer.folder


def outlines(folder: Path) -> dict[str, Outline]:
    return {
        path.relative_to(folder).as_posix(): Outline(path.read_text())
        for path in sorted(folder.rglob("*.html"))
    }


def rows(folder: Path) -> list[list[object]]:
    """What index.js is given."""
    found: list[list[object]] = []
    for path in sorted((folder / "data").glob("*-rows.js")):
        found += data(path)
    return found


def data(path: Path) -> Any:
    """What a data file adds."""
    return json.loads(path.read_text().split(", ", 2)[2].removesuffix(");\n"))


def sorted_tags(found: dict[str, Outline]) -> list[list[tuple[str, ...]]]:
    return sorted(outline.tags for outline in found.values())


def test_what_needs_a_person_comes_first(tmp_path: Path) -> None:
    documents = [blank(), letter(), form()]
    folder = report(tmp_path, documents, Skipped("notes.txt", "This is not a scan."))
    listed = Outline((folder / "list-all.html").read_text()).texts
    names = [text for text in listed if text.endswith((".pdf", ".png", ".txt"))]
    states = ["Failed", "Partly read, 2 flags", "1 flag", "Clear", "Not read"]
    assert names == ["forms/b.pdf", "forms/b.pdf", "letters/a.png", "blank.png", "notes.txt"]
    assert [text for text in listed if text in states] == states
    index = " ".join(Outline((folder / "index.html").read_text()).texts)
    assert "3 of 4 pages need a person" in index
    assert "This is not a scan." in index and "The page is damaged." in index


def test_pages_follow_each_other_in_that_order(tmp_path: Path) -> None:
    """As page.js is told; the views themselves are the same whatever other pages there are."""
    folder = report(tmp_path / "one", [blank(), letter(), form()])
    order = [page_id("forms/b.pdf", 1), page_id("forms/b.pdf", 0)]
    order += [page_id("letters/a.png", 0), page_id("blank.png", 0)]
    assert data(folder / "data" / "all-order.js") == [3, "index.html", order]
    other = report(tmp_path / "other", [letter()])
    name = f"pages/{page_id('letters/a.png', 0)}.html"
    assert (folder / name).read_bytes() == (other / name).read_bytes()


def test_several_bundles_have_an_overview_and_an_index_of_all(tmp_path: Path) -> None:
    writer = Report(tmp_path, RUN)
    bundles = {"b1": [letter(), blank()], "b2": [form()]}
    told = []
    for key, documents in bundles.items():
        for document in documents:
            writer.write_views(document)
        name = BundleName(key, documents[0].file, documents[-1].file)
        told.append((name, writer.write_bundle(name, documents, alone=False)[0]))
    writer.write_overview(told)
    found = outlines(writer.folder)
    overview = found["index.html"]
    assert "3 of 4 pages need a person" in " ".join(overview.texts)
    assert {"bundle-b1.html", "bundle-b2.html#show=failed", "all.html"} <= set(overview.links)
    assert {"data/b1-rows.js", "data/b2-rows.js"} <= set(found["all.html"].links)
    assert "1 of 2 pages needs a person" in " ".join(found["bundle-b1.html"].texts)
    assert data(writer.folder / "data" / "b2-order.js")[1] == "bundle-b2.html"
    kept = {f"report/{name}" for name in ("bundle-b1.html", "data/b1-rows.js", "list-b1.html")}
    writer.sweep(kept)
    assert not (writer.folder / "bundle-b2.html").exists()
    assert (writer.folder / "data" / "b1-rows.js").exists()


def test_nothing_is_written_that_is_so_already(tmp_path: Path) -> None:
    folder = report(tmp_path, [letter(), form()])
    before = {path: path.stat().st_ino for path in folder.rglob("*") if path.is_file()}
    report(tmp_path, [letter(), form(), blank()])
    changed = {path.name for path, node in before.items() if path.stat().st_ino != node}
    assert changed == {*("index.html", "list-all.html", "all-rows.js", "all-order.js")}


@pytest.mark.parametrize(
    ("first", "last", "title"),
    [
        ("a/1.png", "a/9.png", "a/ 1.png – 9.png"),
        ("1.png", "9.png", "1.png – 9.png"),
        ("a/1.png", "b/1.png", "a/ 1.png – b/1.png"),
        ("a.pdf", "a.pdf", "a.pdf"),
    ],
)
def test_a_bundle_is_called_by_its_files(first: str, last: str, title: str) -> None:
    assert BundleName("x", first, last).title == title


def test_a_flag_shows_reading_alternatives_crop_and_doubt(tmp_path: Path) -> None:
    folder = report(tmp_path, [letter()])
    html = (folder / "pages" / f"{page_id('letters/a.png', 0)}.html").read_text()
    (flag,) = re.findall(r'<li class="flag poor" id="flag-1".*?</li>', html, re.S)
    assert '<p class="reading"><em>c</em>ane</p>' in flag
    assert "<b>came</b> 10 %" in flag and "41 %" in flag
    assert 'viewBox="70 185 190 90"' in flag  # its box, with some of what is around it
    assert '<a href="#flag-1" id="box-1"' in html


def test_what_a_person_looks_at_is_upright(tmp_path: Path) -> None:
    page = msgspec.structs.replace(letter().pages[0], rotation_degrees=180)
    folder = report(tmp_path, [msgspec.structs.replace(letter(), pages=(page,))])
    html = (folder / "pages" / f"{page_id('letters/a.png', 0)}.html").read_text()
    width, height = page.size_px
    assert f'<g transform="translate({width} {height}) rotate(180)">' in html
    (flag,) = re.findall(r'<li class="flag poor" id="flag-1".*?</li>', html, re.S)
    assert 'viewBox="70 185 190 90"' in flag  # turned about its own centre
    assert 'transform="rotate(180.00 165.0 230.0)"' in flag
    assert '<span class="row-image" data-turn="180">' in (folder / "index.html").read_text()


def test_a_crop_follows_the_slope_of_its_field() -> None:
    cut = crop([(0, 0), (100, 100), (80, 120), (-20, 20)], -45)
    assert (cut.width, cut.height) == (round(2**0.5 * 100 + 2 * 14), round(2**0.5 * 20 + 2 * 7))
    assert cut.turn == "rotate(-45.00 40.0 60.0)"


def test_a_form_shows_its_fields_with_flags(tmp_path: Path) -> None:
    folder = report(tmp_path, [form()])
    html = (folder / "pages" / f"{page_id('forms/b.pdf', 0)}.html").read_text()
    assert "not a date" in html and "read as 28.2.1q61" in html
    assert html.count('<tr class="asks">') == 1 and "Too faint. Scan it darker." in html
    assert "Check box" in html and "ticked" in html


def test_every_link_leads_to_something(tmp_path: Path) -> None:
    for path in image_paths("letters/a.png", 0):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"jpeg")
    folder = report(tmp_path, [letter(), form(), blank()], Skipped("a.txt", "No scan."))
    found = 0
    for name, outline in outlines(folder).items():
        page = (folder / name).read_text()
        for link in outline.links:
            parts = urlsplit(link)
            assert not parts.scheme and not parts.netloc, link
            if parts.path:
                assert (folder / name).parent.joinpath(unquote(parts.path)).is_file(), link
                found += 1
            elif parts.fragment:
                assert f'id="{parts.fragment}"' in page, link
    assert found > 20


def test_nothing_is_asked_of_the_network(tmp_path: Path) -> None:
    folder = report(tmp_path, [letter(), form()])
    for path in folder.rglob("*.*"):
        assert not re.search(r"https?://|url\(|@import", path.read_text()), path
    for outline in outlines(folder).values():
        assert ("meta", "http-equiv", "content") in outline.tags
        assert not any(name.startswith("on") or name == "style" for _, *names in outline.tags
                       for name in names)  # fmt: skip


def test_a_page_without_images_lies_on_blank_paper(tmp_path: Path) -> None:
    folder = report(tmp_path, [letter()])
    html = (folder / "pages" / f"{page_id('letters/a.png', 0)}.html").read_text()
    assert "No scan was kept" in html and "<image" not in html


def test_markup_in_names_and_readings_stays_text(tmp_path: Path) -> None:
    """A report full of markup has the very tags of one full of plain words."""
    plain, nasty = (
        report(
            tmp_path / text[:1],
            [spoilt(letter(), text), spoilt(form(), f"2{text}")],
            Skipped(f"{text}.txt", text),
        )
        for text in ("plain", NASTY)
    )
    found = outlines(nasty)
    assert len(found) == 5
    for one, other in zip(sorted_tags(outlines(plain)), sorted_tags(found), strict=True):
        assert one == other
    assert NASTY in {row[9] for row in rows(nasty)} | {row[10] for row in rows(nasty)}


def test_ids_are_safe_short_and_apart() -> None:
    files = [NASTY, "", "é.png", "a/b.png", "a_b.png", "x" * 4000, "../..", "a\udcff.png"]
    ids = [page_id(file, 0) for file in files]
    assert len(set(ids)) == len(files)
    assert all(re.fullmatch(r"[a-z0-9-]{1,60}", name) for name in ids)
    assert page_id("scans/Brief 3.PNG", 4).startswith("brief-3-5-")


def test_a_name_that_is_no_text_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    folder = report(tmp_path, [], Skipped("scan\udcff.png", "The name is not text."))
    assert "scan?.png" in (folder / "index.html").read_text()


def test_many_pages_are_in_data_files_and_the_index_stays_small(tmp_path: Path) -> None:
    documents = [letter(f"{number:04}.png") for number in range(1001)]
    folder = report(tmp_path, documents)
    index = (folder / "index.html").read_text()
    assert index.count('<li class="row flagged">') == ROWS_SHOWN
    assert len(index) < 60_000
    assert len(rows(folder)) == 1001 and "data/all-rows.js" in index
    assert len(data(folder / "data" / "all-texts.js")) == 1001
    assert (folder / "list-all.html").read_text().count('href="pages/') == 1001


def test_views_of_pages_that_are_gone_are_removed(tmp_path: Path) -> None:
    writer = Report(tmp_path, RUN)
    writer.write_views(form())
    writer.remove_views("forms/b.pdf", range(1, 3))
    assert [path.name for path in (writer.folder / "pages").iterdir()] == [
        f"{page_id('forms/b.pdf', 0)}.html"
    ]


def test_an_empty_run_has_a_report(tmp_path: Path) -> None:
    folder = report(tmp_path, [])
    assert "0 pages" in (folder / "index.html").read_text()
