"""Checks and previews of data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hwdigitize.errors import DataError
from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.training.datasets import Broken, open_dataset
from hwdigitize.training.inspection import check_dataset, require_alphabet, without_unwritable
from hwdigitize.training.preview import preview
from hwdigitize.training.synthetic.ink import Drawn
from hwdigitize.training.synthetic.pool import build_pool, save_pool
from tests.training.datasets.miniatures import put_image, put_text


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    folder = tmp_path / "pairs"
    for name, text in (("a", "Dear Sir"), ("b", "omega Ω"), ("c", "gone")):
        put_image(folder / f"{name}.png")
        put_text(folder / f"{name}.gt.txt", text)
    (folder / "c.png").write_bytes(b"no image")
    return folder


def test_check_counts_and_names_what_is_wrong(pairs: Path) -> None:
    check = check_dataset(open_dataset(pairs), Alphabet())
    assert check.counts == {("line", "pairs", ""): 2}
    assert check.missing == {"Ω": "b"}
    assert [item.id for item in check.broken] == ["c"]
    assert check.characters["e"] == 2
    assert check_dataset(open_dataset(pairs), Alphabet(), decode=False).samples == 3


def test_characters_that_no_network_has_stop_the_training(pairs: Path) -> None:
    dataset = open_dataset(pairs)
    with pytest.raises(DataError, match=r"'Ω' \(in b\).*--skip-unknown"):
        require_alphabet(dataset, Alphabet())
    assert [s.id for s in without_unwritable(dataset, Alphabet()).samples] == ["a", "c"]


def test_typographic_quotes_are_no_unknown_characters(tmp_path: Path) -> None:
    put_image(tmp_path / "a.png")
    put_text(tmp_path / "a.gt.txt", "l’été “à”")
    require_alphabet(open_dataset(tmp_path), Alphabet())


def test_preview_is_seeded_and_reports_damage(pairs: Path, tmp_path: Path) -> None:
    broken: list[Broken] = []
    sheets = []
    for name, seed in (("1", 1), ("again", 1), ("2", 2)):
        out = tmp_path / f"{name}.png"
        assert preview(pairs, out, seed, 10, False, broken.append) == 2
        sheets.append(np.asarray(Image.open(out)))
    assert np.array_equal(sheets[0], sheets[1])
    assert not np.array_equal(sheets[0], sheets[2])
    assert {item.id for item in broken} == {"c"}


def test_preview_of_a_pool(tmp_path: Path) -> None:
    ink = np.zeros((40, 60), np.uint8)
    ink[10:30, 10:50] = 255
    save_pool(build_pool([Drawn(ink, "word", "fonts:x")] * 3), tmp_path / "pool.npz")
    out = tmp_path / "sheet.png"
    assert preview(tmp_path / "pool.npz", out, 0, 2, True, lambda item: None) == 2
    assert np.asarray(Image.open(out)).min() == 0
