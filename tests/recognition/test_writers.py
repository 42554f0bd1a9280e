from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hwdigitize.errors import OutputError, UsageError
from hwdigitize.recognition import writers
from hwdigitize.recognition.writers import (
    Gallery,
    average_linkage,
    cluster,
    embed_page,
    identify,
    join_embeddings,
    load_gallery,
    match_probability,
    pack_whitening,
    same_hand,
    whiten,
)

CALIBRATION: dict[str, Any] = {
    "network_share": 0.25,
    "slope": 20.0,
    "offset": -14.0,
    "known_from": 0.5,
    "same_hand_from": 0.7,
}


class FakeNetwork:
    def __init__(self) -> None:
        self.card = SimpleNamespace(
            sha256="a" * 64, calibration=dict(CALIBRATION), input={"dimensions": 2}
        )

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        return [np.tile([0.6, 0.8], (len(batch), 1)).astype(np.float32)]


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> FakeNetwork:
    fake = FakeNetwork()
    monkeypatch.setattr(writers, "load_network", lambda name, folder: fake)
    monkeypatch.setattr(writers, "load_card", lambda name, folder: fake.card)
    load_gallery.cache_clear()
    return fake


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


ANN, BOB = unit(1, 0, 0.1), unit(0, 1, 0.1)


def gallery() -> Gallery:
    return (
        Gallery.empty().enrol("ann", np.stack([ANN, unit(1, 0.2, 0)])).enrol("bob", BOB[None])
    )


def test_the_nearest_writer_is_named_with_a_probability() -> None:
    writer = identify(unit(0.9, 0.1, 0.1), gallery())
    assert (writer.id, writer.known) == ("ann", True)
    assert writer.score is not None and writer.score > 0.9


def test_a_stranger_is_not_known_but_has_a_nearest_writer() -> None:
    writer = identify(unit(0, 0.3, -1), gallery())
    assert (writer.id, writer.known) == ("bob", False)
    assert writer.score is not None and writer.score < 0.1


def test_nobody_without_gallery_or_writing() -> None:
    assert identify(ANN, Gallery.empty()).note == "the gallery is empty"
    assert identify(np.zeros(3, np.float32), gallery()).note == "no handwriting"


def test_probability_rises_with_similarity() -> None:
    probabilities = [match_probability(s, CALIBRATION) for s in (0.0, 0.5, 0.7, 0.9)]
    assert probabilities == sorted(probabilities)
    assert probabilities[2] == pytest.approx(0.5)


def test_gallery_survives_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "people.npz"
    gallery().save(path)
    again = Gallery.load(path)
    assert again.names == ("ann", "ann", "bob")
    assert np.array_equal(again.embeddings, gallery().embeddings)
    assert list(tmp_path.iterdir()) == [path], "no half-written file is left"
    assert load_gallery(str(path)) is load_gallery(str(path))


def test_enrolling_leaves_pages_without_writing_out() -> None:
    assert Gallery.empty().enrol("ann", np.zeros((2, 3), np.float32)).names == ()


def test_a_gallery_of_another_network_is_refused(tmp_path: Path, network: FakeNetwork) -> None:
    path = tmp_path / "people.npz"
    gallery().save(path)
    network.card.sha256 = "b" * 64
    with pytest.raises(UsageError, match="another writers network"):
        Gallery.load(path)


@pytest.mark.parametrize("content", [None, b"", b"not a zip", b"PK\x03\x04broken"])
def test_what_is_no_gallery_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "people.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"people\.npz"):
        Gallery.load(path)


def test_a_gallery_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        gallery().save(tmp_path / "missing" / "people.npz")


def test_similarity_of_joined_embeddings_is_the_weighted_mean() -> None:
    one = join_embeddings(unit(1, 0), unit(1, 0), 0.25)
    two = join_embeddings(unit(0, 1), unit(1, 0), 0.25)
    assert np.linalg.norm(one) == pytest.approx(1)
    assert float(one @ two) == pytest.approx(0.75)


