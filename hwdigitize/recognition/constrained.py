"""Reading only what a field may hold: words, and the cells of a comb, within an automaton."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.characters import (
    BATCH_SIZE,
    CLASSES,
    EMPTY,
    REJECT,
    allowed_classes,
    probabilities,
)
from hwdigitize.recognition.ctc import BLANK, beam_search
from hwdigitize.recognition.glyphs import GreyImage, prepare_glyphs
from hwdigitize.recognition.inputs import Crop
from hwdigitize.recognition.reading import Reading
from hwdigitize.recognition.runtime import load_network
from hwdigitize.recognition.trellis import NEVER, Automaton, Floats, Steps, search
from hwdigitize.recognition.views import merge, other_views
from hwdigitize.recognition.words import DOUBTFUL, score_words

#: characters drawn alike; where a language knows only one of them, another read in its place
#: is taken for it
TWINS = ("0Oo", "1Il|", "Cc", "Kk", "Pp", "Ss", "Uu", "Vv", "Ww", "Xx", "Zz")
#: other values reported
ALTERNATIVES = 4
#: runs of steps at which the blank is surer than this are taken as one step
SURE_BLANK = np.log(0.9999)
#: how much less likely an empty cell between two characters is than one around them
GAP = 0.05
#: keeps logarithms finite
TINY = 1e-30


@dataclass(frozen=True)
class Constrained:
    """The best legal value of a field.

    Attributes:
        text: the best legal value as its language writes it; empty where none fits at all.
        probability: of the text, given that a legal value is written; by the recognizer and
            the frequencies of the language's values. Not calibrated.
        alternatives: other legal values with their probabilities, best first.
        none_fits: probability, by the recognizer alone, that what is written is not legal.
        raw: what is read without regard to the language.
    """

    text: str
    probability: float
    alternatives: tuple[tuple[str, float], ...]
    none_fits: float
    raw: Reading


def read_words_within(
    crops: Sequence[Crop],
    automata: Sequence[Automaton | None],
    *,
    models: str | None = None,
) -> list[Constrained]:
    """Read each crop of a word or line as a value of its language.

    Args:
        crops: grey, uint8, (height, width) each, ink darker than paper, cut tight.
        automata: the language of each crop; None where anything may be written.
        models: folder of the networks; None for the shipped ones.

    Raises:
        ModelError: the words network cannot be loaded.
    """
    alphabet = Alphabet("".join(load_network("words", models).card.classes))
    found = decode_words(score_words(crops, models), alphabet, automata)
    return read_doubtful_again(found, crops, automata, models=models)


def read_doubtful_again(
    found: Sequence[Constrained],
    crops: Sequence[Crop],
    automata: Sequence[Automaton | None],
    *,
    models: str | None = None,
) -> list[Constrained]:
    """Weigh what is doubtful against readings of other views of its crop.

    Args:
        found: readings of ``crops`` within ``automata``, of :func:`decode_words`.
        crops: as for :func:`read_words_within`.
        automata: the language of each crop.
        models: folder of the networks; None for the shipped ones.
    """
    alphabet = Alphabet("".join(load_network("words", models).card.classes))
    merged = list(found)
    doubtful = [i for i, reading in enumerate(found) if reading.probability < DOUBTFUL]
    views = {i: other_views(crops[i]) for i in doubtful}
    scores = score_words([view for some in views.values() for view in some], models)
    known = [automata[i] for i, some in views.items() for _ in some]
    looks = iter(decode_words(scores, alphabet, known))
    for i, some in views.items():
        merged[i] = _merged([found[i], *(next(looks) for _ in some)])
    return merged


def _merged(looks: Sequence[Constrained]) -> Constrained:
    """The mean of several looks; the raw reading is the first's."""
    ranked = merge(
        [
            [
                (text, float(np.log(max(share, TINY))))
                for text, share in ((look.text, look.probability), *look.alternatives)
                if text
            ]
            for look in looks
        ]
    )
    if not ranked:
        return looks[0]
    (text, best), *others = ranked
    return Constrained(
        text,
        float(np.exp(best)),
        tuple((other, float(np.exp(score))) for other, score in others[:ALTERNATIVES]),
        float(np.mean([look.none_fits for look in looks])),
        looks[0].raw,
    )


def decode_words(
    scores: Sequence[NDArray[np.float32]],
    alphabet: Alphabet,
    automata: Sequence[Automaton | None],
) -> list[Constrained]:
    """The best value of each language by what a words network says.

    Args:
        scores: log probabilities of each word, (time steps, classes); class 0 is the blank.
        alphabet: what the other classes mean.
        automata: the language of each; None for any text.
    """
    texts = beam_search(scores, alphabet)
    return [
        _decoded(rows, alphabet, automaton, _raw_word(ranked))
        for rows, automaton, ranked in zip(scores, automata, texts, strict=True)
    ]


