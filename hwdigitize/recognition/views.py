"""Other views of a crop: the same word a little wider, or leaning the other way.

A network that doubts a word often reads another view of it right, and what several views agree
upon is right more often than what one is sure of (test-time augmentation; Wigington et al.,
"Data augmentation for recognition of handwritten words and lines using a CNN-LSTM network",
2017). The views were chosen on validation data (benchmarks/RESULTS.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from hwdigitize.recognition.inputs import Crop

Ranked = Sequence[tuple[str, float]]

#: of the second view: as wide as this; of the third: shear to the right, columns a row
WIDER, LEANING = 1.15, 0.15
#: wider than this many times their height are lines: views of a line never agree in full
WIDEST_WORD = 12.0


def is_line(crop: Crop) -> bool:
    """Whether a crop is so wide that it holds a line, or a good part of one."""
    height, width = crop.shape
    return bool(width > WIDEST_WORD * height)


def other_views(crop: Crop) -> tuple[Crop, ...]:
    """The second and the third view of a crop; none of a line's."""
    if is_line(crop):
        return ()
    height, width = crop.shape
    wider = cv2.resize(crop, (max(round(width * WIDER), 1), height))
    rim = round(LEANING * height) + 2
    padded = cv2.copyMakeBorder(crop, 0, 0, rim, rim, cv2.BORDER_REPLICATE)
    shear = np.array([[1.0, -LEANING, LEANING * height / 2], [0.0, 1.0, 0.0]])
    leaning = cv2.warpAffine(
        padded, shear, (width + 2 * rim, height), borderMode=cv2.BORDER_REPLICATE
    )
    return wider, leaning


def merge(rankings: Sequence[Ranked]) -> list[tuple[str, float]]:
    """One ranking of several views': the mean of a text's probabilities.

    Args:
        rankings: of each view, texts with their log probabilities.

    Returns:
        The texts of all views with log probabilities, best first.
    """
    total: dict[str, float] = {}
    for ranking in rankings:
        for text, score in ranking:
            total[text] = total.get(text, 0.0) + float(np.exp(score)) / len(rankings)
    best = sorted(total.items(), key=lambda item: -item[1])
    return [(text, float(np.log(max(share, 1e-300)))) for text, share in best]
