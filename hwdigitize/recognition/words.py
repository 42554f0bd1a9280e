"""Reading words and lines with the words network."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.confidence import Calibration
from hwdigitize.recognition.context import load_context
from hwdigitize.recognition.ctc import (
    LanguageModel,
    align,
    beam_search,
    best_path,
    log_softmax,
    steps_needed,
)
from hwdigitize.recognition.inputs import MARGIN_PX, Crop, Input, padded_width, prepare, stack
from hwdigitize.recognition.language import load_language
from hwdigitize.recognition.reading import Glyph, Reading
from hwdigitize.recognition.runtime import Network, load_network
from hwdigitize.recognition.views import is_line, merge, other_views

#: crops a batch; larger ones take memory and are no faster
BATCH_SIZE = 8
#: a best path more probable than this leaves nothing for a beam search to find
SURE_PATH = 0.99
#: a reading less probable than this is read again in other views
DOUBTFUL = 0.6
#: other readings reported of each crop
ALTERNATIVES = 4

Scores = NDArray[np.float32]
#: texts with their log probabilities, best first
Ranking = list[tuple[str, float]]
Knots = Sequence[tuple[float, float]]
Rank = Callable[[Sequence[Scores]], list[Ranking]]


@dataclass(frozen=True)
class _Look:
    """What the network says of one crop: texts, log probabilities a step, width in pixels."""

    ranking: Ranking
    scores: Scores
    width_px: int


def read_words(
    crops: Sequence[Crop],
    *,
    decoder: Literal["greedy", "beam"] = "beam",
    beam_width: int = 16,
    language: str = "none",
    views: bool = True,
    connected: bool = False,
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
        views: whether the beam search reads doubtful words again, stretched and sheared, and
            weighs what it reads in each.
        connected: whether the crops are a text, in order, so that words tell of their
            neighbours (where ``language`` has pairs of words).
        models: folder of the networks; None for the shipped ones.

    Returns:
        A reading a crop, in order.

    Raises:
        ModelError: the words network cannot be loaded.
        UsageError: the language is not known.
    """
    network = load_network("words", models)
    alphabet = Alphabet("".join(network.card.classes))
    spoken = load_language(language, alphabet) if decoder == "beam" else None
    context = load_context(language) if spoken and connected else None
    fitted_with = ["_context"] * bool(context) + ["_language"] * bool(spoken) + [""]
    words, lines = _calibrations(network, fitted_with)

    def rank(scores: Sequence[Scores]) -> list[Ranking]:
        if decoder == "greedy":
            return [[_best(part, alphabet)] for part in scores]
        return _search(scores, alphabet, beam_width, spoken)

    looks = _look(network, crops, rank)
    rankings = [look.ranking for look in looks]
    if views and decoder == "beam":
        _look_again(network, crops, looks, rankings, rank)
    if context:
        rankings = context.weigh(rankings)
    return [
        _reading(
            ranking,
            _glyphs(ranking[0][0], look, alphabet, network),
            lines if is_line(crop) else words,
        )
        for crop, look, ranking in zip(crops, looks, rankings, strict=True)
    ]


def _calibrations(
    network: Network, fitted_with: Sequence[str]
) -> tuple[Calibration, Calibration]:
    """Of words and of lines, which are seldom right as a whole; the first that is fitted."""
    fitted = network.card.calibration
    words: Knots = next((fitted[f"words{w}"] for w in fitted_with if f"words{w}" in fitted), ())
    lines = next((fitted[f"lines{w}"] for w in fitted_with if f"lines{w}" in fitted), words)
    return Calibration(words), Calibration(lines)


def score_words(crops: Sequence[Crop], models: str | None = None) -> list[Scores]:
    """What the words network says of crops, for decoders of one's own.

    Args:
        crops: as for :func:`read_words`.
        models: folder of the networks; None for the shipped ones.

    Returns:
        Log probabilities of each crop, (time steps, classes), in order; class 0 is the blank,
        the others are the classes of the network's card. Its temperature is applied.

    Raises:
        ModelError: the words network cannot be loaded.
    """
    looks = _look(load_network("words", models), crops, lambda scores: [[] for _ in scores])
    return [look.scores for look in looks]


def _search(
    scores: Sequence[Scores], alphabet: Alphabet, width: int, language: LanguageModel | None
) -> list[Ranking]:
    """Beam search where the best path leaves something to find."""
    rankings = [[_best(part, alphabet)] for part in scores]
    unsure = [i for i, texts in enumerate(rankings) if texts[0][1] < np.log(SURE_PATH)]
    found = beam_search([scores[i] for i in unsure], alphabet, width, language)
    for i, texts in zip(unsure, found, strict=True):
        rankings[i] = texts if language is None else _shares(texts)
    return rankings


