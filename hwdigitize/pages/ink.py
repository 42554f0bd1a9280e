"""The ink of a page: which pixels are written on, in which connected pieces, how large.

All of segmentation works on a reduced page, at most ``WORKING_SIDE`` pixels a side, on which
A4 has some 150 dpi: enough to tell words apart, and a quarter of the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WORKING_SIDE = 1800
# A page of text has hundreds of pieces; more than this is noise or a photograph.
MOST_PIECES = 20_000
SURE_INK, SURE_PAPER = 100, 215
MOST_CHANGES = 0.25  # of pixels that differ from their left neighbour
FRAME_LENGTH = 36  # of these make the page's longer side: 8 mm on A4
RULE_LENGTH = 0.2  # of the page's width, in strokes longer than a twentieth


@dataclass(frozen=True, slots=True)
class Pixels:
    """Every ink pixel of a page: x, y and the number of its piece, each (n,)."""

    x: Ints
    y: Ints
    piece: Ints


@dataclass(frozen=True, slots=True)
class Pieces:
    """Connected pieces of ink, numbered from 0; ``labels`` holds number + 1, 0 is paper.

    ``boxes`` is (n, 4) left, top, right, bottom, ``areas`` (n,) ink pixels, ``centres`` (n, 2)
    the x, y of the centre of mass, ``pixels`` every ink pixel.
    """

    labels: npt.NDArray[np.int32]
    pixels: Pixels
    boxes: Ints
    areas: Ints
    centres: Floats

    @property
    def heights(self) -> Ints:
        """Box heights in pixels."""
        return self.boxes[:, 3] - self.boxes[:, 1]

    @property
    def widths(self) -> Ints:
        """Box widths in pixels."""
        return self.boxes[:, 2] - self.boxes[:, 0]

    def __len__(self) -> int:
        return len(self.areas)


def reduction(grey: Grey) -> int:
    """By which whole factor a page is reduced before it is segmented."""
    longest: int = max(grey.shape)
    return max(1, -(-longest // WORKING_SIDE))


def reduce(grey: Grey) -> Grey:
    """The page at working size, every pixel the mean of some ``reduction`` squared pixels."""
    factor = reduction(grey)
    if factor == 1:
        return grey
    height, width = grey.shape[0] // factor, grey.shape[1] // factor
    size = (max(1, width), max(1, height))
    # by two, or a little more on odd sides, bilinear weights are means too, and eight times as
    # fast; cutting odd sides off would thin bilevel ink, on which words are parted worse
    how = cv2.INTER_LINEAR if factor == 2 else cv2.INTER_AREA
    return np.asarray(cv2.resize(grey, size, interpolation=how), np.uint8)


class InkSums:
    """How much ink any cell of a page holds, from sums over all pixels above and left.

    Between two pixels the sums are linear, so that cells may part pixels. OpenCV's means over
    parts of pixels are the same, but look at all pixels each time.
    """

    def __init__(self, mask: Mask) -> None:
        self._sums = cv2.integral(mask)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the page in pixels."""
        return self._sums.shape[0] - 1, self._sums.shape[1] - 1

    def density(self, size: Sequence[int], within: Sequence[int] | None = None) -> Floats:
        """The page reduced to ``size`` (width, height): the ink of each cell, 0 to 255.

        ``within`` (left, top, right, bottom) is the part of the page that counts.
        """
        (height, width), (columns, rows) = self.shape, size
        left, top, right, bottom = within or (0, 0, width, height)
        ys = np.linspace(0, height, rows + 1).clip(top, bottom)
        xs = np.linspace(0, width, columns + 1).clip(left, right)
        cells = np.diff(_between(np.diff(_between(self._sums, ys), axis=0).T, xs), axis=0).T
        return np.asarray(np.rint(cells * (255 * rows * columns / (height * width))))


def _between(rows: npt.NDArray[Any], at: Floats) -> Floats:
    """Rows at places that may lie between two."""
    before = np.minimum(at.astype(np.int64), len(rows) - 2)
    share = (at - before)[:, None]
    return np.asarray(rows[before] * (1 - share) + rows[before + 1] * share, np.float64)


def find_ink(grey: Grey) -> Mask:
    """1 where there is ink, else 0, by Otsu's threshold between sure ink and sure paper.

    Nothing at all where ink and paper change places as often as only noise lets them.
    """
    otsu, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    lightest = min(max(otsu, SURE_INK), SURE_PAPER) - 1
    ink = np.asarray(cv2.threshold(grey, lightest, 1, cv2.THRESH_BINARY_INV)[1], np.uint8)
    if ink.shape[1] < 2:
        return ink
    changes = cv2.norm(ink[:, 1:], ink[:, :-1], cv2.NORM_L1)
    noise = changes > MOST_CHANGES * ink[:, 1:].size
    return np.zeros_like(ink) if noise else ink


def find_writing(grey: Grey) -> Mask:
    """What may be writing on a page, at working size: ink that is no rule and no frame."""
    return remove_frames(remove_long_rules(find_ink(reduce(grey))))


