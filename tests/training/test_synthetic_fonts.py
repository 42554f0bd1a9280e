"""Words from handwriting fonts; skipped where the fonts were not fetched."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from hwdigitize.errors import DataError
from hwdigitize.training.synthetic.fetch import FAMILIES, fetch_fonts
from hwdigitize.training.synthetic.fonts import CAPITALS_ONLY, UNWANTED, load_hands, split_of
from hwdigitize.training.synthetic.ink import HEIGHT_PX
from hwdigitize.training.synthetic.writing import draw_style, draw_texts, write

ROOT = Path(__file__).resolve().parents[2]


SOME = [
    "amatic-sc",
    "architects-daughter",
    "borel",
    "caveat",
    "kalam",
    "mynerve",
    "patrick-hand",
    "zeyada",
]


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few families of both splits; looking into all takes too long."""
    kept = Path(os.environ.get("HWDIGITIZE_FONTS", ROOT / ".cache" / "fonts"))
    if not all((kept / family).is_dir() for family in SOME):
        pytest.skip(f"no fonts in {kept}: python -m hwdigitize.training.synthetic.fetch")
    folder = tmp_path_factory.mktemp("fonts")
    for family in SOME:
        (folder / family).symlink_to(kept / family)
    return folder


def test_relatives_go_the_same_way() -> None:
    assert len({split_of(name) for name in FAMILIES if name.startswith("playwrite")}) == 1


def test_about_one_family_in_eight_is_for_validation() -> None:
    share = np.mean([split_of(name) == "valid" for name in FAMILIES])
    assert 0.08 < share < 0.2


def test_what_is_fetched_is_wanted() -> None:
    assert not UNWANTED & set(FAMILIES)
    assert set(FAMILIES) >= CAPITALS_ONLY


def test_a_folder_without_fonts_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="npm pack"):
        load_hands(tmp_path, "train")


def test_a_damaged_font_says_so(tmp_path: Path) -> None:
    files = tmp_path / "kalam" / "files"
    files.mkdir(parents=True)
    (files / "kalam-latin-400-normal.woff2").write_bytes(b"x")
    with pytest.raises(DataError, match="fetch it again"):
        load_hands(tmp_path, split_of("kalam"))


def test_fetching_without_npm_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match="npm"):
        fetch_fonts(["kalam"], tmp_path / "fonts")


def test_families_of_the_splits_are_disjoint(fonts: Path) -> None:
    train, valid = ({h.family for h in load_hands(fonts, s)} for s in ("train", "valid"))
    assert train and valid and not train & valid


def test_words_are_drawn_tight_and_follow_the_seed(fonts: Path) -> None:
    hands = load_hands(fonts, "valid")
    texts = ["Hello", "12/03/1987", "SMITH", "élève", "Œuvre"]
    first, again = (list(draw_texts(texts, hands, seed=4)) for _ in range(2))
    assert [word.text for word in first] == texts
    assert all((a.ink == b.ink).all() for a, b in zip(first, again, strict=True))
    for word in first:
        assert word.ink.shape[0] == HEIGHT_PX
        assert word.ink[:, 0].max() > 0 and word.ink[:, -1].max() > 0


def test_a_hand_writes_only_what_it_has(fonts: Path) -> None:
    for hand in load_hands(fonts, "train"):
        assert hand.can_write("ABC")
        assert not hand.can_write("漢")
        assert hand.can_write("Abc") == (hand.family not in CAPITALS_ONLY)


def test_the_baseline_is_under_the_letters(fonts: Path) -> None:
    rng = np.random.default_rng(2)
    for hand in load_hands(fonts, "valid")[:6]:
        written = write(hand, "nun", draw_style(rng, hand.joined), rng)
        assert written.baseline == pytest.approx(written.ink.shape[0], abs=14)


def test_another_moment_looks_different(fonts: Path) -> None:
    hand = load_hands(fonts, "valid")[0]
    rng = np.random.default_rng(3)
    style = draw_style(rng, hand.joined)
    first, second = (write(hand, "again", style, rng).ink for _ in range(2))
    assert first.shape != second.shape or (first != second).any()
