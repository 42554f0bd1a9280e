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
from hwdigitize.recognition.language import load_language
from hwdigitize.recognition.reading import Glyph, Reading
from hwdigitize.recognition.runtime import Network, load_network

#: crops a batch; more gain nothing on one core
BATCH_SIZE = 32
#: a best path more probable than this leaves nothing for a beam search to find
SURE_PATH = 0.99
#: other readings reported of each crop
ALTERNATIVES = 4


def read_words(
    crops: Sequence[Crop],
    *,
    decoder: Literal["greedy", "beam"] = "beam",
    beam_width: int = 16,
    language: str = "none",
    models: str | None = None,
) -> list[Reading]:
    """Read crops of words or lines.

    Args:
        crops: grey, uint8, (height, width) each, ink darker than paper, cut tight.
        decoder: best path, or prefix beam search with alternatives.
        beam_width: prefixes kept by the beam search.
        language: what the beam search takes for likely words: "none", "en", "fr", "names",
            several joined by "+", or another language that ``wordfreq`` knows. Words of no
            lexicon can still be read.
        models: folder of the networks; None for the shipped ones.

    Returns:
        A reading a crop, in order.

    Raises:
        ModelError: the words network cannot be loaded.
        UsageError: the language is not known.
    """
    network = load_network("words", models)
    alphabet = Alphabet("".join(network.card.classes))
    temperature = network.card.calibration.get("temperature", 1.0)
    spoken = load_language(language, alphabet) if decoder == "beam" else None
    kind = "words" if spoken is None else "words_language"
    calibrate = Calibration(network.card.calibration.get(kind, ()))
    readings: dict[int, Reading] = {}
    for batch in _logits(network, crops):
        scores = [log_softmax(logits, temperature) for _, _, logits in batch]
        ranked = [[_best(part, alphabet)] for part in scores]
        if decoder == "beam":
            unsure = [i for i, texts in enumerate(ranked) if texts[0][1] < np.log(SURE_PATH)]
            found = beam_search([scores[i] for i in unsure], alphabet, beam_width, spoken)
            for i, texts in zip(unsure, found, strict=True):
                ranked[i] = texts if spoken is None else _shares(texts)
        for (index, width_px, _), part, texts in zip(batch, scores, ranked, strict=True):
            glyphs = _glyphs(texts[0][0], part, alphabet, network, width_px)
            readings[index] = _reading(texts, glyphs, calibrate)
    return [readings[index] for index in range(len(crops))]


def _logits(
    network: Network, crops: Sequence[Crop]
) -> Iterator[list[tuple[int, int, NDArray[np.float32]]]]:
    """Batches of like widths: index, input width in pixels and logits of each crop."""
    geometry = network.card.input
    inputs: list[Input] = [prepare(crop, geometry["height_px"]) for crop in crops]
    order = sorted(range(len(inputs)), key=lambda i: inputs[i].shape[1])
    for start in range(0, len(order), BATCH_SIZE):
        picked = order[start : start + BATCH_SIZE]
        logits = network.run(stack([inputs[i] for i in picked]))[0]
        widths = [inputs[i].shape[1] for i in picked]
        steps = [max(width // geometry["stride_px"], 1) for width in widths]
        yield [
            (i, width, rows[:step])
            for i, width, step, rows in zip(picked, widths, steps, logits, strict=True)
        ]


def _reading(
    ranked: Sequence[tuple[str, float]], glyphs: tuple[Glyph, ...], calibrate: Calibration
) -> Reading:
    text, score = ranked[0]
    others = tuple(
        (other, calibrate(float(np.exp(log_probability))))
        for other, log_probability in ranked[1 : 1 + ALTERNATIVES]
    )
    return Reading(text, calibrate(float(np.exp(score))), glyphs, others)


def _shares(texts: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Probabilities among the texts found: with a language they sum to anything."""
    whole = np.logaddexp.reduce([score for _, score in texts])
    return [(text, float(score - whole)) for text, score in texts]


def _best(scores: NDArray[np.float32], alphabet: Alphabet) -> tuple[str, float]:
    """The best path and its log probability, a lower bound of its text's."""
    return best_path(scores, alphabet).text, float(scores.max(1).sum())


def _glyphs(
    text: str,
    scores: NDArray[np.float32],
    alphabet: Alphabet,
    network: Network,
    width_px: int,
) -> tuple[Glyph, ...]:
    """The characters of a text with their confidences and places."""
    path = best_path(scores, alphabet)
    spans = path.spans if text == path.text else align(scores, alphabet.encode(text))
    stride = network.card.input["stride_px"]
    return tuple(
        _glyph(character, scores[first:last], alphabet, (first, last), stride, width_px)
        for character, (first, last) in zip(text, spans, strict=True)
    )


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
