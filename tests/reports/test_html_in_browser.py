"""The report in a real browser, from disk: it works, and nothing it was given runs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hwdigitize.reports.names import page_id
from tests.reports.drawn import Skipped, form, letter, spoilt
from tests.reports.test_html import NASTY, Outline, report

pytestmark = pytest.mark.slow

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--virtual-time-budget=2000", "--dump-dom"),
)


@pytest.fixture
def dom(tmp_path: Path) -> Callable[[Path, str], str]:
    """Open a file, with a fragment, and give what the browser made of it."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium or Chrome to open the report in")

    def opened(path: Path, fragment: str = "") -> str:
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        command = [browser, *FLAGS, profile, path.as_uri() + fragment]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout

    return opened


def test_the_index_is_drawn_from_its_data(
    tmp_path: Path, dom: Callable[[Path, str], str]
) -> None:
    documents = [letter(f"{number:03}.png") for number in range(60)] + [form()]
    index = report(tmp_path, documents) / "index.html"
    assert dom(index, "").count('<li class="row ') == 50 + 1  # and the empty one of <template>
    assert dom(index, "#from=50").count('<li class="row flagged"') == 12
    assert dom(index, "#show=failed").count('<li class="row failed"') == 1
    # words of the page's text, which comes from files of its own
    found = dom(index, "#find=cane+042")
    assert found.count('<li class="row flagged"') == 1 and "042.png" in found


def test_a_link_to_a_flag_shows_it_on_the_scan(
    tmp_path: Path, dom: Callable[[Path, str], str]
) -> None:
    report(tmp_path, [form()])
    page = tmp_path / "report" / "pages" / f"{page_id('forms/b.pdf', 0)}.html"
    shown = dom(page, "#flag-2")
    assert 'class="flag unsure current" id="flag-2"' in shown
    assert 'id="box-2"' in shown and 'class="current"' in shown


def test_a_page_leads_to_the_next_that_needs_a_person(
    tmp_path: Path, dom: Callable[[Path, str], str]
) -> None:
    pages = report(tmp_path, [letter(), form()]) / "pages"
    page = pages / f"{page_id('forms/b.pdf', 0)}.html"
    for query in ("?in=all", "", "?in=all#flag-1"):
        shown = dom(page, query)
        assert "2 of 3 that need a person" in shown
        assert (
            f'href="{page_id("letters/a.png", 0)}.html?in=all" id="next"'
            in shown.replace('id="next" href', "href")
            or f'href="{page_id("letters/a.png", 0)}.html?in=all"' in shown
        )
    assert "that need a person" not in dom(page, "?in=../../x")


def test_no_given_markup_runs(tmp_path: Path, dom: Callable[[Path, str], str]) -> None:
    skipped = [Skipped(f"{NASTY}.txt", NASTY)]
    documents = [spoilt(letter(), NASTY), spoilt(form(), f"2{NASTY}")]
    index = report(tmp_path, documents, *skipped) / "index.html"
    pages = sorted((tmp_path / "report" / "pages").glob("*.html"))
    assert len(pages) == 3
    for path in (index, index.with_name("list-all.html"), *pages):
        opened = dom(path, "")
        assert "document.title=" in opened  # it is there, as text,
        attributes = {name for _, *names in Outline(opened).tags for name in names}
        assert not attributes & {"onerror", "onload"}  # not as markup,
        assert "<title>ran" not in opened and "<title>1<" not in opened  # and did not run
