"""The training loop of the characters and writers networks: one plan, one visible loop.

Weights are averaged exponentially; averages are what is validated and kept. Every batch is
drawn from the seed and its own number, so that a resumed run sees what an unbroken one would.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

Array = npt.NDArray[np.float32]
Batch = tuple[Array, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train; stored beside the weights."""

    steps: int
    learning_rate: float = 2e-3
    warmup_steps: int = 200
    weight_decay: float = 1e-3
    average: float = 0.995
    validate_every: int = 500
    seed: int = 1


def learning_rate(step: int, plan: Plan) -> float:
    """Linear warm-up, then a cosine down to a hundredth (Loshchilov and Hutter, 2017)."""
    rise = min(1.0, (step + 1) / plan.warmup_steps)
    fall = 0.5 + 0.5 * np.cos(np.pi * min(1.0, step / plan.steps))
    return float(plan.learning_rate * rise * (0.01 + 0.99 * fall))


def compile_network(model: keras.Model, loss: object, plan: Plan) -> keras.Model:
    """Give a network its optimizer, AdamW with averaged weights, and its loss."""
    optimizer = keras.optimizers.AdamW(
        plan.learning_rate,
        weight_decay=plan.weight_decay,
        global_clipnorm=5.0,
        use_ema=True,
        ema_momentum=plan.average,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimizer, loss=loss, jit_compile=False)
    optimizer.build(model.trainable_variables)
    return model


class Averaged:
    """Inside this context a model has its averaged weights."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.raw: list[object] = []

    def __enter__(self) -> keras.Model:
        weights = self.model.trainable_variables
        self.raw = [ops.copy(variable.value) for variable in weights]
        averages = self.model.optimizer._model_variables_moving_average
        for variable, average in zip(weights, averages, strict=True):
            variable.assign(average.value)
        return self.model

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for variable, value in zip(self.model.trainable_variables, self.raw, strict=True):
            variable.assign(value)


def train(
    model: keras.Model,
    draw: Callable[[int], Batch],
    validate: Callable[[keras.Model], dict[str, float]],
    out: Path,
    plan: Plan,
) -> None:
    """Train until ``plan.steps``, resuming from ``out`` when it holds a checkpoint.

    Writes ``out/last.npz`` (weights, averages, optimizer), ``out/best.keras`` (averaged weights
    of the best validation) and ``out/log.jsonl``, one record a validation.

    Args:
        model: compiled by :func:`compile_network`.
        draw: batch number to batch; the same number gives the same batch.
        validate: model to scores; ``score`` is the one to raise.
        out: folder of the run.
        plan: how long and how fast.
    """
    out.mkdir(parents=True, exist_ok=True)
    step, best = _resume(model, out)
    began, losses = time.monotonic(), []
    while step < plan.steps:
        images, targets = draw(step)
        model.optimizer.learning_rate = learning_rate(step, plan)
        losses.append(float(model.train_on_batch(images, targets)))
        step += 1
        if step % plan.validate_every and step < plan.steps:
            continue
        with Averaged(model):
            scores = validate(model)
            if scores["score"] > best:
                best = scores["score"]
                model.save(out / "part-best.keras")
                (out / "part-best.keras").replace(out / "best.keras")
        _checkpoint(model, out, step, best)
        minutes = round((time.monotonic() - began) / 60, 2)
        _log(out, {"step": step, "loss": float(np.mean(losses)), "minutes": minutes, **scores})
        losses.clear()


def _log(out: Path, record: dict[str, float]) -> None:
    rounded = {key: round(value, 4) for key, value in record.items()}
    with (out / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(rounded) + "\n")


def _checkpoint(model: keras.Model, out: Path, step: int, best: float) -> None:
    variables = [*model.variables, *model.optimizer.variables]
    arrays = {str(i): ops.convert_to_numpy(v.value) for i, v in enumerate(variables)}
    part = out / "part-last.npz"
    np.savez(part, step=step, best=best, **arrays)
    part.replace(out / "last.npz")


def _resume(model: keras.Model, out: Path) -> tuple[int, float]:
    """Step and best score so far; 0 and minus infinity without a checkpoint."""
    path = out / "last.npz"
    if not path.exists():
        return 0, -np.inf
    with np.load(path) as arrays:
        for i, variable in enumerate([*model.variables, *model.optimizer.variables]):
            variable.assign(arrays[str(i)])
        return int(arrays["step"]), float(arrays["best"])
