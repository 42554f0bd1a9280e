"""Which template page a scan is of, among hundreds, and roughly where it lies.

Features vote by visual words (Sivic and Zisserman, "Video Google", ICCV 2003) for a few pages.
These are laid onto the scan by a homography, found by Lowe's vote for turn and scale and RANSAC
and judged by how much of their ink is on the scan and how much of the scan's they explain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.forms.records import Template
from hwdigitize.forms.structure import (
    Features,
    Floats,
    Grey,
    Singles,
    find_features,
    find_ink,
    reduce,
    reduction,
)
from hwdigitize.forms.template import load_blank

#: px of the longer side on which pages are matched, and of the map on which ink is compared
MATCH_SIDE, MAP_SIDE = 900, 440
#: ink pixels of a page that are looked up in the other's
MOST_INK_POINTS = 1500
#: visual words, at most, and features of the index a word at least
MOST_WORDS, FEATURES_A_WORD = 4096, 4
#: words a feature of the scan votes by, and into how many turns and scales
NEAREST_WORDS, TURN_BINS, SCALE_BINS = 3, 18, 6
#: into how many places of the page's centre they vote, and their sides, of the longer side
CENTRE_BINS, CENTRE_SHARE = 6, 0.12
#: rounds of k-means for the words
ROUNDS = 5
#: template pages that are laid onto the scan
SHORTLIST = 10
#: least cosine of two features to be taken for the same place
LEAST_COSINE = 0.75
#: how far a pair's turn, scale and shift (of the page) may be from those of the page
TURN_DEGREES, SCALE_RATIO, SHIFT_SHARE = 22.0, 1.4, 0.08
#: least pairs that agree on a homography, how well as a share of the longer side
LEAST_PAIRS, PAIR_SHARE = 8, 0.008
#: share of the score for printed ink that is on the scan; the rest for ink that is explained
PRINTED_SHARE = 0.7
#: a page below this is of no known form; see benchmarks/RESULTS.md
LEAST_SCORE = 0.35

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class InkMap:
    """Where a page's ink is, coarsely.

    ``near`` (h, w) bool, dilated; one pixel is ``factor`` px of the page. ``points`` (n, 2) are
    some ink pixels in px of the page.
    """

    near: npt.NDArray[np.bool_]
    factor: float
    points: Floats

    def share_near(self, points: Floats, size_px: tuple[int, int]) -> float:
        """Share of points that meet ink, 0 where no more do than by chance, 1 at most.

        ``size_px`` is width and height of the page; points outside meet none.
        """
        inside = ((points > 0) & (points < size_px)).all(axis=1)
        height, width = self.near.shape
        x, y = (points[inside] / self.factor).astype(int).T
        met = self.near[y.clip(0, height - 1), x.clip(0, width - 1)].sum() / max(len(points), 1)
        chance = float(self.near.mean())
        return float(max(met - chance, 0.0) / max(1.0 - chance, 1e-6))


@dataclass(frozen=True, eq=False, slots=True)
class KnownPage:
    """A template page as the index keeps it."""

    template_id: str
    page: int
    size_px: tuple[int, int]
    features: Features
    ink: InkMap


@dataclass(frozen=True, eq=False, slots=True)
class Index:
    """Pages to match against, and which of their features are of which visual word.

    ``words`` (k, 128); features of word i are ``starts[i]`` to ``starts[i + 1]`` of
    ``owners`` (their page), ``angles`` in degrees, ``sizes`` (logarithms), ``offsets`` (n, 2)
    from the page's centre and ``weights``; lengths are shares of the page's longer side.
    """

    pages: tuple[KnownPage, ...]
    words: Singles
    starts: npt.NDArray[np.int64]
    owners: npt.NDArray[np.int64]
    angles: Singles
    sizes: Singles
    offsets: Singles
    weights: Singles


@dataclass(frozen=True, eq=False, slots=True)
class Candidate:
    """A template page that the scan may be of.

    ``score`` is 0 to 1; ``matrix`` (3, 3) carries template px to scan px, to within a
    millimetre or two.
    """

    template_id: str
    page: int
    score: float
    matrix: Matrix


@dataclass(frozen=True, eq=False, slots=True)
class Look:
    """A scan as it is matched: its features and ink, in scan px."""

    size_px: tuple[int, int]
    features: Features
    ink: InkMap


def build_index(templates: Sequence[Template]) -> Index:
    """Index every page of some templates; takes some 60 ms a page.

    Raises:
        TemplateError: a blank cannot be decoded.
    """
    return index_pages(
        [
            know_page(load_blank(template, number), template.id, number)
            for template in templates
            for number in range(len(template.pages))
        ]
    )


def know_page(blank: Grey, template_id: str, page: int) -> KnownPage:
    """What the index keeps of a blank, (H, W) uint8."""
    look = look_at(blank)
    return KnownPage(template_id, page, look.size_px, look.features, look.ink)


def index_pages(pages: Sequence[KnownPage]) -> Index:
    """Choose visual words for some pages, and count them."""
    every = np.concatenate([_no_descriptors(), *(p.features.descriptors for p in pages)])
    words = _choose_words(every)
    word = _nearest(every, words, 1)[:, 0]
    owners = np.repeat(np.arange(len(pages)), [len(p.features.points) for p in pages])
    frames = [_frames(p.features, p.size_px) for p in pages]
    pages_a_word = np.bincount(np.unique(word * len(pages) + owners) // max(len(pages), 1))
    rarity = np.log(1 + len(pages) / np.maximum(pages_a_word, 1))[word]
    lengths = np.sqrt(np.bincount(owners, rarity**2, minlength=len(pages)))
    order = np.argsort(word, kind="stable")
    return Index(
        pages=tuple(pages),
        words=words,
        starts=np.searchsorted(word[order], np.arange(len(words) + 1)),
        owners=owners[order],
        angles=_joined([p.features.angles for p in pages])[order],
        sizes=_joined([sizes for sizes, _ in frames])[order],
        offsets=_joined([offsets.ravel() for _, offsets in frames]).reshape(-1, 2)[order],
        weights=(rarity**2 / lengths[owners]).astype(np.float32)[order],
    )


def look_at(grey: Grey) -> Look:
    """What a page, (H, W) uint8 of any size, is matched by."""
    factor = reduction(grey.shape, MATCH_SIDE)
    ink = find_ink(reduce(grey, factor))
    size_px = grey.shape[1], grey.shape[0]
    return Look(size_px, find_features(ink, factor), _map_ink(ink, factor))


def match_page(grey: Grey, index: Index) -> tuple[Candidate, ...]:
    """The template pages that a scan, (H, W) uint8, may be of, best first.

    The scan may be of any resolution, turned in any way, on paper of any colour, filled in.
    Nothing comes back for a page of no known form.
    """
    return match_look(look_at(grey), index)


def match_look(
    look: Look, index: Index, least_score: float = LEAST_SCORE
) -> tuple[Candidate, ...]:
    """:func:`match_page` for a scan that was looked at already."""
    if not index.pages or len(look.features.points) < LEAST_PAIRS:
        return ()
    votes = _vote(look, index)
    candidates = []
    for number in np.argsort(-votes, kind="stable")[:SHORTLIST]:
        page = index.pages[number]
        matrix = find_homography(page.features, look.features, max(page.size_px))
        if matrix is not None:
            score = judge(page, look, matrix)
            candidates.append(Candidate(page.template_id, page.page, score, matrix))
    candidates.sort(key=lambda candidate: -candidate.score)
    return tuple(found for found in candidates if found.score >= least_score)


def _vote(look: Look, index: Index) -> Floats:
    """Votes for each page, counted for the turn, scale and place that most of them agree on.

    Weak geometric consistency after Jegou, Douze and Schmid, "Hamming embedding and weak
    geometric consistency for large scale image search", ECCV 2008, with the page's centre.
    """
    features, entries = _same_words(look.features, index)
    sizes, offsets = _frames(look.features, look.size_px)
    turns = (look.features.angles[features] - index.angles[entries]) % 360
    scales = sizes[features] - index.sizes[entries]
    arrow = np.exp(scales + 1j * np.radians(turns))
    blank, scan = (o.astype(np.float64) @ (1, 1j) for o in (index.offsets[entries], offsets))
    centres = scan[features] - arrow * blank
    place = [
        (turns / 360 * TURN_BINS).astype(np.int64) % TURN_BINS,
        _bin(scales / np.log(SCALE_RATIO), SCALE_BINS),
        _bin(centres.real / CENTRE_SHARE, CENTRE_BINS),
        _bin(centres.imag / CENTRE_SHARE, CENTRE_BINS),
    ]
    shape = (len(index.pages), TURN_BINS, SCALE_BINS, CENTRE_BINS, CENTRE_BINS)
    flat = np.ravel_multi_index((index.owners[entries], *place), shape)
    votes = np.bincount(flat, index.weights[entries], minlength=int(np.prod(shape)))
    votes = votes.reshape(shape)
    votes = votes + np.roll(votes, 1, axis=1)  # a page between two bins is in both
    for axis in (2, 3, 4):
        first, last = (np.moveaxis(votes, axis, 0)[cut] for cut in (slice(1, None), slice(-1)))
        votes = np.moveaxis(first + last, 0, axis)
    return np.asarray(votes.reshape(len(index.pages), -1).max(axis=1))


def _same_words(scan: Features, index: Index) -> tuple[npt.NDArray[np.int64], ...]:
    """Each pair of a feature of the scan and one of the index that share a word."""
    words = _nearest(scan.descriptors, index.words, NEAREST_WORDS)
    first = index.starts[words].ravel()
    counts = np.diff(index.starts)[words].ravel()
    ends = np.cumsum(counts)
    features = np.arange(len(words)).repeat(words.shape[1]).repeat(counts)
    return features, np.arange(ends[-1]) + np.repeat(first - ends + counts, counts)


def _frames(features: Features, size_px: tuple[int, int]) -> tuple[Floats, Floats]:
    """Logarithms of sizes, and offsets from the centre, as shares of the longer side."""
    side = max(size_px)
    offsets = (features.points - np.array(size_px) / 2) / side
    return np.log(features.sizes / side), np.asarray(offsets, np.float64)


def _bin(values: Floats, count: int) -> npt.NDArray[np.int64]:
    """The bin of values around 0, of width 1; the outer bins are open."""
    return np.asarray((values + count / 2).clip(0, count - 1).astype(np.int64))


def find_homography(blank: Features, scan: Features, side_px: float) -> Matrix | None:
    """The matrix (3, 3) from template px to scan px, or None where too few places agree.

    ``side_px`` is the template page's longer side.
    """
    first, second = _pair(blank, scan)
    first, second = _of_one_turn(blank, scan, first, second)
    if len(first) < LEAST_PAIRS:
        return None
    # RANSAC measures on the template, where a millimetre is known
    back, agreeing = cv2.findHomography(
        scan.points[second],
        blank.points[first],
        cv2.RANSAC,
        PAIR_SHARE * side_px,
        maxIters=200,
    )
    if back is None or agreeing.sum() < LEAST_PAIRS or abs(np.linalg.det(back)) < 1e-12:
        return None
    matrix = np.asarray(np.linalg.inv(back), np.float64)
    return matrix / matrix[2, 2] if _is_a_page(matrix, side_px) else None


def judge(page: KnownPage, look: Look, matrix: Matrix) -> float:
    """How well a template page explains the scan when laid onto it by a matrix, 0 to 1."""
    printed = look.ink.share_near(move(page.ink.points, matrix), look.size_px)
    explained = page.ink.share_near(
        move(look.ink.points, np.asarray(np.linalg.inv(matrix), np.float64)), page.size_px
    )
    return PRINTED_SHARE * printed + (1 - PRINTED_SHARE) * explained


def move(points: npt.ArrayLike, matrix: Matrix) -> Floats:
    """Points (n, 2) moved by a homography (3, 3)."""
    given = np.asarray(points, np.float64).reshape(-1, 2)
    moved = given @ matrix[:, :2].T + matrix[:, 2]
    depth = moved[:, 2:]
    return np.asarray(moved[:, :2] / np.where(np.abs(depth) < 1e-9, 1e-9, depth))


def _pair(blank: Features, scan: Features) -> tuple[npt.NDArray[np.int64], ...]:
    """Features that are each other's nearest."""
    cosines = blank.descriptors @ scan.descriptors.T
    if not cosines.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    forth, back = cosines.argmax(axis=1), cosines.argmax(axis=0)
    first = np.arange(len(forth))
    sure = (back[forth] == first) & (cosines[first, forth] >= LEAST_COSINE)
    return first[sure], forth[sure]


