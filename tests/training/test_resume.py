"""A run that died and went on gives the very weights of one that did not, for each network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

keras = pytest.importorskip("keras")

from hwdigitize.recognition.alphabet import Alphabet  # noqa: E402
from hwdigitize.training import characters, words, writers  # noqa: E402
from hwdigitize.training.hands import gather  # noqa: E402
from hwdigitize.training.loop import Plan, Watch  # noqa: E402
from hwdigitize.training.networks.crnn import CrnnConfig  # noqa: E402
from hwdigitize.training.pools import Pool, build_pool  # noqa: E402
from tests.training.test_networks import (  # noqa: E402
    SMALL_CHARACTERS,
    SMALL_WRITERS,
    hand,
    shapes,
)

PLAN = Plan(steps=6, warmup_steps=2, average=0.5, validate_every=3, checkpoint_every=2, seed=5)
SMALL_CRNN = CrnnConfig(
    height_px=16,
    stem_filters=(2, 2),
    block_filters=(2, 4),
    blocks_per_stage=1,
    lstm_units=2,
    lstm_layers=1,
)
Run = Callable[[Path, Watch | None], None]


def bars() -> Pool:
    rng = np.random.default_rng(0)
    crops = []
    for _ in range(12):
        crop = np.full((24, int(rng.integers(60, 200))), 255, np.uint8)
        crop[4:20, ::5] = 0
        crops.append((crop, "".join(rng.choice(list("abc"), 4)), "bars"))
    return build_pool(crops, Alphabet())


def train_words(out: Path, watch: Watch | None) -> None:
    training = words.WordsTraining(
        plan=PLAN, network=SMALL_CRNN, batch_size=4, batches_per_block=2
    )
    pool = bars()
    words.train_words([(pool, 1.0)], {"bars": pool}, out, Alphabet(), training, watch=watch)


def train_characters(out: Path, watch: Watch | None) -> None:
    training = characters.CharactersTraining(
        plan=PLAN, network=SMALL_CHARACTERS, batch_size=8, fonts=0.0
    )
    characters.train_characters(shapes(), shapes(), out, training, watch=watch)


def train_writers(out: Path, watch: Watch | None) -> None:
    pages = [*hand("left", -0.4), *hand("right", 0.5)]
    training = writers.WritersTraining(plan=PLAN, network=SMALL_WRITERS, batch_size=4)
    writers.train_writers(gather(pages), pages, pages[:1], out, training, watch=watch)


class DiedError(Exception):
    pass


def dying_at(last: int) -> Watch:
    def die(step: int, end: int, loss: float) -> None:
        if step == last:
            raise DiedError

    return Watch(on_step=die)


def checkpoint(out: Path) -> dict[str, np.ndarray]:
    with np.load(out / "last.npz") as held:
        return {name: held[name] for name in held.files if name != "state"}


@pytest.mark.slow
@pytest.mark.parametrize("run", [train_words, train_characters, train_writers])
def test_resumed_is_unbroken(run: Run, tmp_path: Path) -> None:
    cv2.setNumThreads(1)
    run(tmp_path / "unbroken", None)
    with pytest.raises(DiedError):
        run(tmp_path / "broken", dying_at(5))
    assert any(
        not np.array_equal(a, b)
        for a, b in zip(
            checkpoint(tmp_path / "unbroken").values(),
            checkpoint(tmp_path / "broken").values(),
            strict=True,
        )
    )
    run(tmp_path / "broken", None)
    one, two = checkpoint(tmp_path / "unbroken"), checkpoint(tmp_path / "broken")
    assert set(one) == set(two)
    assert [name for name in one if not np.array_equal(one[name], two[name])] == []
    best = [
        keras.models.load_model(tmp_path / name / "best.keras", compile=False).get_weights()
        for name in ("unbroken", "broken")
    ]
    assert all(map(np.array_equal, *best))


def test_texts_longer_than_their_image_has_steps_are_left_out() -> None:
    narrow, wide = (np.full((24, width), 255, np.uint8) for width in (20, 200))
    pool = build_pool([(narrow, "aaaaaaaa", "x"), (wide, "ab", "x")], Alphabet())
    training = words.WordsTraining(network=SMALL_CRNN, batch_size=4, batches_per_block=2)
    model = training.network.build(len(Alphabet()))
    draw = words.blocks([(pool, 1.0)], Alphabet(), training, model)
    packed = [targets[0] for _, targets in draw(0)]
    assert packed
    assert {int(row[0]) for batch in packed for row in batch} == {2}
