"""Pieces of ink measured by hand and beside OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hwdigitize.pages.ink import WORKING_SIDE, InkSums, find_pieces, label, measure, reduce


def test_pieces_by_hand() -> None:
    mask = np.zeros((6, 8), np.uint8)
    mask[1, 2:5] = 1
    mask[2, 5] = 1  # touches the run above at a corner
    mask[4:6, 0] = 1
    pieces = find_pieces(mask)
    assert pieces.boxes.tolist() == [[2, 1, 6, 3], [0, 4, 1, 6]]
    assert pieces.areas.tolist() == [4, 2]
    assert pieces.centres.tolist() == [[(2 + 3 + 4 + 5) / 4, 5 / 4], [0.0, 4.5]]


@pytest.mark.parametrize("share", [0.0, 0.05, 0.4, 1.0])
def test_pieces_are_those_of_opencv(share: float) -> None:
    mask = (np.random.default_rng(5).random((90, 70)) < share).astype(np.uint8)
    _, labels, stats, centres = cv2.connectedComponentsWithStats(mask, connectivity=8)
    pieces = find_pieces(mask)
    assert np.array_equal(pieces.labels, labels)
    left, top, width, height, area = stats[1:].T
    assert np.array_equal(pieces.boxes.T, [left, top, left + width, top + height])
    assert np.array_equal(pieces.areas, area)
    assert np.array_equal(pieces.centres, centres[1:])


def test_what_is_outside_the_mask_has_no_size() -> None:
    mask = np.zeros((5, 9), np.uint8)
    mask[1, 1:3] = mask[3, 5:8] = 1
    count, labels = label(mask)
    pieces = measure(labels, labels == 2, count)
    assert pieces.areas.tolist() == [0, 3]
    assert pieces.widths[0] < 0 and pieces.boxes[1].tolist() == [5, 3, 8, 4]


@pytest.mark.parametrize("size", [(3508, 2480), (3507, 2479), (2001, 41), (7000, 5000)])
def test_a_reduced_page_keeps_its_ink(size: tuple[int, int]) -> None:
    page = np.full(size, 255, np.uint8)
    page[size[0] // 4 : size[0] // 2, : size[1] // 2] = 0
    small = reduce(page)
    assert max(small.shape) <= WORKING_SIDE
    assert abs(float(small.mean()) - float(page.mean())) < 2.0


@pytest.mark.parametrize("size", [(11, 7), (16, 30), (70, 90)])
def test_density_is_the_mean_over_parts_of_pixels(size: tuple[int, int]) -> None:
    mask = (np.random.default_rng(3).random((90, 70)) < 0.3).astype(np.uint8)
    expected = cv2.resize(255 * mask, size, interpolation=cv2.INTER_AREA)
    assert np.abs(InkSums(mask).density(size) - expected).max() <= 1


def test_density_counts_a_part_of_the_page_alone() -> None:
    mask = (np.random.default_rng(4).random((90, 70)) < 0.3).astype(np.uint8)
    alone = np.zeros_like(mask)
    alone[20:61, 9:33] = mask[20:61, 9:33]
    within = InkSums(mask).density((11, 7), (9, 20, 33, 61))
    assert np.array_equal(within, InkSums(alone).density((11, 7)))