def test_a_page_is_embedded_as_a_unit_vector(network: FakeNetwork) -> None:
    crop = np.full((60, 600), 255, np.uint8)
    crop[20:40, 20:580:9] = 0
    crop[20:40, 21:580:9] = 0
    embedding = embed_page([crop, crop])
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)
    assert embedding[:2] == pytest.approx(np.sqrt(0.25) * np.array([0.6, 0.8]), abs=1e-5)


def test_a_page_without_writing_is_zeros() -> None:
    assert not embed_page([]).any()
    assert not embed_page([np.full((60, 600), 255, np.uint8)]).any()


def test_pages_of_one_hand_share_a_label_in_order_of_appearance() -> None:
    pages = np.stack([BOB, ANN, unit(0.1, 1, 0), np.zeros(3), unit(1, 0.1, 0)])
    assert cluster(pages) == ["hand-1", "hand-2", "hand-1", None, "hand-2"]


def test_no_pages_no_labels() -> None:
    assert cluster(np.zeros((0, 0), np.float32)) == []


def test_linkage_agrees_with_the_textbook() -> None:
    """Average linkage by chains and means is that of the full matrix of similarities."""
    from scipy.cluster.hierarchy import fcluster, linkage

    rng = np.random.default_rng(3)
    centres = rng.normal(size=(6, 8))
    points = centres[rng.integers(0, 6, 60)] + 0.45 * rng.normal(size=(60, 8))
    points = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    for threshold in (0.3, 0.6, 0.8):
        distances = 1 - (points @ points.T)[np.triu_indices(60, 1)]
        expected = fcluster(linkage(distances, "average"), 1 - threshold, "distance")
        found = np.array(average_linkage(points, threshold))
        same = found[:, None] == found[None, :]
        assert np.array_equal(same, expected[:, None] == expected[None, :]), threshold


def test_the_probability_of_one_hand_rises_with_likeness(network: FakeNetwork) -> None:
    network.card.calibration["pair"] = [10.0, -5.0]
    assert same_hand(ANN, ANN) > 0.99
    assert same_hand(ANN, BOB) < 0.01
    assert same_hand(ANN, BOB) == same_hand(BOB, ANN)
    half = unit(np.sqrt(3), 1, 0)
    assert same_hand(unit(0, 1, 0), half) == pytest.approx(0.5)


def test_nothing_is_known_of_pages_without_writing() -> None:
    assert same_hand(ANN, np.zeros(3, np.float32)) == 0.5


def test_known_probabilities_are_those_of_the_calibration() -> None:
    knots = {"isotonic": [[0.0, 0.1], [1.0, 0.9]]}
    assert match_probability(0.7, CALIBRATION | knots) == pytest.approx(0.5)
    assert match_probability(9.0, CALIBRATION | knots) == pytest.approx(0.9)


def test_whitening_takes_off_the_mean_and_turns_to_the_axes() -> None:
    stored = pack_whitening(np.array([1.0, 2.0, 0.5]), np.array([[2.0, 0], [0, 1], [0, 0]]))
    assert whiten(np.array([2.0, 5.0, 9.0], np.float32), stored) == pytest.approx([2.0, 3.0])
    assert not whiten(np.zeros(3, np.float32), stored).any(), "no ink, no hand"
    assert whiten(ANN, None) is ANN


def lines() -> list[np.ndarray]:
    crop = np.full((60, 600), 255, np.uint8)
    crop[20:40, 20:580:9] = 0
    crop[20:40, 21:580:9] = 0
    return [crop, crop]


def test_a_network_without_a_share_is_not_asked(network: FakeNetwork) -> None:
    network.card.calibration["network_share"] = 0.0
    network.run = None  # type: ignore[assignment]
    assert np.linalg.norm(embed_page(lines())) == pytest.approx(1, abs=1e-5)


def test_another_whitening_makes_another_gallery(tmp_path: Path, network: FakeNetwork) -> None:
    path = tmp_path / "people.npz"
    gallery().save(path)
    network.card.calibration["whitening"] = pack_whitening(np.zeros(512), np.eye(512, 4))
    assert embed_page(lines()).shape == (2 + 4,)
    with pytest.raises(UsageError, match="another writers network"):
        Gallery.load(path)
