"""What ``models verify`` finds out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hwdigitize.errors import ModelError
from hwdigitize.recognition.probe import LEAST_RIGHT, Finding, load_probe, verify
from hwdigitize.recognition.runtime import Name, load_card, load_network, models_folder


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "models"
    shutil.copytree(models_folder(), folder)
    yield folder
    load_card.cache_clear()
    load_network.cache_clear()


def test_the_sample_is_ink_on_paper_with_its_truth() -> None:
    probe = load_probe()
    assert len(probe.words) == len(probe.texts) == len(probe.hands) == 112
    assert len(probe.glyphs) == len(probe.characters)
    assert all(word.mean() > 128 and word.min() < 60 for word in probe.words)


@pytest.mark.parametrize("name", ["words", "characters", "writers"])
def test_the_shipped_networks_read_it(name: Name) -> None:
    found = verify(name)
    assert found.right > 2 * LEAST_RIGHT * found.asked
    assert str(Finding(3, 4, "words")) == "3 of 4 words"


def test_a_file_that_is_not_the_cards_is_named(models: Path) -> None:
    card = json.loads((models / "words.json").read_text())
    card["files"] = {"words.keras": "0" * 64}
    (models / "words.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match=r"words\.keras is damaged"):
        verify("words", str(models))


def test_a_network_that_reads_nothing_is_refused(models: Path) -> None:
    card = json.loads((models / "words.json").read_text())
    card["classes"].reverse()  # the right weights with the wrong characters, as after a mix-up
    (models / "words.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="not to be used: it gets 0 of 112 words"):
        verify("words", str(models))