def _decoded(
    scores: NDArray[np.float32], alphabet: Alphabet, automaton: Automaton | None, raw: Reading
) -> Constrained:
    if automaton is None:
        return Constrained(raw.text, raw.confidence, raw.alternatives, 0.0, raw)
    sure = scores[:, BLANK] > SURE_BLANK
    rows = scores[~(sure & np.r_[False, sure[:-1]])].astype(np.float64)
    symbols = _by_symbol(rows[:, 1:], alphabet.characters, automaton)
    return _decided(Steps(symbols, rows[:, BLANK], lasting=True), automaton, raw)


def read_cells_within(
    cells: Sequence[GreyImage], automaton: Automaton | None, *, models: str | None = None
) -> Constrained:
    """Read the cells of one field together as a value of its language.

    Empty cells may stand before and after the value. Between two characters they are the space
    where the language has one, and else are passed over as unlikely.

    Args:
        cells: grey uint8 (height, width), the inside of each cell in reading order.
        automaton: the language; None where anything may be written.
        models: folder of the networks; None for the shipped ones.

    Raises:
        ModelError: the characters network cannot be loaded.
    """
    return decode_cells(score_cells(cells, models), automaton)


def score_cells(cells: Sequence[GreyImage], models: str | None = None) -> Floats:
    """Probabilities of every class of the characters network, (cells, classes).

    Raises:
        ModelError: the characters network cannot be loaded.
    """
    network = load_network("characters", models)
    temperature = float(network.card.calibration.get("temperature", 1.0))
    keep = allowed_classes("any")
    parts = [np.zeros((0, len(CLASSES)))]
    for start in range(0, len(cells), BATCH_SIZE):
        glyphs = prepare_glyphs(list(cells[start : start + BATCH_SIZE]))
        parts.append(
            np.asarray(probabilities(network.run(glyphs)[0], keep, temperature), float)
        )
    return np.concatenate(parts)


def decode_cells(shares: Floats, automaton: Automaton | None) -> Constrained:
    """The best value of a language by what a characters network says of each cell.

    What the network takes for junk fits no language.

    Args:
        shares: probabilities, (cells, classes) of ``characters.CLASSES``.
        automaton: the language; None for any text.
    """
    raw = _raw_cells(shares)
    if automaton is None:
        return Constrained(raw.text, raw.confidence, (), 0.0, raw)
    rows = np.log(np.maximum(shares, TINY))
    characters = ["" if len(name) > 1 else name for name in CLASSES]
    characters[EMPTY] = " "
    symbols = _by_symbol(rows, characters, automaton)
    steps = Steps(symbols, rows[:, EMPTY], lasting=False, gap=float(np.log(GAP)))
    return _decided(steps, automaton, raw)


def _decided(steps: Steps, automaton: Automaton, raw: Reading) -> Constrained:
    """Search, and merge texts that are one value."""
    ranked, legal = search(steps, automaton, 2 * ALTERNATIVES + 1)
    values: dict[str, float] = {}
    for text, share in ranked:
        value = automaton.canonical(text)
        values[value] = min(values.get(value, 0.0) + float(np.exp(share)), 1.0)
    if not values:
        return Constrained("", 0.0, (), 1.0, raw)
    best, *others = sorted(values.items(), key=lambda item: -item[1])
    none_fits = float(np.clip(-np.expm1(legal), 0.0, 1.0))
    return Constrained(*best, tuple(others[:ALTERNATIVES]), none_fits, raw)


def _by_symbol(rows: Floats, characters: Sequence[str], automaton: Automaton) -> Floats:
    """Log probability of each symbol at each step: of all that it may be read as.

    Args:
        rows: (steps, classes).
        characters: of each class; empty for none.
        automaton: whose symbols.

    Returns:
        (steps, symbols); -inf for a symbol that no class is.
    """
    places = {character: n for n, character in enumerate(characters) if character}
    taken = set("".join(automaton.spellings))
    columns = np.full((len(rows), len(automaton.symbols)), NEVER)
    for number, spelling in enumerate(automaton.spellings):
        read_as = set(spelling)
        for twins in TWINS:
            if read_as & set(twins):
                read_as |= set(twins) - taken
        known = [places[character] for character in sorted(read_as) if character in places]
        if known:
            columns[:, number] = np.logaddexp.reduce(rows[:, known], axis=1)
    return columns


def _raw_word(ranked: Sequence[tuple[str, float]]) -> Reading:
    texts = [(text, float(np.exp(score))) for text, score in ranked]
    return Reading(*texts[0], alternatives=tuple(texts[1 : 1 + ALTERNATIVES]))


def _raw_cells(shares: Floats) -> Reading:
    """The best class of each cell but junk; cells left empty inside are a space."""
    readable = shares.copy()
    readable[:, REJECT] = -1.0
    best = readable.argmax(1)
    text = "".join(" " if n == EMPTY else CLASSES[n] for n in best)
    confidence = float(np.prod(np.take_along_axis(shares, best[:, None], 1)))
    return Reading(" ".join(text.split()), confidence)
