"""What every file goes through, whatever it is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from hwdigitize.errors import PageError
from hwdigitize.pages.ingest import count_pages, hash_file
from hwdigitize.settings import Settings
from tests.pages.conftest import Load


def refusal(path: Path) -> PageError:
    with pytest.raises(PageError) as caught:
        count_pages(path, Settings())
    assert caught.value.stage == "ingest"
    return caught.value


def test_files_that_are_no_pages_say_why(tmp_path: Path) -> None:
    path = tmp_path / "page.jpg"
    assert refusal(path).code == "missing"
    path.touch()
    assert refusal(path).code == "empty_file"
    path.write_text("Dear Sir, ")
    assert refusal(path).code == "not_an_image"
    path.write_bytes(b"icns\0\0\0\x20")
    assert refusal(path).code == "unsupported"
    assert refusal(tmp_path).code == "unreadable"


@pytest.mark.parametrize(
    "head",
    [
        b"%PDF-1.7\n",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"II*\0\x08\0\0\0",
        b"GIF89a",
        b"RIFF\x10\0\0\0WEBP",
        b"BM" + bytes(40),
        b"P5 ",
        b"\0\0\0\x0cjP  \r\n\x87\n",
        b"\xff\x4f\xff\x51",
        b"\0\0\0\x18ftypheic",
        b"\0\0\0\x18ftypavif",
    ],
)
def test_a_bare_beginning_is_recognised_and_refused(
    tmp_path: Path, load: Load, head: bytes
) -> None:
    path = tmp_path / "page"
    path.write_bytes(head)
    with pytest.raises(PageError) as caught:
        load(path)
    assert caught.value.code in ("damaged", "truncated")


def test_hashes_are_those_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "page"
    path.write_bytes(b"ink" * 1_000_000)
    assert hash_file(path) == hashlib.sha256(b"ink" * 1_000_000).hexdigest()
    with pytest.raises(PageError) as caught:
        hash_file(tmp_path / "none")
    assert caught.value.code == "missing"
