"""Evaluations and their reports, with networks that answer as told."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from hwdigitize.errors import DataError
from hwdigitize.recognition.characters import CLASSES
from hwdigitize.recognition.reading import Reading
from hwdigitize.recognition.runtime import Card
from hwdigitize.training import measure_characters as of_characters
from hwdigitize.training import measure_words as of_words
from hwdigitize.training import measure_writers as of_writers
from hwdigitize.training.charts import (
    bar_chart,
    confusion_chart,
    curve_chart,
    training_chart,
)
from hwdigitize.training.datasets import open_dataset
from hwdigitize.training.evaluation_report import write_report
from hwdigitize.training.measurement import training_charts, write_predictions
from tests.training.datasets.miniatures import put_image, put_text

CARD = Card(name="words", version="x", sha256="0" * 64)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    for name, text in (("test/a", "Dear"), ("test/b", "<b>Sir</b>"), ("train/c", "Dear")):
        put_image(folder / f"{name}.png")
        put_text(folder / f"{name}.gt.txt", text)
    put_text(folder / "test/d.gt.txt", "broken")
    (folder / "test/d.png").write_bytes(b"")
    return folder


def test_words_and_their_report(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        of_words, "read_words", lambda crops, **_: [Reading("Dear", 0.75) for _ in crops]
    )
    monkeypatch.setattr(of_words, "load_card", lambda *_: CARD)
    result = of_words.measure_words(open_dataset(pairs), "test")
    assert result.scores["all"]["exact"] == 0.5
    assert result.scores["seen"]["set seen"]["exact"] == 1.0
    assert [item.id for item in result.broken] == ["test/d"]
    write_predictions(tmp_path / "out/p.csv", result)
    with (tmp_path / "out/p.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file))[1] == {
            "id": "test/b",
            "truth": "<b>Sir</b>",
            "predicted": "Dear",
            "confidence": "0.7500",
        }
    write_report(tmp_path / "out", result.view, result.scores)
    assert json.loads((tmp_path / "out/scores.json").read_text())["all"]["samples"] == 2
    page = (tmp_path / "out/report.html").read_text()
    assert "<b>Sir</b>" not in page
    assert "&lt;b&gt;Sir&lt;/b&gt;" in page
    assert page.count("data:image/png;base64,") == 3  # one error, two random


def test_an_empty_split_says_what_there_is(pairs: Path) -> None:
    with pytest.raises(DataError, match="no samples of the split 'dev2'"):
        of_words.measure_words(open_dataset(pairs), "dev2")


class Always:
    """A characters network that takes everything for one character."""

    card = CARD

    def __init__(self, character: str) -> None:
        self.logits = np.zeros(len(CLASSES), np.float32)
        self.logits[CLASSES.index(character)] = 3

    def run(self, batch: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> list[object]:
        return [np.tile(self.logits, (len(batch), 1))]


def test_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("test/O/1", "test/O/2", "test/0/1"):
        put_image(tmp_path / f"{name}.png")
    monkeypatch.setattr(of_characters, "load_network", lambda *_: Always("O"))
    result = of_characters.measure_characters(open_dataset(tmp_path), "test")
    assert result.scores["accuracy"] == pytest.approx(2 / 3, abs=1e-4)
    assert result.scores["by_class"]["O"]["recall"] == 1.0
    assert result.scores["confused"] == [{"pair": "0 O", "count": 1}]
    assert result.rows[0][1:3] == ("0", "O")


def test_writers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hands are told by the width of their pages."""
    for writer, width in (("anna", 40), ("ben", 80)):
        for split in ("train", "val", "test"):
            put_image(tmp_path / split / writer / f"{split}.png", width)
    put_image(tmp_path / "test/ben/wide.png", 40)

    def embed(crops: tuple[np.ndarray[tuple[int, int], np.dtype[np.uint8]], ...], **_: object):  # type: ignore[no-untyped-def]
        return np.eye(2, dtype=np.float32)[int(crops[0].shape[1] > 60)]

    monkeypatch.setattr(of_writers, "embed_page", embed)
    monkeypatch.setattr(of_writers, "load_card", lambda *_: CARD)
    result = of_writers.measure_writers(open_dataset(tmp_path), "test")
    source = tmp_path.name
    rows = {row[0]: (row[1], row[2], row[4]) for row in result.rows}
    assert rows["test/anna/test.png"] == (f"{source}:anna", f"{source}:anna", "1")
    assert rows["test/ben/wide.png"] == (f"{source}:ben", f"{source}:anna", "2")
    assert result.scores["all"]["top1"] == pytest.approx(2 / 3, abs=1e-4)
    assert result.scores["gallery"] == 4
    assert result.scores["same_hand"]["same_hand"] == 6
    assert result.scores["one_line"] == {"queries": 3, "top1": 0.6667, "top5": 1.0}


def test_charts_are_well_formed_whatever_they_name() -> None:
    confusion = np.array([[1, 2], [0, 3]])
    for svg in (
        confusion_chart(confusion, ["<", "&"]),
        bar_chart([("< &", 0.5)], 'a "title"'),
        curve_chart([(0, 0), (1, 1)], "x < y", "&", "<>"),
        training_chart({"<a>": [(0, 0.1), (9, 0.9)], "b & c": []}, '"t"', "&"),
    ):
        ElementTree.fromstring(svg)


def test_curves_are_those_of_the_run_or_beside_the_card(tmp_path: Path) -> None:
    assert training_charts("words", tmp_path, None) == ()
    record = {"step": 5, "loss": 2.5, "minutes": 1, "validation": {"IAM": {"cer": 0.4}}}
    (tmp_path / "words.log.jsonl").write_text(json.dumps(record) + "\n")
    loss, scores = training_charts("words", tmp_path, None)
    assert "2.5" in loss.svg
    assert "validation IAM cer" in scores.svg
    assert "minutes" not in scores.svg
    (tmp_path / "log.jsonl").write_text('{"step": 1, "loss": 1, "accuracy": 0.5}\n')
    assert "accuracy" in training_charts("words", None, tmp_path)[1].svg


def test_confused_pairs_are_shown_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("test/O/1", "test/0/1", "test/0/2"):
        put_image(tmp_path / f"{name}.png")
    monkeypatch.setattr(of_characters, "load_network", lambda *_: Always("O"))
    result = of_characters.measure_characters(open_dataset(tmp_path), "test")
    pairs = result.view.strips[2]
    assert pairs.title == "Most confused pairs"
    assert [(s.truth, s.predicted) for s in pairs.samples] == [("0", "O"), ("0", "O")]
    assert result.scores["junk"]["reject"]["recall"] == 0.0
