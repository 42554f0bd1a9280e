"""Which gaps of a line part two words: features of a gap in its page, and the small network.

The network has one hidden layer. It was fitted to the train pages of pages.parquet by
``python benchmarks/segmentation.py --fit``, which prints gapweights.py.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from hwdigitize.pages.gapweights import HIDDEN, OUT
from hwdigitize.pages.ink import Floats

# A line's own statistics count as much as the page's once it has this many gaps.
LINE_GAPS = 8
FEATURES = 21


def gap_logits(features: list[Floats]) -> list[Floats]:
    """For each line's gaps the log odds that they part words; from words.gap_features."""
    hidden_weight, hidden_bias, weight, bias = _weights()
    return [
        np.tanh(known @ hidden_weight + hidden_bias) @ weight + bias
        for known in in_context(features)
    ]


def in_context(features: list[Floats]) -> list[Floats]:
    """Features of each line's gaps beside those of its neighbours, its line and its page."""
    if sum(map(len, features)) == 0:
        return [np.empty((0, FEATURES)) for _ in features]
    page = _Page(np.concatenate(features))
    return [
        _line_in_context(own, page) if len(own) else np.empty((0, FEATURES)) for own in features
    ]


class _Page:
    """What is common to the gaps of a page, from all their features (n, f)."""

    def __init__(self, gaps: Floats) -> None:
        means = gaps[:, 2]
        self.ordered = np.sort(means)
        self.split = split_value(means)
        self.core_split = split_value(np.log(gaps[:, 0]))
        wide = means > self.split
        self.wide_share = float(wide.mean())
        self.narrow = float(means[~wide].mean())
        self.wide = float(means[wide].mean()) if wide.any() else self.split


def _line_in_context(own: Floats, page: _Page) -> Floats:
    gap, mean = np.log(own[:, 0]), own[:, 2]
    trust = len(own) / (len(own) + LINE_GAPS)
    line = trust * split_value(mean) + (1 - trust) * page.split
    before = np.concatenate([[0.0], mean[:-1]]) - mean
    after = np.concatenate([mean[1:], [0.0]]) - mean
    same = np.ones(len(own))
    columns = [gap, gap - page.core_split, np.clip(own[:, 1], -1.0, 2.5), mean, own[:, 3]]
    columns += [mean - page.split, mean - line, *np.log(own[:, 4:8] + 0.1).T]
    columns += [own[:, 8], own[:, 9], same * page.split, same * page.core_split]
    columns += [before, after, same * page.wide_share]
    columns += [_rank(mean, page.ordered), _rank(mean, np.sort(mean))]
    columns += [(mean - page.narrow) / (page.wide - page.narrow + 0.05)]
    return np.stack(columns, axis=1)


def _rank(values: Floats, ordered: Floats) -> Floats:
    """Share of the ordered values that each value exceeds."""
    return np.asarray(np.searchsorted(ordered, values) / len(ordered), np.float64)


def split_value(values: Floats) -> float:
    """Otsu's threshold between small and large values; the value itself where there is one."""
    ordered = np.sort(values)
    count = len(ordered)
    if count < 2:
        return float(ordered.sum())
    sums, below = np.cumsum(ordered), np.arange(1, count)
    means = sums[:-1] / below - (sums[-1] - sums[:-1]) / (count - below)
    best = int(np.argmax(below * (count - below) * means**2))
    return float(ordered[best] + ordered[best + 1]) / 2


@cache
def _weights() -> tuple[Floats, Floats, Floats, float]:
    hidden = np.array([row.split() for row in HIDDEN.split("\n") if row], np.float64)
    out = np.array(OUT.split(), np.float64)
    return hidden[:-1], hidden[-1], out[:-1], float(out[-1])
