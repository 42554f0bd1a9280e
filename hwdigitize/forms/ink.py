"""What a hand wrote on a form: the page less what its blank shows.

The page is compared with the blank it was registered to. Where the blank has no ink, all ink is
the writer's. Where it has, ink is taken for the form's, but for strokes that come out of it on
both sides, which are bridged, so that a letter that crosses a line stays whole.

Images are in template pixels, those of a field's window being enough; page and blank may differ
by a few pixels, in darkness and in thickness of lines (photocopies, fax).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hwdigitize.forms.foreign import components

Image = NDArray[np.uint8]
Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Strength = NDArray[np.float32]

#: paper is as light as the lightest of the blocks of this side within so many blocks
BLOCK_PX, PAPER_REACH = 8, 6
#: darker paper is not divided by, which would make its noise strong
DARKEST_PAPER = 80.0
#: pixels of paper that tell its noise
NOISE_SAMPLE = 10_000
#: ink weaker than this share of the paper's light, or so many times its noise, is not seen
FAINTEST, NOISE_FACTOR = 0.065, 6.0
#: a stroke is as strong as this somewhere, of the strong ink's strength, and goes on where it
#: is weaker, down to that share of it (hysteresis)
INK_SHARE, FADED_SHARE = 0.45, 0.25
#: how far the page's lines may lie or reach beside the blank's
SLACK_PX = 3
#: they reach as far as, in squares of this side, this share of what is around them is as dark
#: as this, of themselves
RIM_BLOCK_PX, RIM_SHARE, RIM_STRENGTH = 121, 0.2, 0.1
#: farther than this from the form's ink, ink is surely the writer's
CLEAR_PX = 6
#: how far a field may lie off after registration
MOST_SHIFT_PX = 5
#: correlation that a shift must gain, and ink of the blank needed to look for one
SHIFT_GAIN, LEAST_PRINT_PX = 0.05, 60
#: strength from which the blank's ink hides what is written over it
SOLID = 0.5
#: lines up to this thick are bridged
MOST_BRIDGE_PX = 31
#: ink needed on both sides of a line to bridge it
BRIDGE_END_PX = 4
#: the page's print may be so much stronger than its surroundings let expect
PRINT_GAIN = 1.6
#: fewer pixels are no stroke, and tell nothing of the ink's strength
LEAST_STROKE_PX = 40
#: stains are at least so broad, and weaker than this; they begin where they are this share of
#: the weakest ink, and go on over gaps
STAIN_PX, STAIN_STRENGTH, STAIN_START, STAIN_GAP_PX = 9, 0.3, 0.5, 31
#: specks smaller than this are dust
LEAST_SPECK_PX = 9
#: slivers of lines are at most this thick
SLIVER_PX = 5


@dataclass(frozen=True, eq=False)
class Ink:
    """Handwriting in a window of a page.

    ``grey`` (height, width) has paper at 255 and the writer's strokes dark, however faint they
    are on the page; ``mask`` is where they are, and ``touching`` where they run into the form's
    own ink and may go on unseen; ``strength``, 0 to 1, is how dark they are on the page and
    ``noise`` how much its paper varies.
    """

    grey: Grey
    mask: Mask
    touching: Mask
    strength: float
    noise: float

    @property
    def quality(self) -> float:
        """How clearly the ink stands out of the paper, 0 (not at all) to 1."""
        if not self.mask.any():
            return 0.0
        return float(np.clip(self.strength - NOISE_FACTOR * self.noise, 0.0, 1.0))

    def without(self, dropped: Mask) -> Ink:
        """The same without some of its pixels."""
        grey = np.where(dropped, np.uint8(255), self.grey)
        kept = self.mask & ~dropped
        return Ink(grey, kept, self.touching & kept, self.strength, self.noise)


def handwriting(page: Image, blank: Grey) -> Grey:
    """The handwriting alone: grey, paper 255; see :func:`find_ink`."""
    return find_ink(page, blank).grey


def find_ink(page: Image, blank: Grey, least_share: float = 0.0) -> Ink:
    """Take the form's own ink out of a window of a page.

    Args:
        page: rectified page, uint8, (height, width) or BGR (height, width, 3).
        blank: the same window of the blank, uint8, (height, width).
        least_share: ink weaker than this share of the form's own is not seen.
    """
    found = ink_strength(page)
    printed = ink_strength(blank)
    printed = _aligned(found, printed)
    level = _level(found, printed)
    expected = _expected(found, printed, level)
    left = cv2.max(cv2.subtract(found, expected), 0.0)
    solid = expected >= SOLID
    noise = _noise(found[expected < FAINTEST])
    least = max(FAINTEST, NOISE_FACTOR * noise, least_share * level)
    left = _without_stains(left, least)
    strong = _strong(left, solid, least)
    if not strong:
        none = np.zeros(left.shape, bool)
        return Ink(np.full(left.shape, 255, np.uint8), none, none, 0.0, noise)
    faded = max(0.5 * least, FADED_SHARE * strong)
    mask = _strokes(left, solid, faded, max(least, INK_SHARE * strong))
    bridges = _bridges(mask, solid, found > faded, printed)
    mask = _without_specks(mask | bridges, _near(printed >= SOLID, SLACK_PX))
    rim = _near(mask, 1)
    shown = np.where(bridges, found, left) * rim
    grey = 255 - np.clip(shown * (255 / max(strong, FAINTEST)), 0, 255)
    hidden = solid & (found > max(least, INK_SHARE * strong)) & ~bridges
    touching = mask & _near(hidden, 1)
    return Ink(grey.astype(np.uint8), mask, touching, strong if mask.any() else 0.0, noise)


def _without_stains(ink: Strength, least: float) -> Strength:
    """Leave out faint bands, broader than strokes, that leave the window: coffee, folds."""
    square = np.ones((STAIN_PX, STAIN_PX), np.uint8)
    cores = cv2.erode(ink, square)
    if cores.max() <= STAIN_START * least:
        return ink
    broad = cv2.dilate(cores, square)
    seen = broad > STAIN_START * least
    # Printed lines cut a stain into pieces.
    gap = np.ones((STAIN_GAP_PX, STAIN_GAP_PX))
    joined = cv2.morphologyEx(seen.view(np.uint8), cv2.MORPH_CLOSE, gap)
    count, labels = cv2.connectedComponents(joined, None, 8)
    inside = labels[seen]
    size = np.bincount(inside, minlength=count)
    mean = np.bincount(inside, broad[seen], minlength=count) / np.maximum(size, 1)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    stain = np.zeros(count, bool)
    stain[rim] = True
    stain &= mean < STAIN_STRENGTH
    stain[0] = False
    if not stain.any():
        return ink
    reach = np.ones((STAIN_PX + 2 * SLACK_PX,) * 2, np.uint8)
    return cv2.max(cv2.subtract(ink, cv2.dilate(broad * stain.take(labels), reach)), 0.0)


def ink_strength(image: Image) -> Strength:
    """How much of the paper's light is missing, 0 to 1, in the channel that misses most.

    Pale red ink takes light from blue and green only; the paper's light is the local one, so
    that shadows and coloured fields count for nothing.
    """
    planes = image[:, :, None] if image.ndim == 2 else image
    paper = _paper(planes)
    missing = cv2.subtract(paper, planes.astype(np.float32).reshape(paper.shape))
    shares = cv2.divide(missing, cv2.max(paper, DARKEST_PAPER)).reshape(planes.shape)
    most = functools.reduce(cv2.max, cv2.split(shares))
    return np.asarray(cv2.min(cv2.max(most, 0.0), 1.0), np.float32)


def _paper(planes: Image) -> Strength:
    """Light of the paper around each pixel, (height, width, channels)."""
    height, width = planes.shape[:2]
    size = (max(width // BLOCK_PX, 1), max(height // BLOCK_PX, 1))
    small = cv2.resize(planes, size, interpolation=cv2.INTER_AREA)
    # The lightest around, not what covers most: around a box in a coloured field that is the
    # box's paper, on page and blank alike, and the field is print.
    reach = np.ones((2 * PAPER_REACH + 1,) * 2, np.uint8)
    lit = cv2.blur(cv2.dilate(small, reach), (3, 3))
    paper = cv2.resize(lit, (width, height), interpolation=cv2.INTER_LINEAR)
    return paper.reshape(height, width, -1).astype(np.float32)


def _aligned(found: Strength, printed: Strength) -> Strength:
    """The blank's ink, moved to where the page's own lines are."""
    reach = MOST_SHIFT_PX
    inner = printed[reach:-reach, reach:-reach]
    if min(inner.shape, default=0) < 2 * reach or (inner > SOLID).sum() < LEAST_PRINT_PX:
        return printed
    soft = cv2.GaussianBlur(found, (0, 0), 1.0)
    scores = cv2.matchTemplate(soft, cv2.GaussianBlur(inner, (0, 0), 1.0), cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(scores)
    if not best > scores[reach, reach] + SHIFT_GAIN:
        return printed
    move = np.array([[1, 0, x - reach], [0, 1, y - reach]], np.float32)
    return cv2.warpAffine(printed, move, printed.shape[::-1], borderMode=cv2.BORDER_REPLICATE)


def _expected(found: Strength, printed: Strength, level: float) -> Strength:
    """The form's ink to be expected: what the blank shows, as strong as it is printed there.

    A copy may have lost the comb's faint ticks, or have them black: what counts is how the
    page shows the blank's ink in the neighbourhood.
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * SLACK_PX + 1,) * 2)
    core = (printed > FAINTEST).astype(np.float32)
    around = (41, 41)
    seen = cv2.blur(cv2.multiply(cv2.dilate(found, kernel), core), around)
    shown = cv2.blur(cv2.multiply(printed, core), around)
    ratio = cv2.divide(seen, cv2.max(shown, 1e-4))
    ratio[shown <= 1e-4] = 1.0
    gain = cv2.min(cv2.multiply(ratio, PRINT_GAIN), 3.0)
    gain[ratio < 0.25] = 0.0
    spread = cv2.min(cv2.dilate(cv2.multiply(printed, gain), kernel), 1.0)
    spread[~_reach(found, printed, level)] = 0.0
    return spread