def find_pieces(mask: Mask) -> Pieces:
    """Connected pieces, 8-connected; none at all where there are too many to be writing."""
    count, labels = label(mask)
    if count > MOST_PIECES:
        return find_pieces(np.zeros_like(mask))
    return measure(labels, mask, count)


def label(mask: Mask, connectivity: int = 8) -> tuple[int, npt.NDArray[np.int32]]:
    """How many connected pieces a mask has, and to which each pixel belongs, 0 to none."""
    count, labels = cv2.connectedComponents(mask, connectivity=connectivity)
    return count - 1, np.asarray(labels, np.int32)


def measure(labels: npt.NDArray[np.int32], mask: npt.NDArray[Any], count: int) -> Pieces:
    """Boxes, areas and centres of labelled pieces, from the pixels within a mask alone.

    OpenCV looks at all pixels for them, which takes five times as long as finding the pieces.
    Pieces outside the mask, which covers pieces whole, have no area and less than no width.
    """
    inked = np.flatnonzero(mask.astype(bool))  # bytes take six times as long
    piece = labels.ravel()[inked].astype(np.int64) - 1
    y, x = np.divmod(inked, labels.shape[1])
    begins = np.ones(len(inked), bool)
    begins[1:] = (np.diff(inked) > 1) | (x[1:] == 0)
    starts = np.flatnonzero(begins)  # of runs of ink along the rows
    lengths = np.diff(np.append(starts, len(inked)))
    own, first, row = piece[starts], x[starts], y[starts]
    boxes = np.zeros((count, 4), np.int64)
    boxes[:, 0] = labels.shape[1]
    np.minimum.at(boxes[:, 0], own, first)
    np.maximum.at(boxes[:, 2], own, first + lengths)
    boxes[own[::-1], 1] = row[::-1]  # of a piece's runs, the topmost is written last
    boxes[own, 3] = row + 1
    areas = np.bincount(own, lengths, count)
    across = np.bincount(own, lengths * (2 * first + lengths - 1), count) / 2
    down = np.bincount(own, lengths * row, count)
    centres = np.stack([across, down], axis=1) / np.maximum(areas, 1)[:, None]
    return Pieces(labels, Pixels(x, y, piece), boxes, areas.astype(np.int64), centres)


def weighted_quantile(
    values: npt.NDArray[np.generic], weights: npt.NDArray[np.generic], share: float = 0.5
) -> float:
    """The value at which a share of the weight is reached; 0 for no values."""
    if len(values) == 0:
        return 0.0
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] * share)])


def body_height(pieces: Pieces) -> float:
    """Height of a typical piece of writing in pixels: a letter or joined letters, not a dot.

    The median over ink pieces, weighted by their width, so that a joined word counts for its
    letters; pieces as tall as a photograph or as wide as a rule are left out. 0 for none.
    """
    height, width = pieces.labels.shape
    heights, widths = pieces.heights, pieces.widths
    letters = (heights >= 5) & (heights < 0.2 * height + 40) & (widths < 0.4 * width + 40)
    letters &= widths < 12 * heights
    return weighted_quantile(heights[letters], widths[letters])


def remove_long_rules(mask: Mask) -> Mask:
    """The mask without ruled lines along and across, for finding lines, not for reading."""
    along = mask & ~_find_rules(mask)
    across = cv2.transpose(_find_rules(np.asarray(cv2.transpose(along), np.uint8)))
    return np.asarray(along & ~across, np.uint8)


def _find_rules(mask: Mask) -> Mask:
    """Pixels of thin, level strokes in rows of them that run over a fifth of the page.

    What crosses a rule is thicker than it there, and stays.
    """
    width = mask.shape[1]
    length = max(40, width // 20)
    upright = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((max(3, width // 250) + 1, 1)))
    thin = np.asarray(mask & ~upright, np.uint8)
    bridged = cv2.morphologyEx(thin, cv2.MORPH_CLOSE, np.ones((1, length // 5)))
    strokes = cv2.morphologyEx(bridged, cv2.MORPH_OPEN, np.ones((1, length)))
    if cv2.countNonZero(strokes) < RULE_LENGTH * width:
        return np.zeros_like(mask)
    reach = cv2.dilate(strokes, np.ones((3, 2 * length + 1)))
    count, rows = cv2.connectedComponents(reach, connectivity=8)
    drawn = np.bincount(rows[strokes > 0], minlength=count)
    long = drawn >= RULE_LENGTH * width
    long[0] = False
    return thin & np.take(long.astype(np.uint8), rows) if long.any() else np.zeros_like(mask)


def remove_frames(mask: Mask) -> Mask:
    """The mask without pieces made mostly of long straight strokes or solid black.

    Those are frames of tables and boxes, bars, and the dark borders of a scan.
    """
    length = max(mask.shape) // FRAME_LENGTH
    if length < 20:
        return mask
    straight = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, length)))
    straight |= cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((length, 1)))
    if not straight.any():
        return mask
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    inked = np.bincount(labels[mask > 0], minlength=count)
    drawn = np.bincount(labels[straight > 0], minlength=count)
    kept = drawn <= 0.5 * inked
    if kept.all():
        return mask
    return np.asarray(mask & np.take(kept.astype(np.uint8), labels), np.uint8)
