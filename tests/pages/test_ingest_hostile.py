"""Broken, bomb-like and hostile files: pages or a message, in bounded time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hwdigitize.pages.ingest import find_inputs

#: what the project's other tests of these files count on
EXPECTED = {
    "12in16bit.tif": "ok",
    "Brotli-Prototype-FileA.pdf": "no_pages",
    "bad-encryption-length.pdf": "encrypted",
    "badwidth.bmp": "too_large",
    "baiona_cmyk.jpg": "ok",
    "broken.png": "damaged",
    "broken_data_stream.png": "partial",
    "ccitt.pdf": "ok",
    "cut_short.pdf": "damaged",
    "decompression_bomb.gif": "too_large",
    "decompression_bomb.ico": "unsupported",
    "encrypted-40-bit-R3.pdf": "encrypted",
    "g4_orientation_6.tif": "ok",
    "hugemono.pdf": "too_large",
    "invalid.pdf": "damaged",
    "jbig2.pdf": "ok",
    "poppler-85140-0.pdf": "too_large",
    "reallybig.bmp": "too_large",
    "rotated_skew.pdf": "ok",
    "text_renamed.jpg": "not_an_image",
    "truncated_image.png": "partial",
    "truncated_jpeg.jpg": "truncated",
    "zero_bytes.png": "empty_file",
}
MOST_SECONDS = 20
MOST_MEGABYTES = 1200


@pytest.fixture(scope="module")
def results(shared_data: Path) -> tuple[list[dict[str, Any]], str]:
    """What became of each file, and what was printed besides."""
    found = find_inputs([shared_data / "hostile"])
    assert not found.skipped
    run = subprocess.run(
        [sys.executable, "-m", "tests.pages.probe", *(str(item.path) for item in found.files)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return [json.loads(line) for line in run.stdout.splitlines()], run.stderr


def test_every_file_gives_pages_or_a_clear_message(
    results: tuple[list[dict[str, Any]], str],
) -> None:
    files, printed = results
    assert len(files) >= 48
    for file in files:
        print("{file:50} {seconds:6} s {megabytes:5} MB".format(**file), file["pages"][:1])
    for file in files:
        assert file["exit"] == 0, file
        assert file["pages"], file
        assert file["cpu_seconds"] < MOST_SECONDS
        assert file["megabytes"] < MOST_MEGABYTES
    messages = [message for file in files for code, message in file["pages"] if code != "ok"]
    assert not [message for message in messages if "Success" in message or "Error" in message]
    assert printed == ""


def test_files_fare_as_expected(results: tuple[list[dict[str, Any]], str]) -> None:
    codes = {file["file"]: file["pages"][0][0] for file in results[0]}
    assert {name: codes.get(name) for name in EXPECTED} == EXPECTED
