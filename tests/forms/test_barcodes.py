"""Bar codes as printed, and none."""

from __future__ import annotations

import numpy as np
import zxingcpp

from hwdigitize.forms.barcodes import read_barcode


def drawn(text: str, scale: int = 3) -> np.ndarray:
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128)
    return np.pad(np.array(code.to_image(scale=scale)), 30, constant_values=255)


def test_a_bar_code_is_read() -> None:
    found = read_barcode([drawn("112491108")])
    assert found.text == "112491108" and found.confidence > 0.99


def test_the_first_view_that_can_be_read_counts() -> None:
    found = read_barcode([np.full((60, 200), 255, np.uint8), drawn("A7")])
    assert found.text == "A7"


def test_nothing_reads_as_nothing() -> None:
    found = read_barcode([np.full((60, 200, 3), 255, np.uint8), np.zeros((0, 0), np.uint8)])
    assert (found.text, found.confidence) == ("", 0.0)


def test_two_codes_are_not_sure() -> None:
    first, second = drawn("FIRST1"), drawn("OTHER2")
    width = max(first.shape[1], second.shape[1])
    both = np.vstack(
        [
            np.pad(code, ((0, 0), (0, width - code.shape[1])), constant_values=255)
            for code in (first, second)
        ]
    )
    found = read_barcode([both])
    assert found.confidence == 0 and {t for t, _ in found.alternatives} == {"FIRST1", "OTHER2"}
