"""Words: text lines cut at the gaps that part words.

A line's ink is made upright by its slant and projected; every gap of the projection is a
candidate. How likely it parts two words (``gaps``) is a function of its width, of how that
compares with the other gaps of line and page, and of what stands on either side. Gaps of a line
compared with each other are after Varga and Bunke, "Tree structure for word extraction from
handwritten text lines", ICDAR 2005.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hwdigitize.pages.crests import height_at
from hwdigitize.pages.gaps import gap_logits
from hwdigitize.pages.ink import Floats, Ints
from hwdigitize.pages.lines import InkPage

# All lengths are in body heights (ink.body_height) unless they say pixels.
CORE = 0.6  # half height of the band about the crest in which gaps are sought
LEAST_GAP = 0.06
BANDS = np.array([-np.inf, -0.8, -0.4, 0.0, 0.4, 0.8, np.inf])
FARTHEST = 2.5  # distances are clipped here
SLANTS = np.tan(np.radians(np.arange(-20, 61, 5)))
WHOLE = 0.8  # of a piece's ink
MARK_HEIGHT, MARK_WIDTH, MARK_REACH = 0.35, 0.5, 3.0


@dataclass(frozen=True, slots=True)
class LineInk:
    """The ink of one line, a row for each pixel: x, y, upright x, height over the crest."""

    x: Ints
    y: Ints
    piece: Ints
    upright: Floats
    over: Floats


def ink_by_line(page: InkPage) -> list[LineInk]:
    """The ink of each line, made upright with the page's slant."""
    owner = np.full(len(page.pieces), -1)
    for number, line in enumerate(page.lines):
        owner[line.pieces] = number
    pixels = page.pieces.pixels
    xs, ys, line_of = pixels.x, pixels.y, owner[pixels.piece]
    line_of = line_of.astype(np.int16)  # sorted by counting, ten times as fast
    order = np.argsort(line_of, kind="stable")
    bounds = np.searchsorted(line_of[order], np.arange(len(page.lines) + 1))
    parts = [order[a:b] for a, b in pairwise(bounds)]
    overs = [
        ys[part] - height_at(line.crest, xs[part])
        for part, line in zip(parts, page.lines, strict=True)
    ]
    slant = _slant([xs[part] for part in parts], overs, page.body)
    return [
        LineInk(xs[part], ys[part], pixels.piece[part], xs[part] + slant * over, over)
        for part, over in zip(parts, overs, strict=True)
    ]