def _of_one_turn(
    blank: Features,
    scan: Features,
    first: npt.NDArray[np.int64],
    second: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], ...]:
    """The pairs whose turn and scale most others share, and then their shift."""
    if not len(first):
        return first, second
    turns = scan.angles[second] - blank.angles[first]
    apart = (turns[:, None] - turns[None] + 180) % 360 - 180
    scales = np.log(scan.sizes[second] / blank.sizes[first])
    agree = (np.abs(apart) < TURN_DEGREES) & (
        np.abs(scales[:, None] - scales[None]) < np.log(SCALE_RATIO)
    )
    one = int(agree.sum(axis=1).argmax())
    most = agree[one]
    first, second = first[most], second[most]
    turn = np.radians(turns[one] + np.median(apart[most, one]))
    scale = np.exp(np.median(scales[most]))
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shifts = scan.points[second] - blank.points[first] @ linear.T
    gaps = np.abs(shifts[:, None] - shifts[None]).max(axis=2)
    near = gaps < SHIFT_SHARE * scale * np.ptp(blank.points, axis=0).max()
    most = near[near.sum(axis=1).argmax()]
    return first[most], second[most]


def _is_a_page(matrix: Matrix, side_px: float) -> bool:
    """Whether a square comes out much like a square, not folded nor squeezed."""
    square = side_px * np.array([[0.0, 0.0], [0.7, 0.0], [0.7, 1.0], [0.0, 1.0]])
    corners = move(square, matrix)
    sides = np.roll(corners, -1, axis=0) - corners
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    areas = np.linalg.norm(sides, axis=1) * np.linalg.norm(after, axis=1)
    lengths = np.linalg.norm(sides, axis=1) / np.linalg.norm(
        np.roll(square, -1, axis=0) - square, axis=1
    )
    return bool((turns > 0.7 * areas).all() and lengths.max() < 1.6 * lengths.min())


