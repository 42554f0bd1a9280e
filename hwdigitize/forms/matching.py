"""Which template page a scan is of, among hundreds, and roughly where it lies.

Features vote by visual words (Sivic and Zisserman, "Video Google", ICCV 2003) for a few pages.
These are laid onto the scan by a homography, found by Lowe's vote for turn and scale and RANSAC
and judged by how much of their ink is on the scan and how much of the scan's they explain.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.forms.homography import (
    LEAST_PAIRS,
    POSES,
    Matrix,
    bin_poses,
    find_homography,
    join_neighbours,
    move,
)
from hwdigitize.forms.records import Template
from hwdigitize.forms.structure import (
    PRINT_FEATURES,
    Features,
    Floats,
    Grey,
    Singles,
    find_features,
    find_ink,
    find_print,
    reduce,
    reduction,
)
from hwdigitize.forms.template import load_blank
from hwdigitize.forms.vocabulary import Vocabulary, choose_vocabulary

#: px of the longer side on which pages are matched, and of the map on which ink is compared
MATCH_SIDE, MAP_SIDE = 900, 440
#: ink pixels of a page that are looked up in the other's
MOST_INK_POINTS = 1500
#: features of the scan that vote, and words that each votes by
MOST_VOTERS, NEAREST_WORDS = 600, 2
#: pages, those with most votes for one pose, whose votes for poses next to it count, too
MOST_COUNTED = 128
#: template pages that are laid onto the scan: those with this share of the most votes, so many
#: at most, and if none scores SURE_SCORE, more
LIKELY_SHARE, LOTS, SURE_SCORE = 0.5, (3, 10, 30), 0.65
#: share of the score for printed ink that is on the scan; the rest for ink that is explained
PRINTED_SHARE = 0.7
#: a page below this is of no known form. Right forms score 0.55 and more, but a fax of thin
#: lines 0.42; 13 pages whose form was left out of the index scored up to 0.37
LEAST_SCORE = 0.5


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

    The features of word i of the ``vocabulary`` are ``starts[i]`` to ``starts[i + 1]`` of
    ``owners`` (their page), ``angles`` in degrees, ``sizes`` (logarithms), ``offsets`` (n, 2)
    from the page's centre and ``weights``; lengths are shares of the page's longer side.
    """

    pages: tuple[KnownPage, ...]
    vocabulary: Vocabulary
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
    factor = reduction(blank.shape, MATCH_SIDE)
    ink = find_ink(reduce(blank, factor))
    features = find_print(ink, factor, PRINT_FEATURES)
    size_px = blank.shape[1], blank.shape[0]
    return KnownPage(template_id, page, size_px, features, _map_ink(ink, factor))


def index_pages(pages: Sequence[KnownPage]) -> Index:
    """Choose visual words for some pages, and count them."""
    every = np.concatenate([_no_descriptors(), *(p.features.descriptors for p in pages)])
    vocabulary = choose_vocabulary(every)
    word = vocabulary.words_of(every, 1)[:, 0]
    owners = np.repeat(np.arange(len(pages)), [len(p.features.points) for p in pages])
    frames = [_frames(p.features, p.size_px) for p in pages]
    pages_a_word = np.bincount(np.unique(word * len(pages) + owners) // max(len(pages), 1))
    rarity = np.log(1 + len(pages) / np.maximum(pages_a_word, 1))[word]
    lengths = np.sqrt(np.bincount(owners, rarity**2, minlength=len(pages)))
    order = np.argsort(word, kind="stable")
    return Index(
        pages=tuple(pages),
        vocabulary=vocabulary,
        starts=np.searchsorted(word[order], np.arange(len(vocabulary.words) + 1)),
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
    likely = [index.pages[i] for i in np.argsort(-votes, kind="stable")]
    near = int((votes >= LIKELY_SHARE * votes.max()).sum())
    candidates: list[Candidate] = []
    for first, last in itertools.pairwise((0, min(near, LOTS[0]), *LOTS[1:])):
        candidates += (found for page in likely[first:last] if (found := _lay(page, look)))
        if max((found.score for found in candidates), default=0.0) >= SURE_SCORE:
            break
    likeliest = sorted(candidates, key=lambda found: -found.score)
    return tuple(found for found in likeliest if found.score >= least_score)


def _lay(page: KnownPage, look: Look) -> Candidate | None:
    """The page laid onto the scan; None where too few of its features are there."""
    matrix = find_homography(page.features, look.features, max(page.size_px))
    if matrix is None:
        return None
    return Candidate(page.template_id, page.page, judge(page, look, matrix), matrix)


def _vote(look: Look, index: Index) -> Singles:
    """Votes for each page, counted for the turn, scale and place that most of them agree on.

    Weak geometric consistency after Jegou, Douze and Schmid, "Hamming embedding and weak
    geometric consistency for large scale image search", ECCV 2008, with the page's centre.
    """
    voters = look.features.clearest(MOST_VOTERS)
    features, entries = _same_words(voters, index)
    sizes, offsets = _frames(voters, look.size_px)
    turns = (voters.angles[features] - index.angles[entries]) % 360
    scales = sizes[features] - index.sizes[entries]
    arrow = np.exp(scales + 1j * np.radians(turns))
    blank, scan = (o.astype(np.float64) @ (1, 1j) for o in (index.offsets[entries], offsets))
    centres = scan[features] - arrow * blank
    flat = np.ravel_multi_index(
        (index.owners[entries], *bin_poses(turns, scales, centres)), (len(index.pages), *POSES)
    )
    count = len(index.pages) * math.prod(POSES)
    votes = np.bincount(flat, index.weights[entries], minlength=count).astype(np.float32)
    votes = votes.reshape(len(index.pages), -1)
    most = votes.max(axis=1)
    likely = np.argsort(-most, kind="stable")[:MOST_COUNTED]
    joined = join_neighbours(votes[likely])
    most[likely] = joined.reshape(len(likely), -1).max(axis=1)
    return np.asarray(most)


def _same_words(scan: Features, index: Index) -> tuple[npt.NDArray[np.int64], ...]:
    """Each pair of a feature of the scan and one of the index that share a word."""
    words = index.vocabulary.words_of(scan.descriptors, NEAREST_WORDS)
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


def judge(page: KnownPage, look: Look, matrix: Matrix) -> float:
    """How well a template page explains the scan when laid onto it by a matrix, 0 to 1."""
    printed = look.ink.share_near(move(page.ink.points, matrix), look.size_px)
    explained = page.ink.share_near(
        move(look.ink.points, np.asarray(np.linalg.inv(matrix), np.float64)), page.size_px
    )
    return PRINTED_SHARE * printed + (1 - PRINTED_SHARE) * explained


def _map_ink(ink: Grey, factor: int) -> InkMap:
    scale = min(1.0, MAP_SIDE / max(ink.shape))
    low = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    dark = low >= max(np.quantile(low[::2, ::2], 0.8), 40)
    near = cv2.dilate(dark.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    step = ink.shape[0] * factor / low.shape[0]
    rows, columns = np.nonzero(dark)
    chosen = np.linspace(0, len(rows) - 1, min(MOST_INK_POINTS, len(rows))).astype(int)
    points = (np.stack([columns[chosen], rows[chosen]], axis=1) + 0.5) * step - 0.5
    return InkMap(near, step, points)


def _no_descriptors() -> Singles:
    return np.zeros((0, 128), np.float32)


def _joined(parts: Sequence[Floats]) -> Singles:
    return np.concatenate([np.zeros(0), *parts]).astype(np.float32)
