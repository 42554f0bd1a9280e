from __future__ import annotations

import numpy as np

from hwdigitize.recognition.characters import CLASSES
from hwdigitize.training.evaluation import evaluate_characters, evaluate_writers


def scores_for(read: str) -> np.ndarray:
    logits = np.full((len(read), len(CLASSES)), -9.0)
    for row, character in zip(logits, read, strict=True):
        row[CLASSES.index(character)] = 9.0
    return logits


def labels(text: str) -> np.ndarray:
    return np.array([CLASSES.index(character) for character in text])


def test_case_is_forgiven_only_where_it_says_so() -> None:
    scores = evaluate_characters(scores_for("aCx0"), labels("acX0"), 1.0)
    assert (scores["glyphs"], scores["accuracy"], scores["case_merged"]) == (4, 0.5, 1.0)
    assert scores["confused"] == ["Cc 1", "Xx 1"]


def test_digits_and_capitals_are_read_among_themselves() -> None:
    logits = scores_for("O0")
    logits[0, CLASSES.index("0")] = 3.0
    logits[1, CLASSES.index("O")] = 3.0
    scores = evaluate_characters(logits, labels("0O"), 1.0)
    assert (scores["accuracy"], scores["digits"], scores["capitals"]) == (0.0, 1.0, 1.0)


def test_sources_without_digits_have_no_figure_for_them() -> None:
    assert "digits" not in evaluate_characters(scores_for("a"), labels("a"), 1.0)


def test_letters_compete_with_punctuation_only_where_there_is_some() -> None:
    logits = scores_for("|")
    logits[0, CLASSES.index("l")] = 5.0
    assert evaluate_characters(logits, labels("l"), 1.0)["accuracy"] == 1.0
    both = evaluate_characters(np.vstack([logits, scores_for("?")]), labels("l?"), 1.0)
    assert both["accuracy"] == 0.5


def test_calibration_error_of_certain_and_wrong_is_one() -> None:
    assert evaluate_characters(scores_for("A"), labels("b"), 1.0)["ece"] == 1.0
    assert evaluate_characters(scores_for("A"), labels("A"), 1.0)["ece"] == 0.0


def test_writers_counts_strangers_apart() -> None:
    gallery = np.eye(3)
    asked = np.array([[0.9, 0.1, 0], [0.2, 0.7, 0], [0.5, 0.5, 0.5]])
    scores = evaluate_writers(asked, ["ann", "bob", "eve"], gallery, ["ann", "bob", "cy"])
    assert (scores["queries"], scores["strangers"]) == (2, 1)
    assert (scores["top1"], scores["auroc"]) == (1.0, 1.0)
