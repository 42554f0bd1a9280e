"""The training loop of all three networks: one plan, one visible loop.

Samples come in blocks of batches, and a block depends on the seed and its own number alone; the
next one is drawn in a thread meanwhile. The position in them is part of the checkpoint, so that
a run that died and went on ends with the very weights of one that did not. Weights are averaged
exponentially; averages are what is validated and kept.
"""

from __future__ import annotations

import json
import random
import threading
import time
import zipfile
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from hwdigitize.errors import UsageError
from hwdigitize.training.runs import Record, append_record, drop_records

Array = npt.NDArray[np.float32]
Batch = tuple[Array, Any]
#: block number to its batches
Draw = Callable[[int], Sequence[Batch]]
Validate = Callable[[keras.Model], Record]

CHECKPOINT = "last.npz"
BEST = "best.keras"


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train; stored beside the weights.

    Attributes:
        steps: batches.
        schedule: after the warm-up, ``cosine`` falls to a hundredth at the last step
            (Loshchilov and Hutter, 2017); ``constant`` stays and falls to nothing over the last
            ``decay_steps``, so that a run can be prolonged from any checkpoint without having
            known its length (Hägele et al., "Scaling laws and compute-optimal training beyond
            fixed training durations", 2024).
        average: momentum of the averaged weights.
        patience: validations without a better score after which the run ends, or the decay of
            ``constant`` begins; 0 for never.
        checkpoint_every: steps between checkpoints; 0 for none but those by time. Each
            validation makes one, too.
        checkpoint_minutes: longest time between checkpoints.
    """

    steps: int
    learning_rate: float = 2e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_steps: int = 200
    decay_steps: int = 0
    weight_decay: float = 1e-3
    average: float = 0.995
    validate_every: int = 500
    patience: int = 0
    checkpoint_every: int = 0
    checkpoint_minutes: float = 5.0
    seed: int = 1


@dataclass(frozen=True)
class Watch:
    """Who is told how a run gets on, and may end it after the step it is in.

    Attributes:
        on_step: told of the step, the last one of the run, and the loss since the last record.
        on_record: told of every record of the log.
        stop: set to end the run with a checkpoint.
    """

    on_step: Callable[[int, int, float], None] = lambda step, end, loss: None
    on_record: Callable[[Record], None] = lambda record: None
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass
class State:
    """Where a run is, but for the weights.

    Attributes:
        step: batches trained on.
        block, batch: the next block and the next batch in it.
        best: best score so far.
        stale: validations since then.
        ends: the last step, where patience ran out; None before.
        loss, losses: sum of the losses since the last record, and their count.
        seconds: spent training.
    """

    step: int = 0
    block: int = 0
    batch: int = 0
    best: float = -np.inf
    stale: int = 0
    ends: int | None = None
    loss: float = 0.0
    losses: int = 0
    seconds: float = 0.0

    def end(self, plan: Plan) -> int:
        """The last step."""
        return plan.steps if self.ends is None else min(plan.steps, self.ends)


def learning_rate(step: int, plan: Plan, end: int) -> float:
    """Linear warm-up, then the schedule of the plan; see :class:`Plan`."""
    rise = min(1.0, (step + 1) / max(plan.warmup_steps, 1))
    if plan.schedule == "cosine":
        cosine = 0.5 + 0.5 * np.cos(np.pi * min(1.0, step / plan.steps))
        return float(plan.learning_rate * rise * (0.01 + 0.99 * cosine))
    fall = min(1.0, (end - step) / max(plan.decay_steps, 1))
    return plan.learning_rate * rise * max(fall, 0.0)


def set_seed(*numbers: int) -> None:
    """Make what Keras draws, weights and dropout, follow from some numbers.

    ``keras.utils.set_random_seed`` would load TensorFlow besides, whatever the backend.
    """
    seed = int(np.random.SeedSequence(numbers).generate_state(1)[0])
    random.seed(seed)
    if keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(seed)


def compile_network(
    model: keras.Model, loss: object, plan: Plan, loss_weights: Sequence[float] | None = None
) -> keras.Model:
    """Give a network its optimizer, AdamW with averaged weights, and its loss."""
    optimizer = keras.optimizers.AdamW(
        plan.learning_rate,
        weight_decay=plan.weight_decay,
        global_clipnorm=5.0,
        use_ema=True,
        ema_momentum=plan.average,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimizer, loss=loss, loss_weights=loss_weights, jit_compile=False)
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
    draw: Draw,
    validate: Validate,
    out: Path,
    plan: Plan,
    watch: Watch | None = None,
) -> None:
    """Train until the plan ends, resuming from ``out`` when it holds a checkpoint.

    Writes ``out/last.npz`` (weights, averages, optimizer, position), ``out/best.keras``
    (averaged weights of the best validation), and ``out/log.jsonl`` and ``out/log.csv``, one
    record a validation.

    Args:
        model: compiled by :func:`compile_network`.
        draw: block number to batches; the same number gives the same block.
        validate: model to scores; ``score`` is the one to raise.
        out: folder of the run.
        plan: how long and how fast.
        watch: who is told of the progress.

    Raises:
        UsageError: the checkpoint is that of another network, or training diverges.
    """
    watch = watch or Watch()
    out.mkdir(parents=True, exist_ok=True)
    state = load_checkpoint(model, out)
    drop_records(out, after=state.step)
    saved, seen, seconds = time.monotonic(), 0, state.seconds
    with closing(_stream(draw, state.block, state.batch)) as stream:
        while state.step < state.end(plan) and not watch.stop.is_set():
            began = time.monotonic()
            (images, targets), (state.block, state.batch) = next(stream)
            rate = learning_rate(state.step, plan, state.end(plan))
            model.optimizer.learning_rate = rate
            set_seed(plan.seed, state.step)  # PyTorch's dropout has no state to be saved
            _count(state, _loss(model, images, targets))
            seen += len(images)
            state.seconds += time.monotonic() - began
            watch.on_step(state.step, state.end(plan), state.loss / state.losses)
            if state.step % plan.validate_every == 0 or state.step >= state.end(plan):
                with Averaged(model):
                    scores = validate(model)
                    if scores["score"] > state.best:
                        _replace(out / BEST, model.save)
                speed = seen / max(state.seconds - seconds, 1e-9)
                record = _record(state, rate, speed) | scores
                append_record(out, record)
                watch.on_record(record)
                _judge(state, scores["score"], plan)
                seen, seconds = 0, state.seconds
            elif not _due(state.step, plan, saved):
                continue
            save_checkpoint(model, out, state)
            saved = time.monotonic()
        if watch.stop.is_set():
            save_checkpoint(model, out, state)


def _stream(draw: Draw, block: int, batch: int) -> Generator[tuple[Batch, tuple[int, int]]]:
    """Batches from a position on, each with the position after it."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(draw, block)
        while True:
            ready = coming.result()
            coming = thread.submit(draw, block + 1)
            for number in range(batch, len(ready)):
                yield ready[number], (block, number + 1)
            block, batch = block + 1, 0


def _loss(model: keras.Model, images: Array, targets: Any) -> float:
    return float(np.ravel(model.train_on_batch(images, targets))[0])


def _count(state: State, loss: float) -> None:
    state.step += 1
    state.loss += loss
    state.losses += 1
    if not np.isfinite(loss):
        raise UsageError(
            f"training diverged at step {state.step}: its loss is {loss}; go on from the last "
            f"checkpoint, or start again, with a lower learning_rate"
        )


def _record(state: State, rate: float, speed: float) -> Record:
    return {
        "step": state.step,
        "loss": state.loss / state.losses,
        "learning_rate": rate,
        "images_per_second": speed,
        "minutes": state.seconds / 60,
    }


def _judge(state: State, score: float, plan: Plan) -> None:
    """Keep the best score, and end the run where patience runs out."""
    state.loss, state.losses = 0.0, 0
    state.stale = 0 if score > state.best else state.stale + 1
    state.best = max(state.best, score)
    if plan.patience and state.stale >= plan.patience and state.ends is None:
        decay = plan.decay_steps if plan.schedule == "constant" else 0
        state.ends = state.step + decay


def _due(step: int, plan: Plan, saved: float) -> bool:
    """Whether a checkpoint is."""
    if plan.checkpoint_every and step % plan.checkpoint_every == 0:
        return True
    return time.monotonic() - saved >= 60 * plan.checkpoint_minutes


def save_checkpoint(model: keras.Model, out: Path, state: State) -> None:
    """Weights, averages, optimizer and position in one file, replaced at once."""
    arrays = {f"model/{i}": ops.convert_to_numpy(v) for i, v in enumerate(model.variables)}
    arrays |= {
        f"optimizer/{i}": ops.convert_to_numpy(v)
        for i, v in enumerate(model.optimizer.variables)
    }
    _replace(out / CHECKPOINT, lambda part: _save_arrays(part, arrays, state))


def _save_arrays(part: Path, arrays: dict[str, npt.NDArray[Any]], state: State) -> None:
    with part.open("wb") as file:
        np.savez(file, state=json.dumps(asdict(state)), **arrays)  # type: ignore[arg-type]


def load_checkpoint(model: keras.Model, out: Path) -> State:
    """Undo :func:`save_checkpoint`; a fresh state where there is none.

    Raises:
        UsageError: it is that of another network, or damaged.
    """
    path = out / CHECKPOINT
    if not path.exists():
        return State()
    try:
        with np.load(path, allow_pickle=False) as held:
            state = State(**json.loads(str(held["state"])))
            _assign(model.variables, held, "model")
            _assign(model.optimizer.variables, held, "optimizer")
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise UsageError(
            f"the run in {out} cannot go on: its checkpoint is damaged or of another network; "
            f"give the --from and --config that it began with, or another --out ({error})"
        ) from error
    return state


def _assign(variables: Sequence[keras.Variable], held: Any, kind: str) -> None:
    if f"{kind}/{len(variables)}" in held:
        raise ValueError(f"more {kind} variables than the network has")
    for i, variable in enumerate(variables):
        variable.assign(held[f"{kind}/{i}"])


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write by temporary name and rename, so that a kill leaves the old file."""
    part = path.with_name(f"part-{path.name}")
    write(part)
    part.replace(path)
