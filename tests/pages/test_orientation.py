"""Skew and orientation of real handwriting and of pages that tell nothing."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from PIL import Image

from hwdigitize.pages.orientation import find_letters, find_orientation, standing_features
from hwdigitize.pages.preprocess import reduce_page
from hwdigitize.pages.skew import LARGEST_DEGREES, find_skew


@pytest.fixture(scope="module")
def page(shared_data: Path) -> np.ndarray:
    row = (
        pl.scan_parquet(shared_data / "pages.parquet").filter(pl.col("split") == "test").head(1)
    )
    encoded = row.select("image").collect()["image"][0]
    return reduce_page(np.asarray(Image.open(io.BytesIO(encoded)).convert("L")))


@pytest.mark.parametrize("quarters", range(4))
def test_real_handwriting_is_turned_upright(page: np.ndarray, quarters: int) -> None:
    found = find_orientation(np.ascontiguousarray(np.rot90(page, -quarters)))
    assert found.quarters == quarters
    assert found.confidence > 0.9


def test_measures_change_sign_upside_down(page: np.ndarray) -> None:
    letters = find_letters(page)
    assert letters is not None
    upright = standing_features(letters, 0.0)
    upside_down = standing_features(letters.turned_back(2), 0.0)
    assert upside_down == pytest.approx(-upright, abs=0.1)
    assert np.corrcoef(upright, -upside_down)[0, 1] > 0.95


@pytest.mark.parametrize("degrees", [-14.2, -3.37, 0.0, 0.08, 7.5])
def test_the_slope_of_thin_lines_is_found(degrees: float) -> None:
    sheet = np.full((900, 700), 255, np.uint8)
    slope = np.tan(np.radians(degrees))
    for y in range(250, 700, 40):
        ends = [(x, round(16 * (y + (x - 350) * slope))) for x in (50, 650)]
        cv2.line(sheet, *[(16 * x, y) for x, y in ends], 60, 2, cv2.LINE_AA, 4)
    assert find_skew(sheet).degrees == pytest.approx(degrees, abs=0.05)


def test_a_blank_page_has_no_slope_and_no_orientation() -> None:
    blank = np.full((900, 700), 255, np.uint8)
    assert find_skew(blank).degrees == 0.0
    assert find_orientation(blank).quarters == 0
    assert find_orientation(blank).confidence == 0.25


def test_slopes_stay_within_bounds() -> None:
    sheet = np.full((600, 600), 255, np.uint8)
    for offset in range(-600, 600, 40):
        cv2.line(sheet, (0, offset), (600, offset + 600), 0, 3)
    assert abs(find_skew(sheet).degrees) <= LARGEST_DEGREES
