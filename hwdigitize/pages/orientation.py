"""Which way up a page was scanned.

Text lines make the projection along them sharper than the one across them, which tells upright
from sideways. Upside down is told by the shapes of the letters: Latin writing leaves more white
open to the right and above (c, e, r, t, u, v) than to the left and below, its lines stand on a
sharper edge than they hang from, its dots float above, and its lines start under each other.
Every such measure changes sign when the page is turned by 180 degrees, so that a logistic
without intercept over them is fair to both; counting the directions in which ink is seen from
white is after Caprari, "Algorithm for text page up/down orientation determination", Pattern
Recognition Letters 21, 2000, carried over from rows of a profile to white pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.pages.ink import (
    Floats,
    Grey,
    Ints,
    Mask,
    find_ink,
    find_pieces,
)
from hwdigitize.pages.skew import Skew, find_skew, slope_contrast

# of the longer page side; larger pieces are frames and pictures, thinner ones are rules
LONGEST_LETTERS, TALLEST_LETTER, THINNEST = 0.3, 0.12, 1 / 12
SMALLEST_LETTER_PX = 4
SMALLEST_BODY_PX = 5.0
FEWEST_LETTERS = 5
BODY_PX = 12.0  # body height at which letters are looked at
SIGHT = (0.4, 0.8, 1.6)  # body heights; how far away ink is seen from white
LAGS = (0.25, 0.5, 1.0)  # body heights
DOT_HEIGHT, DOT_WIDTH = 0.6, 0.9  # body heights
_LEFT, _RIGHT, _UP, _DOWN = 1, 2, 4, 8
# where ink is seen, and where it would be seen with the page upside down
_OPENINGS = (
    (_LEFT, _RIGHT),
    (_UP, _DOWN),
    (_LEFT | _UP, _RIGHT | _DOWN),
    (_LEFT | _DOWN, _RIGHT | _UP),
    (_LEFT | _RIGHT | _UP, _LEFT | _RIGHT | _DOWN),
    (_LEFT | _UP | _DOWN, _RIGHT | _UP | _DOWN),
)
AXIS_WEIGHT = 4.0
# from `python -m hwdigitize.training.orientation`, on pages and cuttings of pages
STANDING_WEIGHTS = np.array(
    [
        *(-8.8, 7.3, -4.4, 1.8, -3.0, 13.3),
        *(-2.1, 3.9, -5.0, 5.4, 0.1, 0.9),
        *(-3.2, 0.0, -2.1, 3.9, -2.4, -1.6),
        *(-6.2, 2.5, -1.1),
        *(2.1, 1.3, -0.1),
    ]
)
_HALF_SEEN = 4.0  # bodies squared of white; pulls the share of hardly seen openings to 0


@dataclass(frozen=True, slots=True)
class Orientation:
    """``quarters`` clockwise quarter turns of the scan, the skew left after undoing them.

    ``confidence`` is the probability that the quarter turns are right, 0.25 for a blank page.
    """

    quarters: int
    skew: Skew
    confidence: float


def find_orientation(grey: Grey) -> Orientation:
    """How a page was turned; not at all where it shows too little.

    ``grey`` is (H, W) uint8, ink dark on white paper, at about 100 to 150 dpi.
    """
    letters = find_letters(grey)
    if letters is None:
        return Orientation(0, find_skew(grey), 0.25)
    across = _logistic(AXIS_WEIGHT * axis_evidence(letters))
    quarters = int(across < 0.5)
    skew = find_skew(np.rot90(grey, quarters))
    standing = _logistic(standing_evidence(letters.turned_back(quarters), skew.degrees))
    if standing < 0.5:
        quarters += 2
    confidence = max(across, 1 - across) * max(standing, 1 - standing)
    return Orientation(quarters, skew, confidence)


@dataclass(frozen=True, slots=True)
class Letters:
    """The ink of a page that may be letters.

    ``ink`` (H, W) is 255 on 0; ``heights`` and ``widths`` (n,) are those of its pieces.
    """

    ink: Grey
    heights: Ints
    widths: Ints

    @property
    def body(self) -> float:
        """Median height of letters and joined letters, each weighted by its width."""
        order = np.argsort(self.heights)
        order = order[self.heights[order] >= SMALLEST_BODY_PX]
        if len(order) == 0:
            return SMALLEST_BODY_PX
        reached = np.cumsum(self.widths[order])
        return float(self.heights[order][np.searchsorted(reached, reached[-1] / 2)])

    def turned_back(self, quarters: int) -> Letters:
        """The letters with ``quarters`` clockwise quarter turns undone."""
        sides = (self.widths, self.heights) if quarters % 2 else (self.heights, self.widths)
        return Letters(np.rot90(self.ink, quarters), *sides)


def find_letters(grey: Grey) -> Letters | None:
    """Ink in pieces small enough to be letters; None where there are next to none."""
    pieces = find_pieces(find_ink(grey))
    longer = np.maximum(pieces.widths, pieces.heights)
    shorter = np.minimum(pieces.widths, pieces.heights)
    letters = (longer >= SMALLEST_LETTER_PX) & (longer < LONGEST_LETTERS * max(grey.shape))
    letters &= (shorter < TALLEST_LETTER * max(grey.shape)) & (shorter > THINNEST * longer)
    if letters.sum() < FEWEST_LETTERS:
        return None
    ink = np.zeros_like(grey)
    pixels = pieces.pixels
    ink[pixels.y, pixels.x] = np.where(letters, 255, 0)[pixels.piece]
    return Letters(ink, pieces.heights[letters], pieces.widths[letters])


def axis_evidence(letters: Letters) -> float:
    """Above 0 where the text lines run across the page, below 0 where they run down it."""
    paper = cv2.bitwise_not(letters.ink)
    across = cv2.rotate(paper, cv2.ROTATE_90_COUNTERCLOCKWISE)
    return float(np.log(slope_contrast(paper) / slope_contrast(across)))


def standing_evidence(letters: Letters, skew_degrees: float) -> float:
    """Above 0 where letters stand on their feet: the log odds.

    The lines run across the page, falling by ``skew_degrees``.
    """
    return float(standing_features(letters, skew_degrees) @ STANDING_WEIGHTS)


def standing_features(letters: Letters, skew_degrees: float) -> Floats:
    """Measures that change sign when the page is upside down, each -1 to 1."""
    mask, body = _normalise(letters, skew_degrees)
    features = [opening for sight in SIGHT for opening in _openings(mask, sight * body, body)]
    rows = cv2.resize(mask.astype(np.float32), (8, len(mask)), interpolation=cv2.INTER_AREA)
    features += [_edge(rows, max(1, round(lag * body))) for lag in LAGS]
    features += [_start_alignment(mask, body), *_dots(mask, body)]
    return np.array(features)


def _normalise(letters: Letters, skew_degrees: float) -> tuple[Mask, float]:
    """The letters straightened, 1 on 0, and their body height, at most ``BODY_PX``."""
    scale = min(1.0, BODY_PX / letters.body)
    height, width = letters.ink.shape
    sized = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = cv2.resize(letters.ink, sized, interpolation=cv2.INTER_AREA)
    turn = cv2.getRotationMatrix2D((sized[0] / 2, sized[1] / 2), skew_degrees, 1.0)
    straight = cv2.warpAffine(resized, turn, sized, flags=cv2.INTER_LINEAR)
    mask = cv2.threshold(straight, 80, 1, cv2.THRESH_BINARY)[1]
    return np.asarray(mask, np.uint8), scale * letters.body


def _openings(mask: Mask, reach: float, body: float) -> list[float]:
    """For each kind of opening, how much more white opens that way than the opposite way."""
    length = int(reach) + 1
    along, upright = np.ones((1, length), np.uint8), np.ones((length, 1), np.uint8)
    seen = cv2.dilate(_LEFT * mask, along, anchor=(length - 1, 0))
    seen |= cv2.dilate(_RIGHT * mask, along, anchor=(0, 0))
    seen |= cv2.dilate(_UP * mask, upright, anchor=(0, length - 1))
    seen |= cv2.dilate(_DOWN * mask, upright, anchor=(0, 0))
    seen *= 1 - mask
    counts = cv2.calcHist([seen], [0], None, [16], [0, 16]).ravel()
    little = _HALF_SEEN * body * body
    return [
        float((counts[one] - counts[other]) / (counts[one] + counts[other] + little))
        for one, other in _OPENINGS
    ]


def _edge(rows: npt.NDArray[np.float32], lag: int) -> float:
    """Whether row profiles (rows, n) rise or fall more sharply: third moment over ``lag``."""
    above, below = rows[:-lag], rows[lag:]
    one, other = (above * above * below).sum(), (above * below * below).sum()
    return float((one - other) / (one + other + 1e-6))


def _start_alignment(mask: Mask, body: float) -> float:
    """How much better lines are aligned on the left than on the right."""
    ends = []
    for top in range(0, len(mask), round(body)):
        columns = np.flatnonzero(mask[top : top + round(body)].any(axis=0))
        if len(columns) > 2 * body:
            ends.append((columns[0], columns[-1]))
    if len(ends) < 3:
        return 0.0
    off = np.abs(np.array(ends) - np.median(ends, axis=0))
    left, right = np.median(off, axis=0) + body
    return float((right - left) / (right + left))


def _dots(mask: Mask, body: float) -> tuple[float, float]:
    """How much more ink dots have below than above them, and to the left than to the right."""
    pieces = find_pieces(mask)
    dots = (pieces.heights < DOT_HEIGHT * body) & (pieces.widths < DOT_WIDTH * body)
    dots &= pieces.areas >= 3
    if dots.sum() < 3:
        return 0.0, 0.0
    ink = cv2.integral(mask)
    x, y = np.rint(pieces.centres[dots]).astype(np.int64).T
    near, far, half = round(0.4 * body), round(2 * body), round(body / 2)
    below = _ink_within(ink, x - half, y + near, x + half, y + far)
    above = _ink_within(ink, x - half, y - far, x + half, y - near)
    left = _ink_within(ink, x - far, y - half, x - near, y + half)
    right = _ink_within(ink, x + near, y - half, x + far, y + half)
    return _balance(below, above, body), _balance(left, right, body)


def _balance(one: Ints, other: Ints, body: float) -> float:
    return float(np.mean((one - other) / (one + other + 0.05 * body * body)))


def _ink_within(integral: Ints, left: Ints, top: Ints, right: Ints, bottom: Ints) -> Ints:
    """Ink pixels within boxes, cut to the page, from the integral image."""
    height, width = integral.shape
    left, right = (np.clip(side, 0, width - 1) for side in (left, right))
    top, bottom = (np.clip(side, 0, height - 1) for side in (top, bottom))
    corners = integral[bottom, right] - integral[top, right]
    return np.asarray(corners - integral[bottom, left] + integral[top, left], np.int64)


def _logistic(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(log_odds, -30, 30))))
