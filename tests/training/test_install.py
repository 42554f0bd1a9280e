"""The gate before networks that read worse, and what it says."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

pytest.importorskip("keras")

from hwdigitize.cli import main
from hwdigitize.errors import ModelError
from hwdigitize.recognition.runtime import load_card, models_folder
from hwdigitize.training.export import save_card
from hwdigitize.training.install import (
    Comparison,
    beside_shipped,
    compare,
    differing,
    drawn_words,
    finish,
    forget_networks,
    install,
)
from hwdigitize.training.runs import Start

WORSE = Comparison("mine", 20, "CER", 0.10, 0.12)
BETTER = Comparison("mine", 20, "CER", 0.12, 0.10)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """The shipped words network under another version."""
    folder = tmp_path / "new"
    folder.mkdir()
    for suffix in (".onnx", ".json"):
        shutil.copyfile(models_folder() / f"words{suffix}", folder / f"words{suffix}")
    save_card(msgspec.structs.replace(load_card("words", str(folder)), version="9"), folder)
    forget_networks()
    return folder


def version(folder: Path) -> str:
    return load_card("words", str(folder)).version


def test_comparisons_speak() -> None:
    assert WORSE.gain == pytest.approx(-0.02)
    said = "CER 10.0 % before, 12.0 % now on 20 samples of mine: worse"
    assert str(WORSE) == said
    assert str(BETTER).endswith("better")
    assert Comparison("mine", 20, "accuracy", 0.8, 0.9).gain == pytest.approx(0.1)
    assert str(Comparison("mine", 20, "top-1", 0.8, 0.8)).endswith("the same")


def test_what_reads_worse_is_refused_but_for_force(tmp_path: Path, new: Path) -> None:
    folder = beside_shipped(tmp_path / "models")
    with pytest.raises(ModelError, match=r"10\.0 % before, 12\.0 % now.*--force"):
        install("words", new, folder, WORSE)
    assert version(folder) != "9"
    install("words", new, folder, WORSE, force=True)
    assert version(folder) == "9"


def test_what_reads_better_is_installed(tmp_path: Path, new: Path) -> None:
    folder = beside_shipped(tmp_path / "models")
    install("words", new, folder, BETTER)
    assert version(folder) == "9"
    assert differing(new, folder) == []
    assert differing(new, tmp_path / "empty") == ["words"]
    with pytest.raises(ModelError, match="no network in"):
        differing(tmp_path / "empty", folder)


def test_a_network_compared_with_itself_is_the_same(new: Path) -> None:
    found = compare("words", drawn_words().fewer(24), "valid", models_folder(), new, "drawn")
    assert (found.samples, found.gain) == (24, 0)
    assert found.before < 0.6


def test_a_run_ends_with_its_network_in_place(tmp_path: Path, new: Path) -> None:
    told: list[str] = []
    few = drawn_words().fewer(12)
    found = finish(
        "words",
        Start(tmp_path / "run", {}),
        few,
        lambda run, dataset, folder: shutil.copytree(new, folder),  # type: ignore[arg-type, return-value]
        few,
        told.append,
    )
    assert [len(told), len(found)] == [2, 2]
    assert "your own data, held back" in told[0] and "other hands" in told[1]
    card = load_card("words", str(tmp_path / "run/models"))
    assert card.version == "9"
    assert card.scores["valid"]["your own data, held back"]["samples"] == 12
    assert set(card.files) == {"words.onnx"}


def test_the_command_installs_and_says_so(
    tmp_path: Path, new: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    from tests.training.datasets.miniatures import put_text

    for number, sample in enumerate(drawn_words().fewer(6).samples):
        put_text(tmp_path / f"own/valid/{number}.gt.txt", sample.text)
        Image.fromarray(sample.image()).save(tmp_path / f"own/valid/{number}.png")
    folder = beside_shipped(tmp_path / "models")
    given = ["models", "install", str(new), "--data", str(tmp_path / "own")]
    with pytest.raises(SystemExit):
        main([*given, "--into", str(folder)])
    assert "already" in capsys.readouterr().err
