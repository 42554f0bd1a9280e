from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from hwdigitize.errors import UsageError  # noqa: E402
from hwdigitize.training.loop import (  # noqa: E402
    Averaged,
    Batch,
    Plan,
    State,
    Watch,
    compile_network,
    learning_rate,
    load_checkpoint,
    save_checkpoint,
    set_seed,
    train,
)

PLAN = Plan(steps=9, learning_rate=0.05, warmup_steps=2, average=0.5, validate_every=3)


def network(plan: Plan = PLAN, units: int = 8) -> keras.Model:
    set_seed(1)
    inputs = keras.Input((4,))
    hidden = keras.layers.Dropout(0.3)(keras.layers.Dense(units, "relu")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2)(hidden))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return compile_network(model, loss, plan)


def batch(number: int) -> Batch:
    x = np.random.default_rng([7, number]).normal(size=(32, 4)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(np.int32)


def draw(number: int) -> list[Batch]:
    """Blocks of one batch, or two."""
    return [batch(2 * number), batch(2 * number + 1)][: 1 + number % 2]


def validate(model: keras.Model) -> dict[str, float]:
    x, y = batch(1000)
    return {"score": float(np.mean(model.predict_on_batch(x).argmax(1) == y))}


def scoring(*scores: float) -> Callable[[keras.Model], dict[str, float]]:
    coming = iter(scores)
    return lambda model: {"score": next(coming)}


def weights(model: keras.Model) -> list[np.ndarray]:
    return model.get_weights()


def everything(model: keras.Model) -> list[np.ndarray]:
    variables = [*model.variables, *model.optimizer.variables]
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def records(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_cosine_rises_and_falls() -> None:
    plan = Plan(steps=100, learning_rate=1.0, warmup_steps=10)
    rates = [learning_rate(step, plan, 100) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert np.argmax(rates) in range(8, 12)
    assert rates[100] == pytest.approx(0.01)
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))


def test_constant_stays_and_decays_at_the_end() -> None:
    plan = Plan(
        steps=100, learning_rate=1.0, schedule="constant", warmup_steps=10, decay_steps=20
    )
    rates = [learning_rate(step, plan, 100) for step in range(101)]
    assert rates[9:81] == [1.0] * 72
    assert rates[90] == pytest.approx(0.5)
    assert rates[100] == 0
    steady = replace(plan, decay_steps=0)
    assert learning_rate(99, steady, 100) == 1.0


@pytest.mark.parametrize("died_at", [1, 3, 5])
def test_a_run_that_died_and_went_on_ends_like_one_that_did_not(
    tmp_path: Path, died_at: int
) -> None:
    plan = replace(PLAN, schedule="constant", decay_steps=4, checkpoint_every=1)
    unbroken = network(plan)
    train(unbroken, draw, validate, tmp_path / "a", plan)

    def draw_and_die(number: int) -> list[Batch]:
        if number == died_at:
            raise KeyboardInterrupt
        return draw(number)

    with pytest.raises(KeyboardInterrupt):
        train(network(plan), draw_and_die, validate, tmp_path / "b", plan)
    reached = load_checkpoint(network(plan), tmp_path / "b").step
    assert 0 < reached < 9
    resumed = network(plan)
    train(resumed, draw, validate, tmp_path / "b", plan)
    for one, two in zip(everything(unbroken), everything(resumed), strict=True):
        assert np.array_equal(one, two)
    assert [r["step"] for r in records(tmp_path / "b")] == [3, 6, 9]
    for one, two in zip(records(tmp_path / "a"), records(tmp_path / "b"), strict=True):
        assert (one["score"], one["loss"]) == (two["score"], two["loss"])


def test_records_after_the_checkpoint_are_written_again(tmp_path: Path) -> None:
    train(network(), draw, scoring(0.1, 0.2, 0.3), tmp_path, PLAN)
    save_checkpoint(network(), tmp_path, State(step=3, block=2, best=0.1))
    train(network(), draw, scoring(0.4, 0.5), tmp_path, PLAN)
    assert [(r["step"], r["score"]) for r in records(tmp_path)] == [
        (3, 0.1),
        (6, 0.4),
        (9, 0.5),
    ]


def test_a_run_ends_where_patience_does(tmp_path: Path) -> None:
    plan = replace(PLAN, steps=60, validate_every=2, patience=2)
    train(network(), draw, scoring(0.5, 0.6, 0.6, 0.4, 0.9), tmp_path, plan)
    assert [r["step"] for r in records(tmp_path)] == [2, 4, 6, 8]


def test_a_constant_rate_decays_where_patience_ends(tmp_path: Path) -> None:
    plan = replace(
        PLAN, steps=60, validate_every=2, patience=2, schedule="constant", decay_steps=4
    )
    train(network(), draw, scoring(0.5, 0.5, 0.5, 0.9, 0.9), tmp_path, plan)
    logged = records(tmp_path)
    assert [r["step"] for r in logged] == [2, 4, 6, 8, 10]
    assert logged[2]["learning_rate"] == 0.05 > logged[3]["learning_rate"]


def test_a_stopped_run_keeps_its_last_step(tmp_path: Path) -> None:
    watch = Watch(on_step=lambda step, end, loss: watch.stop.set() if step == 4 else None)
    train(network(), draw, validate, tmp_path, PLAN, watch)
    resumed = network()
    assert load_checkpoint(resumed, tmp_path).step == 4
    train(resumed, draw, validate, tmp_path, PLAN)
    unbroken = network()
    train(unbroken, draw, validate, tmp_path / "unbroken", PLAN)
    assert all(map(np.array_equal, everything(unbroken), everything(resumed)))


def test_whoever_watches_hears_of_steps_and_records(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    told: list[dict[str, float]] = []
    watch = Watch(lambda step, end, loss: steps.append((step, end)), told.append)
    train(network(), draw, validate, tmp_path, PLAN, watch)
    assert steps == [(n, 9) for n in range(1, 10)]
    assert [record["step"] for record in told] == [3, 6, 9]
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["score"]) for row in rows] == [r["score"] for r in records(tmp_path)]


