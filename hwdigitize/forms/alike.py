"""Whether a value looks like what was read without regard to what is legal."""

from __future__ import annotations

from hwdigitize.recognition.constrained import Constrained

#: shapes that handwriting does not tell apart, and separators, which are the grammar's: reading
#: one for another is no disagreement; but a number's point counts
SAME_SHAPES = str.maketrans(
    {**dict.fromkeys("Oo°QD", "0"), **dict.fromkeys("lI|i!", "1"), "Z": "2", "z": "2"}
    | {"S": "5", "s": "5", "b": "6", "B": "8", "g": "9", "q": "9"}
    | {" ": None, ",": ".", "'": None}
)
SEPARATORS = str.maketrans(dict.fromkeys(".:/-"))
#: how likely, against the raw reading and by the recognizer alone, a text must be that a list
#: or a checksum may choose in its place: one of the recognizer's own next readings
CHOSEN = 0.01


def differ(raw: str, value: str, kind: str) -> bool:
    """Whether two texts look different when written by hand, case and separators apart.

    The slashes of a date look like ones.
    """
    first, second = (text.translate(SAME_SHAPES).casefold() for text in (raw, value))
    if kind == "number":
        return first.rstrip(".") != second
    if kind == "date" and first.replace("/", "1") == second.replace("/", "1"):
        return False
    return first.translate(SEPARATORS) != second.translate(SEPARATORS)


def overrules(found: Constrained, kind: str) -> bool:
    """Whether the value is what may be written there rather than what it looks like.

    Few of all words are in a list or have a checksum, so that one among the recognizer's next
    readings is borne out by it; nearly all digits are some number or day, which bears out none.
    """
    if not differ(found.raw.text, found.text, kind):
        return False
    own = found.probability * (1 - found.none_fits)
    return kind != "text" or own < CHOSEN * found.raw.confidence
