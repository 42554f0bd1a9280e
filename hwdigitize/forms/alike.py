"""Whether a value looks like what was read without regard to what is legal."""

from __future__ import annotations

from collections.abc import Sequence

#: shapes that handwriting does not tell apart, and separators, which are the grammar's: reading
#: one for another is no disagreement; but a number's point counts
SAME_SHAPES = str.maketrans(
    {**dict.fromkeys("Oo°QD", "0"), **dict.fromkeys("lI|i!", "1"), "Z": "2", "z": "2"}
    | {"S": "5", "s": "5", "b": "6", "B": "8", "g": "9", "q": "9"}
    | {" ": None, ",": ".", "'": None}
)
SEPARATORS = str.maketrans(dict.fromkeys(".:/-"))


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


def fairest(raws: Sequence[str], value: str, kind: str) -> str:
    """Of unconstrained readings the first that bears the value out, if any, or the first."""
    return next((raw for raw in raws if not differ(raw, value, kind)), raws[0])
