"""Cutting a field's writing into lines, words and characters.

A field's ink is known to be writing, and all of it: nothing is left out as stray.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from hwdigitize.forms.cutting import MARGIN_PX, Cut, tight
from hwdigitize.forms.foreign import Mask, components
from hwdigitize.forms.ink import Grey
from hwdigitize.forms.strikes import is_crossed_out, is_struck_character

#: less ink is no piece of writing
LEAST_INK_PX = 12
#: a gap between words on one line, of the writing's height and of its pieces' median height
WORD_GAP, WORD_GAP_OF_PIECES = 0.205, 0.42
#: smoothing of the ink of rows, of the writing's height, and the least between two lines
ROW_BLUR, LINE_GAP = 0.3, 0.9
#: least ink of a line, of the fullest one's, and most ink between two, of the emptier one's
LEAST_LINE, BETWEEN = 0.04, 0.6
#: share of a stroke's ink in another line above which it is cut between the two
SHARED = 0.25
#: a word that is struck out is as wide at least, of its height
STRUCK_WIDTH = 1.5
#: kinds of which a single character may be a struck one, and the gap after it, of its height:
#: digits of one number stand closer
DIGITS, STRUCK_GAP = ("digits", "number", "date", "time"), 0.25
#: less ink than this, of all, beside what was struck out is nothing written instead
STRUCK_REST = 0.1


def cut_glyphs(cut: Cut) -> list[Grey]:
    """The separate characters of a field without cells, from left to right.

    Strokes above one another are one character; those that touch stay together.
    """
    return _parts(cut, 0.0)


def cut_words(cut: Cut) -> list[Grey]:
    """The words of a field of one line, from left to right; wide gaps part them."""
    stats = components(cut.ink.mask)[1][1:]
    pieces = stats[stats[:, cv2.CC_STAT_AREA] >= LEAST_INK_PX, cv2.CC_STAT_HEIGHT]
    gap = WORD_GAP * cut.grey.shape[0]
    if pieces.size:
        gap = max(gap, WORD_GAP_OF_PIECES * float(np.median(pieces)))
    return _parts(cut, gap)


def part_struck(cut: Cut, line_px: int) -> tuple[Cut, bool]:
    """Leave out the words that were struck out, and tell whether nothing else is there.

    A strike joins what it strikes into one stroke, which tells it from what was written after
    it instead. Of digits a single one that stands apart may be struck out, too.

    Args:
        cut: of a field without cells.
        line_px: height of the line or box that is written in.
    """
    mask = cut.ink.mask
    if is_crossed_out(mask, line_px):
        return cut, True
    end = _struck_until(mask, line_px, cut.field.kind in DIGITS)
    struck = mask & (np.arange(mask.shape[1]) < end)
    if not struck.any():
        return cut, False
    rest = cut.ink.without(cv2.dilate(struck.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    if rest.mask.sum() < STRUCK_REST * mask.sum():
        return cut, True
    return replace(cut, ink=rest), False


def _struck_until(mask: Mask, line_px: int, digits: bool) -> int:
    """Where the strokes end that were struck out before anything was written."""
    labels, stats = components(mask)
    left, top, width, height = stats[:, : cv2.CC_STAT_AREA].T
    end = 0
    for number in np.argsort(left, kind="stable"):
        right = int(left[number] + width[number])
        if number == 0 or right <= end:
            continue
        own = labels == number
        wide = width[number] >= STRUCK_WIDTH * height[number]
        if wide and is_crossed_out(own, line_px):
            end = right
            continue
        after = left[left >= right]
        stands_apart = not after.size or after.min() - right >= STRUCK_GAP * height[number]
        rows = slice(top[number], top[number] + height[number])
        lone = digits and stands_apart
        if not lone or not is_struck_character(own[rows, left[number] : right]):
            break
        end = right
    return end


def cut_lines(cut: Cut) -> list[Cut]:
    """The lines of a field from top to bottom, each as a field of its own.

    Lines are told apart by the ink of the rows (projection profile; Likforman-Sulem et al.,
    "Text line segmentation of historical documents: a survey", 2007, section 3.1), which does
    where a form has set the field straight. A stroke goes whole to one line unless it is
    written into both.
    """
    mask = cut.ink.mask
    between = _rows_between(mask)
    if not between:
        return [cut] if mask.any() else []
    zone = np.searchsorted(between, np.arange(mask.shape[0]), side="right")
    owner = _owners(mask, zone, len(between) + 1)
    return [
        replace(cut, ink=cut.ink.without(_with_rim(owner, number)))
        for number in range(len(between) + 1)
    ]


def _with_rim(owner: NDArray[np.int64], number: int) -> Mask:
    """All but the strokes of a line and their grey rim."""
    own = cv2.dilate((owner == number).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return ~own | ((owner >= 0) & (owner != number))


def _rows_between(mask: Mask) -> list[int]:
    """The rows of least ink between lines."""
    stats = components(mask)[1][1:]
    if not len(stats):
        return []
    heights, areas = stats[:, cv2.CC_STAT_HEIGHT], stats[:, cv2.CC_STAT_AREA]
    order = np.argsort(heights)
    half = np.searchsorted(np.cumsum(areas[order]), areas.sum() / 2)
    height = float(heights[order[half]])
    ink = mask.sum(1, dtype=np.float32)[:, None]
    rows = cv2.GaussianBlur(ink, (1, 0), ROW_BLUR * height, borderType=cv2.BORDER_CONSTANT)
    profile = rows.ravel()
    lines: list[int] = []
    between: list[int] = []
    for row in _peaks(profile):
        if not lines:
            lines = [row]
            continue
        valley = lines[-1] + int(profile[lines[-1] : row].argmin())
        lower = min(profile[row], profile[lines[-1]])
        if row - lines[-1] >= LINE_GAP * height and profile[valley] <= BETWEEN * lower:
            lines.append(row)
            between.append(valley)
        elif profile[row] > profile[lines[-1]]:
            lines[-1] = row
    return between


def _peaks(profile: NDArray[np.float32]) -> Iterator[int]:
    padded = np.r_[-1.0, profile, -1.0]
    high = (padded[1:-1] > padded[:-2]) & (padded[1:-1] >= padded[2:])
    yield from np.flatnonzero(high & (profile >= LEAST_LINE * profile.max())).tolist()


def _owners(mask: Mask, zone: NDArray[np.int64], lines: int) -> NDArray[np.int64]:
    """Number of the line that each pixel of ink belongs to, -1 elsewhere."""
    count, labels = cv2.connectedComponents(mask.view(np.uint8), None, 8)
    shares = np.zeros((count, lines))
    rows = np.nonzero(mask)[0]
    np.add.at(shares, (labels[mask], zone[rows]), 1)
    shares /= np.maximum(shares.sum(1, keepdims=True), 1)
    whole = np.sort(shares, 1)[:, -2] < SHARED
    owner = np.where(whole[labels], shares.argmax(1)[labels], zone[:, None])
    return np.where(mask, owner, -1)


def _parts(cut: Cut, gap: float) -> list[Grey]:
    """What is parted by more empty columns than ``gap``, from left to right."""
    columns = np.flatnonzero(cut.ink.mask.any(0))
    if not columns.size:
        return []
    parts = np.split(columns, np.flatnonzero(np.diff(columns) - 1 > gap) + 1)
    return [_part(cut, int(part[0]), int(part[-1]) + 1) for part in parts]


def _part(cut: Cut, left: int, right: int) -> Grey:
    start, end = max(left - MARGIN_PX, 0), right + MARGIN_PX
    kept = np.zeros_like(cut.ink.mask[:, start:end])
    kept[:, left - start : right - start] = cut.ink.mask[:, left:right]
    rim = cv2.dilate(kept.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return tight(np.where(rim, cut.ink.grey[:, start:end], np.uint8(255)), kept)