def _reach(found: Strength, printed: Strength, level: float) -> Mask:
    """Where the page's lines may be: around the blank's, SLACK_PX at most.

    Around lines that are printed thicker, blurred or off their place much is dark; ink beside
    others is a stroke that runs along them.
    """
    lines = printed > FAINTEST
    if not level:
        return _near(lines, SLACK_PX)
    dark = found > RIM_STRENGTH * level
    present = _local_share(dark, lines)
    reached = inner = _near(lines, 1)
    for reach in range(1, SLACK_PX):
        outer = _near(lines, reach + 1)
        rim, inner = outer & ~inner, outer
        reached = reached | (rim & (_local_share(dark, rim) >= RIM_SHARE * present))
    return reached


def _local_share(dark: Mask, among: Mask) -> Strength:
    """Share of some pixels around each one that is dark."""
    both, every = (
        cv2.blur(m.astype(np.float32), (RIM_BLOCK_PX,) * 2) for m in (dark & among, among)
    )
    return both / np.maximum(every, 1e-6)


def _level(found: Strength, printed: Strength) -> float:
    """How strong the form's own lines are on the page; 0 without any."""
    lines = found[printed >= SOLID]
    return float(np.quantile(lines, 0.9)) if lines.size >= LEAST_PRINT_PX else 0.0


