"""Cutting fields out of a rectified page: a window of it, and the strokes that are theirs.

A stroke belongs to the box that holds its greater part, so that it is read whole where it
leaves its box, and strokes of neighbours that reach in are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hwdigitize.document import Box
from hwdigitize.forms.foreign import components, dust, lines_from_outside, lines_through
from hwdigitize.forms.ink import Grey, Image, Ink, find_ink
from hwdigitize.forms.records import Field

#: how far around its boxes a field's strokes are followed, of the boxes' height, and within
REACH, LEAST_REACH_PX, MOST_REACH_PX = 0.5, 16, 60
#: share of a stroke's ink that must lie in the field's boxes
OWN_SHARE = 0.5
#: a stroke that lies in one cell with this share of its ink is not cut at the cell's edges
WHOLE_SHARE = 0.75
#: less ink in a cell is none
LEAST_INK_PX = 12
#: space between the characters of a row joined from cells, of their height
GAP = 0.18
#: remains of a box are as thin as this, lie as near to its edge, and beside it reach along
#: this share of its height, which the strokes of a 1 or l do not
THIN_PX, EDGE_PX, LONG_SHARE = 6, 8, 0.9
#: straight runs along an edge longer than this are the form's
LONG_PX = 31
#: paper left around what was cut
MARGIN_PX = 4


@dataclass(frozen=True, eq=False)
class Cut:
    """A field's window of the page, in template pixels, and the ink in it that is the field's.

    ``page`` is the window as scanned, grey or BGR.
    """

    field: Field
    window: Box
    page: Image
    ink: Ink

    @property
    def grey(self) -> Grey:
        """The field's ink, cut tight with a little paper around; (0, 0) where there is none."""
        return tight(self.ink.grey, self.ink.mask)


def cut_field(page: Image, blank: Grey, field: Field, share: float = OWN_SHARE) -> Cut:
    """Cut a field out of a rectified page; see :func:`cut_boxes`.

    Of writing, lines that only pass through and dust are left out.
    """
    window = window_around(field.places, blank.shape)
    seen = crop(page, window)
    ink = find_ink(seen, crop(blank, window))
    boxes = [relative(box, window) for box in field.places]
    writing = field.kind != "signature"
    return Cut(field, window, seen, own_ink(ink, boxes, share, writing=writing))


def cut_boxes(
    page: Image,
    blank: Grey,
    boxes: Sequence[Box],
    share: float = OWN_SHARE,
    least_share: float = 0.0,
) -> tuple[Box, Ink]:
    """The window around some boxes and the ink whose greater part lies in them.

    Args:
        page: rectified, uint8, (height, width) or BGR, in template pixels.
        blank: grey, uint8, of the same size.
        boxes: in template pixels.
        share: of a stroke's ink that must lie in the boxes.
        least_share: as for :func:`~hwdigitize.forms.ink.find_ink`.
    """
    window = window_around(boxes, blank.shape)
    ink = find_ink(crop(page, window), crop(blank, window), least_share)
    return window, own_ink(ink, [relative(box, window) for box in boxes], share)


def window_around(boxes: Sequence[Box], shape: tuple[int, ...]) -> Box:
    """The least box around ``boxes``, grown by how far strokes are followed."""
    height = min(bottom - top for _, top, _, bottom in boxes)
    reach = int(np.clip(REACH * height, LEAST_REACH_PX, MOST_REACH_PX))
    left, top, right, bottom = zip(*boxes, strict=True)
    return (
        max(min(left) - reach, 0),
        max(min(top) - reach, 0),
        min(max(right) + reach, shape[1]),
        min(max(bottom) + reach, shape[0]),
    )


def crop(image: Image, box: Box) -> Image:
    """A box of an image, without copying."""
    left, top, right, bottom = box
    return image[top:bottom, left:right]


def relative(box: Box, window: Box) -> Box:
    """A box in pixels of a window."""
    left, top, right, bottom = box
    return left - window[0], top - window[1], right - window[0], bottom - window[1]


