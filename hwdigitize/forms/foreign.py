"""Ink in a field that no one wrote: folds, scanner lines, rings of cups and stamps, dust.

Such lines come from outside the field and leave it again, straight or in one bend, which no
writing does; dust lies apart from all writing and is far smaller.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Labels = NDArray[np.int32]
Stats = NDArray[np.int32]

#: straight runs as long as this that go on, over such gaps, from side to side are a line's
THROUGH_PX, THROUGH_GAP_PX = 41, 25
#: a line's ends lie as near to the sides, and it is as thin as this, or else so thick at most
EDGE_PX, THIN_PX, MOST_THICK_PX = 8, 6, 20
#: what is higher than this, of a line's thickness, is a stroke across it
ACROSS = 1.4
#: an arc is as long as this at most, of the distance between its ends, and as thick, of that
LONGEST_ARC, THICKEST_ARC = 1.6, 0.25
#: dust is as small as this at most, of the height of writing, and lies farther than this from
#: it, sideways and up or down
SPECK, APART, ABOVE = 0.2, 1.0, 0.6
#: pieces at least as high as this, of the highest, are writing and not its dots
LETTER = 0.4


def lines_through(mask: Mask, start: int, end: int) -> Mask:
    """Level lines from one column to another, less strokes across them.

    Args:
        mask: where ink is, (height, width).
        start: column at or before which they begin.
        end: column at or after which they end.
    """
    # most windows have no ink at one of the sides, which is told much faster
    if not (mask[:, : start + EDGE_PX + 1].any() and mask[:, end - EDGE_PX - 1 :].any()):
        return np.zeros_like(mask)
    size = np.ones((1, THROUGH_PX), np.uint8)
    long = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, size)
    if not long.any():
        return np.zeros_like(mask)
    joined = cv2.morphologyEx(long, cv2.MORPH_CLOSE, np.ones((3, THROUGH_GAP_PX), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, None, 8)
    first, width = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_WIDTH]
    through = (first <= start + EDGE_PX) & (first + width >= end - EDGE_PX)
    through[0] = False
    line = through[labels] & (long > 0)
    columns = line.sum(0)
    if not columns.any():
        return line
    thickness = float(np.median(columns[columns > 0]))
    if thickness > MOST_THICK_PX:
        return np.zeros_like(mask)
    upright = np.ones((max(THIN_PX, round(ACROSS * thickness)) + 1, 1), np.uint8)
    across = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, upright) > 0
    return mask & _grown(line, 1 if thickness <= THIN_PX else 2) & ~across


def components(mask: Mask) -> tuple[Labels, Stats]:
    """Connected ink: labels (height, width), 0 is paper, and boxes and areas (components, 5).

    As OpenCV's function with statistics, which takes several times as long where paper is most
    of an image.
    """
    count, labels = cv2.connectedComponents(mask.view(np.uint8), None, 8)
    rows, columns = np.nonzero(mask)
    own = labels[rows, columns]
    stats = np.zeros((count, 5), np.int32)
    stats[:, :2] = np.iinfo(np.int32).max
    for side, place in ((0, columns), (1, rows)):
        np.minimum.at(stats[:, side], own, place.astype(np.int32))
        np.maximum.at(stats[:, side + 2], own, place.astype(np.int32) + 1)
    stats[0, :4] = 0
    stats[:, 2:4] -= stats[:, :2]
    stats[:, cv2.CC_STAT_AREA] = np.bincount(own, minlength=count)
    return labels, stats


def lines_from_outside(mask: Mask) -> Mask:
    """Lines and arcs that come from one side of a window and leave at another.

    Args:
        mask: ink of a field and of what is around it, (height, width).
    """
    height, width = mask.shape
    upright = np.ascontiguousarray(mask.T)
    straight = lines_through(mask, 0, width) | lines_through(upright, 0, height).T
    return straight | _arcs(mask & ~straight)


def _arcs(mask: Mask) -> Mask:
    """Components that are one plain stroke from one side of the window to another."""
    sides = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    if sum(bool(side.any()) for side in sides) < 2:
        return np.zeros_like(mask)
    labels, stats = components(mask)
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    right, bottom = left + stats[:, cv2.CC_STAT_WIDTH], top + stats[:, cv2.CC_STAT_HEIGHT]
    at = [left == 0, top == 0, right == mask.shape[1], bottom == mask.shape[0]]
    found = np.sum(at, axis=0) >= 2
    found[0] = False
    for number in np.flatnonzero(found).tolist():
        found[number] = _is_arc(labels, stats, number)
    return found[labels]


def _is_arc(labels: Labels, stats: Stats, number: int) -> bool:
    left, top, width, height, area = stats[number].tolist()
    own = labels[top : top + height, left : left + width] == number
    depth = cv2.distanceTransform(np.pad(own, 1).astype(np.uint8), cv2.DIST_L2, 3)
    # the mean depth of a band is a quarter of its thickness
    thickness = 4 * float(depth.sum()) / area
    chord = float(np.hypot(width, height))
    return area <= LONGEST_ARC * chord * thickness and thickness <= THICKEST_ARC * chord


def dust(stats: Stats, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which components are specks that lie apart from the writing.

    None are where there is nothing but specks.

    Args:
        stats: of components, as OpenCV gives them, (components, 5).
        known: those that may be writing, (components,).
    """
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    width, height = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    right, bottom = left + width, top + height
    highest = int(height[known].max(initial=0))
    letters = np.flatnonzero(known & (height >= LETTER * highest))
    small = np.flatnonzero(known & (np.maximum(width, height) <= SPECK * highest))
    beside = np.maximum(left[letters] - right[small, None], left[small, None] - right[letters])
    above = np.maximum(top[letters] - bottom[small, None], top[small, None] - bottom[letters])
    near = (beside <= APART * highest) & (above <= ABOVE * highest)
    specks = np.zeros(len(stats), bool)
    specks[small] = ~near.any(1)
    return specks


def _grown(mask: Mask, px: int) -> Mask:
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * px + 1,) * 2, np.uint8)) > 0
