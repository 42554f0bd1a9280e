"""Training of the words network: one configuration, one visible loop.

The learning rate warms up, stays, and decays at the end (Hägele et al., "Scaling laws and
compute-optimal training beyond fixed training durations", 2024), so that a run can be prolonged
from any checkpoint without having known its length. Weights are averaged exponentially and
validated, saved and shipped as averages. Every block of samples is drawn from its own seed, so
a resumed run sees what an unbroken one would have seen.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.ctc import best_path
from hwdigitize.recognition.inputs import Input, prepare, stack
from hwdigitize.training.augment import augment
from hwdigitize.training.error_rates import character_error_rate
from hwdigitize.training.networks.crnn import CrnnConfig, build_crnn
from hwdigitize.training.pools import Pool

BATCHES_PER_BLOCK = 50


@dataclass(frozen=True)
class WordsTraining:
    """How to train; stored beside the weights."""

    steps: int = 100_000
    batch_size: int = 64
    learning_rate: float = 1.5e-3
    warmup_steps: int = 500
    decay_steps: int = 10_000
    weight_decay: float = 1e-3
    average: float = 0.999
    shortcut_weight: float = 0.2
    validate_every: int = 1000
    seed: int = 1


@dataclass(frozen=True)
class Example:
    """One prepared sample."""

    image: Input
    classes: NDArray[np.int32]

    @property
    def fits(self) -> bool:
        """Whether the text has a time step for each class and for the blank in each double."""
        doubles = int((self.classes[1:] == self.classes[:-1]).sum())
        return len(self.classes) + doubles <= self.image.shape[1] // CrnnConfig.stride_px


def ctc_loss(packed: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """CTC loss a sample (Graves et al., 2006).

    Args:
        packed: (batch, 2 + longest): text length, time steps in use, then classes.
        logits: (batch, time steps, classes).
    """
    packed = ops.cast(packed, "int32")
    loss = ops.ctc_loss(packed[:, 2:], logits, packed[:, 0], packed[:, 1])
    # A mean over characters would favour short words, one over samples is dominated by lines.
    return loss / ops.sqrt(ops.cast(packed[:, 0], "float32"))


def pack(examples: Sequence[Example]) -> tuple[Input, NDArray[np.int32]]:
    """A batch of images and its targets as :func:`ctc_loss` takes them."""
    longest = max(len(example.classes) for example in examples)
    packed = np.zeros((len(examples), 2 + longest), np.int32)
    for row, example in zip(packed, examples, strict=True):
        row[0] = len(example.classes)
        row[1] = example.image.shape[1] // CrnnConfig.stride_px
        row[2 : 2 + len(example.classes)] = example.classes
    return stack([example.image for example in examples]), packed


def blocks(
    pools: Sequence[tuple[Pool, float]],
    alphabet: Alphabet,
    training: WordsTraining,
    height_px: int,
    first: int,
) -> Iterator[list[tuple[Input, NDArray[np.int32]]]]:
    """Endless blocks of shuffled batches; block ``n`` depends on the seed and ``n`` alone.

    Args:
        pools: pools with the share of samples that each supplies.
        first: number of the first block.
    """
    shares = np.array([share for _, share in pools], float)
    shares /= shares.sum()
    number = first
    while True:
        rng = np.random.default_rng([training.seed, number])
        examples = []
        for choice in rng.choice(len(pools), BATCHES_PER_BLOCK * training.batch_size, p=shares):
            pool = pools[choice][0]
            index = int(rng.integers(len(pool)))
            image = prepare(augment(pool.crop(index), rng), height_px)
            example = Example(image, alphabet.encode(pool.texts[index]))
            if example.fits:
                examples.append(example)
        examples.sort(key=lambda example: example.image.shape[1])
        batches = list(_bucketed(examples, training.batch_size))
        yield [batches[i] for i in rng.permutation(len(batches))]
        number += 1


def _bucketed(
    examples: Sequence[Example], batch_size: int
) -> Iterator[tuple[Input, NDArray[np.int32]]]:
    """Batches of like widths; lines come in smaller ones, for the same memory."""
    start = 0
    while start < len(examples):
        width = examples[start].image.shape[1]
        size = batch_size if width <= 256 else max(batch_size // 4, 1)
        yield pack(examples[start : start + size])
        start += size


def prefetch(
    source: Iterator[list[tuple[Input, NDArray[np.int32]]]],
) -> Iterator[list[tuple[Input, NDArray[np.int32]]]]:
    """Draw the next block in a thread while the present one trains."""
    ready: queue.Queue[list[tuple[Input, NDArray[np.int32]]]] = queue.Queue(maxsize=1)

    def fill() -> None:
        for block in source:
            ready.put(block)

    threading.Thread(target=fill, daemon=True).start()
    while True:
        yield ready.get()


def predict(model: keras.Model, pool: Pool, alphabet: Alphabet, height_px: int) -> list[str]:
    """Greedy readings of all crops of a pool, in its order."""
    order = np.argsort(pool.shapes[:, 1] / pool.shapes[:, 0])
    texts = [""] * len(pool)
    for start in range(0, len(order), 32):
        picked = order[start : start + 32]
        images = [prepare(pool.crop(int(i)), height_px) for i in picked]
        logits = ops.convert_to_numpy(model.predict_on_batch(stack(images))[0])
        for i, image, rows in zip(picked, images, logits, strict=True):
            steps = image.shape[1] // CrnnConfig.stride_px
            texts[i] = best_path(rows[:steps], alphabet).text
    return texts


def validate(
    model: keras.Model, pools: dict[str, Pool], alphabet: Alphabet, height_px: int
) -> dict[str, dict[str, float]]:
    """CER and share of exact readings of each pool, greedy, case-sensitive."""
    scores = {}
    for name, pool in pools.items():
        read = predict(model, pool, alphabet, height_px)
        exact = float(np.mean([a == b for a, b in zip(read, pool.texts, strict=True)]))
        cer = character_error_rate(read, pool.texts)
        scores[name] = {"cer": round(cer, 4), "exact": round(exact, 4)}
    return scores


def learning_rate(step: int, training: WordsTraining) -> float:
    """Warm up, stay, decay to zero over the last ``decay_steps``."""
    rise = min(1.0, (step + 1) / training.warmup_steps)
    fall = min(1.0, (training.steps - step) / max(training.decay_steps, 1))
    return training.learning_rate * rise * max(fall, 0.0)


def build(alphabet: Alphabet, config: CrnnConfig, training: WordsTraining) -> keras.Model:
    """An untrained network, compiled."""
    keras.utils.set_random_seed(training.seed)
    model = build_crnn(len(alphabet), config)
    optimizer = keras.optimizers.AdamW(
        training.learning_rate,
        weight_decay=training.weight_decay,
        global_clipnorm=5.0,
        use_ema=True,
        ema_momentum=training.average,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(
        optimizer,
        loss=[ctc_loss, ctc_loss],
        loss_weights=[1.0, training.shortcut_weight],
        jit_compile=False,
    )
    return model


class Averaged:
    """Inside this context the model has its averaged weights."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model

    def __enter__(self) -> keras.Model:
        self._raw = [ops.copy(v.value) for v in self.model.trainable_variables]
        self.model.optimizer._overwrite_model_variables_with_average_value(
            self.model.trainable_variables
        )
        return self.model

    def __exit__(self, *_: object) -> None:
        for variable, value in zip(self.model.trainable_variables, self._raw, strict=True):
            variable.assign(value)