def own_ink(
    ink: Ink, boxes: Sequence[Box], share: float = OWN_SHARE, *, writing: bool = False
) -> Ink:
    """The ink without the strokes that lie elsewhere, and without remains of the boxes.

    Args:
        ink: of a window.
        boxes: in pixels of the window.
        share: of a stroke's ink that must lie in the boxes.
        writing: whether lines from outside and dust are left out too.
    """
    if writing and (passing := lines_from_outside(ink.mask)).any():
        ink = _without(ink, passing)
    lines = _lines_along(ink.mask, boxes) | _lines_through(ink.mask, boxes)
    if lines.any():
        ink = ink.without(lines)
    labels, stats = components(ink.mask)
    if len(stats) == 1:
        return ink
    within = np.zeros(len(stats), np.int64)
    for left, top, right, bottom in boxes:
        inside = labels[max(top, 0) : bottom, max(left, 0) : right]
        within += np.bincount(inside.ravel(), minlength=len(stats))
    foreign = within < share * stats[:, cv2.CC_STAT_AREA]
    for box in boxes:
        foreign |= _on_edge(stats, box)
    foreign[0] = True
    if writing:
        foreign |= dust(stats, ~foreign)
    foreign[0] = False
    return _without(ink, foreign[labels]) if foreign.any() else ink


def _without(ink: Ink, dropped: NDArray[np.bool_]) -> Ink:
    """The ink without some of its pixels and their grey rim, but for that of others."""
    return ink.without(_with_rim(dropped) & ~_with_rim(ink.mask & ~dropped))


def _lines_along(mask: NDArray[np.bool_], boxes: Sequence[Box]) -> NDArray[np.bool_]:
    """Long thin lines along the upper and lower edges of boxes, less strokes across them."""
    bands = np.zeros(mask.shape, np.uint8)
    for left, top, right, bottom in boxes:
        for edge in (top, bottom):
            bands[max(edge - EDGE_PX, 0) : edge + EDGE_PX + 1, max(left, 0) : right] = 1
    band = mask.astype(np.uint8) & bands
    if not band.any():
        return np.zeros_like(mask)
    narrowest = min(right - left for left, _, right, _ in boxes)
    # a 7 or T has a bar along its cell's edge, but none from side to side
    run = LONG_PX if len(boxes) == 1 else max(LONG_PX, round(LONG_SHARE * narrowest))
    long = cv2.morphologyEx(band, cv2.MORPH_OPEN, np.ones((1, run), np.uint8))
    return (long > 0) & ~_thick(mask)


