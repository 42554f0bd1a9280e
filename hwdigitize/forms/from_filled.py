"""The blank of a form made from filled scans of it.

Every scan is laid onto one of them, and each pixel of the blank is a high quantile of its
brightness over the scans: print is dark on nearly all, writing on few (the background of a
static scene by temporal quantiles, as in video). As strokes are a pixel apart from scan to scan
a high quantile eats thin lines; each is let be a pixel off, and what is print then is their
median.
The second round lays the scans onto the blank of the first, which has no writing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hwdigitize.errors import PageError
from hwdigitize.forms.homography import find_homography
from hwdigitize.forms.matching import look_at
from hwdigitize.forms.registration import Registration, align
from hwdigitize.forms.structure import Structure, find_structure

Grey = NDArray[np.uint8]

#: fewer scans cannot tell print from writing
FEWEST = 3
#: more are not better, and are held in memory together
MOST = 25
#: share of the scans on which a pixel must be dark to be print, and by how many pixels at
#: 300 dpi strokes may be off from scan to scan
PRINT_SHARE, SLACK = 0.8, 1
#: darkness of print; what is darker than its paper by less is paper
INK, PAPER = 50, 22
#: pieces smaller than this, in mm, are specks
SPECK_MM = 0.25
#: darkness around a scrap of writing, on the average scan, of its own
SCRAP = 0.25
ROUNDS, MOST_TRIED = 2, 5
#: what a scan must show of the others' print, and how far it may be off at 300 dpi
LEAST_SEEN, MOST_OFF_PX = 0.25, 2.5
REMEDY = "Give at least {} scans of one form, flat and whole."


@dataclass(frozen=True, eq=False, slots=True)
class Background:
    """The blank, grey (H, W) uint8, and which of the scans it was made from, by number."""

    grey: Grey
    used: tuple[int, ...]


def make_blank(scans: Sequence[Grey], dpi: float = 300.0) -> Background:
    """Make the blank of one page from filled scans of it.

    Args:
        scans: (H, W) uint8 each, upright, paper near 255, of any size.
        dpi: resolution of the scan of middle size, which is that of the blank.

    Raises:
        PageError: ``too_few_scans``, fewer than three show the same form.
    """
    picked = _pick(scans)
    if len(picked) < FEWEST:
        message = f"There are only {len(picked)} scans. " + REMEDY.format(FEWEST)
        raise PageError("draft", "too_few_scans", message)
    laid, used = _lay_on_one(scans, picked, dpi)
    for _ in range(ROUNDS - 1):
        blank = _clean(_background(laid, dpi), 0.0)
        laid, used = _lay(scans, picked, blank, dpi)
    if len(laid) < FEWEST:
        message = f"Only {len(laid)} of {len(scans)} scans show the same form. "
        raise PageError("draft", "too_few_scans", message + REMEDY.format(FEWEST))
    return Background(_clean(_background(laid, dpi), dpi), tuple(used))


def _lay_on_one(
    scans: Sequence[Grey], picked: Sequence[int], dpi: float
) -> tuple[list[Grey], list[int]]:
    """The scans laid onto one of them that most of them fit: it may be of another form."""
    tried = [_lay(scans, picked, scans[picked[0]], dpi)]
    for number in picked[1:MOST_TRIED]:
        if 2 * len(tried[-1][0]) > len(picked):
            break
        tried.append(_lay(scans, picked, scans[number], dpi))
    return max(tried, key=lambda one: len(one[0]))


def _pick(scans: Sequence[Grey]) -> list[int]:
    """At most ``MOST`` scans; first the one of middle size that has the sharpest strokes."""
    sizes = [scan.shape[0] * scan.shape[1] for scan in scans]
    middle = sorted(sizes)[len(sizes) // 2] if sizes else 0
    near = [i for i, size in enumerate(sizes) if 0.9 * middle <= size <= 1.1 * middle]
    near.sort(key=lambda i: -_sharpness(scans[i]))
    others = [i for i in range(len(scans)) if i not in near[:1]]
    return (near[:1] + others)[:MOST]


def _sharpness(grey: Grey) -> float:
    """How steep the edges of strokes are: what a hundredth exceeds."""
    steps = np.abs(np.diff(grey[::2].astype(np.int16), axis=1))
    return float(np.quantile(steps[:, ::3], 0.99))


def _lay(
    scans: Sequence[Grey], picked: Sequence[int], blank: Grey, dpi: float
) -> tuple[list[Grey], list[int]]:
    """The scans that fit, laid onto the blank, and their numbers."""
    structure, features = find_structure(blank, dpi), look_at(blank).features
    laid, used = [], []
    for number in picked:
        scan = scans[number]
        matrix = find_homography(features, look_at(scan).features, max(blank.shape))
        if matrix is None:
            continue
        registration = align(scan, structure, matrix)
        if _fits(registration, structure):
            laid.append(registration.rectify(scan))
            used.append(number)
    return laid, used


def _fits(registration: Registration, structure: Structure) -> bool:
    near = registration.residual_px <= MOST_OFF_PX * structure.dpi / 300
    return near and registration.seen_share >= LEAST_SEEN


def _background(laid: Sequence[Grey], dpi: float) -> Grey:
    """Print is dark, give or take a pixel, on nearly all scans; strokes are their median."""
    last = max(int(np.ceil(PRINT_SHARE * len(laid))) - 1, 0)
    slack = np.ones((2 * max(round(SLACK * dpi / 300), 1) + 1,) * 2, np.uint8)
    nearly = np.sort(np.stack([cv2.erode(scan, slack) for scan in laid]), axis=0)[last]
    stack = np.sort(np.stack(laid), axis=0)
    print_here = nearly < 255 - INK
    blank = np.where(print_here, stack[len(stack) // 2], stack[last])
    return _without_scraps(blank, stack.mean(axis=0, dtype=np.float32), round(dpi / 60) + 1)


def _without_scraps(blank: Grey, mean: NDArray[np.float32], reach: int) -> Grey:
    """Take off pieces that have ink around them on the average scan: where writing overlaps.

    Around print there is paper. ``reach`` is how many pixels around are looked at.
    """
    ink = (blank < 255 - PAPER).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    clean = blank.copy()
    for number in range(1, count):
        left, top, width, height, _ = stats[number].tolist()
        if max(width, height) > 12 * reach:
            continue
        rows = slice(max(top - reach, 0), top + height + reach)
        columns = slice(max(left - reach, 0), left + width + reach)
        own = labels[rows, columns] == number
        near = cv2.dilate(own.astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0
        near &= cv2.dilate(ink[rows, columns], np.ones((3, 3), np.uint8)) == 0
        dark = 255 - mean[rows, columns]
        if near.any() and dark[near].mean() > SCRAP * dark[own].mean():
            clean[rows, columns][own] = 255
    return np.asarray(clean, np.uint8)


def _clean(grey: Grey, dpi: float) -> Grey:
    """The page without specks and without the grain of its paper; only whitened at 0 dpi."""
    clean = grey.copy()
    clean[clean > 255 - PAPER] = 255
    if dpi:
        ink = (clean < 255).astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
        least = SPECK_MM * dpi / 25.4
        small = (stats[:, 2:4].max(axis=1) < least) | (stats[:, cv2.CC_STAT_AREA] < least)
        clean[small[labels] & (ink > 0)] = 255
    return clean
