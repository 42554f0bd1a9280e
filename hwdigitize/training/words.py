"""Training of the words network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from hwdigitize.errors import DataError, ModelError
from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.ctc import best_path
from hwdigitize.recognition.inputs import Input, prepare, stack
from hwdigitize.training.augment import augment
from hwdigitize.training.error_rates import character_error_rate
from hwdigitize.training.loop import Batch, Draw, Plan, Watch, compile_network, set_seed, train
from hwdigitize.training.networks.choice import WordsNet
from hwdigitize.training.networks.crnn import CrnnConfig
from hwdigitize.training.pools import Pool
from hwdigitize.training.runs import Record

#: wider batches are smaller, for the same memory
WIDE_PX = 256


@dataclass(frozen=True)
class WordsTraining:
    """How to train; stored beside the weights."""

    plan: Plan = field(
        default_factory=lambda: Plan(
            steps=100_000,
            learning_rate=1.5e-3,
            schedule="constant",
            warmup_steps=500,
            decay_steps=10_000,
            average=0.999,
            validate_every=1000,
        )
    )
    network: WordsNet = field(default_factory=CrnnConfig)
    batch_size: int = 64
    #: batches whose samples are sorted by width together
    batches_per_block: int = 50
    #: weight of the auxiliary head's loss
    shortcut_weight: float = 0.2


@dataclass(frozen=True)
class Example:
    """One prepared sample, and the time steps that the network gives it."""

    image: Input
    classes: NDArray[np.int32]
    steps: int

    @property
    def fits(self) -> bool:
        """Whether the text has a time step for each class and for the blank in each double."""
        doubles = int((self.classes[1:] == self.classes[:-1]).sum())
        return len(self.classes) + doubles <= self.steps


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


def pack(examples: Sequence[Example], width: int = 0) -> tuple[Input, NDArray[np.int32]]:
    """A batch of images and its targets as :func:`ctc_loss` takes them."""
    longest = max(len(example.classes) for example in examples)
    packed = np.zeros((len(examples), 2 + longest), np.int32)
    for row, example in zip(packed, examples, strict=True):
        row[0] = len(example.classes)
        row[1] = example.steps
        row[2 : 2 + len(example.classes)] = example.classes
    return stack([example.image for example in examples], width), packed


def height_px(model: keras.Model) -> int:
    """How high the crops are that a words network reads."""
    return int(model.input_shape[1])


def width_px(model: keras.Model) -> int:
    """How wide the crops are that a words network reads, 0 for any width."""
    return int(model.input_shape[2] or 0)


def stride_px(model: keras.Model) -> int:
    """Columns of the input for one time step of the output of a words network."""
    width = width_px(model) or 256
    shapes = model.compute_output_shape((1, height_px(model), width, 1))
    return int(width // shapes[0][1])


def blocks(
    pools: Sequence[tuple[Pool, float]],
    alphabet: Alphabet,
    training: WordsTraining,
    model: keras.Model,
) -> Draw:
    """Block number to shuffled batches of like widths.

    Args:
        pools: pools with the share of samples that each supplies.
        alphabet: of the network.
        training: sizes and seed.
        model: tells height and stride, and how many heads want targets.
    """
    shares = np.array([share for _, share in pools], float)
    shares /= shares.sum()
    height, width = height_px(model), width_px(model)
    stride, heads = stride_px(model), len(model.outputs)
    amount = training.batches_per_block * training.batch_size

    def draw(number: int) -> list[Batch]:
        rng = np.random.default_rng([training.plan.seed, number])
        examples = []
        for choice in rng.choice(len(pools), amount, p=shares):
            pool = pools[choice][0]
            index = int(rng.integers(len(pool)))
            image = prepare(augment(pool.crop(index), rng), height, width)
            classes = alphabet.encode(pool.texts[index])
            examples.append(Example(image, classes, image.shape[1] // stride))
        examples = [example for example in examples if example.fits]
        if not examples:
            raise DataError("no text fits its image: are images and texts of the same words?")
        examples.sort(key=lambda example: example.image.shape[1])
        batches = list(_bucketed(examples, training.batch_size, width))
        shuffled = (batches[i] for i in rng.permutation(len(batches)))
        return [(images, [packed] * heads) for images, packed in shuffled]

    return draw


def _bucketed(
    examples: Sequence[Example], batch_size: int, width: int
) -> Iterator[tuple[Input, NDArray[np.int32]]]:
    start = 0
    while start < len(examples):
        wide = examples[start].image.shape[1] > WIDE_PX
        size = max(batch_size // 4, 1) if wide else batch_size
        yield pack(examples[start : start + size], width)
        start += size


def predict(model: keras.Model, pool: Pool, alphabet: Alphabet) -> list[str]:
    """Greedy readings of all crops of a pool, in its order."""
    height, width, stride = height_px(model), width_px(model), stride_px(model)
    order = np.argsort(pool.shapes[:, 1] / pool.shapes[:, 0])
    texts = [""] * len(pool)
    for start in range(0, len(order), 32):
        picked = order[start : start + 32]
        images = [prepare(pool.crop(int(i)), height, width) for i in picked]
        outputs = model.predict_on_batch(stack(images, width))
        logits = ops.convert_to_numpy(outputs[0] if len(model.outputs) > 1 else outputs)
        for i, image, rows in zip(picked, images, logits, strict=True):
            texts[i] = best_path(rows[: image.shape[1] // stride], alphabet).text
    return texts


def validation(
    pools: Mapping[str, Pool], alphabet: Alphabet
) -> Callable[[keras.Model], Record]:
    """CER and share of exact readings of each pool, greedy, case-sensitive.

    ``cer`` is the mean of the pools' and ``score``, the one to raise, what it lacks to one.
    """

    def validate(model: keras.Model) -> Record:
        scores: Record = {}
        rates = []
        for name, pool in pools.items():
            read = predict(model, pool, alphabet)
            rates.append(character_error_rate(read, pool.texts))
            right = [a == b for a, b in zip(read, pool.texts, strict=True)]
            scores |= {f"{name} cer": rates[-1], f"{name} exact": float(np.mean(right))}
        cer = float(np.mean(rates))
        return {"score": 1 - cer, "cer": cer, **scores}

    return validate


def load_words(path: Path, alphabet: Alphabet) -> keras.Model:
    """A trained words network.

    Raises:
        ModelError: the file holds none, or one of another alphabet.
    """
    try:
        model = keras.models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{path} holds no network that can be trained: {error}") from error
    if len(model.outputs[0].shape) != 3 or model.outputs[0].shape[-1] != len(alphabet) + 1:
        raise ModelError(f"{path} holds no words network of this version's alphabet")
    return model


def build(alphabet: Alphabet, training: WordsTraining, start_from: Path | None) -> keras.Model:
    """A words network, untrained or as ``start_from`` has it, compiled."""
    set_seed(training.plan.seed)
    if start_from is None:
        model = training.network.build(len(alphabet))
    else:
        model = load_words(start_from, alphabet)
    heads = len(model.outputs)
    weights = [1.0, training.shortcut_weight][:heads]
    return compile_network(model, [ctc_loss] * heads, training.plan, weights)


def train_words(
    pools: Sequence[tuple[Pool, float]],
    validated: Mapping[str, Pool],
    out: Path,
    alphabet: Alphabet,
    training: WordsTraining,
    start_from: Path | None = None,
    watch: Watch | None = None,
) -> None:
    """Train, or resume, a words network in the folder ``out``; see :func:`loop.train`.

    With ``start_from`` (.keras) the network is the one of that file.
    """
    model = build(alphabet, training, start_from)
    draw = blocks(pools, alphabet, training, model)
    train(model, draw, validation(validated, alphabet), out, training.plan, watch)
