"""Tables of a run that a person corrected, as training data."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from hwdigitize.errors import DataError
from hwdigitize.training.datasets import open_dataset

HEADER = "file,page,line,word,text,left,top,right,bottom,correct\n"
PAGES = "file,page,rotation_degrees\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scan that lies on its side, with one word corrected, one not and one beside it."""
    page = np.full((60, 80), 255, np.uint8)
    page[10:30, 20:24] = 0
    (tmp_path / "scans").mkdir()
    cv2.imwrite(str(tmp_path / "scans" / "a.png"), page)
    (tmp_path / "pages.csv").write_text(PAGES + "a.png,1,90\n")
    rows = (
        "a.png,1,1,1,Hnus,18,8,40,32,Haus\n",
        "a.png,1,1,2,fine,0,0,9,9,\n",
        "gone.png,1,1,1,x,0,0,9,9,y\n",
    )
    (tmp_path / "words.csv").write_text("\ufeff" + HEADER + "".join(rows))
    return tmp_path


def test_corrected_words_are_samples(folder: Path) -> None:
    dataset = open_dataset(folder)
    assert [sample.text for sample in dataset.samples] == ["Haus"]
    assert dataset.samples[0].source == "corrections"
    assert [item.reason for item in dataset.broken] == [
        "its scan is not below the folder of the table"
    ]


def test_a_word_stands_upright(folder: Path) -> None:
    image = open_dataset(folder).samples[0].image()
    assert image.shape == (22, 24)
    rows, columns = np.nonzero(image < 128)
    assert np.ptp(columns) > np.ptp(rows)  # the stroke was upright on the turned scan


def test_a_table_without_corrections_says_what_to_do(folder: Path) -> None:
    (folder / "words.csv").write_text(
        "file,page,text,left,top,right,bottom\na.png,1,x,0,0,9,9\n"
    )
    with pytest.raises(DataError, match="no column 'correct'"):
        open_dataset(folder)
