"""Reading words and lines with the words network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.confidence import Calibration
from hwdigitize.recognition.ctc import align, beam_search, best_path, log_softmax
from hwdigitize.recognition.inputs import MARGIN_PX, Crop, Input, prepare, stack
from hwdigitize.recognition.reading import Glyph, Reading
from hwdigitize.recognition.runtime import Network, load_network

#: crops a batch; more gain nothing on one core
BATCH_SIZE = 32
#: other readings reported of each crop
ALTERNATIVES = 4


def read_words(
    crops: Sequence[Crop],
    *,
    decoder: Literal["greedy", "beam"] = "beam",
    beam_width: int = 16,
    models: str | None = None,
) -> list[Reading]:
    """Read crops of words or lines.

    Args:
        crops: grey, uint8, (height, width) each, ink darker than paper, cut tight.
        decoder: best path, or prefix beam search with alternatives.
        beam_width: prefixes kept by the beam search.
        models: folder of the networks; None for the shipped ones.

    Returns:
        A reading a crop, in order.

    Raises:
        ModelError: the words network cannot be loaded.
    """
    network = load_network("words", models)
    width = beam_width if decoder == "beam" else 1
    readings: list[Reading | None] = [None] * len(crops)
    for index, size, logits in _logits(network, crops):
        readings[index] = _decode(logits, size, network, width)
    return [reading for reading in readings if reading is not None]


def _logits(
    network: Network, crops: Sequence[Crop]
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Index, input width and logits of each crop, batches of like widths."""
    geometry = network.card.input
    inputs: list[Input] = [prepare(crop, geometry["height_px"]) for crop in crops]
    order = sorted(range(len(inputs)), key=lambda i: inputs[i].shape[1])
    for start in range(0, len(order), BATCH_SIZE):
        picked = order[start : start + BATCH_SIZE]
        logits = network.run(stack([inputs[i] for i in picked]))[0]
        for i, rows in zip(picked, logits, strict=True):
            size = inputs[i].shape[1]
            yield i, size, rows[: max(size // geometry["stride_px"], 1)]


def _decode(logits: NDArray[np.float32], width_px: int, network: Network, beam: int) -> Reading:
    alphabet = Alphabet("".join(network.card.classes))
    calibration = network.card.calibration
    calibrate = Calibration(calibration.get("words", ()))
    scores = log_softmax(logits, calibration.get("temperature", 1.0))
    path = best_path(scores, alphabet)
    ranked = beam_search(scores, alphabet, beam)
    text, score = ranked[0]
    if beam == 1:
        text, score = path.text, _path_score(scores)
    spans = path.spans if text == path.text else align(scores, alphabet.encode(text))
    stride = network.card.input["stride_px"]
    glyphs = tuple(
        _glyph(character, scores[first:last], alphabet, (first, last), stride, width_px)
        for character, (first, last) in zip(text, spans, strict=True)
    )
    others = tuple((other, calibrate(np.exp(s))) for other, s in ranked[1 : 1 + ALTERNATIVES])
    return Reading(text, calibrate(float(np.exp(score))), glyphs, others)


def _path_score(scores: NDArray[np.float32]) -> float:
    """Log probability of the best path, a lower bound of its text's."""
    return float(scores.max(1).sum())


def _glyph(
    character: str,
    scores: NDArray[np.float32],
    alphabet: Alphabet,
    span: tuple[int, int],
    stride: int,
    width_px: int,
) -> Glyph:
    """A character with its best probability among its steps and its place in the crop."""
    label = alphabet.characters.index(character) + 1
    confidence = float(np.exp(scores[:, label].max())) if len(scores) else 0.0
    inner = max(width_px - 2 * MARGIN_PX, 1)
    start, end = ((step * stride - MARGIN_PX) / inner for step in span)
    return Glyph(character, confidence, min(max(start, 0.0), 1.0), min(max(end, 0.0), 1.0))
