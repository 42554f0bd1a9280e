"""The training commands, from data on disk to a network that reading finds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from hwdigitize.cli import main
from hwdigitize.recognition.runtime import load_card, load_network
from hwdigitize.recognition.words import read_words
from hwdigitize.training.cli import app
from hwdigitize.training.cli_shared import shown
from tests.training.datasets.miniatures import put_image, put_text

runner = CliRunner()

WORDS_PLAN = """
[training]
batch_size = 1
[network]
height_px = 16
stem_filters = [2, 2]
block_filters = [2, 4]
blocks_per_stage = 1
lstm_units = 2
lstm_layers = 1
"""
CHARACTERS_PLAN = """
[training]
batch_size = 4
[network]
stem_filters = 2
stage_filters = [2, 2, 4]
"""
WRITERS_PLAN = """
[training]
batch_size = 2
[network]
stem_filters = 2
stage_filters = [2, 2, 2]
dimensions = 4
"""


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    for split in ("train", "valid"):
        for number in range(3):
            put_image(folder / split / f"{number}.png", 60)
            put_text(folder / split / f"{number}.gt.txt", f"n {number}")
    (folder / "train/2.png").write_bytes(b"broken")
    return folder


def test_check_says_what_is_there(pairs: Path) -> None:
    result = runner.invoke(app, ["data", "check", str(pairs)])
    assert result.exit_code == 0
    assert "2 lines  own  train" in result.stdout
    assert "3 lines  own  valid" in result.stdout
    assert "train/2: image cannot be decoded" in result.stdout


def test_preview_writes_a_picture(pairs: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    result = runner.invoke(app, ["data", "preview", str(pairs), "--out", str(out)])
    assert result.exit_code == 0
    assert out.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["train", "words", "--data", "{own}", "--exclude", "elsewhere"],
            "no source elsewhere",
        ),
        (["train", "characters", "--data", "{own}"], "holds lines, not characters"),
        (["train", "words", "--data", "{own}", "--from", "absent"], "no weights to start from"),
        (["train", "words", "--data", "{own}/nothing"], "no such data"),
    ],
)
def test_data_that_cannot_be_trained_on_stops_at_once(
    pairs: Path,
    tmp_path: Path,
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [argument.format(own=pairs) for argument in arguments]
    with pytest.raises(SystemExit) as ended:
        main([*given, "--out", str(tmp_path / "run")])
    assert ended.value.code in (2, 5)
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def forget() -> None:
    """Networks are cached for the life of a process."""
    load_card.cache_clear()
    load_network.cache_clear()


def train(kind: str, data: Path, tmp_path: Path, plan: str) -> dict[str, object]:
    """Train for two batches and return the scores before and now."""
    config = put_text(tmp_path / "plan.toml", plan)
    out = tmp_path / "run"
    result = runner.invoke(
        app,
        f"train {kind} --data {data} --out {out} --config {config} --steps 2 --force".split(),
        catch_exceptions=False,
    )
    forget()
    assert result.exit_code == 0, result.output
    assert (out / "best.keras").exists()
    assert len((out / "log.jsonl").read_text().splitlines()) >= 1
    assert {f"{name}.onnx" for name in ("words", "characters", "writers")} <= {
        path.name for path in (out / "models").iterdir()
    }
    scores: dict[str, object] = json.loads(result.stdout)
    return scores


@pytest.mark.slow
def test_words(pairs: Path, tmp_path: Path) -> None:
    scores = train("words", pairs, tmp_path, WORDS_PLAN)
    assert scores["your own data, held back"]["samples"] == 3  # type: ignore[index]
    models = str(tmp_path / "run/models")
    result = runner.invoke(
        app,
        ["evaluate", "words", "--data", str(pairs), "--split", "valid", "--models", models],
        catch_exceptions=False,
    )
    assert json.loads(result.stdout)["all"]["samples"] == 3


@pytest.mark.slow
def test_characters(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        for name in ("A", "7"):
            put_image(tmp_path / f"glyphs/{split}/{name}/1.png", 30 if name == "A" else 50)
    train("characters", tmp_path / "glyphs", tmp_path, CHARACTERS_PLAN)


@pytest.mark.slow
def test_writers(tmp_path: Path) -> None:
    for writer, step in (("anna", 12), ("ben", 20)):
        for number in range(3):
            strokes = np.full((60, 400 + number), 255, np.uint8)
            strokes[15:45, ::step] = 0
            strokes[15:45, 1::step] = 0
            path = tmp_path / f"hands/{writer}/{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(strokes).save(path)
    train("writers", tmp_path / "hands", tmp_path, WRITERS_PLAN)


@pytest.mark.slow
def test_words_of_one_width_are_trained_and_read(pairs: Path, tmp_path: Path) -> None:
    """The preset of 128 x 32, from the configuration file to crops of any width."""
    plan = WORDS_PLAN.replace("[network]", '[network]\nkind = "128x32"')
    train("words", pairs, tmp_path, plan)
    models = str(tmp_path / "run/models")
    assert load_card("words", models).input["width_px"] == 128
    crops = [np.full((40, width), 255, np.uint8) for width in (30, 900)]
    for crop in crops:
        crop[10:30, 10:-10:5] = 0
    assert len(read_words(crops, models=models)) == 2
    forget()


def test_progress_in_a_log_is_a_line_each_twentieth(capsys: pytest.CaptureFixture[str]) -> None:
    with shown("reading") as progress:
        for done in range(201):
            progress(done, 200)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["reading: 0 of 200", "reading: 10 of 200"]
    assert lines[-1] == "reading: 200 of 200" and len(lines) == 21
