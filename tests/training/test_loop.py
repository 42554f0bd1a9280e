from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from hwdigitize.training.loop import (  # noqa: E402
    Averaged,
    Plan,
    compile_network,
    learning_rate,
    train,
)

PLAN = Plan(steps=9, learning_rate=0.05, warmup_steps=2, average=0.5, validate_every=3)


def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4,))
    hidden = keras.layers.Dropout(0.3)(keras.layers.Dense(8, "relu")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2)(hidden))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return compile_network(model, loss, PLAN)


def draw(number: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng([7, number]).normal(size=(32, 4)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(np.int32)


def validate(model: keras.Model) -> dict[str, float]:
    x, y = draw(1000)
    return {"score": float(np.mean(model.predict_on_batch(x).argmax(1) == y))}


def weights(model: keras.Model) -> list[np.ndarray]:
    return model.get_weights()


def records(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_learning_rate_rises_and_falls() -> None:
    plan = Plan(steps=100, learning_rate=1.0, warmup_steps=10)
    rates = [learning_rate(step, plan) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert np.argmax(rates) in range(8, 12)
    assert rates[100] == pytest.approx(0.01)
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))


@pytest.mark.slow
def test_a_run_that_died_and_went_on_ends_like_one_that_did_not(tmp_path: Path) -> None:
    unbroken = network()
    train(unbroken, draw, validate, tmp_path / "a", PLAN)

    def draw_and_die(number: int) -> tuple[np.ndarray, np.ndarray]:
        if number == 5:
            raise KeyboardInterrupt
        return draw(number)

    with pytest.raises(KeyboardInterrupt):
        train(network(), draw_and_die, validate, tmp_path / "b", PLAN)
    resumed = network()
    train(resumed, draw, validate, tmp_path / "b", PLAN)
    for one, two in zip(weights(unbroken), weights(resumed), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-7)
    assert [r["step"] for r in records(tmp_path / "b")] == [3, 6, 9]
    for one, two in zip(records(tmp_path / "a")[1:], records(tmp_path / "b")[1:], strict=True):
        assert one["score"] == two["score"]


def test_what_is_kept_is_the_best_average(tmp_path: Path) -> None:
    scores = iter([0.2, 0.9, 0.5])
    seen: list[list[np.ndarray]] = []

    def score(model: keras.Model) -> dict[str, float]:
        seen.append(weights(model))
        return {"score": next(scores)}

    train(network(), draw, score, tmp_path, PLAN)
    best = keras.models.load_model(tmp_path / "best.keras", compile=False)
    for kept, second in zip(best.trainable_variables, seen[1], strict=False):
        assert kept.shape == second.shape
    kept_weights = best.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(kept_weights, seen[1], strict=True))
    assert not np.array_equal(kept_weights[0], seen[2][0])


def test_averages_are_put_back() -> None:
    model = network()
    for number in range(3):
        model.train_on_batch(*draw(number))
    before = weights(model)
    with Averaged(model):
        inside = weights(model)
    assert not np.array_equal(before[0], inside[0])
    assert all(np.array_equal(a, b) for a, b in zip(before, weights(model), strict=True))


def test_training_learns(tmp_path: Path) -> None:
    plan = Plan(steps=150, learning_rate=0.05, warmup_steps=5, average=0.9, validate_every=50)
    model = network()
    train(model, draw, validate, tmp_path, plan)
    assert records(tmp_path)[-1]["score"] > 0.9
