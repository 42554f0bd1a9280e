"""Cuts from the scan, set upright, as the HTML report shows them beside what was read."""

from __future__ import annotations

import cmath
from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, degrees, radians

from hwdigitize.document import Point


@dataclass(frozen=True, slots=True)
class Crop:
    """A cut from the scan with some of what is around it, in scan pixels, set upright.

    ``turn`` is the SVG transform of the scan that sets it upright, empty when it is; ``inner``
    the path of the box itself: what is around it is veiled.
    """

    x: int
    y: int
    width: int
    height: int
    turn: str
    inner: str

    @property
    def wide(self) -> bool:
        """Whether it needs the whole width of the desk to be legible."""
        return self.width > 5 * self.height


def crop(outline: Sequence[Point], turn: float) -> Crop:
    """Cut an outline out with half its height to the sides, for what stands next to it.

    The scan is turned clockwise by ``turn`` degrees about the outline's centre.
    """
    centre = sum(complex(*point) for point in outline) / len(outline)
    upright = [centre + (complex(*p) - centre) * cmath.rect(1, radians(turn)) for p in outline]
    left, right = min(p.real for p in upright), max(p.real for p in upright)
    top, bottom = min(p.imag for p in upright), max(p.imag for p in upright)
    aside, above = max(8, (bottom - top) // 2), max(6, (bottom - top) // 4)
    inner = "L".join(f"{round(p.real)} {round(p.imag)}" for p in upright)
    return Crop(
        round(left - aside),
        round(top - above),
        max(1, round(right - left + 2 * aside)),
        max(1, round(bottom - top + 2 * above)),
        f"rotate({turn:.2f} {centre.real:.1f} {centre.imag:.1f})" if round(turn, 2) else "",
        f"M{inner}z",
    )


def slope(outline: Sequence[Point]) -> float:
    """Degrees clockwise by which the upper edge of an outline slopes."""
    (x0, y0), (x1, y1) = outline[:2]
    return degrees(atan2(y1 - y0, x1 - x0))
