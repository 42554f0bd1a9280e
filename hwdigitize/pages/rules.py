"""Ruled lines taken off the page without eating strokes.

A rule is a thin dark ridge that runs on, nearly straight, for much of the page. Ridges are
sought on narrow strips, in which writing blurs and a rule does not, and followed from strip to
strip by dynamic programming, so that a rule may be faint, broken, sloped or bent. Along each
rule found, every column is judged by itself: ink that goes on above or below the rule, or is
darker than the rule, is a stroke and stays; the rest becomes paper (run lengths across the line
as in Cao, Prasad and Natarajan, "A stroke regeneration method for cleaning rule-lines in
handwritten document images", 2009). Sides of boxes stay, as boxes are looked for later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.pages.ink import Grey, Ints

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]
Sums = npt.NDArray[np.float32]

STRIPS = 160  # along the rule
LOOK_SIDE = 1800  # pixels across the rules, at most, when looking for them
SHORTEST_ACROSS, SHORTEST_DOWN = 0.15, 0.3  # of the page
FAINTEST = 5.0  # darkness of a rule over the paper beside it, of 255
WINDOW = 48  # columns over which a rule looks the same
LEAST_COVERED = 0.85  # of the columns of a rule
FEWEST_STRIPS = 12
PATH_OFF = 3  # pixels by which a path may miss the middle of its rule
MOST_RULES = 150
SMALLEST_PAGE = 64  # pixels
HEAVY = 1.4  # times the darkness of the rule alone
STROKE_DARK = 60.0  # darkness beside a rule that is a stroke
PAPER = 255


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: the row ``ys`` of its middle at each of the columns from ``start`` on."""

    start: int
    ys: Floats


def remove_rules(grey: Grey) -> Grey:
    """The page without horizontal and vertical rules; the same array where it has none.

    ``grey`` is an upright page (H, W) uint8, paper near 255, its rules within 3 degrees of
    straight.
    """
    if min(grey.shape) < SMALLEST_PAGE:
        return grey
    low = _reduce(grey)
    across = find_rules(grey, low, SHORTEST_ACROSS)
    down = find_rules(grey.T, low.T, SHORTEST_DOWN)
    if not across and not down:
        return grey
    clean = grey.copy()
    for rule in across:
        _erase(clean, rule)
    for rule in down:
        _erase(clean.T, rule)
    return clean


def find_rules(grey: Grey, low: Grey, shortest: float) -> list[Rule]:
    """Rules across a page for at least ``shortest`` of its width; sides of boxes are none.

    ``low`` is the page reduced by a whole factor, to look for them.
    """
    ridge = _ridge(_strips(low), _thickest(low) + 1)
    scores = _follow(ridge)
    claimed = np.zeros(ridge.shape, bool)
    rules: list[Rule] = []
    least = max(FEWEST_STRIPS, shortest * ridge.shape[1])
    for path, strip in _trace(scores, *_ends(scores, ridge, 0.6 * least)):
        strips = np.arange(strip - len(path) + 1, strip + 1)
        if len(path) < least or claimed[path, strips].any():
            continue
        _claim(claimed, path, strips, _thickest(low) + 1)
        rule = _at_full_size(path, strip, ridge.shape, grey.shape)
        if _is_straight(path) and _is_unbroken(grey, rule) and not _is_box_side(grey, rule):
            rules.append(rule)
        if len(rules) == MOST_RULES:
            break
    return rules


