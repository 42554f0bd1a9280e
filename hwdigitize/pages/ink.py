"""The ink of a page: which pixels are written on, in which connected pieces, how large.

All of segmentation works on a reduced page, at most ``WORKING_SIDE`` pixels a side, on which
A4 has some 150 dpi: enough to tell words apart, and a quarter of the work.
"""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Pieces:
    """Connected pieces of ink, numbered from 0; ``labels`` holds number + 1, 0 is paper.

    ``boxes`` is (n, 4) left, top, right, bottom, ``areas`` (n,) ink pixels, ``centres`` (n, 2)
    the x, y of the centre of mass.
    """

    labels: npt.NDArray[np.int32]
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
    return max(1, -(-max(grey.shape) // WORKING_SIDE))


def reduce(grey: Grey) -> Grey:
    """The page at working size, every pixel the mean of ``reduction`` squared pixels."""
    factor = reduction(grey)
    if factor == 1:
        return grey
    height, width = grey.shape[0] // factor, grey.shape[1] // factor
    size = (max(1, width), max(1, height))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def find_ink(grey: Grey) -> Mask:
    """1 where there is ink, else 0, by Otsu's threshold held between sure ink and sure paper."""
    otsu, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return (grey < min(max(otsu, 100), 215)).astype(np.uint8)


def find_pieces(mask: Mask) -> Pieces:
    """Connected pieces, 8-connected; none at all where there are too many to be writing."""
    count, labels, stats, centres = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count - 1 > MOST_PIECES:
        return find_pieces(np.zeros_like(mask))
    left, top, width, height, area = stats[1:].T.astype(np.int64)
    boxes = np.stack([left, top, left + width, top + height], axis=1)
    return Pieces(labels.astype(np.int32, copy=False), boxes, area, centres[1:])


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
    """The mask without ruled lines along and across, for finding lines, not for reading.

    A rule is thin, and straight over a twentieth of the page, broken strokes closed first.
    """
    along = mask & ~_find_rules(mask)
    return np.ascontiguousarray((along.T & ~_find_rules(np.ascontiguousarray(along.T))).T)


def _find_rules(mask: Mask) -> Mask:
    """Pixels of thin, long, level strokes, cut where other strokes cross them."""
    width = mask.shape[1]
    thickest = max(3, width // 250)
    length = max(40, width // 20)
    upright = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((thickest + 1, 1), np.uint8))
    thin = mask & ~upright
    bridged = cv2.morphologyEx(thin, cv2.MORPH_CLOSE, np.ones((1, length // 5), np.uint8))
    rules = cv2.morphologyEx(bridged, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    return thin & cv2.dilate(rules, np.ones((3, 2 * length + 1), np.uint8))
