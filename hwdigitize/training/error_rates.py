"""Character and word error rates."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein


def character_error_rate(predicted: Sequence[str], truth: Sequence[str]) -> float:
    """Edits over characters of the truth, pooled over all samples; NaN without characters."""
    edits = sum(map(Levenshtein.distance, predicted, truth))
    length = sum(map(len, truth))
    return edits / length if length else float("nan")


def word_error_rate(predicted: Sequence[str], truth: Sequence[str]) -> float:
    """Edits over words of the truth, words split at white space, pooled over all samples."""
    edits = sum(
        Levenshtein.distance(a.split(), b.split())
        for a, b in zip(predicted, truth, strict=True)
    )
    length = sum(len(text.split()) for text in truth)
    return edits / length if length else float("nan")
