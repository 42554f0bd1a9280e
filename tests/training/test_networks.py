"""The characters and writers networks and what they are fed with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from hwdigitize.recognition.characters import CLASSES, EMPTY, REJECT  # noqa: E402
from hwdigitize.training import characters, writers  # noqa: E402
from hwdigitize.training.glyphs import CANVAS_PX, Glyphs  # noqa: E402
from hwdigitize.training.hands import (  # noqa: E402
    ROWS_PX,
    Hands,
    Page,
    draw_strip,
    gather,
)
from hwdigitize.training.loop import Plan  # noqa: E402
from hwdigitize.training.networks.characters import (  # noqa: E402
    CharactersNetConfig,
    build_characters,
)
from hwdigitize.training.networks.writers import (  # noqa: E402
    WritersNetConfig,
    add_writers_head,
    build_writers,
)

SMALL_CHARACTERS = CharactersNetConfig(stem_filters=4, stage_filters=(6, 8), blocks=(1, 0))
SMALL_WRITERS = WritersNetConfig(stem_filters=4, stage_filters=(6,), dimensions=5)


def shapes() -> Glyphs:
    """Bars, upright and lying, as 1 and -, a hundred each; the bars from two sources."""
    upright = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    upright[8:56, 28:36] = 255
    images = np.stack([upright] * 100 + [upright.T] * 100)
    labels = np.repeat([CLASSES.index("1"), CLASSES.index("-")], 100)
    sources = np.array(["a"] * 90 + ["b"] * 10 + ["a"] * 100)
    return Glyphs(images, labels, sources)


def line(slant: float, seed: int) -> np.ndarray:
    import cv2

    rng = np.random.default_rng(seed)
    image = np.full((80, 700), 255, np.uint8)
    for x in np.arange(40, 660, 18) + rng.integers(-3, 4, 35):
        cv2.line(image, (int(x + 30 * slant), 25), (int(x), 55), 0, 3)
    return image


def hand(writer: str, slant: float, pages: int = 3) -> list[Page]:
    return [
        Page(f"{writer}-{n}", writer, "train", (line(slant, 2 * n), line(slant, 2 * n + 1)))
        for n in range(pages)
    ]


def test_characters_network_has_a_score_a_class() -> None:
    model = build_characters(11, SMALL_CHARACTERS)
    assert model.predict_on_batch(np.zeros((2, 32, 32, 1), np.float32)).shape == (2, 11)


def test_writers_network_gives_unit_vectors() -> None:
    network = build_writers(SMALL_WRITERS)
    strips = np.random.default_rng(0).random((3, 64, 256, 1), np.float32)
    vectors = network.predict_on_batch(strips)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-4)
    cosines = add_writers_head(network, 7).predict_on_batch(strips)
    assert cosines.shape == (3, 7)


def test_sources_are_capped_and_punctuation_is_rarer() -> None:
    training = characters.CharactersTraining(cap=30, fonts=0.0, punctuation=0.5)
    weights = characters.sample_weights(shapes(), training)
    by_kind = weights[:90].sum(), weights[90:100].sum(), weights[100:].sum()
    assert weights.sum() == pytest.approx(1)
    assert by_kind == pytest.approx(np.array([30, 10, 15]) / 55)


def test_glyph_batches_depend_on_seed_and_number_alone() -> None:
    training = characters.CharactersTraining(batch_size=64, junk=0.2, empty=0.2)
    draw = characters.batches(shapes(), training)
    images, targets = draw(3)
    again, _ = draw(3)
    assert np.array_equal(images, again)
    assert not np.array_equal(images, draw(4)[0])
    assert images.shape == (64, 32, 32, 1)
    assert targets.sum(1) == pytest.approx(np.ones(64), abs=1e-4)
    labels = targets.argmax(1)
    assert {REJECT, EMPTY} < set(labels.tolist())
    blank = ~images.any(axis=(1, 2, 3))
    assert blank.any(), "empty boxes, their lines dropped"
    assert set(labels[blank].tolist()) == {EMPTY}


@pytest.mark.slow
def test_characters_learn_two_bars(tmp_path: Path) -> None:
    plan = Plan(steps=30, learning_rate=0.01, warmup_steps=3, average=0.7, validate_every=15)
    training = characters.CharactersTraining(
        plan=plan, network=SMALL_CHARACTERS, batch_size=32, fonts=0.0
    )
    glyphs = shapes()
    characters.train_characters(glyphs, glyphs, tmp_path, training)
    model = keras.models.load_model(tmp_path / "best.keras", compile=False)
    read = characters.predict(model, glyphs.images)
    assert (read.argmax(1) == glyphs.labels).mean() > 0.9


def test_the_margin_is_taken_off_the_own_writer_only() -> None:
    cosines = keras.ops.convert_to_tensor(np.array([[0.5, 0.1]], np.float32))
    own = keras.ops.convert_to_tensor(np.array([[0]]))
    loss = writers.cosine_margin_loss(0.2, 10.0)(own, cosines)
    expected = -3.0 + np.log(np.exp(3.0) + np.exp(1.0))
    assert float(keras.ops.convert_to_numpy(loss)[0]) == pytest.approx(expected, rel=1e-4)


def test_lines_are_gathered_by_writer_and_those_on_rules_left_out() -> None:
    ruled = line(0.1, 1)
    ruled[60:63] = 0
    pages = [*hand("ann", 0.3), Page("x", "bob", "train", (ruled, line(0, 3)))]
    hands = gather([*pages, Page("blank", "eve", "train", (np.full((9, 9), 255, np.uint8),))])
    assert hands.writers == ("ann", "bob")
    assert [len(lines) for lines in hands.lines] == [6, 1]
    assert all(entry.shape[0] == ROWS_PX for lines in hands.lines for entry in lines)


def test_strips_are_seeded_and_hold_ink() -> None:
    stored = gather(hand("ann", 0.3)).lines[0][0]
    one, two = (draw_strip(stored, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one, two)
    assert one.shape == (64, 256)
    assert 0.02 < one.mean() / 255 < 0.6


def test_strip_batches_favour_nobody_by_much() -> None:
    few, many = gather(hand("few", 0, 1)), gather(hand("many", 0.4, 16))
    hands = Hands(few.writers + many.writers, few.lines + many.lines)
    training = writers.WritersTraining(batch_size=100)
    strips, owners = writers.batches(hands, training)(0)
    assert strips.shape == (100, 64, 256, 1)
    # sixteen times the lines, four times the strips
    assert 0.1 < np.mean(owners == 0) < 0.32


@pytest.mark.slow
def test_writers_learn_two_slants(tmp_path: Path) -> None:
    pages = [*hand("left", -0.4), *hand("right", 0.5)]
    asked = [*hand("left", -0.4, 1), *hand("right", 0.5, 1)]
    plan = Plan(steps=12, learning_rate=0.01, warmup_steps=2, average=0.5, validate_every=6)
    training = replace(
        writers.WritersTraining(), plan=plan, network=SMALL_WRITERS, batch_size=16
    )
    writers.train_writers(gather(pages), pages, asked, tmp_path, training)
    trained = keras.models.load_model(tmp_path / "best.keras", compile=False)
    network = keras.Model(trained.input, trained.get_layer("embedding").output)
    left, right = (writers.embed(network, page) for page in asked)
    assert np.linalg.norm(left) == pytest.approx(1, abs=1e-4)
    again = writers.embed(network, hand("left", -0.4)[2])
    assert again @ left > again @ right
