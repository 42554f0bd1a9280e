"""Ruled lines go, strokes and boxes stay."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hwdigitize.pages.rules import remove_rules

SIZE = (1700, 1300)


def written() -> np.ndarray:
    """Strokes of all directions, like large letters, on white paper."""
    page = np.full(SIZE, 255, np.uint8)
    for row in range(10):
        for column in range(12):
            x, y = 120 + 90 * column + 7 * row, 190 + 140 * row
            cv2.ellipse(page, (x, y), (18, 26), 15 * column, 0, 300, 0, 5)
            cv2.line(page, (x + 26, y + 40), (x + 40 - 3 * column, y - 50), 0, 5)
    return page


def add_rules(page: np.ndarray, level: int, thickness: int, fall: int = 0) -> np.ndarray:
    """The page with horizontal rules under and through its strokes."""
    ruled = page.copy()
    for y in range(150, 1650, 70):
        line = np.full(SIZE, 255, np.uint8)
        cv2.line(line, (30, y), (1270, y + fall), level, thickness)
        ruled = np.minimum(ruled, line)
    return ruled


@pytest.mark.parametrize("level", [0, 120, 215])
@pytest.mark.parametrize("thickness", [1, 3])
@pytest.mark.parametrize("fall", [0, 9])
def test_rules_go_and_strokes_stay(level: int, thickness: int, fall: int) -> None:
    page = written()
    ruled = add_rules(page, level, thickness, fall)
    cleaned = remove_rules(ruled)
    rule = (ruled < 240) & (page >= 240)
    ink = page < 128
    assert (cleaned[rule] < 240).mean() < 0.08
    assert (cleaned[ink] < 128).mean() > 0.985


def test_upright_rules_go_too() -> None:
    page = written()
    ruled = page.copy()
    ruled[:, 62:65] = 100
    cleaned = remove_rules(ruled)
    assert (cleaned[:, 60:67] < 240).mean() < 0.02
    assert np.array_equal(cleaned[:, 80:], page[:, 80:])


def test_bent_rules_go() -> None:
    page = np.full(SIZE, 255, np.uint8)
    xs = np.arange(40, 1260)
    for y in range(200, 1500, 80):
        ys = y + 12 * np.sin(xs / 400)
        cv2.polylines(page, [np.stack([xs, ys], 1).astype(np.int32)], False, 130, 3)
    assert (remove_rules(page) < 240).sum() < 0.03 * (page < 240).sum()


def test_a_page_without_rules_is_the_same_array() -> None:
    page = written()
    assert remove_rules(page) is page


def test_the_page_given_is_not_changed() -> None:
    ruled = add_rules(written(), 0, 3)
    before = ruled.copy()
    remove_rules(ruled)
    assert np.array_equal(ruled, before)


def test_boxes_keep_their_sides() -> None:
    page = np.full(SIZE, 255, np.uint8)
    cv2.rectangle(page, (200, 300), (900, 380), 0, 3)
    assert remove_rules(page) is page


@pytest.mark.parametrize("shape", [(1, 1), (70, 70), (64, 5000), (5000, 64)])
def test_any_size_of_noise_passes(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    assert remove_rules(noise).shape == shape
