"""What the characters and writers networks are worth on labelled data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hwdigitize.recognition.characters import CLASSES, allowed_classes
from hwdigitize.recognition.confidence import calibration_error
from hwdigitize.recognition.writers import same_hand_probability
from hwdigitize.training.calibration import best_of_boxes
from hwdigitize.training.metrics import (
    accuracy,
    auroc,
    confusion_matrix,
    equal_error_rate,
    identification_scores,
    macro_f1,
    most_confused,
    top_k_accuracy,
)

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]

LETTERS = np.array([name.isalpha() and len(name) == 1 for name in CLASSES])
#: class of the small letter for each capital, itself for every other class
SMALL = np.array(
    [CLASSES.index(c.lower()) if len(c) == 1 else i for i, c in enumerate(CLASSES)]
)


def evaluate_characters(
    logits: Floats, truth: Ints, calibration: Mapping[str, Any]
) -> dict[str, Any]:
    """Scores of one source of glyphs.

    Args:
        logits: (n, classes of the network).
        truth: (n,) indices into CLASSES.
        calibration: from the card.

    Returns:
        ``glyphs``, ``accuracy`` among digits and letters (all characters where there is
        punctuation), ``case_merged``, ``top5``, ``macro_f1``, ``ece`` and ``confused`` pairs;
        ``digits`` and ``capitals`` among themselves, where there are any.
    """
    read, confidences = best_of_boxes(logits, truth, np.full(len(truth), "this"), calibration)
    confusion = confusion_matrix(truth, read, len(CLASSES))
    scores: dict[str, Any] = {
        "glyphs": len(truth),
        "accuracy": accuracy(truth, read),
        "case_merged": accuracy(SMALL[truth], SMALL[read]),
        "top5": top_k_accuracy(truth, _allowed_only(logits, truth), 5),
        "macro_f1": macro_f1(confusion),
        "ece": calibration_error(confidences, truth == read),
    }
    for name in ("digits", "capitals"):
        among = allowed_classes(name)
        among[-2:] = False
        if (ours := among[truth]).any():
            best = np.where(among, logits[ours], -np.inf).argmax(axis=1)
            scores[name] = accuracy(truth[ours], best)
    rounded = {name: round(value, 4) for name, value in scores.items()}
    pairs = [f"{CLASSES[a]}{CLASSES[b]} {n}" for a, b, n in most_confused(confusion)]
    return rounded | {"confused": pairs}


def _allowed_only(logits: Floats, truth: Ints) -> Floats:
    marks = bool((truth >= CLASSES.index("!")).any())
    return np.where(allowed_classes("any" if marks else "alphanumeric"), logits, -np.inf)


def evaluate_writers(
    asked: Floats,
    asked_writers: Sequence[str],
    known: Floats,
    known_writers: Sequence[str],
) -> dict[str, Any]:
    """Identification scores of embeddings (n, d) in a gallery (m, d).

    Returns:
        ``queries``, ``strangers`` and what :func:`metrics.identification_scores` gives.
    """
    strangers = sum(writer not in set(known_writers) for writer in asked_writers)
    scores = identification_scores(asked @ known.T, asked_writers, known_writers)
    counts = {"queries": len(asked_writers) - strangers, "strangers": strangers}
    return counts | {name: round(value, 4) for name, value in scores.items()}


def evaluate_verification(
    asked: Floats,
    asked_writers: Sequence[str],
    known: Floats,
    known_writers: Sequence[str],
    calibration: Mapping[str, Any],
) -> dict[str, Any]:
    """Same hand or not, for each page asked (n, d) beside each of a gallery (m, d).

    Returns:
        ``pairs`` by one hand and by two, ``auroc``, ``eer``, and ``ece`` of the probability
        where both are as frequent: of the pairs by two hands, as many are drawn as by one.
        Nothing where there are no pairs of either kind.
    """
    likeness = (asked @ known.T).ravel().astype(np.float64)
    own = np.asarray(asked_writers)[:, None] == np.asarray(known_writers)[None, :]
    same, other = likeness[own.ravel()], likeness[~own.ravel()]
    scores: dict[str, Any] = {"same_hand": len(same), "two_hands": len(other)}
    if not len(same) or not len(other):
        return scores
    drawn = np.random.default_rng(0).permutation(other)[: len(same)]
    confidences = [same_hand_probability(float(s), calibration) for s in (*same, *drawn)]
    right = np.arange(len(confidences)) < len(same)
    figures = {
        "auroc": auroc(same, other),
        "eer": equal_error_rate(same, other),
        "ece": calibration_error(np.array(confidences), right),
    }
    return scores | {name: round(value, 4) for name, value in figures.items()}
