from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from hwdigitize.pages.segmentation import TextLine, find_boxes, find_lines

Grey = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]
SCRIPT = cv2.FONT_HERSHEY_SCRIPT_SIMPLEX


def paper(width: int, height: int) -> Grey:
    return np.full((height, width), 255, np.uint8)


def write(
    page: Grey, words: list[str], left: int, baseline: int, size: float = 2.0
) -> list[Box]:
    """Write words a space of 30 pixels a size apart; the tight box of each."""
    boxes = []
    for word in words:
        before = page.copy()
        cv2.putText(page, word, (left, baseline), SCRIPT, size, 0, round(1.5 * size))
        ys, xs = np.nonzero(page != before)
        boxes.append((int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1))
        left = boxes[-1][2] + round(30 * size)
    return boxes


def union(boxes: list[Box]) -> Box:
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def iou(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0, width) * max(0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


def assert_lines(found: tuple[TextLine, ...], written: list[list[Box]]) -> None:
    assert len(found) == len(written)
    for line, words in zip(found, written, strict=True):
        assert iou(line.box, union(words)) > 0.85
        assert len(line.words) == len(words)
        assert all(iou(a, b) > 0.7 for a, b in zip(line.words, words, strict=True))


TEXT = [
    ["the", "quick", "brown", "fox"],
    ["jumps", "over", "a", "lazy", "dog"],
    ["and", "runs", "away", "from", "home"],
    ["short", "line"],
    ["until", "evening", "comes", "again"],
    ["when", "all", "animals", "sleep"],
]


@pytest.fixture
def page() -> tuple[Grey, list[list[Box]]]:
    grey = paper(1600, 1200)
    return grey, [write(grey, words, 150, 200 + 150 * row) for row, words in enumerate(TEXT)]


def test_lines_and_words_of_a_written_page(page: tuple[Grey, list[list[Box]]]) -> None:
    grey, written = page
    assert_lines(find_lines(grey), written)


@pytest.mark.parametrize("factor", [0.5, 2.0, 3.0])
def test_resolution_does_not_matter(page: tuple[Grey, list[list[Box]]], factor: float) -> None:
    grey, written = page
    shape = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    scaled = np.asarray(cv2.resize(grey, None, fx=factor, fy=factor, interpolation=shape))
    boxes = [[tuple(round(v * factor) for v in box) for box in line] for line in written]
    assert_lines(find_lines(scaled), boxes)  # type: ignore[arg-type]


def test_ruled_paper_reads_as_plain(page: tuple[Grey, list[list[Box]]]) -> None:
    grey, written = page
    for row in range(8):
        cv2.line(grey, (20, 203 + 150 * row), (1580, 203 + 150 * row), 120, 2)
    found = find_lines(grey)
    assert len(found) == len(written)
    assert all(iou(a.box, union(b)) > 0.6 for a, b in zip(found, written, strict=True))


def test_baseline_is_where_letters_stand() -> None:
    grey = paper(1600, 700)
    for row in range(4):
        write(grey, ["moon", "runs", "across", "acre"], 150, 150 + 150 * row)
    for row, line in enumerate(find_lines(grey)):
        assert all(abs(y - (150 + 150 * row)) <= 12 for _, y in line.baseline)
        assert abs(line.baseline[0][0] - line.box[0]) <= 2
        assert abs(line.baseline[-1][0] - line.box[2]) <= 2


def test_polygon_holds_the_words(page: tuple[Grey, list[list[Box]]]) -> None:
    for line in find_lines(page[0]):
        xs, ys = zip(*line.polygon, strict=True)
        assert (min(xs), min(ys), max(xs), max(ys)) == line.box


def test_sloping_lines_are_followed() -> None:
    grey = paper(1600, 1200)
    for row, words in enumerate(TEXT):
        write(grey, words, 150, 250 + 150 * row)
    turn = cv2.getRotationMatrix2D((800, 600), 2.0, 1.0)
    turned = np.asarray(cv2.warpAffine(grey, turn, (1600, 1200), borderValue=255))
    assert [len(line.words) for line in find_lines(turned)] == [len(words) for words in TEXT]


def test_touching_lines_are_cut_between() -> None:
    grey = paper(1600, 700)
    for row, words in enumerate(TEXT[:3]):
        write(grey, words, 150, 200 + 150 * row)
    cv2.line(grey, (600, 190), (590, 345), 0, 3)  # a descender that runs into the next line
    found = find_lines(grey)
    assert len(found) == 3
    assert found[0].box[3] < 275
    assert found[1].box[1] > 245


def test_full_stop_joins_its_word() -> None:
    grey = paper(1600, 600)
    for row, words in enumerate(TEXT[:3]):
        last = write(grey, words, 150, 150 + 150 * row)[-1]
        cv2.circle(grey, (last[2] + 14, 148 + 150 * row), 4, 0, -1)
    found = find_lines(grey)
    assert [len(line.words) for line in found] == [len(words) for words in TEXT[:3]]


def test_two_columns_are_read_one_after_the_other() -> None:
    grey = paper(2400, 1700)
    heading = write(
        grey, ["a", "heading", "over", "both", "columns", "of", "the", "page"], 150, 150
    )
    left, right = [], []
    for row in range(8):
        words = TEXT[row % len(TEXT)][:3]
        left.append(write(grey, words, 150, 400 + 150 * row, 1.8))
        right.append(write(grey, words, 1350, 460 + 150 * row, 1.8))
    found = find_lines(grey)
    expected = [heading, *left, *right]
    assert len(found) == len(expected)
    assert all(iou(a.box, union(b)) > 0.7 for a, b in zip(found, expected, strict=True))


def test_type_is_told_from_hand() -> None:
    grey = paper(1700, 900)
    for row in range(3):
        line = "Printed lines of a form repeat their letters exactly"
        cv2.putText(grey, line, (100, 100 + 60 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 0, 2)
    rng = np.random.default_rng(1)
    for row in range(4):
        pen = 100
        for letter in "handwritten letters dance about":
            size, drop = rng.uniform(1.1, 1.9), int(rng.integers(-9, 10))
            cv2.putText(grey, letter, (pen, 400 + 130 * row + drop), SCRIPT, size, 0, 2)
            pen += int(26 * size)
    inks = [line.ink for line in find_lines(grey)]
    assert inks[:3] == ["print"] * 3
    assert "print" not in inks[3:]


@pytest.mark.parametrize(
    "grey",
    [
        paper(1, 1),
        np.zeros((1, 1), np.uint8),
        paper(2480, 3508),
        np.zeros((3508, 2480), np.uint8),
        paper(4000, 3),
        np.tile(np.repeat(np.uint8([0, 255]), 50), (500, 10)),
    ],
    ids=["white pixel", "black pixel", "blank", "black", "strip", "stripes"],
)
def test_nothing_written_gives_nothing(grey: Grey) -> None:
    assert find_lines(grey) == ()
    assert find_boxes(grey) == ()


def test_noise_is_not_writing() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2000, 1500), dtype=np.uint8)
    start = time.process_time()
    assert find_lines(noise) == ()
    assert find_boxes(noise) == ()
    assert time.process_time() - start < 5