def _reduce(grey: Grey) -> Grey:
    """The page by a whole factor smaller, on which a rule is some two pixels thick."""
    factor = max(1, round(max(grey.shape) / LOOK_SIDE))
    height, width = (max(1, side // factor) for side in grey.shape)
    used = grey[: height * factor, : width * factor]
    return np.asarray(cv2.resize(used, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _ends(scores: Sums, ridge: Floats, least: float) -> tuple[Ints, Ints]:
    """Rows and strips where strong paths end, the strongest first."""
    strongest = scores.max(axis=0)
    around = cv2.dilate(strongest[:, None], np.ones((5, 1), np.uint8))[:, 0]
    rows = np.flatnonzero((strongest >= least) & (strongest >= around))
    strips = scores[:, rows].argmax(axis=0)
    found = ridge[rows, strips] > 0
    rows, strips = rows[found], strips[found]
    order = np.argsort(-strongest[rows], kind="stable")
    return rows[order], strips[order]


def _thickest(grey: Grey) -> int:
    """Pixels from a rule's middle to the paper beside it, by the size of the page."""
    return max(2, max(grey.shape) // 390)


def _strips(grey: Grey) -> Floats:
    """Mean darkness (rows, strips) of narrow vertical strips of the page."""
    along = max(1, grey.shape[1] // STRIPS)
    size = (grey.shape[1] // along, len(grey))
    used = grey[:, : size[0] * along]
    if grey.flags.c_contiguous:
        low = cv2.resize(used, size, interpolation=cv2.INTER_AREA)
    else:  # a transposed page is reduced as it lies in memory
        low = cv2.resize(used.T, size[::-1], interpolation=cv2.INTER_AREA).T
    return 255.0 - np.ascontiguousarray(low, np.float32)


def _ridge(dark: Floats, gap: int) -> Floats:
    """-1 to 1 for each row of each strip: how surely a thin line runs through it.

    It is darker than what lies ``gap`` pixels above and below, and surest along its middle.
    """
    padded = np.pad(dark, ((gap, gap), (0, 0)), mode="edge")
    above, below = padded[: -2 * gap], padded[2 * gap :]
    sure = np.clip((dark - np.maximum(above, below)) / FAINTEST - 1, -1, 1)
    smooth = cv2.blur(dark, (1, gap | 1))
    crest = smooth / (cv2.dilate(smooth, np.ones((2 * gap + 1, 1), np.uint8)) + 1)
    return np.asarray(np.where(sure > 0, sure * crest, sure))


def _follow(ridge: Floats) -> Sums:
    """Best sum of ``ridge`` over all paths that end at a place, coming from the left.

    A row for each strip, which is what lies together in memory.
    """
    columns = np.ascontiguousarray(ridge.T, np.float32)
    # one place more on either side, through which no path goes: sums are never below 0
    scores = np.zeros((len(columns) + 1, len(ridge) + 2), np.float32)
    reach = np.empty(len(ridge), np.float32)
    for before, column, after in zip(scores, columns, scores[1:], strict=False):
        np.maximum(before[:-2], before[2:], out=reach)
        np.maximum(reach, before[1:-1], out=reach)
        np.add(reach, column, out=reach)
        np.maximum(reach, 0, out=after[1:-1])
    return scores[1:, 1:-1]


def _trace(scores: Sums, rows: Ints, strips: Ints) -> Iterator[tuple[Ints, int]]:
    """The best path to each end: its rows from the left, and the strip of its end.

    A path goes back from strip to strip, straight on where nothing speaks for a bend.
    """
    last_row = scores.shape[1] - 1
    sums = scores.data  # read one by one, which arrays are slow at
    for row, last in zip(rows.tolist(), strips.tolist(), strict=True):
        path = [row]
        for strip in range(last - 1, -1, -1):
            best, bend = sums[strip, row], 0
            if row and sums[strip, row - 1] > best:
                best, bend = sums[strip, row - 1], -1
            if row < last_row and sums[strip, row + 1] > best:
                best, bend = sums[strip, row + 1], 1
            if best <= 0:
                break
            row += bend
            path.append(row)
        yield np.array(path[::-1]), last


def _claim(claimed: Bools, path: Ints, strips: Ints, reach: int) -> None:
    """Mark a path and what lies within ``reach`` of it, in place."""
    for offset in range(-reach, reach + 1):
        claimed[np.clip(path + offset, 0, len(claimed) - 1), strips] = True


def _is_straight(path: Ints) -> bool:
    """Whether a smooth curve goes through the path; writing zigzags."""
    strips = np.linspace(-1, 1, len(path))
    off = path - np.polynomial.Polynomial.fit(strips, path, 3)(strips)
    return bool(np.sqrt(np.mean(off**2)) < 1.2)


def _is_unbroken(grey: Grey, rule: Rule) -> bool:
    """Whether ink runs on along one row; a row of writing has as much white as ink."""
    reach = _thickest(grey) // 2 + 1
    columns = np.arange(rule.start, rule.start + len(rule.ys))
    rows = np.rint(rule.ys).astype(np.int64) + np.arange(-reach, reach + 1)[:, None]
    dark = PAPER - grey[np.clip(rows, 0, len(grey) - 1), columns]
    faint = max(FAINTEST, 0.5 * float(np.median(dark.max(axis=0))))
    either = np.maximum(dark[1:], dark[:-1]) > faint
    covered = _windows(either).mean(axis=2).max(axis=0)
    return bool(covered.mean() >= LEAST_COVERED)


def _windows(strip: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A strip (rows, columns) along a rule cut into (rows, windows, columns of a window)."""
    rows, columns = strip.shape
    window = min(WINDOW, columns)
    count = columns // window
    return strip[:, : count * window].reshape(rows, count, window)


def _at_full_size(
    path: Ints, last: int, small: tuple[int, ...], shape: tuple[int, ...]
) -> Rule:
    """A path over strips as a rule over columns."""
    down, along = shape[0] // small[0], shape[1] // small[1]
    strips = np.arange(last - len(path) + 1, last + 1)
    start, stop = round(strips[0] * along), round((strips[-1] + 1) * along)
    smooth = cv2.blur(path.astype(np.float64)[None], (5, 1), borderType=cv2.BORDER_REPLICATE)[0]
    columns = np.arange(start, min(stop, shape[1]))
    ys = np.interp(columns + 0.5, (strips + 0.5) * along, (smooth + 0.5) * down - 0.5)
    return Rule(start, ys)


def _is_box_side(grey: Grey, rule: Rule) -> bool:
    """Whether at both ends an upright line meets the rule, as at the corners of a box."""
    return _meets_line(grey, rule.start, rule.ys[0]) and _meets_line(
        grey, rule.start + len(rule.ys) - 1, rule.ys[-1]
    )


def _meets_line(grey: Grey, x: int, y: float) -> bool:
    size = max(grey.shape)
    reach, length = size // 150, max(1, size // 100)
    columns = slice(max(0, x - reach), x + reach + 1)
    row = round(y)
    above = grey[max(0, row - length) : max(1, row), columns]
    below = grey[row + 1 : row + 1 + length, columns]
    dark = PAPER - STROKE_DARK
    return any(
        side.shape[1] > 0
        and len(side) == length
        and bool((np.mean(side < dark, axis=0) > 0.9).any())
        for side in (above, below)
    )


def _erase(grey: Grey, rule: Rule) -> None:
    """Paint a rule white, in place, except where a stroke crosses, touches or darkens it."""
    height = len(grey)
    reach = _thickest(grey) + 4
    columns = np.arange(rule.start, rule.start + len(rule.ys))
    offsets = np.arange(-reach, reach + 1)
    rows = np.clip(np.rint(rule.ys).astype(np.int64) + offsets[:, None], 0, height - 1)
    dark = 255 - grey[rows, columns]
    profile = _local_profile(dark)
    inside = _band(profile)
    stroke = _strokes(dark, profile, inside)
    erased = inside & ~stroke
    grey[rows[erased], np.broadcast_to(columns, rows.shape)[erased]] = PAPER


def _local_profile(dark: Grey) -> Grey:
    """Darkness of the rule itself across it: the local median along it."""
    parts = _windows(dark)
    _, count, window = parts.shape
    medians = np.partition(parts, window // 2, axis=2)[:, :, window // 2]
    return np.asarray(medians[:, np.minimum(np.arange(dark.shape[1]) // window, count - 1)])


def _band(profile: Grey) -> Bools:
    """The rows that belong to the rule: around its peak, as far as it is dark, and one more.

    Where writing is dense the local profile holds writing too: nowhere is the rule taken to be
    thicker than it mostly is.
    """
    middle = len(profile) // 2
    near = slice(middle - PATH_OFF, middle + PATH_OFF + 1)
    peak = profile[near].argmax(axis=0) + near.start
    level = np.take_along_axis(profile, peak[None], axis=0)
    rows = np.arange(len(profile))[:, None]
    light = profile < np.maximum(0.3 * level, 4)
    above = peak - np.where(light & (rows < peak), rows, -1).max(axis=0)
    below = np.where(light & (rows > peak), rows, len(profile)).min(axis=0) - peak
    above, below = (np.minimum(side, np.median(side) + 1) for side in (above, below))
    return (rows >= peak - above) & (rows <= peak + below) & (level > FAINTEST)


def _strokes(dark: Grey, profile: Grey, inside: Bools) -> Bools:
    """The part of the band that is writing."""
    level = np.where(inside, profile, 0).max(axis=0)
    level = np.minimum(level, 1.5 * np.median(level))
    ink = dark > STROKE_DARK
    first = inside.argmax(axis=0)
    last = len(inside) - 1 - inside[::-1].argmax(axis=0)
    above = _goes_on(ink, first - 1, -1)
    below = _goes_on(ink, last + 1, 1)
    thickness = int(np.median(last - first)) + 1
    # a slanted stroke leaves the rule at other columns than it entered: close what is between
    touched = _widen(above | below, thickness)
    between = ~_widen(~touched, thickness)
    kept = ink & (_widen(above | below, 1) | between | _is_heavy(dark, profile, inside))
    kept |= dark > level + np.maximum(30, 0.35 * level)
    return kept & _reaches_out(ink & (kept | ~inside), inside)


def _is_heavy(dark: Grey, profile: Grey, inside: Bools) -> Bools:
    """The columns in which rule and stroke together are more than the rule alone."""
    near = cv2.dilate(inside.astype(np.uint8), np.ones((5, 1), np.uint8))
    mass = (dark * near).sum(axis=0, dtype=np.float32)
    alone = (profile * near).sum(axis=0, dtype=np.float32)
    around = cv2.blur(mass[None], (5, 1))[0]
    return np.asarray((around > HEAVY * alone) & (mass > HEAVY * alone))


def _goes_on(ink: Bools, rows: Ints, step: int) -> Bools:
    """Whether each column has ink at its row and the next one, away from the rule."""
    columns, last = np.arange(ink.shape[1]), len(ink) - 1
    return np.asarray(
        ink[np.clip(rows, 0, last), columns] & ink[np.clip(rows + step, 0, last), columns]
    )


def _reaches_out(ink: Bools, inside: Bools) -> Bools:
    """The ink in pieces that are not wholly within the band."""
    _, labels = cv2.connectedComponents(ink.astype(np.uint8), connectivity=8)
    outside = np.zeros(labels.max() + 1, bool)
    outside[labels[ink & ~inside]] = True
    return np.asarray(outside[labels])


def _widen(columns: Bools, reach: int) -> Bools:
    element = np.ones((1, 2 * reach + 1), np.uint8)
    return np.asarray(cv2.dilate(columns.astype(np.uint8)[None], element)[0] > 0)
