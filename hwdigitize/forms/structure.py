"""What is printed on a page, as registration sees it: ink, features and tiles of structure.

Ink is what is darker than the paper around it (a black top-hat), so that shadows, coloured
paper and tinted panels do not count, on the blank as little as on the scan. Features are SIFT
(Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60, 2004) with the
square root of Arandjelovic and Zisserman, "Three things everyone should know to improve object
retrieval", CVPR 2012. Points are x, y; a pixel's centre has whole coordinates, as in OpenCV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.document import Box

Grey = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

#: longer side in px on which tiles are compared (A4 at 150 dpi), and of that for features
WORK_SIDE, LOOK_SIDE = 1754, 360
#: features a page, the strongest
MOST_FEATURES = 600
#: features of a blank in either thickness
PRINT_FEATURES = 300
#: least contrast of a feature on ink stretched to 255
LEAST_CONTRAST = 0.02
#: what is wider than this share of the longer side is no ink but a panel or a shadow
INK_WIDTH = 0.015
#: longer side on which the paper is estimated
PAPER_SIDE = 440
#: ink is stretched so that this share of its pixels is below FULL_INK
FULL_SHARE, FULL_INK = 0.8, 200
LEAST_INK = 14
#: sides in work px of a tile and of the blocks that have one each
TILE_PX, BLOCK_PX = 40, 88
#: one block of so many is held back from fitting
HELD_BACK = 5
#: least summed squared gradient a pixel for a tile to be worth comparing
LEAST_ENERGY = 60.0


@dataclass(frozen=True, eq=False, slots=True)
class Features:
    """Distinct places of a page, the clearest first.

    ``points`` (n, 2) float64 in px of the page, ``descriptors`` (n, 128) float32 of unit
    length, ``sizes`` (n,) in px and ``angles`` (n,) in degrees of each place's own frame.
    """

    points: Floats
    descriptors: Singles
    sizes: Floats
    angles: Floats

    def clearest(self, count: int) -> Features:
        """The first ``count``."""
        return Features(
            self.points[:count],
            self.descriptors[:count],
            self.sizes[:count],
            self.angles[:count],
        )


@dataclass(frozen=True, eq=False, slots=True)
class Tiles:
    """Small squares with printed structure, spread over the page.

    ``centres`` (n, 2) int in work px; ``certainty`` (n, 2, 2) says in which directions a tile
    can be placed: 1 where it is placed best, 0 along a lone straight line; ``held`` (n,) bool
    marks those on which registration is measured and which it never fits.
    """

    centres: npt.NDArray[np.int64]
    certainty: Floats
    held: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Structure:
    """The printed structure of a template page, found once and used for every scan of it.

    ``factor`` template px make one px of ``ink``; ``marks`` are the corner marks' boxes.
    """

    size_px: tuple[int, int]
    dpi: float
    factor: int
    ink: Grey
    features: Features
    tiles: Tiles
    marks: tuple[Box, ...]


def find_structure(blank: Grey, dpi: float = 300.0, marks: Sequence[Box] = ()) -> Structure:
    """Find what a blank page, (H, W) uint8, can be registered by."""
    height, width = blank.shape
    factor = reduction(blank.shape, WORK_SIDE)
    ink = find_ink(reduce(blank, factor))
    return Structure(
        size_px=(width, height),
        dpi=dpi,
        factor=factor,
        ink=ink,
        features=find_print(reduce(ink, 2), 2 * factor, PRINT_FEATURES),
        tiles=find_tiles(ink),
        marks=tuple(marks),
    )


def reduction(shape: tuple[int, ...], side: int) -> int:
    """The whole factor that brings the longer side near ``side``, never larger than twice."""
    return max(1, round(max(shape) / side))


def reduce(image: Grey, factor: int) -> Grey:
    """The image by a whole factor smaller; what does not fill a pixel is cut off."""
    if factor == 1:
        return image
    height, width = (max(1, side // factor) for side in image.shape[:2])
    used = image[: height * factor, : width * factor]
    return np.asarray(cv2.resize(used, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def find_ink(grey: Grey, width_share: float = INK_WIDTH) -> Grey:
    """How much darker each pixel is than its paper, stretched to 0 to 255; (H, W) uint8.

    ``width_share``, of the longer side, is what a stroke's width may be.
    """
    longer = max(grey.shape)
    factor = max(1, longer // PAPER_SIDE)
    low = reduce(grey, factor)
    side = 2 * max(1, round(width_share * longer / factor / 2)) + 1
    paper = cv2.morphologyEx(
        low, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8), borderType=cv2.BORDER_REPLICATE
    )
    paper = cv2.resize(cv2.blur(paper, (3, 3)), grey.shape[::-1])
    ink = cv2.subtract(paper, grey)
    return np.asarray(cv2.convertScaleAbs(ink, alpha=_gain(ink)), np.uint8)


def _gain(ink: Grey) -> float:
    """What brings the ink of a faint page to that of a dark one."""
    sample = ink[::3, ::3]
    dark = sample[sample >= LEAST_INK]
    if len(dark) < 0.0005 * sample.size:
        return 1.0
    return float(FULL_INK / np.quantile(dark, FULL_SHARE))


def find_features(ink: Grey, factor: float = 1.0) -> Features:
    """Features of ``ink``, whose pixels are ``factor`` px of the page each."""
    scale = min(1.0, LOOK_SIDE / max(ink.shape))
    small = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    sift = cv2.SIFT.create(MOST_FEATURES, contrastThreshold=LEAST_CONTRAST)
    keypoints, raw = sift.detectAndCompute(small, None)
    if raw is None or not len(keypoints):
        none = np.zeros(0)
        return Features(np.zeros((0, 2)), np.zeros((0, 128), np.float32), none, none)
    order = np.argsort([-point.response for point in keypoints], kind="stable")[:MOST_FEATURES]
    keypoints, raw = [keypoints[i] for i in order], raw[order]
    roots = np.sqrt(raw / np.maximum(raw.sum(axis=1, keepdims=True), 1e-9))
    steps = np.array([ink.shape[1] / small.shape[1], ink.shape[0] / small.shape[0]])
    points = (np.array([point.pt for point in keypoints]) + 0.5) * steps * factor - 0.5
    return Features(
        points=points,
        descriptors=roots.astype(np.float32),
        sizes=np.array([point.size for point in keypoints]) * steps.mean() * factor,
        angles=np.array([point.angle for point in keypoints]),
    )


def find_print(ink: Grey, factor: float, count: int) -> Features:
    """Features of a blank as it is printed, and as it looks when copied with thick lines.

    ``count`` of each at most, the clearest.
    """
    thick = np.asarray(cv2.dilate(ink, np.ones((3, 3), np.uint8)), np.uint8)
    fine, copied = (find_features(way, factor).clearest(count) for way in (ink, thick))
    return Features(
        np.concatenate([fine.points, copied.points]),
        np.concatenate([fine.descriptors, copied.descriptors]),
        np.concatenate([fine.sizes, copied.sizes]),
        np.concatenate([fine.angles, copied.angles]),
    )


def find_tiles(ink: Grey, tile_px: int = TILE_PX, block_px: int = BLOCK_PX) -> Tiles:
    """The tile of each block of ``ink`` that is placed best, none in empty blocks.

    Tiles that share pixels with one that is held back are left out.
    """
    tensor = _tensors(ink, tile_px)
    centres: list[tuple[int, int]] = []
    held: list[bool] = []
    weakest = _smaller_eigenvalue(tensor) + 0.05 * (tensor[0] + tensor[1])
    edge, (height, width) = tile_px // 2 + 1, ink.shape
    for row, top in enumerate(range(edge, height - edge, block_px)):
        for column, left in enumerate(range(edge, width - edge, block_px)):
            bottom = min(top + block_px, height - edge)
            right = min(left + block_px, width - edge)
            block = weakest[top:bottom, left:right]
            y, x = np.unravel_index(int(block.argmax()), block.shape)
            at = (int(left + x), int(top + y))
            if tensor[0, at[1], at[0]] + tensor[1, at[1], at[0]] >= LEAST_ENERGY:
                centres.append(at)
                held.append((column + 2 * row) % HELD_BACK == 0)
    return _apart(np.array(centres, np.int64).reshape(-1, 2), np.array(held, bool), tensor)


def _tensors(ink: Grey, tile_px: int) -> Singles:
    """Mean gradient products xx, yy and xy of the tile around each pixel, (3, H, W)."""
    soft = cv2.GaussianBlur(ink, (0, 0), 1.0)
    along = cv2.Sobel(soft, cv2.CV_32F, 1, 0, scale=0.125)
    down = cv2.Sobel(soft, cv2.CV_32F, 0, 1, scale=0.125)
    products = (along * along, down * down, along * down)
    return np.stack([cv2.blur(product, (tile_px, tile_px)) for product in products])


def _smaller_eigenvalue(tensor: Singles) -> Singles:
    xx, yy, xy = tensor
    return np.asarray((xx + yy) / 2 - np.sqrt(((xx - yy) / 2) ** 2 + xy * xy), np.float32)


def _apart(
    centres: npt.NDArray[np.int64], held: npt.NDArray[np.bool_], tensor: Singles
) -> Tiles:
    """Tiles of which none that is fitted overlaps one that is held back."""
    gaps = np.abs(centres[:, None] - centres[None, held]).max(axis=2)
    keep = held | (gaps.min(axis=1, initial=TILE_PX) >= TILE_PX)
    centres, held = centres[keep], held[keep]
    xx, yy, xy = tensor[:, centres[:, 1], centres[:, 0]].astype(np.float64)
    matrices = np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], axis=-2)
    largest = np.linalg.eigvalsh(matrices)[:, 1] if len(centres) else np.zeros(0)
    return Tiles(centres, matrices / np.maximum(largest, 1e-9)[:, None, None], held)
