"""Names of inputs become names of outputs, whatever an attacker calls a file."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from hwdigitize.pages.names import natural_key, safe_name, unique_names

# what os.listdir can give on Linux: anything but "/" and NUL, bad UTF-8 as surrogate escapes
raw_parts = st.binary(min_size=1, max_size=255).map(
    lambda raw: raw.replace(b"/", b"_").replace(b"\0", b"_").decode("utf-8", "surrogateescape")
)
parts = st.one_of(
    raw_parts, st.sampled_from(["..", ".", "a.png", "x.json", "con", "é", "C:\\x"])
)


@given(st.lists(parts, min_size=1, max_size=40))
def test_any_name_becomes_a_safe_relative_path(original: list[str]) -> None:
    name = safe_name(original)
    pieces = name.split("/")
    assert not PurePosixPath(name).is_absolute()
    assert all(piece not in ("", ".", "..") for piece in pieces)
    assert max(len(piece.encode()) for piece in pieces) <= 200
    assert len(name.encode()) <= 1300
    assert not {unicodedata.category(character) for character in name} & {"Cc", "Cs"}
    assert "\\" not in name
    assert not any(piece.lower().endswith(".json") for piece in pieces[:-1])


@given(
    st.lists(raw_parts.filter(lambda part: part not in (".", "..")), min_size=2, unique=True)
)
def test_different_files_keep_different_names(originals: list[str]) -> None:
    names = unique_names(safe_name([original]) for original in originals)
    keys = {unicodedata.normalize("NFC", name).casefold() for name in names}
    assert len(keys) == len(originals)


def test_ordinary_names_are_left_alone() -> None:
    assert safe_name(["Année 1901", "page 007.tif"]) == "Année 1901/page 007.tif"
    assert unique_names(["a/b.png", "c/b.png"]) == ["a/b.png", "c/b.png"]


def test_hostile_names_are_defused() -> None:
    assert safe_name(["..", "..", "etc", "passwd"]).startswith("__~")
    assert "\n" not in safe_name(["a\nb.png"])
    assert safe_name(["a\nb.png"]) != safe_name(["a\tb.png"])
    assert "\u202e" not in safe_name(["gnp.\u202eexe"])
    assert safe_name(["\udce4.png"]).endswith(".png")
    assert safe_name([]) == "unnamed"


def test_long_names_are_shortened_and_stay_apart() -> None:
    first, second = (safe_name(["é" * 125 + f"{n}.png"]) for n in (1, 2))
    assert first != second
    assert first.endswith(".png")
    assert len(first.encode()) <= 200
    assert len(safe_name(["d" * 150] * 20 + ["page.png"])) < 200


def test_names_that_differ_in_case_only_are_told_apart() -> None:
    assert unique_names(["A.png", "a.png", "x/a"]) == ["A.png", "a~2.png", "x/a"]


def test_pages_sort_as_people_count() -> None:
    names = ["page 10.png", "page 2.png", "Page 1.png", "page.png", "7", "³.png"]
    expected = ["7", "Page 1.png", "page 2.png", "page 10.png", "page.png", "³.png"]
    assert sorted(names, key=natural_key) == expected