def test_what_is_kept_is_the_best_average(tmp_path: Path) -> None:
    scores = iter([0.2, 0.9, 0.5])
    seen: list[list[np.ndarray]] = []

    def score(model: keras.Model) -> dict[str, float]:
        seen.append(weights(model))
        return {"score": next(scores)}

    train(network(), draw, score, tmp_path, PLAN)
    best = keras.models.load_model(tmp_path / "best.keras", compile=False)
    kept_weights = best.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(kept_weights, seen[1], strict=True))
    assert not np.array_equal(kept_weights[0], seen[2][0])


def test_averages_are_put_back() -> None:
    model = network()
    for number in range(3):
        model.train_on_batch(*batch(number))
    before = weights(model)
    with Averaged(model):
        inside = weights(model)
    assert not np.array_equal(before[0], inside[0])
    assert all(np.array_equal(a, b) for a, b in zip(before, weights(model), strict=True))


def test_training_learns(tmp_path: Path) -> None:
    plan = Plan(steps=150, learning_rate=0.05, warmup_steps=5, average=0.9, validate_every=50)
    train(network(), draw, validate, tmp_path, plan)
    assert records(tmp_path)[-1]["score"] > 0.9


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    train(network(), draw, validate, tmp_path, PLAN)
    with pytest.raises(UsageError, match="of another network"):
        train(network(units=9), draw, validate, tmp_path, PLAN)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "last.npz").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(UsageError, match="cannot go on"):
        train(network(), draw, validate, tmp_path, PLAN)


def test_a_diverging_run_stops_and_keeps_what_it_had(tmp_path: Path) -> None:
    def poisoned(number: int) -> list[Batch]:
        x, y = batch(number)
        return [(x * np.float32("nan") if number == 4 else x, y)]

    with pytest.raises(UsageError, match="diverged at step 5"):
        train(network(), poisoned, validate, tmp_path, PLAN)
    assert load_checkpoint(network(), tmp_path).step == 3