def _slant(xs: list[Ints], overs: list[Floats], body: float) -> float:
    """Tangent of the slant at which the upright strokes of all lines stand sharpest."""
    if not xs:
        return 0.0
    step = max(1, sum(map(len, xs)) // 40_000)
    # Lines side by side, so far apart that they never share a bin.
    apart = max(int(one.max(initial=0)) for one in xs) + 8 * body
    x = np.concatenate([one + 4 * body + apart * i for i, one in enumerate(xs)])[::step]
    over = np.clip(np.concatenate(overs)[::step], -2 * body, 2 * body)
    bin_px = max(1.0, body / 12)
    best, sharpest = 0.0, -1.0
    upright = np.empty_like(x)
    for slant in SLANTS:
        np.multiply(over, slant, out=upright)
        upright += x
        upright /= bin_px
        counts = np.bincount(upright.astype(np.int64))
        sharp = float(np.square(counts).sum())
        if sharp > sharpest:
            best, sharpest = float(slant), sharp
    return best


def find_gaps(ink: LineInk, body: float) -> tuple[Floats, Floats]:
    """Candidate gaps of a line: (n, 2) from, to in upright x, and (n,) their middles."""
    core = np.abs(ink.over) < CORE * body
    if not core.any():
        return np.empty((0, 2)), np.empty(0)
    columns = np.round(ink.upright[core]).astype(np.int64)
    filled = columns.min() + np.flatnonzero(np.bincount(columns - columns.min()))
    wide = np.flatnonzero(np.diff(filled) > 1 + LEAST_GAP * body)
    gaps = np.stack([filled[wide] + 1, filled[wide + 1]], axis=1).astype(np.float64)
    return gaps, gaps.mean(axis=1)


def gap_features(ink: LineInk, body: float) -> tuple[Floats, Floats]:
    """Cuts (n,) in upright x and features (n, f) of each candidate gap, before page statistics.

    Features, in body heights: core gap, full gap, mean and least distance over bands, and of
    the runs left and right of it: width, height, mean height over the crest.
    """
    gaps, cuts = find_gaps(ink, body)
    if len(gaps) == 0:
        return cuts, np.empty((0, 10))
    run = np.searchsorted(cuts, ink.upright)
    count = len(cuts) + 1
    distance = _band_distances(ink, run, count, body)
    left = np.full(count, np.inf)
    right = np.full(count, -np.inf)
    top, bottom = left.copy(), right.copy()
    np.minimum.at(left, run, ink.upright)
    np.maximum.at(right, run, ink.upright)
    np.minimum.at(top, run, ink.over)
    np.maximum.at(bottom, run, ink.over)
    mean = np.bincount(run, ink.over, count) / np.maximum(np.bincount(run, minlength=count), 1)
    width, height = (right - left) / body, (bottom - top) / body
    core = (gaps[:, 1] - gaps[:, 0]) / body
    full = (left[1:] - right[:-1]) / body
    columns = [core, full, distance.mean(axis=1), distance.min(axis=1)]
    columns += [
        width[:-1],
        width[1:],
        height[:-1],
        height[1:],
        mean[:-1] / body,
        mean[1:] / body,
    ]
    return cuts, np.stack(columns, axis=1)


def _band_distances(ink: LineInk, run: Ints, count: int, body: float) -> Floats:
    """Distance over each gap in each band of heights, (gaps, bands), clipped."""
    bands = len(BANDS) - 1
    key = run * bands + np.searchsorted(BANDS, ink.over / body) - 1
    left = np.full(count * bands, np.inf)
    right = np.full(count * bands, -np.inf)
    np.minimum.at(left, key, ink.upright)
    np.maximum.at(right, key, ink.upright)
    distance = left.reshape(count, bands)[1:] - right.reshape(count, bands)[:-1]
    return np.asarray(np.clip(distance / body, -1.0, FARTHEST), np.float64)


def find_words(page: InkPage) -> list[list[Ints]]:
    """Tight word boxes in working pixels of each line, left to right."""
    lines = ink_by_line(page)
    found = [gap_features(line, page.body) for line in lines]
    logits = gap_logits([features for _, features in found])
    return [
        _word_boxes(line, cuts[logit > 0], page.body)
        for line, (cuts, _), logit in zip(lines, found, logits, strict=True)
    ]


def _word_boxes(ink: LineInk, cuts: Floats, body: float) -> list[Ints]:
    """Boxes of the ink between cuts; a piece of ink goes whole to the word with most of it."""
    word = _whole_pieces(ink, np.searchsorted(cuts, ink.upright), len(cuts) + 1)
    boxes = np.empty((len(cuts) + 1, 4), np.int64)
    boxes[:, :2], boxes[:, 2:] = np.iinfo(np.int64).max, -1
    for column, (take, values) in enumerate(
        [
            (np.minimum, ink.x),
            (np.minimum, ink.y),
            (np.maximum, ink.x + 1),
            (np.maximum, ink.y + 1),
        ]
    ):
        take.at(boxes[:, column], word, values)
    words = [box for box in boxes if box[2] > 0]
    return _join_marks(words, body)


def _whole_pieces(ink: LineInk, word: Ints, count: int) -> Ints:
    """Words of pixels, after pieces that lie mostly in one word were given to it whole."""
    number = np.cumsum(np.bincount(ink.piece) > 0) - 1  # of those on this line
    piece = number[ink.piece]
    shares = np.bincount(piece * count + word, minlength=(number[-1] + 1) * count)
    shares = shares.reshape(-1, count)
    most = shares.argmax(axis=1)
    mostly = shares.max(axis=1) > WHOLE * shares.sum(axis=1)
    return np.where(mostly[piece], most[piece], word)


def _join_marks(words: list[Ints], body: float) -> list[Ints]:
    """Words left to right, full stops and commas that stood alone joined to the word before."""
    joined: list[Ints] = []
    for box in sorted(words, key=lambda box: int(box[0])):
        small = box[3] - box[1] < MARK_HEIGHT * body and box[2] - box[0] < MARK_WIDTH * body
        if small and joined and box[0] - joined[-1][2] < MARK_REACH * body:
            joined[-1] = np.concatenate(
                [np.minimum(joined[-1][:2], box[:2]), np.maximum(joined[-1][2:], box[2:])]
            )
        else:
            joined.append(box)
    return joined
