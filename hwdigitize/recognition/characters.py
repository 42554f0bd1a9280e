"""Reading isolated glyphs, such as those in the boxes of a form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from hwdigitize.errors import UsageError
from hwdigitize.recognition.confidence import Calibration
from hwdigitize.recognition.glyphs import GreyImage, prepare_glyphs
from hwdigitize.recognition.reading import Reading
from hwdigitize.recognition.runtime import load_network

DIGITS = "0123456789"
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LETTERS = CAPITALS + CAPITALS.lower()
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
#: every answer of the network: characters, then junk, then nothing written
CLASSES = (*DIGITS, *LETTERS, *PUNCTUATION, "reject", "empty")
REJECT, EMPTY = len(CLASSES) - 2, len(CLASSES) - 1
#: names of sets of characters that a box may hold; any other string is the set itself
SETS = {
    "any": DIGITS + LETTERS + PUNCTUATION,
    "digits": DIGITS,
    "capitals": CAPITALS,
    "letters": LETTERS,
    "alphanumeric": DIGITS + LETTERS,
}
ALTERNATIVES = 5
BATCH_SIZE = 256

Floats = npt.NDArray[np.floating]
Allowed = Literal["any", "digits", "capitals", "letters", "alphanumeric"] | str


def read_characters(
    crops: Sequence[GreyImage], allowed: Allowed = "any", *, models: str | None = None
) -> list[Reading]:
    """Read one character a crop.

    Probability that belongs to characters a box cannot hold is shared out among those it can.
    What the network takes for junk (struck out, two characters, a scribble) is not: junk keeps
    its share, and the character read gets a low confidence, for a person to look at.

    Args:
        crops: grey uint8 (height, width), paper near 255, each the inside of a box or a glyph
            with some paper around it.
        allowed: a name of :data:`SETS` or the characters themselves.
        models: folder of the networks; None for the shipped ones.

    Returns:
        A reading a crop, in order; its text is empty for an empty box. Alternatives are the
        next best characters.

    Raises:
        UsageError: ``allowed`` holds a character that the network does not know, or none.
        ModelError: the characters network cannot be loaded.
    """
    keep = allowed_classes(allowed)
    network = load_network("characters", models)
    temperature = float(network.card.calibration.get("temperature", 1.0))
    calibrate = Calibration(network.card.calibration.get("isotonic", ()))
    readings: list[Reading] = []
    for start in range(0, len(crops), BATCH_SIZE):
        glyphs = prepare_glyphs(list(crops[start : start + BATCH_SIZE]))
        shares = probabilities(network.run(glyphs)[0], keep, temperature)
        readings += [_reading(row, calibrate) for row in shares]
    return readings


def allowed_classes(allowed: Allowed) -> npt.NDArray[np.bool_]:
    """Mask over CLASSES: the characters allowed, and always reject and empty.

    Raises:
        UsageError: a character that the network does not know, or none at all.
    """
    characters = set(SETS.get(allowed, allowed))
    unknown = "".join(sorted(characters - set(CLASSES)))
    if unknown or not characters:
        raise UsageError(
            f"boxes cannot be read with the characters {allowed!r}: "
            + (f"unknown are {unknown!r}; " if unknown else "there is none; ")
            + f"use {', '.join(SETS)} or characters among {SETS['any']}"
        )
    mask = np.array([name in characters for name in CLASSES])
    mask[[REJECT, EMPTY]] = True
    return mask


def probabilities(logits: Floats, keep: npt.NDArray[np.bool_], temperature: float) -> Floats:
    """Softmax over the classes kept, (n, classes); 0 for the others."""
    scores = np.where(keep, logits / temperature, -np.inf)
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _reading(shares: Floats, calibrate: Calibration) -> Reading:
    """The best answer but junk; junk only takes confidence away."""
    order = [int(i) for i in np.argsort(-shares)[: ALTERNATIVES + 3] if shares[i] > 0]
    ranked = [
        ("" if i == EMPTY else CLASSES[i], calibrate(float(shares[i])))
        for i in order
        if i != REJECT
    ]
    text, confidence = ranked[0]
    others = tuple(other for other in ranked[1:] if other[0])[:ALTERNATIVES]
    return Reading(text, confidence, alternatives=others)
