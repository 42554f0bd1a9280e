"""Hostile names, readings and labels through a whole run; no network, no shell."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from hwdigitize.batch.run import run_batch
from hwdigitize.document import FieldValue, PageRef, PageResult, TemplateMatch
from hwdigitize.settings import Settings
from tests.batch import fakes
from tests.conftest import ROOT

MARKUP = "<img src=x onerror=alert(1)>"
FORMULA = '=HYPERLINK("x","y")'
NAMES = (
    b"%2e%2e%2fup.png",
    b"a\\..\\..\\up.png",
    b"~root.png",
    b"C:\\up.png",
    b"-rf.png",
    b"new\nline\x1b[31m.png",
    b"\x01\x7f.png",
    b"x" * 251 + b".png",
    b"n\xe4m\xff\xfe.png",
    b"\xe2\x80\xaegnp.png",
    b"<img src=x onerror=alert(1)>.png",
    b'"><script>alert(1)<!--.png',
    b"=1+1.png",
    b"+cmd|' .png",
    b"@SUM(A1).png",
    b"$(touch pwned);`touch pwned`.png",
    b"failed & <b>.png",
)


def read_nastily(ref: PageRef, settings: Settings) -> PageResult:
    """A form on which somebody wrote markup and formulas, of a template that holds them too."""
    result = fakes.read(ref, settings)
    line = result.page.lines[0]
    words = tuple(
        msgspec.structs.replace(line.words[0], text=text, flagged=True)
        for text in (MARKUP, FORMULA)
    )
    fields = tuple(
        FieldValue(
            name=text,
            kind="text",
            value=text,
            raw=text,
            confidence=0.1,
            flags=(text,),
            box=(0, 0, 5, 5),
        )
        for text in (MARKUP, FORMULA)
    )
    match = TemplateMatch(id=f"../../{MARKUP}", version=FORMULA, error_px=0.1)
    page = msgspec.structs.replace(
        result.page,
        lines=(msgspec.structs.replace(line, text=f"{MARKUP} {FORMULA}", words=words),),
        fields=fields,
        template=match,
    )
    return msgspec.structs.replace(result, page=page)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with inputs under ``in``, a secret beside it, and results under ``out``."""
    place = tmp_path_factory.mktemp("safety")
    (place / "in").mkdir()
    (place / "secret.png").write_bytes(b"secret")
    for name in NAMES:
        Path(os.fsdecode(os.fsencode(place / "in") + b"/" + name)).write_bytes(b"1")
    (place / "in/link.png").symlink_to(place / "secret.png")
    (place / "in/up").symlink_to(place)
    run_batch(
        [place / "in"],
        place / "out",
        Settings(worker_megabytes=300),
        digitize=read_nastily,
        count=fakes.count,
    )
    return place


def rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file, strict=True)


def test_nothing_is_written_beside_the_output_folder(place: Path) -> None:
    assert {path.name for path in place.iterdir()} == {"in", "out", "secret.png"}
    assert len(list((place / "in").iterdir())) == len(NAMES) + 2
    out = (place / "out").resolve()
    for path in out.rglob("*"):
        assert path.resolve().is_relative_to(out), path
        assert path.name.isprintable(), path
    assert not list(ROOT.glob("pwned"))


def test_every_file_is_accounted_for_and_links_out_are_not_followed(place: Path) -> None:
    table = list(rows(place / "out/pages.csv"))
    read = {row["file"] for row in table if row["status"] != "skipped"}
    assert len(read) == len(NAMES)
    assert sum(row["status"] == "failed" for row in table) == 1
    skipped = {row["file"]: row["messages"] for row in table if row["status"] == "skipped"}
    assert skipped.keys() == {"link.png", "up"}
    assert all("link" in message for message in skipped.values())
    hashes = {path.read_bytes() for path in (place / "out").rglob("*") if path.is_file()}
    assert b"secret" not in hashes


def test_no_cell_of_any_table_runs(place: Path) -> None:
    tables = [*(place / "out").glob("*.csv"), *(place / "out/forms").glob("*.csv")]
    assert len(tables) == 4
    for path in tables:
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells = [cell for row in csv.reader(file, strict=True) for cell in row]
        assert any(FORMULA in cell for cell in cells) or path.name == "pages.csv"
        for cell in cells:
            assert not re.match(r"\s*[=@\t\r]|\s*[+-](?![\d.,]*$)", cell), (path.name, cell)
            assert "\n" not in cell and "\0" not in cell


class Tags(HTMLParser):
    """The tags of a page with their attributes, and its policy."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_markup_stays_text_and_pages_forbid_everything_else(place: Path) -> None:
    pages = [*(place / "out/report").rglob("*.html")]
    assert len(pages) > len(NAMES)
    for path in pages:
        tags = Tags()
        tags.feed(path.read_text("utf-8"))
        policies = [
            attributes["content"] or ""
            for _, attributes in tags.seen
            if attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        assert len(policies) == 1 and "default-src 'none'" in policies[0], path
        for tag, attributes in tags.seen:
            assert not any(name.startswith("on") for name in attributes), (path, tag)
            assert attributes.get("src") != "x", (path, tag)
            assert tag not in ("b", "iframe", "object", "embed", "base"), (path, tag)


NO_NETWORK_NO_SHELL = """
import sys
from pathlib import Path
BAD = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname",
       "urllib.Request", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen")
seen = []
sys.addaudithook(lambda event, args: seen.append((event, args)) if event in BAD else None)
from hwdigitize.pipeline import digitize_file
from hwdigitize.settings import Settings
document = digitize_file(Path(sys.argv[1]), "a", Settings())
assert document.pages[0].lines, document.pages[0].problems
assert not seen, seen
"""


def test_reading_a_page_opens_no_connection_and_starts_no_program(samples: Path) -> None:
    command = [sys.executable, "-c", NO_NETWORK_NO_SHELL, str(samples / "letter-plain.jpg")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_no_module_uses_a_shell() -> None:
    for path in (ROOT / "hwdigitize").rglob("*.py"):
        text = path.read_text("utf-8")
        assert not re.search(
            r"shell\s*=\s*True|os\.(system|popen)\(|\beval\(|\bexec\(", text
        ), path
