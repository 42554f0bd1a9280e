"""Training configurations from TOML."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwdigitize.errors import ModelError, UsageError
from hwdigitize.training.networks.crnn import CrnnConfig
from hwdigitize.training.plans import changed, read_plan, require_tables
from hwdigitize.training.runs import log_watched, weights_file


def test_values_take_the_records_types(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text("[network]\nheight_px = 40\nblock_filters = [8, 16]\ndropout = 0\n")
    config = changed(CrnnConfig(), read_plan(path)["network"], "network")
    assert config == CrnnConfig(height_px=40, block_filters=(8, 16), dropout=0.0)
    assert isinstance(config.dropout, float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hieght_px": 40}, "unknown setting 'hieght_px'"),
        ({"height_px": "40"}, "must be of type int"),
        ({"height_px": True}, "must be of type int"),
        ({"block_filters": [1.5]}, "list of whole numbers"),
    ],
)
def test_what_makes_no_sense_is_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        changed(CrnnConfig(), values, "network")


def test_files_and_tables_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_plan(tmp_path / "absent.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[network")
    with pytest.raises(UsageError, match="not TOML"):
        read_plan(broken)
    with pytest.raises(UsageError, match=r"unknown table \[netwrok\]"):
        require_tables({"netwrok": {}}, {"network"})


def test_weights_to_start_from(tmp_path: Path) -> None:
    assert weights_file("words", None) is None
    best = tmp_path / "best.keras"
    best.write_bytes(b"")
    assert weights_file("words", str(tmp_path)) == best
    with pytest.raises(ModelError, match="no weights to start from"):
        weights_file("words", str(tmp_path / "absent.keras"))


def test_records_of_a_log_are_told_once_and_old_ones_not(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 1}\n')
    told: list[dict[str, object]] = []
    with log_watched(log, told.append), log.open("a") as file:
        file.write('{"step": 2}\n{"step": 3}\n{"st')
    assert told == [{"step": 2}, {"step": 3}]
