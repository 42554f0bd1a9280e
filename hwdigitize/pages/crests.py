"""Crests: the middles of text lines, as ridges of the smeared page.

Smearing the ink along the writing turns a line into a ridge (anisotropic Gaussians as in
Bukhari, Shafait and Breuel, "Script-independent handwritten textlines segmentation using
active contours", ICDAR 2009). The crest of each ridge is followed from left to right, and
pieces of crest that continue each other are linked.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.pages.ink import Floats, InkSums, Ints, Mask

# All lengths are in body heights (ink.body_height) unless they say pixels.
CREST_BODY_PX = 6.0  # body height on the reduced page on which crests are sought
SMEAR_ALONG, SMEAR_ACROSS = 2.0, 0.4
FAINTEST_CREST = 0.12  # of the strongest crests of the page
LINK_ACROSS, LINK_ALONG, LINK_OVERLAP = 0.75, 15.0, 1.5  # a gap to bridge
NEAREST_LINES = 1.1


class Crest:
    """The middle of a text line, y for each x from ``start``, in working pixels."""

    def __init__(self, start: int, ys: Floats, block: int = 0) -> None:
        self.start, self.ys, self.block = start, ys, block

    @property
    def stop(self) -> int:
        """One past the last x."""
        return self.start + len(self.ys)


def find_crests(
    sums: InkSums, body: float, block: Sequence[int] | None = None
) -> list[tuple[Floats, Floats]]:
    """Crest pieces as (xs, ys) in working pixels, before they are linked.

    ``body`` is the body height in pixels, ``block`` (left, top, right, bottom) the part of the
    page to look at.
    """
    scale = CREST_BODY_PX / body
    ridge = _smear(sums, scale, block)
    strongest = np.percentile(ridge.max(axis=0), 90)
    above, here, below = ridge[:-2], ridge[1:-1], ridge[2:]
    crest = np.zeros(ridge.shape, np.uint8)
    crest[1:-1] = (here >= above) & (here > below) & (here > FAINTEST_CREST * strongest)
    joined = cv2.dilate(crest, np.ones((3, 1), np.uint8))
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    return [
        ((xs + 0.5) / scale, (ys + 0.5) / scale)
        for xs, ys in _columns(crest, labels, count)
        if len(xs) >= CREST_BODY_PX / 2
    ]


def _smear(sums: InkSums, scale: float, block: Sequence[int] | None) -> npt.NDArray[np.float32]:
    """Difference of two smears along the writing: positive on text lines."""
    size = [max(3, round(side * scale)) for side in sums.shape[::-1]]
    inked = sums.density(size, block).astype(np.float32)
    along, across = SMEAR_ALONG * CREST_BODY_PX, SMEAR_ACROSS * CREST_BODY_PX
    near = cv2.GaussianBlur(inked, (0, 0), along, None, across, cv2.BORDER_CONSTANT)
    far = cv2.GaussianBlur(inked, (0, 0), along, None, 2.5 * across, cv2.BORDER_CONSTANT)
    return np.asarray(near - far, np.float32)


def _columns(
    crest: Mask, labels: npt.NDArray[np.int32], count: int
) -> list[tuple[Floats, Floats]]:
    """The mean y at each x of every labelled crest."""
    ys, xs = np.nonzero(crest)
    width = crest.shape[1]
    keys = labels[ys, xs].astype(np.int64) * width + xs
    filled, inverse = np.unique(keys, return_inverse=True)
    means = np.bincount(inverse, ys) / np.bincount(inverse)
    owners = filled // width
    bounds = np.searchsorted(owners, np.arange(1, count + 1))
    return [(filled[a:b] % width + 0.0, means[a:b]) for a, b in pairwise(bounds)]


def link_crests(fragments: list[tuple[Floats, Floats]], body: float) -> list[Crest]:
    """Join crest pieces that continue each other, top to bottom."""
    if not fragments:
        return []
    slope = _common_slope(fragments)
    group = _link(fragments, slope, body)
    lines = []
    for number in np.unique(group):
        members = [fragments[i] for i in np.flatnonzero(group == number)]
        lines.append(_join(members))
    return _drop_echoes(sorted(lines, key=lambda c: float(c.ys.mean())), body)


def _common_slope(fragments: list[tuple[Floats, Floats]]) -> float:
    """Median slope of the crest pieces, the longer the heavier."""
    slopes = [(ys[-1] - ys[0]) / max(xs[-1] - xs[0], 1) for xs, ys in fragments]
    lengths = [xs[-1] - xs[0] + 1 for xs, ys in fragments]
    order = np.argsort(slopes)
    reached = np.cumsum(np.square(lengths)[order])
    return float(np.asarray(slopes)[order][np.searchsorted(reached, reached[-1] / 2)])


def _ends(xs: Floats, ys: Floats, slope: float, body: float) -> tuple[float, ...]:
    """x, y and slope at the left and at the right end, from a line fitted near that end."""
    reach = 8 * body
    result: list[float] = []
    for end, near in ((xs[0], xs <= xs[0] + reach), (xs[-1], xs >= xs[-1] - reach)):
        u, v = xs[near] - end, ys[near]
        trust = min(1.0, (xs[-1] - xs[0]) / reach)
        fitted = _tilt(u, v) if len(u) > 2 else slope
        tilt = trust * fitted + (1 - trust) * slope
        result += [float(end), float(np.mean(v - tilt * u)), tilt]
    return tuple(result)


def _tilt(xs: Floats, ys: Floats) -> float:
    """Slope of the line through some points, by least squares."""
    off = xs - xs.mean()
    return float((off @ ys) / (off @ off))


def _link(fragments: list[tuple[Floats, Floats]], slope: float, body: float) -> Ints:
    """Group numbers of crest pieces, by joining the best continued pair first."""
    ends = np.array([_ends(xs, ys, slope, body) for xs, ys in fragments])
    left_x, left_y, left_tilt, right_x, right_y, right_tilt = ends.T
    gap = left_x[None, :] - right_x[:, None]
    half = gap / 2
    miss = np.abs(
        right_y[:, None] + half * right_tilt[:, None] - left_y[None] + half * left_tilt[None]
    )
    fits = (gap > -LINK_OVERLAP * body) & (gap < LINK_ALONG * body)
    fits &= miss < LINK_ACROSS * body
    np.fill_diagonal(fits, False)
    cost = miss + 0.05 * np.abs(gap)
    pairs = np.argwhere(fits)
    group = np.arange(len(fragments))
    for i, j in pairs[np.argsort(cost[fits])]:
        if group[i] != group[j] and _apart(ends, group, group[i], group[j], body):
            group[group == group[j]] = group[i]
    return group


def _apart(ends: Floats, group: Ints, one: int, other: int, body: float) -> bool:
    """Whether no crest of one group lies beside a crest of the other."""
    a, b = ends[group == one], ends[group == other]
    overlap = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(
        a[:, None, 0], b[None, :, 0]
    )
    return bool((overlap < LINK_OVERLAP * body).all())


def _join(members: list[tuple[Floats, Floats]]) -> Crest:
    """One y for each whole x over all members, straight across their gaps."""
    xs = np.concatenate([xs for xs, _ in members])
    ys = np.concatenate([ys for _, ys in members])
    order = np.argsort(xs)
    start, stop = int(xs.min()), int(xs.max()) + 1
    return Crest(start, np.interp(np.arange(start, stop), xs[order], ys[order]))


def _drop_echoes(crests: list[Crest], body: float) -> list[Crest]:
    """Without short crests that lie on a longer one, such as those of tall letters."""
    kept: list[Crest] = []
    for crest in sorted(crests, key=lambda c: -len(c.ys)):
        xs = np.arange(crest.start, crest.stop)
        echo = any(
            other.start < crest.stop
            and other.stop > crest.start
            and np.mean(np.abs(height_at(other, xs) - crest.ys)) < NEAREST_LINES * body
            for other in kept
        )
        if not echo:
            kept.append(crest)
    return sorted(kept, key=lambda c: float(c.ys.mean()))


def height_at(crest: Crest, xs: npt.NDArray[np.generic]) -> Floats:
    """The crest's y at each x, level beyond its ends."""
    places = xs.astype(np.int64) - crest.start
    return crest.ys[np.minimum(np.maximum(places, 0), len(crest.ys) - 1)]