def _thick(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is higher than a line: strokes across it."""
    upright = np.ones((THIN_PX + 1, 1), np.uint8)
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, upright) > 0


def _lines_through(mask: NDArray[np.bool_], boxes: Sequence[Box]) -> NDArray[np.bool_]:
    """Folds and smears from one side of a box to the other.

    No one writes or strikes out so far. Cells are too narrow to tell.
    """
    if len(boxes) > 1:
        return np.zeros_like(mask)
    left, _, right, _ = boxes[0]
    return lines_through(mask, left, right)


def _on_edge(stats: NDArray[np.int32], box: Box) -> NDArray[np.bool_]:
    """Which components lie thin along an edge of a box.

    Where a box ends on the form, scanners draw lines that the blank does not have: at the edge
    of a shaded field, or a tick printed too fine for the blank's resolution.
    """
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    width, height = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    near = [
        np.abs(top + height / 2 - box[1]) <= EDGE_PX,
        np.abs(top + height / 2 - box[3]) <= EDGE_PX,
    ]
    beside = [
        np.abs(left + width / 2 - box[0]) <= EDGE_PX,
        np.abs(left + width / 2 - box[2]) <= EDGE_PX,
    ]
    flat = (height <= THIN_PX) & (width >= 2 * height)
    upright = (width <= THIN_PX) & (height >= LONG_SHARE * (box[3] - box[1]))
    return (flat & (near[0] | near[1])) | (upright & (beside[0] | beside[1]))


def tight(grey: Grey, mask: NDArray[np.bool_]) -> Grey:
    """The image around the mask, with a little paper."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    if not width:
        return np.zeros((0, 0), np.uint8)
    m = MARGIN_PX
    return grey[max(top - m, 0) : top + height + m, max(left - m, 0) : left + width + m]


@dataclass(frozen=True, eq=False)
class Cells:
    """A field's cells in reading order.

    ``images`` hold a character each, paper around it, of different sizes; ``filled`` says which
    have ink; ``row`` has the characters side by side, as if written without cells, with a wider
    space for cells left empty between; (0, 0) where all are empty.
    """

    images: tuple[Grey, ...]
    filled: tuple[bool, ...]
    row: Grey


def cut_cells(cut: Cut, cells: Sequence[Box]) -> Cells:
    """Give each cell its strokes, beyond its edges too.

    Strokes that touch a neighbour's are cut at the edge between their cells.

    Args:
        cut: of the whole field.
        cells: in template pixels, in reading order.
    """
    owner = _owners(cut, cells)
    masks = [owner == number for number in range(1, len(cells) + 1)]
    return Cells(
        images=tuple(
            _cell_image(cut, relative(cell, cut.window), mask)
            for cell, mask in zip(cells, masks, strict=True)
        ),
        filled=tuple(int(mask.sum()) >= LEAST_INK_PX for mask in masks),
        row=_row(cut, masks),
    )


def _row(cut: Cut, masks: Sequence[NDArray[np.bool_]]) -> Grey:
    """The characters next to each other, each as high on the line as it stands."""
    _, top, _, height = cv2.boundingRect(cut.ink.mask.astype(np.uint8))
    rows = slice(max(top - MARGIN_PX, 0), top + height + MARGIN_PX)
    gap = np.full((cut.ink.grey[rows].shape[0], max(round(height * GAP), 2)), 255, np.uint8)
    parts: list[Grey] = []
    for mask in masks:
        left, _, width, _ = cv2.boundingRect(mask.astype(np.uint8))
        if width:
            image = np.where(_with_rim(mask), cut.ink.grey, np.uint8(255))
            parts += [gap, image[rows, max(left - 1, 0) : left + width + 1]]
        elif parts:
            parts += [gap, gap]
    while parts and parts[-1] is gap:
        parts.pop()
    return np.hstack(parts[1:]) if parts else np.zeros((0, 0), np.uint8)


def _owners(cut: Cut, cells: Sequence[Box]) -> NDArray[np.int32]:
    """Number of the cell, from 1, that each pixel of ink belongs to; 0 elsewhere."""
    mask = cut.ink.mask
    zones = np.zeros(mask.shape, np.int32)
    for number, cell in enumerate(cells, 1):
        left, top, right, bottom = (max(side, 0) for side in relative(cell, cut.window))
        zones[top:bottom, left:right] = number
    count, labels = cv2.connectedComponents(mask.view(np.uint8), None, 8)
    shares = np.zeros((count, len(cells) + 1))
    np.add.at(shares, (labels[mask], zones[mask]), 1)
    inside = shares[:, 1:]
    main = inside.argmax(1) + 1
    whole = inside.max(1) >= WHOLE_SHARE * np.maximum(inside.sum(1), 1)
    nearest = _nearest_zone(zones)
    owner = np.where(whole[labels], main[labels], nearest)
    return np.where(mask, owner, 0).astype(np.int32)


def _nearest_zone(zones: NDArray[np.int32]) -> NDArray[np.int32]:
    """Each pixel's nearest cell."""
    free = (zones == 0).astype(np.uint8)
    if not free.any() or free.all():
        return zones
    _, nearest = cv2.distanceTransformWithLabels(
        free, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    value = np.zeros(int(nearest.max()) + 1, np.int32)
    value[nearest[free == 0]] = zones[free == 0]
    return value[nearest]


def _cell_image(cut: Cut, cell: Box, mine: NDArray[np.bool_]) -> Grey:
    left, top, width, height = cv2.boundingRect(mine.astype(np.uint8))
    box = (max(cell[0], 0), max(cell[1], 0), cell[2], cell[3])
    if width:
        box = (
            max(min(box[0], left - MARGIN_PX), 0),
            max(min(box[1], top - MARGIN_PX), 0),
            max(box[2], left + width + MARGIN_PX),
            max(box[3], top + height + MARGIN_PX),
        )
    image = np.where(_with_rim(mine), cut.ink.grey, np.uint8(255))
    return np.ascontiguousarray(crop(image, box))


def _with_rim(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask and the grey rim of its strokes."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
