from __future__ import annotations

import numpy as np
import pytest

from hwdigitize.errors import UsageError
from hwdigitize.recognition import characters
from hwdigitize.recognition.characters import (
    CLASSES,
    EMPTY,
    REJECT,
    allowed_classes,
    probabilities,
    read_characters,
)


class FakeNetwork:
    """Answers every glyph with the same scores."""

    def __init__(self, scores: dict[str, float], temperature: float = 1.0) -> None:
        self.scores = scores
        self.card = type("Card", (), {"calibration": {"temperature": temperature}})()

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        logits = np.full(len(CLASSES), -20.0)
        for name, probability in self.scores.items():
            logits[CLASSES.index(name)] = np.log(probability)
        return [np.tile(logits, (len(batch), 1))]


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    def set_scores(**scores: float) -> None:
        network = FakeNetwork({name.strip("_"): share for name, share in scores.items()})
        monkeypatch.setattr(characters, "load_network", lambda name, folder: network)

    return set_scores


CROP = np.full((20, 20), 255, np.uint8)


def test_probability_is_shared_among_the_characters_allowed(answer) -> None:  # type: ignore[no-untyped-def]
    answer(O=0.6, _0=0.3, Q=0.1)
    free, digit = read_characters([CROP])[0], read_characters([CROP], "digits")[0]
    assert (free.text, digit.text) == ("O", "0")
    assert free.confidence == pytest.approx(0.6, abs=1e-3)
    assert digit.confidence == pytest.approx(1.0, abs=1e-3)
    assert [text for text, _ in free.alternatives[:2]] == ["0", "Q"]


def test_junk_keeps_its_share_and_takes_confidence_away(answer) -> None:  # type: ignore[no-untyped-def]
    answer(reject=0.8, _4=0.15, Y=0.05)
    reading = read_characters([CROP], "digits")[0]
    assert reading.text == "4"
    assert reading.confidence == pytest.approx(0.15 / 0.95, abs=1e-3)


def test_an_empty_box_reads_as_nothing(answer) -> None:  # type: ignore[no-untyped-def]
    answer(empty=0.9, _1=0.1)
    reading = read_characters([CROP], "digits")[0]
    assert (reading.text, round(reading.confidence, 2)) == ("", 0.9)
    assert reading.alternatives[0] == ("1", pytest.approx(0.1, abs=1e-3))


def test_no_more_crops_than_readings(answer) -> None:  # type: ignore[no-untyped-def]
    answer(A=1.0)
    assert [r.text for r in read_characters([CROP] * 600)] == ["A"] * 600
    assert read_characters([]) == []


def test_sets_of_characters() -> None:
    assert allowed_classes("digits").sum() == 12
    assert allowed_classes("capitals").sum() == 28
    assert allowed_classes("any").all()
    literal = allowed_classes("XO-")
    assert [CLASSES[i] for i in np.flatnonzero(literal)] == ["O", "X", "-", "reject", "empty"]


@pytest.mark.parametrize("allowed", ["", "12é"])
def test_characters_nobody_can_read_are_refused(allowed: str) -> None:
    with pytest.raises(UsageError, match="digits"):
        allowed_classes(allowed)


def test_temperature_flattens_and_masked_classes_have_nothing() -> None:
    logits = np.zeros((1, len(CLASSES)))
    logits[0, 3] = 4.0
    keep = allowed_classes("digits")
    sharp, flat = (probabilities(logits, keep, t) for t in (1.0, 4.0))
    assert sharp.sum() == pytest.approx(1) == flat.sum()
    assert sharp[0, 3] > flat[0, 3] > flat[0, 2]
    assert not sharp[0, ~keep].any()


def test_reject_and_empty_are_the_last_classes() -> None:
    assert (CLASSES[REJECT], CLASSES[EMPTY]) == ("reject", "empty")
    assert len(CLASSES) == len(set(CLASSES)) == 96


def test_confidences_are_those_of_the_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    network = FakeNetwork({"A": 0.8, "B": 0.2})
    network.card.calibration["isotonic"] = [[0.0, 0.0], [0.8, 0.6], [1.0, 1.0]]  # type: ignore[attr-defined]
    monkeypatch.setattr(characters, "load_network", lambda name, folder: network)
    reading = read_characters([CROP])[0]
    assert reading.confidence == pytest.approx(0.6, abs=1e-3)
    assert reading.alternatives[0] == ("B", pytest.approx(0.15, abs=1e-3))