def test_scattered_specks_are_not_writing() -> None:
    rng = np.random.default_rng(0)
    grey = paper(1500, 2000)
    grey[rng.integers(0, 2000, 300), rng.integers(0, 1500, 300)] = 0
    assert find_lines(grey) == ()


def test_a_photograph_is_over_quickly() -> None:
    rng = np.random.default_rng(0)
    cloud = cv2.GaussianBlur(rng.normal(0, 1, (3508, 2480)), (0, 0), 6)
    photo = cv2.normalize(cloud, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    start = time.process_time()
    find_lines(photo)
    find_boxes(photo)
    assert time.process_time() - start < 5


def cells(grey: Grey, left: int, top: int, count: int, size: int, apart: int) -> list[Box]:
    """Draw a row of boxes; the inside of each."""
    inside = []
    for number in range(count):
        x = left + number * (size + apart)
        cv2.rectangle(grey, (x, top), (x + size, top + size), 0, 3)
        inside.append((x + 2, top + 2, x + size - 1, top + size - 1))
    return inside


@pytest.mark.parametrize("apart", [0, 20])
def test_rows_of_character_boxes(apart: int) -> None:
    grey = paper(2480, 3508)
    drawn = [cells(grey, 300, 400 + 200 * row, 8, 70, apart) for row in range(2)]
    for row in drawn:
        for number, (left, _, _, bottom) in enumerate(row[:4]):
            cv2.putText(grey, "A1K7"[number], (left + 12, bottom - 12), SCRIPT, 1.6, 0, 4)
    found = find_boxes(grey)
    assert [box.row for box in found] == [0] * 8 + [1] * 8
    assert {box.kind for box in found} == {"character"}
    assert all(
        iou(a.box, b) > 0.8
        for a, b in zip(found, [b for row in drawn for b in row], strict=True)
    )


def test_comb() -> None:
    grey = paper(2480, 3508)
    cv2.line(grey, (300, 500), (900, 500), 0, 3)
    for tooth in range(11):
        cv2.line(grey, (300 + 60 * tooth, 450), (300 + 60 * tooth, 500), 0, 3)
    found = find_boxes(grey)
    assert len(found) == 10
    assert {(box.kind, box.row) for box in found} == {("character", 0)}
    assert all(
        iou(box.box, (302 + 60 * number, 452, 359 + 60 * number, 499)) > 0.75
        for number, box in enumerate(found)
    )


def test_check_boxes_ticked_or_not() -> None:
    grey = paper(2480, 3508)
    boxes = []
    for row in range(3):
        boxes += cells(grey, 300, 400 + 150 * row, 1, 50, 0)
        cv2.putText(grey, "yes please", (400, 445 + 150 * row), SCRIPT, 1.5, 0, 3)
    cv2.line(grey, (295, 395), (355, 455), 0, 5)
    cv2.line(grey, (355, 395), (295, 455), 0, 5)
    found = find_boxes(grey)
    assert [box.kind for box in found] == ["check"] * 3
    assert all(iou(a.box, b) > 0.7 for a, b in zip(found, boxes, strict=True))
    assert [box.row for box in found] == [0, 1, 2]


def test_writing_has_no_boxes(page: tuple[Grey, list[list[Box]]]) -> None:
    assert find_boxes(page[0]) == ()


@pytest.mark.slow
def test_real_pages(shared_data: Path) -> None:
    """A floor under the figures that benchmarks/segmentation.py measures on all pages."""
    import polars as pl

    table = pl.read_parquet(shared_data / "pages.parquet").filter(pl.col("split") == "val")
    hits = truths = found_lines = 0
    for row in table.head(10).iter_rows(named=True):
        grey = cv2.imdecode(np.frombuffer(row["image"], np.uint8), cv2.IMREAD_GRAYSCALE)
        found = find_lines(np.asarray(grey, np.uint8))
        truth = [line["box"] for line in row["lines"]]
        hits += sum(any(iou(line.box, box) >= 0.5 for line in found) for box in truth)
        truths += len(truth)
        found_lines += len(found)
    assert truths > 0
    assert hits / truths > 0.97
    assert found_lines < 1.3 * truths
