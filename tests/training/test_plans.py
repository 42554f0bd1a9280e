"""Training configurations from TOML."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwdigitize.errors import ModelError, UsageError
from hwdigitize.training.fitting import configured, loop_plan, tables_of
from hwdigitize.training.loop import Plan
from hwdigitize.training.networks.choice import WORDS
from hwdigitize.training.networks.crnn import CrnnConfig
from hwdigitize.training.plans import changed, read_plan, require_tables
from hwdigitize.training.runs import (
    Start,
    append_record,
    drop_records,
    read_records,
    weights_file,
)
from hwdigitize.training.words import WordsTraining


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


def test_a_choice_is_one_of_its_names() -> None:
    assert changed(Plan(steps=1), {"schedule": "constant"}, "plan").schedule == "constant"
    with pytest.raises(UsageError, match="one of cosine, constant"):
        changed(Plan(steps=1), {"schedule": "linear"}, "plan")


def test_the_log_is_a_table_too_and_can_be_cut(tmp_path: Path) -> None:
    append_record(tmp_path, {"step": 1, "loss": 0.1234567})
    append_record(tmp_path, {"step": 2, "loss": 0.1, "cer": 0.5})
    assert (tmp_path / "log.csv").read_text() == "step,loss,cer\n1,0.12346,\n2,0.1,0.5\n"
    drop_records(tmp_path, after=1)
    assert read_records(tmp_path) == [{"step": 1, "loss": 0.12346}]
    assert (tmp_path / "log.csv").read_text() == "step,loss\n1,0.12346\n"


def told(**more: object) -> Start:
    return Start(Path("out"), **more)  # type: ignore[arg-type]


def test_short_runs_warm_up_decay_and_validate_in_proportion() -> None:
    base = Plan(steps=1000, warmup_steps=100, decay_steps=400, validate_every=300)
    plan = loop_plan(base, told(plan={}, steps=50, seed=7))
    assert (plan.steps, plan.warmup_steps, plan.decay_steps) == (50, 5, 25)
    assert (plan.validate_every, plan.seed) == (10, 7)
    kept = loop_plan(base, told(plan={"plan": {"warmup_steps": 60}}, steps=50))
    assert kept.warmup_steps == 60


def test_flags_go_before_the_file_and_the_file_before_defaults() -> None:
    tables = {
        "plan": {"steps": 9, "seed": 3},
        "training": {"batch_size": 8},
        "network": {"height_px": 40},
    }
    training = configured(WordsTraining(), WORDS, told(plan=tables, seed=4))
    assert (training.plan.steps, training.plan.seed) == (9, 4)
    assert (training.batch_size, training.network.height_px) == (8, 40)
    assert {"plan", "network", "training"} == set(tables_of(training))
