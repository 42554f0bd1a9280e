"""Every kind of network: chosen by configuration, trained a little, exported, read back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

keras = pytest.importorskip("keras")

from hwdigitize.errors import ModelError, UsageError  # noqa: E402
from hwdigitize.recognition.runtime import Name, load_card, load_network  # noqa: E402
from hwdigitize.training.export import TOLERANCE, convert, export  # noqa: E402
from hwdigitize.training.networks import backbones  # noqa: E402
from hwdigitize.training.networks.choice import (  # noqa: E402
    CHARACTERS,
    WORDS,
    WRITERS,
    chosen,
)
from hwdigitize.training.words import ctc_loss  # noqa: E402
from hwdigitize.training.writers import WritersTraining, writers_loss  # noqa: E402

TINY_WORDS: dict[str, Any] = {
    "height_px": 16,
    "stem_filters": [2, 4],
    "block_filters": [4, 6],
    "blocks_per_stage": 1,
}
TINY: dict[str, dict[str, Any]] = {
    "crnn": TINY_WORDS | {"lstm_units": 3, "lstm_layers": 1},
    "128x32": TINY_WORDS | {"lstm_units": 3, "lstm_layers": 1},
    "resnet-ctc": TINY_WORDS | {"context_layers": 2, "context_steps": 3},
    "resnet": {"stem_filters": 4, "stage_filters": [4, 6], "blocks": [1, 1]},
    "cnn": {"stem_filters": 4, "stage_filters": [4, 6], "blocks": [0, 0]},
    "embedding": {"stem_filters": 3, "stage_filters": [4, 6], "dimensions": 5},
    "softmax": {"dimensions": 5},
}
rng = np.random.default_rng(5)


@pytest.fixture(autouse=True)
def _fresh_networks() -> Iterator[None]:
    yield
    load_card.cache_clear()
    load_network.cache_clear()


def trained_a_little(model: Any, loss: Any, x: np.ndarray, y: Any) -> None:
    before = [w.copy() for w in model.get_weights()]
    model.compile("sgd", loss=loss, jit_compile=False)
    losses = [np.ravel(model.train_on_batch(x, y))[0] for _ in range(2)]
    assert np.isfinite(losses).all()
    moved = zip(before, model.get_weights(), strict=True)
    assert any(not np.array_equal(a, b) for a, b in moved)


def reads_like_keras(model: Any, name: Name, folder: Path, x: np.ndarray) -> None:
    """The conversion computes what Keras does; half precision, as shipped, nearly so."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("conversion needs KERAS_BACKEND=tensorflow")
    model.save(folder / "trained.keras")
    wanted = model.predict_on_batch(x)
    wanted = wanted[0] if isinstance(wanted, list) else wanted
    convert(folder / "trained.keras", 1, folder / "whole.onnx")
    session = onnxruntime.InferenceSession(folder / "whole.onnx")
    got = session.run(None, {session.get_inputs()[0].name: x})[0]
    np.testing.assert_allclose(got, wanted, atol=1e-3)
    export(folder / "trained.keras", folder / "models", name, "test")
    shipped = load_network(name, str(folder / "models")).run(x)[0]
    np.testing.assert_allclose(shipped, wanted, atol=TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORDS)
def test_words_networks(kind: str, tmp_path: Path) -> None:
    config = chosen(WORDS, WORDS["crnn"], {"kind": kind, **TINY[kind]})
    model = config.build(7)
    x = rng.random((2, 16, config.width_px or 64, 1), np.float32)
    steps = x.shape[2] // config.stride_px
    assert [y.shape for y in model.predict_on_batch(x)] == [(2, steps, 8)] * 2
    packed = np.array([[2, steps, 1, 2], [1, steps, 3, 0]], np.int32)
    trained_a_little(model, [ctc_loss, ctc_loss], x, [packed, packed])
    reads_like_keras(model, "words", tmp_path, x)


