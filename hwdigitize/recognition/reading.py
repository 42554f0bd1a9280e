"""What a recognizer says of one crop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Glyph:
    """One character of a reading; ``start`` and ``end`` are shares of the crop's width."""

    text: str
    confidence: float
    start: float
    end: float


@dataclass(frozen=True)
class Reading:
    """A text, the calibrated probability that all of it is right, and what else it may be.

    ``alternatives`` are (text, probability), best first, without the text itself.
    """

    text: str
    confidence: float
    glyphs: tuple[Glyph, ...] = ()
    alternatives: tuple[tuple[str, float], ...] = ()
