"""Paper becomes white and ink stays dark, whatever the light and the colours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hwdigitize.pages.background import flatten

PAPERS = {"white": (250, 250, 250), "blue": (230, 190, 150), "yellow": (150, 230, 235)}
INKS = {"black": (30, 30, 30), "pale red": (190, 190, 250), "blue": (200, 90, 60)}


def strokes(height: int = 1200, width: int = 900) -> np.ndarray:
    """1 where ink is."""
    ink = np.zeros((height, width), np.uint8)
    for row in range(100, height - 100, 60):
        cv2.putText(ink, "handwritten words", (80, row), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 1, 4)
    return ink


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("ink", INKS)
def test_ink_of_any_colour_is_darker_than_paper_of_any_colour(paper: str, ink: str) -> None:
    where = strokes()
    tint = np.array(PAPERS[paper]) / 255
    colours = np.stack([255 * tint, np.array(INKS[ink]) * tint])
    flat = flatten(colours[where].astype(np.uint8))
    assert np.median(flat[where == 0]) >= 250
    assert np.median(flat[where == 1]) <= 205


def test_a_shadow_is_taken_away() -> None:
    where = strokes()
    light = (
        np.linspace(0.45, 1.0, where.shape[1])[None] * np.linspace(1, 0.8, len(where))[:, None]
    )
    flat = flatten((np.where(where, 60, 240) * light).astype(np.uint8))
    assert np.percentile(flat[where == 0], 5) >= 235
    assert np.percentile(flat[where == 1], 95) <= 130


@pytest.mark.parametrize("side", [0, 1, 2, 3])
@pytest.mark.parametrize("width", [4, 20, 120])
def test_a_dark_border_turns_white_and_ink_beside_it_stays(side: int, width: int) -> None:
    page = np.where(strokes(), 0, 255).astype(np.uint8)
    framed = np.rot90(page, side).copy()
    framed[:width] = 10
    flat = np.rot90(flatten(framed), -side)
    assert np.rot90(flat, side)[:width].mean() > 250
    inner = slice(160, -160)
    assert np.array_equal(flat[inner, inner], page[inner, inner])


def test_a_clean_grey_page_is_not_copied() -> None:
    page = np.where(strokes(), 0, 255).astype(np.uint8)
    assert flatten(page) is page


def test_large_black_marks_stay_black() -> None:
    page = np.full((1200, 900), 230, np.uint8)
    page[400:600, 300:600] = 20
    assert flatten(page)[500, 450] < 60