def test_words_of_any_width_need_no_recurrence() -> None:
    config = chosen(WORDS, WORDS["crnn"], {"kind": "resnet-ctc", **TINY["resnet-ctc"]})
    model = config.build(7)
    assert not any(isinstance(layer, keras.layers.Bidirectional) for layer in model.layers)
    for width in (32, 200):
        x = np.zeros((1, 16, width, 1), np.float32)
        assert model.predict_on_batch(x)[0].shape == (1, width // 4, 8)


def test_the_network_without_recurrence_is_lighter() -> None:
    weights = {kind: WORDS[kind].build(100).count_params() for kind in ("crnn", "resnet-ctc")}
    assert weights["resnet-ctc"] < 0.7 * weights["crnn"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", CHARACTERS)
def test_characters_networks(kind: str, tmp_path: Path) -> None:
    model = chosen(CHARACTERS, CHARACTERS["resnet"], {"kind": kind, **TINY[kind]}).build(5)
    x = rng.random((3, 32, 32, 1), np.float32)
    targets = np.eye(5, dtype=np.float32)[[0, 1, 4]]
    trained_a_little(model, keras.losses.CategoricalCrossentropy(from_logits=True), x, targets)
    shortcuts = sum(isinstance(layer, keras.layers.Add) for layer in model.layers)
    assert shortcuts == (2 if kind == "resnet" else 0)
    reads_like_keras(model, "characters", tmp_path, x)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "backbone"),
    [("embedding", ""), ("softmax", "own"), ("softmax", "mobilenet")],
)
def test_writers_networks(kind: str, backbone: str, tmp_path: Path) -> None:
    table = {"kind": kind, **TINY[kind]} | ({"backbone": backbone} if backbone else {})
    config = chosen(WRITERS, WRITERS["embedding"], table)
    network = config.build()
    x = rng.random((3, 64, 256, 1), np.float32)
    model = config.add_head(network, 4)
    loss = writers_loss(replace(WritersTraining(), network=config))
    trained_a_little(model, loss, x, np.array([0, 1, 3], np.int32))
    vectors = network.predict_on_batch(x)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-3)
    reads_like_keras(network, "writers", tmp_path, x)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["vgg16", "resnet50"])
def test_large_backbones(backbone: str) -> None:
    table = {"kind": "softmax", "backbone": backbone, "width_px": 64}
    network = chosen(WRITERS, WRITERS["embedding"], table).build()
    vectors = network.predict_on_batch(rng.random((1, 64, 64, 1), np.float32))
    assert vectors.shape == (1, 128)
    assert np.linalg.norm(vectors) == pytest.approx(1, abs=1e-3)


def test_an_unknown_kind_or_setting_is_named() -> None:
    with pytest.raises(UsageError, match=r"unknown \[network\] kind 'vit'; known are crnn"):
        chosen(WORDS, WORDS["crnn"], {"kind": "vit"})
    with pytest.raises(UsageError, match="unknown setting 'lstm_units'"):
        chosen(WORDS, WORDS["crnn"], {"kind": "resnet-ctc", "lstm_units": 3})
    with pytest.raises(UsageError, match=r"unknown .* backbone 'alexnet'"):
        chosen(WRITERS, WRITERS["softmax"], {"backbone": "alexnet"}).build()


def test_another_kind_starts_from_its_own_sizes() -> None:
    base = replace(CHARACTERS["resnet"], stem_filters=3)
    assert chosen(CHARACTERS, base, {}) == base
    assert chosen(CHARACTERS, base, {"kind": "cnn"}) == CHARACTERS["cnn"]


def test_backbone_weights_from_a_file(tmp_path: Path) -> None:
    body = keras.applications.MobileNet(
        include_top=False, weights=None, input_shape=(64, 256, 3)
    )
    path = tmp_path / "mine.weights.h5"
    body.save_weights(path)
    table = {"kind": "softmax", "backbone": "mobilenet", "weights": str(path)}
    network = chosen(WRITERS, WRITERS["embedding"], table).build()
    inside = next(layer for layer in network.layers if isinstance(layer, keras.Model))
    for mine, given in zip(inside.get_weights(), body.get_weights(), strict=True):
        assert np.array_equal(mine, given)


def test_backbone_weights_that_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {"kind": "softmax", "backbone": "mobilenet", "weights": str(tmp_path / "no.h5")}
    with pytest.raises(ModelError, match="holds no weights for mobilenet"):
        chosen(WRITERS, WRITERS["embedding"], table).build()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(ModelError, match=r"fetch .* on another machine and name the file"):
        backbones.fetch_imagenet("vgg16", source=f"{tmp_path.as_uri()}/")


def test_imagenet_weights_are_fetched_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    published = tmp_path / backbones.FILES["vgg16"]
    published.parent.mkdir()
    published.write_bytes(b"weights")
    source = f"{tmp_path.as_uri()}/"
    first = backbones.fetch_imagenet("vgg16", source=source)
    assert first.read_bytes() == b"weights"
    published.unlink()
    assert backbones.fetch_imagenet("vgg16", source=source) == first
