"""Figures of merit of classifiers and of writer identification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]


@dataclass(frozen=True)
class ClassScores:
    """One class: share of its answers that are right, of its samples found, both together."""

    precision: float
    recall: float
    f1: float
    count: int


def accuracy(truth: Ints, predicted: Ints) -> float:
    """Share of right answers; 0 without any sample."""
    return float(np.mean(truth == predicted)) if len(truth) else 0.0


def top_k_accuracy(truth: Ints, scores: Floats, k: int) -> float:
    """Share of samples whose class is among the ``k`` best scored; scores are (n, classes)."""
    if not len(truth):
        return 0.0
    own = scores[np.arange(len(truth)), truth][:, None]
    return float(np.mean((scores > own).sum(axis=1) < k))


def confusion_matrix(truth: Ints, predicted: Ints, classes: int) -> npt.NDArray[np.int64]:
    """Counts (classes, classes): rows are what is there, columns what was answered."""
    flat = np.bincount(truth * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes)


def class_scores(confusion: Ints) -> tuple[ClassScores, ...]:
    """Precision, recall and F1 of each class; 0 where there is nothing to divide by."""
    right, found, there = np.diag(confusion), confusion.sum(axis=0), confusion.sum(axis=1)
    precision = right / np.maximum(found, 1)
    recall = right / np.maximum(there, 1)
    f1 = 2 * right / np.maximum(found + there, 1)
    return tuple(
        ClassScores(float(p), float(r), float(f), int(n))
        for p, r, f, n in zip(precision, recall, f1, there, strict=True)
    )


def macro_f1(confusion: Ints) -> float:
    """Mean F1 of the classes that have samples."""
    scores = [scores.f1 for scores in class_scores(confusion) if scores.count]
    return float(np.mean(scores)) if scores else 0.0


def most_confused(confusion: Ints, most: int = 10) -> list[tuple[int, int, int]]:
    """Pairs of classes by how often one was taken for the other, either way.

    Returns:
        (class, other class, count), most confused first, pairs never confused left out.
    """
    mutual = np.triu(confusion + confusion.T, 1)
    order = np.argsort(-mutual, axis=None, kind="stable")[:most]
    pairs = [(int(i) // len(mutual), int(i) % len(mutual)) for i in order]
    return [(a, b, int(mutual[a, b])) for a, b in pairs if mutual[a, b]]


def auroc(positives: Floats, negatives: Floats) -> float:
    """Probability that a positive scores above a negative, ties counted half.

    The area under the receiver operating characteristic, by rank sum (Hanley and McNeil, 1982).
    """
    scores = np.concatenate([positives, negatives])
    _, which, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[which][: len(positives)]
    below = ranks.sum() - len(positives) * (len(positives) + 1) / 2
    return float(below / (len(positives) * len(negatives)))


def equal_error_rate(positives: Floats, negatives: Floats) -> float:
    """Error rate at the threshold where as many positives are refused as negatives accepted."""
    thresholds = np.unique(np.concatenate([positives, negatives, [np.inf]]))
    refused = np.searchsorted(np.sort(positives), thresholds) / len(positives)
    accepted = 1 - np.searchsorted(np.sort(negatives), thresholds) / len(negatives)
    best = int(np.argmin(np.abs(refused - accepted)))
    return float((refused[best] + accepted[best]) / 2)


def writer_ranks(
    similarities: Floats, queries: Sequence[str], gallery: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Rank of each query's writer among the gallery's, 0 the best; -1 for strangers.

    Args:
        similarities: (queries, gallery pages); a writer's is that of their nearest page.
        queries: writer of each row.
        gallery: writer of each column.
    """
    writers, best = nearest_by_writer(similarities, gallery)
    index = {writer: i for i, writer in enumerate(writers)}
    ranks = np.full(len(queries), -1, np.int64)
    for row, writer in enumerate(queries):
        if writer in index:
            ranks[row] = int((best[row] > best[row, index[writer]]).sum())
    return ranks


def nearest_by_writer(
    similarities: Floats, gallery: Sequence[str]
) -> tuple[list[str], npt.NDArray[np.floating]]:
    """Writers of the gallery, sorted, and the queries' best similarity to each (n, writers)."""
    names = np.asarray(gallery)
    writers = sorted(set(gallery))
    best = [similarities[:, names == writer].max(axis=1) for writer in writers]
    return writers, np.stack(best, axis=1)


def identification_scores(
    similarities: Floats, queries: Sequence[str], gallery: Sequence[str]
) -> dict[str, float]:
    """Top-1, top-5 of the queries in the gallery, and how well strangers are told from them.

    A query whose writer is not in the gallery is a stranger. Where there is none, each query is
    asked a second time with its own writer's pages hidden.
    """
    ranks = writer_ranks(similarities, queries, gallery)
    nearest = similarities.max(axis=1)
    known = ranks >= 0
    strangers = nearest[~known]
    if known.all():
        own = np.asarray(queries)[:, None] == np.asarray(gallery)[None, :]
        strangers = np.where(own, -np.inf, similarities).max(axis=1)
    return {
        "top1": float(np.mean(ranks[known] == 0)),
        "top5": float(np.mean(ranks[known] < 5)),
        "auroc": auroc(nearest[known], strangers),
        "eer": equal_error_rate(nearest[known], strangers),
    }
