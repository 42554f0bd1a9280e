"""Charts as inline SVG: small, sharp, readable without scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 440, 300, 66, 44, 14, 26
Point = tuple[float, float]
#: curves of one chart that can be told apart, columns of its key, height of a row of it
SHADES, KEY_COLUMNS, KEY_PX = 6, 3, 16


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def _plain(value: float) -> str:
    return f"{value:.4g}"


def _frame(
    body: str,
    x_name: str,
    y_name: str,
    x_top: float,
    y_top: float,
    title: str,
    *,
    shown: tuple[Callable[[float], str], Callable[[float], str]] = (_percent, _percent),
    below_px: int = 0,
) -> str:
    """Axes from 0 to ``x_top`` and ``y_top``, with a body drawn on them and room below."""
    grid = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x, y = _x(tick), _y(tick)
        grid.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{shown[1](tick * y_top)}'
            f'</text><text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">'
            f"{shown[0](tick * x_top)}</text>"
        )
    middle = (TOP + HEIGHT - BOTTOM) / 2
    names = (
        f'<text x="{_x(0.5):.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_name)}</text>'
        f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_name)}</text>"
    )
    return (
        f'<svg role="img" aria-label="{escape(title)}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT + below_px}">{"".join(grid)}{body}{names}</svg>'
    )


def reliability_chart(bins: Sequence[dict[str, float]]) -> str:
    """Accuracy against confidence; a dot's area is its share of the samples."""
    most = max((b["samples"] for b in bins), default=1)
    dots = "".join(
        f'<circle class="dot" cx="{_x(b["confidence"]):.1f}" cy="{_y(b["accuracy"]):.1f}" '
        f'r="{3 + 9 * np.sqrt(b["samples"] / most):.1f}"><title>confidence '
        f"{b['confidence']:.3f}, right {b['accuracy']:.3f}, {b['samples']} samples"
        "</title></circle>"
        for b in bins
    )
    ideal = f'<line class="ideal" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>'
    return _frame(ideal + dots, "confidence", "share right", 1, 1, "Reliability diagram")


def accepted_chart(points: Sequence[dict[str, float]]) -> str:
    """Error among accepted predictions against the share accepted, surest first."""
    top = max([p["error"] for p in points] + [0.01])
    path = " ".join(f"{_x(p['share']):.1f},{_y(p['error'] / top):.1f}" for p in points)
    line = f'<polyline class="curve" points="{path}"/>'
    return _frame(
        line, "share accepted", "errors among them", 1, top, "Error by share accepted"
    )


def curve_chart(points: Sequence[Point], x_name: str, y_name: str, title: str) -> str:
    """A curve through points within 0 to 1 each way."""
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return _frame(f'<polyline class="curve" points="{path}"/>', x_name, y_name, 1, 1, title)


def training_chart(curves: Mapping[str, Sequence[Point]], title: str, y_name: str) -> str:
    """Curves over training steps, from 0 to the largest value, with a key below.

    Args:
        curves: by name, points (step, value).
        title: what the chart shows.
        y_name: of the values; they are shares unless one is greater than 1.
    """
    steps = max([x for points in curves.values() for x, _ in points] + [1.0])
    top = max([y for points in curves.values() for _, y in points] + [1e-9])
    body = []
    for number, (name, points) in enumerate(curves.items()):
        path = " ".join(f"{_x(x / steps):.1f},{_y(max(y, 0) / top):.1f}" for x, y in points)
        shade = f"curve shade{number % SHADES}"
        row, column = divmod(number, KEY_COLUMNS)
        x, y = LEFT + 125 * column, HEIGHT + KEY_PX * (row + 1)
        body.append(
            f'<polyline class="{shade}" points="{path}"/>'
            f'<line class="{shade}" x1="{x}" x2="{x + 18}" y1="{y - 4}" y2="{y - 4}"/>'
            f'<text x="{x + 23}" y="{y}">{escape(name)}</text>'
        )
    below = KEY_PX * (-(-len(curves) // KEY_COLUMNS) + 1)
    shown = (_plain, _percent if top <= 1 else _plain)
    names = ("".join(body), "step", y_name, steps, top, title)
    return _frame(*names, shown=shown, below_px=below)


def bar_chart(values: Sequence[tuple[str, float]], title: str) -> str:
    """Horizontal bars of shares, each with its name and value."""
    row, left, right = 22, 150, 60
    top = max([value for _, value in values] + [1e-9])
    bars = []
    for number, (name, value) in enumerate(values):
        y = number * row
        length = value / top * (WIDTH - left - right)
        bars.append(
            f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="bar" x="{left}" y="{y + 3}" '
            f'width="{length:.1f}" height="{row - 6}"/>'
            f'<text x="{left + length + 6:.1f}" y="{y + 15}">{_percent(value)}</text>'
        )
    return (
        f'<svg role="img" aria-label="{escape(title)}" '
        f'viewBox="0 0 {WIDTH} {max(len(values), 1) * row}">{"".join(bars)}</svg>'
    )


def confusion_chart(confusion: npt.NDArray[np.int64], names: Sequence[str]) -> str:
    """Rows are what is there, columns what was read; classes without samples are left out."""
    used = np.flatnonzero(confusion.sum(axis=0) + confusion.sum(axis=1)).tolist()
    cell, margin = 11, 16
    side = margin + cell * len(used)
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    marks = []
    for row, truth in enumerate(used):
        label, at = escape(names[truth]), margin + row * cell
        marks.append(
            f'<text x="{margin - 4}" y="{at + 9}" text-anchor="end">{label}</text>'
            f'<text x="{at + cell / 2}" y="{margin - 5}" text-anchor="middle">{label}</text>'
        )
        for column, read in enumerate(used):
            if count := int(confusion[truth, read]):
                kind = "hit" if truth == read else "miss"
                depth = 0.25 + 0.75 * shares[truth, read] ** 0.5
                marks.append(
                    f'<rect class="{kind}" x="{margin + column * cell}" y="{at}" '
                    f'width="{cell}" height="{cell}" opacity="{depth:.2f}"><title>{label} read '
                    f"as {escape(names[read])}: {count}</title></rect>"
                )
    return (
        f'<svg role="img" aria-label="Confusion matrix" class="matrix" '
        f'viewBox="0 0 {side} {side}">{"".join(marks)}</svg>'
    )