def _look(network: Network, crops: Sequence[Crop], rank: Rank) -> list[_Look]:
    """Run the network on batches of one width, then rank the texts of each crop.

    The network reads back from the end, over what a crop is padded with: only where that
    depends on nothing but the crop does its reading not depend on its neighbours.
    """
    geometry = network.card.input
    temperature = network.card.calibration.get("temperature", 1.0)
    height, width_px = geometry["height_px"], geometry.get("width_px", 0)
    inputs: list[Input] = [prepare(crop, height, width_px) for crop in crops]
    widths = [padded_width(image, width_px) for image in inputs]
    scores: dict[int, Scores] = {}
    for picked in _batches(widths):
        logits = network.run(stack([inputs[i] for i in picked], width_px))[0]
        for i, rows in zip(picked, logits, strict=True):
            steps = max(inputs[i].shape[1] // geometry["stride_px"], 1)
            scores[i] = log_softmax(rows[:steps], temperature)
    every = [scores[i] for i in range(len(crops))]
    # all at once: a step of the beam search costs nearly the same for one crop as for a page's
    return [
        _Look(ranking, part, image.shape[1])
        for ranking, part, image in zip(rank(every), every, inputs, strict=True)
    ]


def _batches(widths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of crops of one width, ``BATCH_SIZE`` at most together."""
    order = sorted(range(len(widths)), key=widths.__getitem__)
    for _, group in itertools.groupby(order, key=widths.__getitem__):
        same = list(group)
        for start in range(0, len(same), BATCH_SIZE):
            yield same[start : start + BATCH_SIZE]


def _look_again(
    network: Network,
    crops: Sequence[Crop],
    looks: Sequence[_Look],
    rankings: list[Ranking],
    rank: Rank,
) -> None:
    """Merge into the rankings of doubtful crops what other views of them read."""
    doubtful = [i for i, texts in enumerate(rankings) if texts[0][1] < np.log(DOUBTFUL)]
    views = {i: other_views(crops[i]) for i in doubtful}
    found = iter(_look(network, [view for some in views.values() for view in some], rank))
    for i, some in views.items():
        # A wider view has more time steps; what the first has no room for is not read.
        room = len(looks[i].scores)
        others = [[t for t in next(found).ranking if steps_needed(t[0]) <= room] for _ in some]
        rankings[i] = merge([rankings[i], *others])


def _reading(
    ranked: Sequence[tuple[str, float]], glyphs: tuple[Glyph, ...], calibrate: Calibration
) -> Reading:
    """The best text with its calibrated probability; the others share what that leaves."""
    text, score = ranked[0]
    own = float(np.exp(score))
    confidence = calibrate(own)
    left = (1 - confidence) / max(1 - own, 1e-6)
    others = tuple(
        (other, min(left * float(np.exp(log_probability)), 1 - confidence))
        for other, log_probability in ranked[1 : 1 + ALTERNATIVES]
    )
    return Reading(text, confidence, glyphs, others)


def _shares(texts: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Probabilities among the texts found: with a language they sum to anything."""
    whole = np.logaddexp.reduce([score for _, score in texts])
    return [(text, float(score - whole)) for text, score in texts]


def _best(scores: NDArray[np.float32], alphabet: Alphabet) -> tuple[str, float]:
    """The best path and its log probability, a lower bound of its text's."""
    return best_path(scores, alphabet).text, float(scores.max(1).sum())


def _glyphs(text: str, look: _Look, alphabet: Alphabet, network: Network) -> tuple[Glyph, ...]:
    """The characters of a text with their confidences and places."""
    if not text:
        return ()
    scores, width_px = look.scores, look.width_px
    path = best_path(scores, alphabet)
    labels = alphabet.encode(text)
    spans = path.spans if text == path.text else align(scores, labels)
    stride = network.card.input["stride_px"]
    inner = max(width_px - 2 * MARGIN_PX, 1)
    own = np.exp(scores[:, labels]).T.tolist()
    return tuple(
        Glyph(
            character,
            max(steps[first:last], default=0.0),
            _share((first * stride - MARGIN_PX) / inner),
            _share((last * stride - MARGIN_PX) / inner),
        )
        for character, steps, (first, last) in zip(text, own, spans, strict=True)
    )


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)
