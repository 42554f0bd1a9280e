"""Text lines, words and drawn boxes of an upright page.

``find_lines`` joins the modules beside this one: ``ink`` (what is written on), ``columns``,
``crests`` and ``lines`` (which ink is which line), ``words`` and ``gaps`` (where a line is
cut), ``typeface`` (hand or print). ``find_boxes`` is in ``boxes``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwdigitize.document import Box, Ink, Point
from hwdigitize.pages.boxes import DrawnBox, find_boxes
from hwdigitize.pages.crests import height_at
from hwdigitize.pages.ink import Floats, find_writing
from hwdigitize.pages.lines import InkLine, InkPage, baseline_offset, find_ink_lines
from hwdigitize.pages.typeface import tell_ink
from hwdigitize.pages.words import find_words

__all__ = ["DrawnBox", "TextLine", "find_boxes", "find_lines"]

CORNERS = 8  # of a baseline


@dataclass(frozen=True, slots=True)
class TextLine:
    """A text line: box of its ink, baseline and outline (x, y), and words left to right.

    Word boxes are tight, and hold the marks that follow or lead a word.
    """

    box: Box
    baseline: tuple[Point, ...]
    polygon: tuple[Point, ...]
    ink: Ink
    words: tuple[Box, ...]


def find_lines(grey: npt.NDArray[np.uint8]) -> tuple[TextLine, ...]:
    """The text lines of an upright page in reading order, column by column.

    Args:
        grey: (height, width), paper near 255 and ink dark, flattened and deskewed, of any
            resolution; ruled lines may be there or not.

    Returns:
        Lines in pixels of ``grey``; none for a page without writing.
    """
    if min(grey.shape) < 2:
        return ()
    page = find_ink_lines(find_writing(grey))
    scale = np.array(grey.shape[::-1]) / np.array(page.pieces.labels.shape[::-1])
    return tuple(
        _text_line(page, line, words, scale)
        for line, words in zip(page.lines, find_words(page), strict=True)
        if words
    )


def _text_line(
    page: InkPage, line: InkLine, words: list[npt.NDArray[np.int64]], scale: Floats
) -> TextLine:
    boxes = tuple(_box(word, scale) for word in words)
    left, top, right, bottom = (np.array(side) for side in zip(*boxes, strict=True))
    return TextLine(
        box=(int(left.min()), int(top.min()), int(right.max()), int(bottom.max())),
        baseline=_points(*_baseline(page, line), scale),
        polygon=_outline(boxes),
        ink=tell_ink(page, line),
        words=boxes,
    )


def _box(box: npt.NDArray[np.int64], scale: Floats) -> Box:
    left, top = np.floor(box[:2] * scale)
    right, bottom = np.ceil(box[2:] * scale)
    return int(left), int(top), int(right), int(bottom)


def _baseline(page: InkPage, line: InkLine) -> tuple[Floats, Floats]:
    """The crest, lowered to where the ink of the line's letters ends."""
    xs = np.linspace(line.box[0], line.box[2] - 1, CORNERS)
    return xs, height_at(line.crest, xs) + baseline_offset(page, line)


def _points(xs: Floats, ys: Floats, scale: Floats) -> tuple[Point, ...]:
    return tuple(
        (round(float(x * scale[0])), round(float(y * scale[1])))
        for x, y in zip(xs, ys, strict=True)
    )


def _outline(words: tuple[Box, ...]) -> tuple[Point, ...]:
    """Along the tops of the words to the right, and back along their bottoms."""
    above = [(x, top) for left, top, right, _ in words for x in (left, right)]
    below = [(x, bottom) for left, _, right, bottom in words[::-1] for x in (right, left)]
    return (*above, *below)
