"""What predictions are worth: error rates, calibration, and errors against share accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hwdigitize.recognition.confidence import calibration_error
from hwdigitize.training.error_rates import character_error_rate, word_error_rate

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: lower ends of the length classes, in characters
LENGTHS = (1, 2, 3, 4, 5, 7, 9, 12, 16, 30, 60)
BINS = 15


@dataclass(frozen=True)
class Prediction:
    """One sample's truth and what was read, with its confidence."""

    id: str
    truth: str
    predicted: str
    confidence: float
    source: str = ""
    kind: str = ""

    @property
    def right(self) -> bool:
        """Whether all of it is right, case included."""
        return self.truth == self.predicted


@dataclass(frozen=True)
class Bin:
    """Samples of like confidence: how sure the network was, how often it was right."""

    confidence: float
    accuracy: float
    samples: int


def text_scores(predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Samples, CER, WER, exact readings with and without case, calibration error."""
    read, truth = [p.predicted for p in predictions], [p.truth for p in predictions]
    right, confidences = _right(predictions), _confidences(predictions)
    caseless = [a.lower() == b.lower() for a, b in zip(read, truth, strict=True)]
    return {
        "samples": len(predictions),
        "cer": _rounded(character_error_rate(read, truth)),
        "wer": _rounded(word_error_rate(read, truth)),
        "exact": _rounded(np.mean(right)),
        "exact_caseless": _rounded(np.mean(caseless)),
        "calibration_error": _rounded(calibration_error(confidences, right)),
    }


def words_scores(
    predictions: Sequence[Prediction], seen: frozenset[str] | None = None
) -> dict[str, Any]:
    """All figures of readings of words and lines.

    Args:
        predictions: at least one.
        seen: texts of the training split, to score unseen ones apart; None if not known.
    """
    scores: dict[str, Any] = {"all": text_scores(predictions)}
    scores["by_source"] = grouped(predictions, lambda p: f"{p.source}-{p.kind}s")
    if seen is not None:
        scores["seen"] = grouped(
            [p for p in predictions if p.kind == "word"],
            lambda p: f"{p.source} {'seen' if p.truth in seen else 'unseen'}",
        )
    by_length = grouped(predictions, lambda p: _length_class(len(p.truth)))
    scores["by_length"] = dict(
        sorted(by_length.items(), key=lambda item: int(item[0].split()[0]))
    )
    return scores | confidence_scores(predictions)


def confidence_scores(predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Reliability bins, and the error among the surest shares of the predictions."""
    right, confidences = _right(predictions), _confidences(predictions)
    return {
        "reliability": [asdict(bin_) for bin_ in reliability(confidences, right)],
        "accepted": [
            {"share": round(share, 3), "error": round(error, 4)}
            for share, error in error_by_share(confidences, right)
        ],
    }


def grouped(
    predictions: Sequence[Prediction], name: Callable[[Prediction], str]
) -> dict[str, dict[str, Any]]:
    """:func:`text_scores` of each group, sorted by name."""
    groups: dict[str, list[Prediction]] = {}
    for prediction in predictions:
        groups.setdefault(name(prediction), []).append(prediction)
    return {key: text_scores(groups[key]) for key in sorted(groups)}


def _length_class(length: int) -> str:
    index = int(np.searchsorted(LENGTHS, max(length, 1), side="right")) - 1
    low = LENGTHS[index]
    if index + 1 == len(LENGTHS):
        return f"{low} and more"
    high = LENGTHS[index + 1] - 1
    return str(low) if low == high else f"{low} to {high}"


def reliability(confidences: Floats, right: Flags, bins: int = BINS) -> list[Bin]:
    """Bins of equal width that hold samples, surest last."""
    which = np.minimum((confidences * bins).astype(int), bins - 1)
    return [
        Bin(
            round(float(confidences[which == i].mean()), 4),
            round(float(right[which == i].mean()), 4),
            int((which == i).sum()),
        )
        for i in range(bins)
        if (which == i).any()
    ]


def error_by_share(
    confidences: Floats, right: Flags, points: int = 50
) -> list[tuple[float, float]]:
    """Share of predictions accepted, surest first, and the share of errors among them.

    El-Yaniv and Wiener, "On the foundations of noise-free selective classification" (2010).
    """
    order = np.argsort(-confidences, kind="stable")
    errors = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    ends = np.unique(np.ceil(np.linspace(0, 1, points + 1)[1:] * len(order)).astype(int))
    return [(float(end / len(order)), float(errors[end - 1])) for end in ends]


def _right(predictions: Sequence[Prediction]) -> Flags:
    return np.array([p.right for p in predictions], np.bool_)


def _confidences(predictions: Sequence[Prediction]) -> Floats:
    return np.array([p.confidence for p in predictions], np.float64)


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)
