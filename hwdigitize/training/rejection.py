"""Whether the characters network knows what is no character: junk, empty boxes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from hwdigitize.recognition.characters import EMPTY, REJECT
from hwdigitize.training.glyphs import JUNK, Glyph, distort, draw_junk, empty_box

Floats = npt.NDArray[np.floating]
#: crops, grey, dark on light, to logits (n, classes)
Read = Callable[[list[Glyph]], Floats]

#: drawn of each kind of junk, of empty boxes, and of glyphs of each
EACH = 100


def rejection_scores(read: Read, glyphs: Glyph, seed: int, each: int = EACH) -> dict[str, Any]:
    """Draw junk and empty boxes from held-back glyphs, and see what becomes of them.

    As many good glyphs are distorted and asked as there is junk, so that precision means
    something.

    Args:
        read: the network.
        glyphs: (n, side, side), ink 255, that it was not trained on.
        seed: of the drawing.
        each: drawn of each kind.

    Returns:
        ``precision`` and ``recall`` of reject and of empty, ``recall`` of each kind of junk,
        and the share of good glyphs that are called either.
    """
    rng = np.random.default_rng(seed)
    junk = {
        kind: [distort(draw_junk(glyphs, rng, kind), rng) for _ in range(each)] for kind in JUNK
    }
    good = [distort(glyphs[i], rng) for i in rng.integers(len(glyphs), size=each * len(JUNK))]
    blank = [empty_box(rng) for _ in range(each)]
    found = {name: read(crops).argmax(axis=1) for name, crops in junk.items()}
    on_good, on_blank = read(good).argmax(axis=1), read(blank).argmax(axis=1)
    on_junk = np.concatenate(list(found.values()))
    return {
        "reject": _precision_recall(REJECT, on_junk, np.concatenate([on_good, on_blank])),
        "empty": _precision_recall(EMPTY, on_blank, np.concatenate([on_good, on_junk])),
        "junk found": {
            name: _rounded((answers == REJECT).mean()) for name, answers in found.items()
        },
        "good glyphs refused": _rounded(np.isin(on_good, (REJECT, EMPTY)).mean()),
    }


def _precision_recall(
    answer: int, wanted: npt.NDArray[np.int64], others: npt.NDArray[np.int64]
) -> dict[str, float]:
    right, wrong = (wanted == answer).sum(), (others == answer).sum()
    return {
        "precision": _rounded(right / max(right + wrong, 1)),
        "recall": _rounded(right / max(len(wanted), 1)),
    }


def _rounded(share: float) -> float:
    return round(float(share), 4)
