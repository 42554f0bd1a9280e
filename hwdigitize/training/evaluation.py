"""What the characters and writers networks are worth on labelled data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hwdigitize.recognition.characters import CLASSES, allowed_classes, probabilities
from hwdigitize.recognition.confidence import calibration_error
from hwdigitize.training.metrics import (
    accuracy,
    confusion_matrix,
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


def evaluate_characters(logits: Floats, truth: Ints, temperature: float) -> dict[str, Any]:
    """Scores of one source of glyphs.

    Args:
        logits: (n, classes of the network).
        truth: (n,) indices into CLASSES.
        temperature: from the card.

    Returns:
        ``glyphs``, ``accuracy`` among digits and letters (all characters where there is
        punctuation), ``case_merged``, ``top5``, ``macro_f1``, ``ece`` and ``confused`` pairs;
        ``digits`` and ``capitals`` among themselves, where there are any.
    """
    marks = (truth >= CLASSES.index("!")).any()
    shares = probabilities(
        logits, allowed_classes("any" if marks else "alphanumeric"), temperature
    )
    read = shares[:, :-2].argmax(axis=1)
    confusion = confusion_matrix(truth, read, len(CLASSES))
    scores: dict[str, Any] = {
        "glyphs": len(truth),
        "accuracy": accuracy(truth, read),
        "case_merged": accuracy(SMALL[truth], SMALL[read]),
        "top5": top_k_accuracy(truth, shares, 5),
        "macro_f1": macro_f1(confusion),
        "ece": calibration_error(shares.max(axis=1), truth == shares.argmax(axis=1)),
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
