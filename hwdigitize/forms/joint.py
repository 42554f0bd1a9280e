"""What two readers of one field say together."""

from __future__ import annotations

from collections.abc import Mapping

from hwdigitize.recognition.constrained import Constrained

#: probability of a value that a reader does not mention
UNMENTIONED = 0.002


def chances_of(reading: Constrained) -> dict[str, float]:
    """Legal values with their probabilities."""
    pairs = ((reading.text, reading.probability), *reading.alternatives)
    return {text: probability for text, probability in pairs if text}


def joint(
    first: Mapping[str, float], second: Mapping[str, float], unmentioned: float
) -> dict[str, float]:
    """What two readers say together, taken to be independent.

    ``unmentioned`` is the probability that the second leaves to a value it does not mention.
    """
    both = {
        text: (first.get(text, 0.0) + UNMENTIONED) * (second.get(text, 0.0) + unmentioned)
        for text in {*first, *second}
    }
    rest = max(1 - sum(first.values()), UNMENTIONED) * max(
        1 - sum(second.values()), unmentioned
    )
    whole = sum(both.values()) + rest
    return {text: chance / whole for text, chance in both.items()}


def ranking(chances: Mapping[str, float]) -> list[tuple[str, float]]:
    """The likeliest first; of equally likely ones in the order of the alphabet."""
    return sorted(chances.items(), key=lambda pair: (-pair[1], pair[0]))
