from __future__ import annotations

import numpy as np
import pytest

from hwdigitize.recognition.characters import CLASSES
from hwdigitize.training.evaluation import (
    evaluate_characters,
    evaluate_verification,
    evaluate_writers,
)


def scores_for(read: str) -> np.ndarray:
    logits = np.full((len(read), len(CLASSES)), -9.0)
    for row, character in zip(logits, read, strict=True):
        row[CLASSES.index(character)] = 9.0
    return logits


def labels(text: str) -> np.ndarray:
    return np.array([CLASSES.index(character) for character in text])


def test_case_is_forgiven_only_where_it_says_so() -> None:
    scores = evaluate_characters(scores_for("aCx0"), labels("acX0"), {})
    assert (scores["glyphs"], scores["accuracy"], scores["case_merged"]) == (4, 0.5, 1.0)
    assert scores["confused"] == ["Cc 1", "Xx 1"]


def test_digits_and_capitals_are_read_among_themselves() -> None:
    logits = scores_for("O0")
    logits[0, CLASSES.index("0")] = 3.0
    logits[1, CLASSES.index("O")] = 3.0
    scores = evaluate_characters(logits, labels("0O"), {})
    assert (scores["accuracy"], scores["digits"], scores["capitals"]) == (0.0, 1.0, 1.0)


def test_sources_without_digits_have_no_figure_for_them() -> None:
    assert "digits" not in evaluate_characters(scores_for("a"), labels("a"), {})


def test_letters_compete_with_punctuation_only_where_there_is_some() -> None:
    logits = scores_for("|")
    logits[0, CLASSES.index("l")] = 5.0
    assert evaluate_characters(logits, labels("l"), {})["accuracy"] == 1.0
    both = evaluate_characters(np.vstack([logits, scores_for("?")]), labels("l?"), {})
    assert both["accuracy"] == 0.5


def test_calibration_error_of_certain_and_wrong_is_one() -> None:
    assert evaluate_characters(scores_for("A"), labels("b"), {})["ece"] == 1.0
    assert evaluate_characters(scores_for("A"), labels("A"), {})["ece"] == 0.0
    halved = {"isotonic": [[0.0, 0.5], [1.0, 0.5]]}
    assert evaluate_characters(scores_for("AA"), labels("Ab"), halved)["ece"] == 0.0


def test_writers_counts_strangers_apart() -> None:
    gallery = np.eye(3)
    asked = np.array([[0.9, 0.1, 0], [0.2, 0.7, 0], [0.5, 0.5, 0.5]])
    scores = evaluate_writers(asked, ["ann", "bob", "eve"], gallery, ["ann", "bob", "cy"])
    assert (scores["queries"], scores["strangers"]) == (2, 1)
    assert (scores["top1"], scores["auroc"]) == (1.0, 1.0)


def test_pairs_of_pages_are_told_apart_and_weighed_evenly() -> None:
    gallery, asked = np.eye(2), np.array([[0.9, 0.1], [0.3, 0.8], [0.2, 0.4]])
    certain = {"pair": [1000.0, -500.0]}
    scores = evaluate_verification(asked, ["a", "b", "c"], gallery, ["a", "b"], certain)
    assert (scores["same_hand"], scores["two_hands"]) == (2, 4)
    assert (scores["auroc"], scores["eer"], scores["ece"]) == (1.0, 0.0, 0.0)
    unsure = {"pair": [0.0, 0.0]}
    scores = evaluate_verification(asked, ["a", "b", "c"], gallery, ["b", "a"], unsure)
    assert scores["auroc"] == pytest.approx(0.125)
    assert scores["ece"] == 0.0, "half of the pairs weighed are by one hand"


def test_without_pairs_there_is_nothing_to_verify() -> None:
    scores = evaluate_verification(np.eye(1), ["a"], np.eye(1), ["b"], {})
    assert scores == {"same_hand": 0, "two_hands": 1}