def _map_ink(ink: Grey, factor: int) -> InkMap:
    scale = min(1.0, MAP_SIDE / max(ink.shape))
    low = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    dark = low >= max(np.quantile(low, 0.8), 40)
    near = cv2.dilate(dark.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    step = ink.shape[0] * factor / low.shape[0]
    rows, columns = np.nonzero(dark)
    chosen = np.linspace(0, len(rows) - 1, min(MOST_INK_POINTS, len(rows))).astype(int)
    points = (np.stack([columns[chosen], rows[chosen]], axis=1) + 0.5) * step - 0.5
    return InkMap(near, step, points)


def _nearest(descriptors: Singles, words: Singles, count: int) -> npt.NDArray[np.int64]:
    """The ``count`` nearest words of each feature, (n, count); all have unit length."""
    cosines = descriptors @ words.T
    count = min(count, len(words))
    if count <= 1:
        return np.asarray(cosines.argmax(axis=1)[:, None]) if count else cosines.astype(int)
    return np.asarray(np.argpartition(cosines, -count, axis=1)[:, -count:])


def _no_descriptors() -> Singles:
    return np.zeros((0, 128), np.float32)


def _joined(parts: Sequence[Floats]) -> Singles:
    return np.concatenate([np.zeros(0), *parts]).astype(np.float32)


def _choose_words(descriptors: Singles) -> Singles:
    """Words by spherical k-means from evenly drawn features; the same every time."""
    count = min(MOST_WORDS, len(descriptors) // FEATURES_A_WORD)
    if not count:
        return descriptors
    rng = np.random.default_rng(0)
    words = descriptors[rng.permutation(len(descriptors))[:count]]
    for _ in range(ROUNDS):
        sums = np.zeros_like(words)
        for part in np.array_split(descriptors, max(1, len(descriptors) // 4096)):
            np.add.at(sums, _nearest(part, words, 1)[:, 0], part)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        words = np.where(lengths > 0, sums / np.maximum(lengths, 1e-9), words)
    return words
