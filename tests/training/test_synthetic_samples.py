"""The committed samples: every picture agrees with its truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image

MOST_BYTES = 6_000_000
STEMS = tuple(
    sorted(path.stem for path in (Path(__file__).parents[2] / "samples" / "truth").iterdir())
)


def pictures(path: Path) -> list[np.ndarray]:
    if path.suffix == ".pdf":
        pages = pdfium.PdfDocument(path)
        return [np.array(page.render(scale=150 / 72).to_pil().convert("L")) for page in pages]
    with Image.open(path) as image:
        return [np.array(image.convert("L"))]


def test_a_dozen_pages_and_a_pdf_stay_small(samples: Path) -> None:
    files = [
        path for path in samples.iterdir() if path.suffix in (".jpg", ".png", ".tif", ".pdf")
    ]
    assert {path.stem for path in files} == set(STEMS)
    assert len(files) >= 13
    assert sum(path.stat().st_size for path in files) < MOST_BYTES


@pytest.mark.parametrize("stem", STEMS)
def test_ink_stands_where_the_truth_says(samples: Path, stem: str) -> None:
    truth = json.loads((samples / "truth" / f"{stem}.json").read_text("utf-8"))
    images = pictures(samples / truth["file"])
    assert len(images) == len(truth["pages"])
    for image, page in zip(images, truth["pages"], strict=True):
        assert np.abs(np.subtract(image.shape[::-1], page["size_px"])).max() <= 1
        words = [word for line in page["lines"] for word in line["words"]]
        assert words
        contrast = [_contrast(image, word["box"]) for word in words]
        assert np.mean(np.array(contrast) > 25) > 0.97


def _contrast(image: np.ndarray, box: list[int]) -> float:
    left, top, right, bottom = box
    crop = image[top:bottom, left:right]
    return float(np.median(crop) - np.percentile(crop, 3))


@pytest.mark.parametrize("stem", STEMS)
def test_words_spell_their_lines_and_lie_within_them(samples: Path, stem: str) -> None:
    truth = json.loads((samples / "truth" / f"{stem}.json").read_text("utf-8"))
    for page in truth["pages"]:
        for line in page["lines"]:
            assert " ".join(word["text"] for word in line["words"]) == line["text"]
            boxes = np.array([word["box"] for word in line["words"]])
            around = [*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)]
            assert np.abs(np.subtract(around, line["box"])).max() <= 25
