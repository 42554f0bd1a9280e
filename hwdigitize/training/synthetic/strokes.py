"""Words and lines drawn again from recorded pen movements, with another pen each time.

The table is ``strokes.parquet`` (lines of the IAM On-Line Handwriting Database): x right, y
down, in device units. Words are cut from a line only where its gaps are clear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from hwdigitize.errors import DataError
from hwdigitize.training.synthetic.ink import (
    HEIGHT_PX,
    Drawn,
    Floats,
    Ink,
    smooth_noise,
    tight,
    to_height,
)

CLEAR_GAP = 1.35
"""Least ratio of the narrowest gap between words to the widest gap within one."""
SUBPIXEL_BITS = 4
MARGIN_PX = 10
LEAST_BODY = 100.0
"""Device units; a line of dashes is not blown up further than this."""
SLANTS = (0.0, 0.2, 0.4, -0.2)


@dataclass(frozen=True)
class PenLine:
    """One written line: strokes of (n, 2) float32 points, its truth and its writer."""

    strokes: tuple[Floats, ...]
    text: str
    writer: str


@dataclass(frozen=True)
class Pen:
    """How a line is drawn again; lengths in px where its letters are ``line_px`` high."""

    line_px: float
    width_px: float
    pressure: float
    slant: float
    stretch: float
    tremble: float


def draw_pen(rng: np.random.Generator) -> Pen:
    """A pen chosen at random: fine or broad, steady or pressing, leaning either way."""
    line_px = rng.uniform(60, 90)
    return Pen(
        line_px=line_px,
        width_px=line_px * rng.uniform(0.035, 0.105),
        pressure=rng.uniform(0.05, 0.35),
        slant=rng.normal(0, 0.13),
        stretch=rng.uniform(0.85, 1.2),
        tremble=rng.uniform(0, 0.008),
    )


def load_lines(table: Path, split: str) -> list[PenLine]:
    """The lines of a split ("train", "valid", "test"); raises DataError when there is none."""
    import polars as pl

    if not table.is_file():
        raise DataError(
            f"no pen strokes at {table}: name the folder that holds strokes.parquet"
        )
    rows = pl.read_parquet(table).filter(pl.col("split") == split)
    if rows.is_empty():
        raise DataError(f"{table} has no lines of the split {split!r}: train, valid or test")
    return [_pen_line(row) for row in rows.iter_rows(named=True)]


def _pen_line(row: dict[str, object]) -> PenLine:
    steps = np.array([row["dx"], row["dy"]], dtype=np.float32).T
    ends = np.cumsum(np.array(row["stroke_lengths"]))[:-1]
    points = np.cumsum(steps, axis=0, dtype=np.float32)
    strokes = tuple(stroke for stroke in np.split(points, ends) if len(stroke))
    writer = row["writer"] or f"page-{row['page']}"
    return PenLine(strokes, set_as_written(str(row["text"])), str(writer))


def set_as_written(text: str) -> str:
    """Join punctuation that a transcript sets apart: ``stop Mr . X`` to ``stop Mr. X``."""
    text = re.sub(r" +([.,;:?!)])", r"\1", text)
    return re.sub(r"\( +", "(", text).strip()


def cut_words(line: PenLine) -> list[PenLine]:
    """The words of a line that has as many clear gaps as its text has spaces, else none."""
    words = line.text.split()
    if any(not re.search(r"\w", word) for word in words):
        return []
    if len(words) == 1:
        return [line]
    cuts = max((_cuts(line.strokes, len(words) - 1, slant) for slant in SLANTS), key=_clarity)
    if cuts is None or cuts[0] < CLEAR_GAP:
        return []
    groups = _grouped(line.strokes, cuts[1], cuts[2])
    if not _plausible(groups, words):
        return []
    return [
        PenLine(tuple(group), word, line.writer)
        for group, word in zip(groups, words, strict=True)
    ]


Cuts = tuple[float, list[float], float]
"""How clear the gaps are, where they are (upright x), and the slant they were seen at."""


def _clarity(cuts: Cuts | None) -> float:
    return 0.0 if cuts is None else cuts[0]


def _upright_x(stroke: Floats, slant: float) -> Floats:
    return stroke[:, 0] + slant * stroke[:, 1]


def _cuts(strokes: Sequence[Floats], count: int, slant: float) -> Cuts | None:
    spans = sorted((float(x.min()), float(x.max())) for x in _all_x(strokes, slant))
    gaps: list[tuple[float, float]] = []
    reached = spans[0][1]
    for left, right in spans[1:]:
        if left > reached:
            gaps.append((left - reached, (left + reached) / 2))
        reached = max(reached, right)
    if len(gaps) < count:
        return None
    gaps.sort(reverse=True)
    widest_within = gaps[count][0] if len(gaps) > count else 1.0
    return (
        gaps[count - 1][0] / widest_within,
        sorted(middle for _, middle in gaps[:count]),
        slant,
    )


def _all_x(strokes: Sequence[Floats], slant: float) -> list[Floats]:
    return [_upright_x(stroke, slant) for stroke in strokes]


def _grouped(
    strokes: Sequence[Floats], middles: list[float], slant: float
) -> list[list[Floats]]:
    groups: list[list[Floats]] = [[] for _ in range(len(middles) + 1)]
    for stroke, x in zip(strokes, _all_x(strokes, slant), strict=True):
        groups[int(np.searchsorted(middles, float(x.mean())))].append(stroke)
    return groups


NARROW = frozenset("iljtfrI1.,;:'!()|")
WIDE = frozenset("mwMWQOGDHNU")


def _expected_width(word: str) -> float:
    return sum(0.6 if c in NARROW else 1.5 if c in WIDE else 1.0 for c in word)


def _plausible(groups: list[list[Floats]], words: list[str]) -> bool:
    """Whether every word is about as wide as its letters ask: catches gaps counted wrongly."""
    widths = np.array([np.ptp(np.concatenate(group)[:, 0]) for group in groups])
    expected = np.array([_expected_width(word) for word in words])
    ratio = np.log((widths + 1) / expected)
    allowed = 0.45 + 0.5 / np.sqrt(expected)
    return bool(np.all(np.abs(ratio - np.median(ratio)) < allowed))


def draw_strokes(
    strokes: Sequence[Floats], pen: Pen, unit_px: float, rng: np.random.Generator
) -> Ink:
    """Draw strokes with a pen at ``unit_px`` pixels a device unit; a tight ink image."""
    moved = [_moved(stroke, pen, unit_px, rng) for stroke in strokes]
    every = np.concatenate(moved)
    origin = every.min(axis=0) - MARGIN_PX
    width, height = np.ceil(np.ptp(every, axis=0)).astype(int) + 2 * MARGIN_PX
    image = np.zeros((int(height), int(width)), dtype=np.uint8)
    for points in moved:
        _draw_stroke(image, points - origin, pen, rng)
    return tight(image)


def _moved(stroke: Floats, pen: Pen, unit_px: float, rng: np.random.Generator) -> Floats:
    shear = np.array([[pen.stretch, 0], [-pen.slant, 1]], dtype=np.float32)
    points = _rounded(stroke @ shear) * np.float32(unit_px)
    knots = 2 + len(points) // 16
    for axis in (0, 1):
        wander = smooth_noise(rng, len(points), knots)
        points[:, axis] += wander * np.float32(pen.tremble * pen.line_px)
    return points


def _rounded(points: Floats) -> Floats:
    """Cut corners twice (Chaikin 1974), so that sparse samples become a smooth line."""
    for _ in range(2):
        if len(points) < 3:
            return points.copy()
        early = 0.75 * points[:-1] + 0.25 * points[1:]
        late = 0.25 * points[:-1] + 0.75 * points[1:]
        between = np.stack([early, late], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], between, points[-1:]])
    return points.astype(np.float32)


def _draw_stroke(image: Ink, points: Floats, pen: Pen, rng: np.random.Generator) -> None:
    """Draw runs of one thickness, thicker where the pen presses, thinner where it hurries."""
    fixed = np.round(points * (1 << SUBPIXEL_BITS)).astype(np.int32)
    if len(points) < 3:
        radius = round(pen.width_px * 0.6 * (1 << SUBPIXEL_BITS))
        x, y = (int(v) for v in fixed[0])
        cv2.circle(image, (x, y), radius, 255, -1, cv2.LINE_AA, SUBPIXEL_BITS)
    thickness = _thickness(points, pen, rng)
    turns = np.flatnonzero(np.diff(thickness)) + 1
    edges = [0, *turns.tolist(), len(thickness)]
    for start, stop in pairwise(edges):
        run = [fixed[start : stop + 1]]
        cv2.polylines(image, run, False, 255, int(thickness[start]), cv2.LINE_AA, SUBPIXEL_BITS)


def _thickness(points: Floats, pen: Pen, rng: np.random.Generator) -> Floats:
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    speed = steps / max(float(steps.mean()), 1e-3) if len(steps) else np.zeros(1, np.float32)
    calm = np.clip(1.0 - speed, -1, 1)
    press = smooth_noise(rng, len(calm), 2 + len(calm) // 40)
    width = pen.width_px * (1 + pen.pressure * (0.5 * calm + 0.6 * press))
    return np.asarray(np.maximum(1, np.round(width)), dtype=np.float32)


def unit_px(line: PenLine, pen: Pen) -> float:
    """Pixels a device unit: letters (90 % of the ink, slope removed) fill ``line_px``."""
    points = np.concatenate(line.strokes)
    x = points[:, 0] - points[:, 0].mean()
    slope = float(x @ points[:, 1]) / max(float(x @ x), 1.0)
    low, high = np.percentile(points[:, 1] - slope * x, (5, 95))
    return pen.line_px / max(float(high - low), LEAST_BODY)


def draw_words(lines: Sequence[PenLine], seed: int) -> Iterator[Drawn]:
    """Every word that can be cut from the lines, drawn once, in the order of the lines."""
    rng = np.random.default_rng(seed)
    for line in lines:
        pen = draw_pen(rng)
        scale = unit_px(line, pen)
        for word in cut_words(line):
            ink = draw_strokes(word.strokes, pen, scale, rng)
            yield Drawn(to_height(ink), word.text, f"strokes:{word.writer}")


def draw_lines(lines: Sequence[PenLine], seed: int) -> Iterator[Drawn]:
    """Every line drawn whole, HEIGHT_PX high."""
    rng = np.random.default_rng(seed)
    for line in lines:
        pen = draw_pen(rng)
        ink = draw_strokes(line.strokes, pen, unit_px(line, pen), rng)
        yield Drawn(to_height(ink, HEIGHT_PX), line.text, f"strokes:{line.writer}")