def train_words(
    pools: Sequence[tuple[Pool, float]],
    validation: dict[str, Pool],
    out: Path,
    alphabet: Alphabet,
    config: CrnnConfig,
    training: WordsTraining,
    start_from: Path | None = None,
) -> None:
    """Train until ``training.steps``, resuming from ``out`` when it holds a checkpoint.

    Writes ``out/last.weights.h5`` (weights, averages and optimizer), ``out/best.keras``
    (averaged weights of the best validation, for reading and fine-tuning) and
    ``out/log.jsonl``.
    """
    out.mkdir(parents=True, exist_ok=True)
    model = build(alphabet, config, training)
    model.optimizer.build(model.trainable_variables)
    state: dict[str, Any] = {"step": 0, "block": 0, "best": 1e9}
    checkpoint, state_file = out / "last.weights.h5", out / "state.json"
    if state_file.exists():
        load_checkpoint(model, checkpoint)
        state = json.loads(state_file.read_text())
    elif start_from is not None:
        model.load_weights(start_from, skip_mismatch=True)
    (out / "config.json").write_text(
        json.dumps({"network": asdict(config), "training": asdict(training)}, indent=2)
    )
    began, seen, losses = time.monotonic(), 0, []
    source = blocks(pools, alphabet, training, config.height_px, state["block"])
    for block in prefetch(source):
        for images, packed in block:
            model.optimizer.learning_rate = learning_rate(state["step"], training)
            losses.append(float(model.train_on_batch(images, [packed, packed])[0]))
            state["step"] += 1
            seen += len(images)
        state["block"] += 1
        done = state["step"] >= training.steps
        # Blocks have about, not exactly, BATCHES_PER_BLOCK batches.
        if done or state["step"] // training.validate_every > state.get("validated", 0):
            state["validated"] = state["step"] // training.validate_every
            with Averaged(model):
                scores = validate(model, validation, alphabet, config.height_px)
                score = float(np.mean([s["cer"] for s in scores.values()]))
                if score < state["best"]:
                    state["best"] = score
                    replace(out / "best.keras", model.save)
            save_checkpoint(model, checkpoint)
            replace(state_file, lambda path: path.write_text(json.dumps(state)))
            record = {
                "step": state["step"],
                "loss": round(float(np.mean(losses)), 4),
                "learning_rate": learning_rate(state["step"], training),
                "images_per_second": round(seen / (time.monotonic() - began), 1),
                "minutes": round((time.monotonic() - began) / 60, 1),
                "validation": scores,
            }
            losses.clear()
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(record) + "\n")
            print(json.dumps(record), flush=True)
        if done:
            return


def save_checkpoint(model: keras.Model, path: Path) -> None:
    """Weights and optimizer, averages included, as one file."""
    arrays = {f"model/{i}": ops.convert_to_numpy(v) for i, v in enumerate(model.variables)}
    arrays |= {
        f"optimizer/{i}": ops.convert_to_numpy(v)
        for i, v in enumerate(model.optimizer.variables)
    }
    replace(path, lambda part: _save_arrays(part, arrays))


def _save_arrays(path: Path, arrays: dict[str, NDArray[np.float32]]) -> None:
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def load_checkpoint(model: keras.Model, path: Path) -> None:
    """Undo :func:`save_checkpoint`; the optimizer must be built."""
    with np.load(path) as arrays:
        for i, variable in enumerate(model.variables):
            variable.assign(arrays[f"model/{i}"])
        for i, variable in enumerate(model.optimizer.variables):
            variable.assign(arrays[f"optimizer/{i}"])


def replace(path: Path, write: object) -> None:
    """Write by temporary name and rename, so that a kill leaves the old file."""
    part = path.with_name(f"part-{path.name}")
    write(part)  # type: ignore[operator]
    part.replace(path)