def _noise(paper: Strength) -> float:
    """Standard deviation of the paper, by the median of what is not ink."""
    if not paper.size:
        return 0.0
    paper = paper[:: max(paper.size // NOISE_SAMPLE, 1)]
    return float(1.4826 * np.median(np.abs(paper - np.median(paper))))


def _strong(ink: Strength, solid: Mask, least: float) -> float:
    """Strength of the strokes' middle, where they are clear of lines if possible; 0 without."""
    near = _near(solid, CLEAR_PX)
    for seen in (ink[(ink > least) & ~near], ink[ink > least]):
        if seen.size >= LEAST_STROKE_PX:
            return float(np.quantile(seen, 0.9))
    return 0.0


def _near(mask: Mask, reach_px: int) -> Mask:
    square = np.ones((2 * reach_px + 1,) * 2, np.uint8)
    return cv2.dilate(mask.view(np.uint8), square).view(np.bool_)


def _strokes(ink: Strength, solid: Mask, faded: float, sure: float) -> Mask:
    """Components of faded ink that are strong somewhere; beside lines all must be strong."""
    strong = ink > sure
    mask = (ink > faded) & (strong | ~_near(solid, SLACK_PX))
    count, labels = cv2.connectedComponents(mask.view(np.uint8), None, 8)
    keep = np.zeros(count, bool)
    keep[labels[strong]] = True
    keep[0] = False
    return keep.take(labels)


def _bridges(mask: Mask, solid: Mask, dark: Mask, printed: Strength) -> Mask:
    """Where strokes that come out on both sides run through the form's ink.

    Gaps are closed along straight lines in all directions, one of them the stroke's own.
    """
    bridges = np.zeros_like(mask)
    ends = mask & _near(solid, 2)
    left, top, width, height = cv2.boundingRect(ends.view(np.uint8))
    if not width:
        return bridges
    gap = int(2 * _half_thickness(printed)) + 2 * SLACK_PX
    side = min(gap + BRIDGE_END_PX, MOST_BRIDGE_PX) | 1
    rows = slice(max(top - side, 0), top + height + side)
    columns = slice(max(left - side, 0), left + width + side)
    strokes = mask[rows, columns].view(np.uint8)
    closed = np.zeros_like(strokes)
    for kernel in _lines(side):
        closed |= cv2.morphologyEx(strokes, cv2.MORPH_CLOSE, kernel)
    bridges[rows, columns] = closed > 0
    return bridges & solid & dark & ~mask


@functools.cache
def _lines(side: int) -> tuple[NDArray[np.uint8], ...]:
    """Straight lines ``side`` px long, every 15 degrees."""
    middle = side // 2
    kernels = []
    for angle in np.radians(np.arange(0, 180, 15)):
        kernel = np.zeros((side, side), np.uint8)
        x, y = round(middle * float(np.cos(angle))), round(middle * float(np.sin(angle)))
        cv2.line(kernel, (middle - x, middle - y), (middle + x, middle + y), 1, 1)
        kernels.append(kernel)
    return tuple(kernels)


def _half_thickness(printed: Strength) -> float:
    """Half of the thickness of the form's lines."""
    inside = (printed > SOLID).view(np.uint8)
    if not inside.any():
        return 0.0
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    return float(np.quantile(depth[inside > 0], 0.95))


def _without_specks(mask: Mask, solid: Mask) -> Mask:
    """Drop dust, and slivers that lines printed thicker than the blank's left beside them."""
    labels, stats = components(mask)
    if len(stats) == 1:
        return mask
    beside = np.bincount(labels[_near(solid, CLEAR_PX) & mask], minlength=len(stats))
    area = stats[:, cv2.CC_STAT_AREA]
    thickness = np.minimum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    thin = thickness <= SLIVER_PX
    keep = (area >= LEAST_SPECK_PX) & ~((beside > 0.6 * area) & (thin | (area < 60)))
    keep[0] = False
    return keep.take(labels)
