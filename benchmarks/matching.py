"""Found boxes against true boxes: hits, false alarms and misses at an overlap of one half."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """Counts over any number of pages; scores add."""

    hits: int = 0
    false: int = 0
    missed: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.hits + other.hits, self.false + other.false, self.missed + other.missed
        )

    @property
    def f1(self) -> float:
        return 2 * self.hits / max(1, 2 * self.hits + self.false + self.missed)


def overlap(one: Floats, other: Floats) -> Floats:
    """Area shared by each box of one (n, 4) and each of the other (m, 4)."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    return np.asarray((high - low).clip(0).prod(axis=2))


def area(boxes: Floats) -> Floats:
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))


def iou(one: Floats, other: Floats) -> Floats:
    shared = overlap(one, other)
    return shared / np.maximum(area(one)[:, None] + area(other)[None] - shared, 1e-9)


def match(found: Floats, truth: Floats) -> list[tuple[int, int]]:
    """Pairs found one to one, best overlap first, of an IoU of one half or more."""
    overlaps = iou(found, truth)
    pairs: list[tuple[int, int]] = []
    for i, j in sorted(np.argwhere(overlaps >= 0.5).tolist(), key=lambda p: -overlaps[*p]):
        if all(i != a and j != b for a, b in pairs):
            pairs.append((i, j))
    return pairs


def score(found: Floats, truth: Floats, ignored: Floats) -> Score:
    """Count one page; what matches an ignored box or lies mostly in them is left out."""
    hits = match(found, truth)
    rest = np.delete(found, [i for i, _ in hits], axis=0)
    matched = (iou(rest, ignored) >= 0.5).any(axis=1)
    within = overlap(rest, ignored).sum(axis=1) >= 0.5 * area(rest)
    return Score(len(hits), int((~(matched | within)).sum()), len(truth) - len(hits))
