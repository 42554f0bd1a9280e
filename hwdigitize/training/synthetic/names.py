"""What stands in the fields of other people's forms: mostly one name in capitals."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from random import Random

from hwdigitize.recognition.alphabet import normalise
from hwdigitize.training.synthetic import values
from hwdigitize.training.synthetic.texts import ALPHABET, TextSource

CAPITALS, MIXED, VALUES = 70, 15, 15
"""Percent of names in capitals, of names in mixed case, and of numbers, dates and codes."""

LONGEST = 22
PREFIXES = ("D'", "L'", "O'", "DE ", "LE ", "LA ", "DU ", "DI ", "VAN ", "EL ", "BEN ")


def bare(text: str) -> str:
    """The text without its accents, as most people write capitals."""
    split = unicodedata.normalize("NFD", text)
    return "".join(c for c in split if not unicodedata.combining(c))


class FieldTexts:
    """A source of texts for fields: all it says follows from its seed."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.source = TextSource.seeded(seed)

    def name(self) -> str:
        """One name, rarely two; one in six was never anybody's, so that none is learnt."""
        kind = self.rng.random()
        if kind < 0.16:
            return self._invented()
        if kind < 0.24:
            return f"{self._known()}{self.rng.choice('-- ')}{self._known()}"
        if kind < 0.28:
            return self.rng.choice(PREFIXES).title() + self._known()
        if kind < 0.36:
            return self.rng.choice(self.source.people).city()
        if kind < 0.42:
            return self.source.plain_word().capitalize()
        return self._known()

    def _known(self) -> str:
        person = self.rng.choice(self.source.people)
        return person.first_name() if self.rng.random() < 0.5 else person.last_name()

    def _invented(self) -> str:
        head, tail = self._known(), self._known()
        at, to = (self.rng.randint(1, max(1, len(name) - 2)) for name in (head, tail))
        return (head[: at + 1] + tail[to:].lower()).strip(" -'")

    def value(self) -> str:
        """A number, date, code or amount; now and then initials."""
        rng = self.rng
        makers = (
            lambda: values.digits(rng, rng.randint(1, 10)),
            lambda: values.date(rng),
            lambda: values.numeric_date(rng),
            lambda: values.code(rng),
            lambda: values.amount(rng),
            lambda: values.phone(rng),
            lambda: values.capitals(rng, rng.randint(1, 3)),
        )
        return rng.choice(makers)()

    def one(self) -> str:
        """One text, perhaps with characters that the alphabet lacks."""
        (kind,) = self.rng.choices("CMV", weights=(CAPITALS, MIXED, VALUES))
        if kind == "V":
            return self.value()
        if kind == "M":
            return self.name()
        name = self.name().upper()
        return bare(name) if self.rng.random() < 0.4 else name

    def texts(self) -> Iterator[str]:
        """Texts without end, all within ALPHABET and short enough for a field."""
        while True:
            text = normalise(self.one())
            if text and len(text) <= LONGEST and set(text) <= ALPHABET:
                yield text
