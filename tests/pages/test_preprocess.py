"""A scan is made upright, and what is found on the upright page is found on the scan again."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from hwdigitize.pages.preprocess import preprocess
from hwdigitize.settings import Settings

WORDS = "please return the completed form by Friday, together with both receipts."


def drawn_page(turn_degrees: float = 0.0, quarters: int = 0) -> np.ndarray:
    """A page of drawn text, turned clockwise."""
    page = np.full((1400, 1000), 255, np.uint8)
    for row in range(18):
        text = (WORDS * 2)[5 * row % 71 :][: 50 - 7 * (row % 3)]
        cv2.putText(page, text, (80, 150 + 60 * row), cv2.FONT_HERSHEY_COMPLEX, 0.8, 20, 2)
    page = np.rot90(page, -quarters).copy()
    height, width = page.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -turn_degrees, 1.0)
    return np.asarray(cv2.warpAffine(page, turn, (width, height), borderValue=255))


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("degrees", [0.0, -9.7, 3.3])
def test_a_turned_page_is_turned_back(quarters: int, degrees: float) -> None:
    upright = preprocess(drawn_page(degrees, quarters), Settings())
    assert upright.rotation_degrees == 90 * quarters
    assert upright.skew_degrees == pytest.approx(degrees, abs=0.1)
    assert upright.orientation_confidence > 0.8


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("degrees", [0.0, 6.0])
def test_boxes_lie_on_the_scan_where_they_lie_on_the_page(
    quarters: int, degrees: float
) -> None:
    settings = Settings(unrule=False)
    page = drawn_page(degrees, quarters)
    upright = preprocess(page, settings)
    assert upright.scan_size == (page.shape[1], page.shape[0])
    ys, xs = np.nonzero(upright.grey < 128)
    box = (int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)
    corners = [(box[0], box[1]), (box[2], box[3])]
    polygon = np.array([corners[0], (box[2], box[1]), corners[1], (box[0], box[3])])
    inside = np.zeros(page.shape, np.uint8)
    cv2.fillPoly(inside, [np.rint(upright.to_scan(polygon)).astype(np.int32)], 1)
    grown = cv2.dilate(inside, np.ones((5, 5), np.uint8))
    ink = page < 128
    assert ink[grown > 0].sum() == ink.sum()
    left, top, right, bottom = upright.box_to_scan(box)
    assert ink[top:bottom, left:right].sum() >= 0.999 * ink.sum()


def test_box_to_scan_stays_on_the_scan() -> None:
    upright = preprocess(drawn_page(8.0), Settings())
    height, width = upright.grey.shape
    assert upright.box_to_scan((-50, -50, width + 50, height + 50)) == (0, 0, 1000, 1400)


def test_turned_page_shows_the_same_scan_pixels() -> None:
    upright = preprocess(drawn_page(2.0), Settings())
    turned = upright.turned()
    height, width = upright.grey.shape
    assert turned.rotation_degrees == 180
    assert np.array_equal(turned.grey[::-1, ::-1], upright.grey)
    there = turned.to_scan([(width - 100, height - 200)])
    assert there == pytest.approx(upright.to_scan([(100, 200)]))
    assert turned.turned().rotation_degrees == upright.rotation_degrees


def test_switched_off_steps_leave_the_page_as_it_is() -> None:
    page = drawn_page(5.0, 1)
    upright = preprocess(page, Settings(orient=False, deskew=False, unrule=False))
    assert upright.grey is page
    assert (upright.rotation_degrees, upright.skew_degrees) == (0, 0.0)


def test_a_clean_upright_page_passes_unchanged() -> None:
    page = drawn_page()
    upright = preprocess(page, Settings())
    assert np.array_equal(upright.grey, page)
    assert upright.matrix == pytest.approx(np.array([[1, 0, 0], [0, 1, 0]]))


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 900), (900, 1), (17, 23), (3000, 40), (300, 200)]
)
@pytest.mark.parametrize("value", [0, 90, 255])
@pytest.mark.parametrize("channels", [1, 3])
def test_blank_pages_of_any_size_come_back_white(
    shape: tuple[int, int], value: int, channels: int
) -> None:
    image = np.full(shape if channels == 1 else (*shape, 3), value, np.uint8)
    upright = preprocess(image, Settings())
    assert upright.grey.shape == shape
    assert upright.grey.min() >= 240
    assert (upright.rotation_degrees, upright.skew_degrees) == (0, 0.0)


def test_noise_is_not_turned() -> None:
    rng = np.random.default_rng(0)
    upright = preprocess(rng.integers(0, 255, (800, 600), np.uint8), Settings())
    assert upright.skew_degrees == 0.0
    assert upright.orientation_confidence < 0.95


@pytest.mark.parametrize("name", ["lettre-ruled.jpg", "recipe-squared.jpg"])
def test_rules_do_not_hide_which_way_up_a_page_is(samples: Path, name: str) -> None:
    scan = cv2.imread(str(samples / name))
    upright = preprocess(scan, Settings())
    assert upright.rotation_degrees == 0
    assert abs(upright.skew_degrees) < 0.3
