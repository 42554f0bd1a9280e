"""What is written: English and French words, names, places, and the values of forms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING

from hwdigitize.recognition.alphabet import LATIN, normalise
from hwdigitize.training.synthetic import values

if TYPE_CHECKING:
    from faker import Faker

ALPHABET = frozenset(LATIN)
"""Every character that drawn text may hold."""

LOCALES = ("en_US", "en_GB", "fr_FR", "fr_CA", "fr_BE", "de_DE", "es_ES", "it_IT", "nl_NL")
LETTERS = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
ALONE = frozenset("aiyàoô")
ELIDED = ("l'", "d'", "l'", "d'", "qu'", "j'", "n'", "s'", "c'", "m'")
VOWELS = frozenset("aàâeéèêiîoôuhy")
WORDS_A_LANGUAGE = 40_000
FLATNESS = 0.6
"""Word ranks are drawn as rank to minus this, so that rare words come up as well."""


@cache
def vocabulary(language: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """The common words of a language and their cumulative weights, from ``wordfreq``."""
    from wordfreq import top_n_list

    words = tuple(w for w in top_n_list(language, WORDS_A_LANGUAGE) if _is_word(w))
    return words, tuple(accumulate((rank + 20) ** -FLATNESS for rank in range(len(words))))


@cache
def accented_words() -> dict[str, tuple[str, ...]]:
    """Words of French, German and Spanish by each accented small letter that they hold."""
    small = [c for c in sorted(ALPHABET) if c.isalpha() and not c.isascii() and c.islower()]
    words = [word for language in ("fr", "de", "es") for word in vocabulary(language)[0]]
    found = {c: tuple(word for word in words if c in word) for c in small}
    return {c: holders for c, holders in found.items() if holders}


def _is_word(word: str) -> bool:
    known = len(word) > 1 or word in ALONE
    return known and set(word) <= ALPHABET and LETTERS.fullmatch(word) is not None


@dataclass
class TextSource:
    """A source of texts: everything it says follows from its seed."""

    rng: Random
    people: tuple[Faker, ...]

    @classmethod
    def seeded(cls, seed: int) -> TextSource:
        """Start a source; the same seed, with the same package versions, says the same."""
        from faker import Faker

        people = tuple(Faker(locale) for locale in LOCALES)
        for person in people:
            person.seed_instance(seed)
        return cls(Random(seed), people)

    def word(self) -> str:
        """A word as in running text: mostly small, some with a capital, some all capitals."""
        return self._cased(self.plain_word())

    def accented(self) -> str:
        """A word with an accented letter, rare ones as often as common ones."""
        words = accented_words()
        return self._cased(self.rng.choice(words[self.rng.choice(list(words))]))

    def _cased(self, word: str) -> str:
        case = self.rng.random()
        if case < 0.17:
            return word.upper()
        if case < 0.42:
            return word[0].upper() + word[1:]
        return "I" + word[1:] if word in ("i", "i'm", "i'll", "i've", "i'd") else word

    def plain_word(self) -> str:
        """A word in small letters, English or French, or elided (l'heure)."""
        language = "en" if self.rng.random() < 0.55 else "fr"
        words, weights = vocabulary(language)
        word = self.rng.choices(words, cum_weights=weights)[0]
        elides = language == "fr" and word[0] in VOWELS and "'" not in word
        if elides and self.rng.random() < 0.25:
            return self.rng.choice(ELIDED) + word
        return word

    def name(self) -> str:
        """A first name, a surname, a title, initials, or a whole name."""
        person = self.rng.choice(self.people)
        first, last = person.first_name(), person.last_name()
        shapes = (
            first,
            last,
            last,
            f"{first} {last}",
            f"{first[0]}. {last}",
            f"{last} {first}",
        )
        title = self.rng.choice(("Mr", "Mrs", "Ms", "Dr", "M.", "Mme", "Mlle", "Mr.", "Dr."))
        name = self.rng.choice((*shapes, f"{title} {last}", f"{last}, {first}"))
        return name.upper() if self.rng.random() < 0.3 else name

    def address(self) -> str:
        """A street, a place, or a postcode with its place."""
        person = self.rng.choice(self.people)
        make: Callable[[], str] = self.rng.choice(
            (person.street_address, person.city, person.city, person.country, person.postcode)
        )
        address = make().replace("\n", ", ")
        return address.upper() if self.rng.random() < 0.15 else address

    def contact(self) -> str:
        """An e-mail or web address."""
        person = self.rng.choice(self.people)
        plain = [_plain(person.first_name()), _plain(person.last_name())]
        return values.email(self.rng, *plain)

    def value(self) -> str:
        """A date, time, amount, number, telephone number, code or contact."""
        make = self.rng.choices(
            (values.date, values.time, values.amount, values.number, values.phone, values.code),
            weights=(6, 2, 4, 5, 2, 4),
        )[0]
        return make(self.rng)

    def marked(self) -> str:
        """A word among rare marks."""
        return values.symbol(self.rng, self.plain_word(), self.plain_word())

    def punctuated(self) -> str:
        """A word with what follows it in a sentence."""
        return self.word() + self.rng.choice((".", ".", ".", ",", ",", ",", ";", ":", "!", "?"))

    def phrase(self) -> str:
        """Two or three words with spaces between."""
        words = [self.word() for _ in range(self.rng.choice((2, 2, 3)))]
        words[-1] += self.rng.choice(("", "", "", ".", ","))
        return " ".join(words)

    def one(self) -> str:
        """One text as a crop of a page or of a form's field holds it."""
        makers = (
            (self.word, 42),
            (self.accented, 5),
            (self.punctuated, 8),
            (self.name, 9),
            (self.address, 4),
            (self.value, 22),
            (self.contact, 2),
            (self.marked, 4),
            (self.phrase, 4),
        )
        make = self.rng.choices([m for m, _ in makers], weights=[w for _, w in makers])[0]
        return self._as_cropped(make()) if make != self.phrase else make()

    def _as_cropped(self, text: str) -> str:
        """Mostly one word of a spaced text, since pages are cut into words at spaces."""
        return self.rng.choice(text.split()) if self.rng.random() < 0.85 else text

    def texts(self) -> Iterator[str]:
        """Texts without end, all within ALPHABET."""
        while True:
            text = normalise(self.one())
            if text and set(text) <= ALPHABET:
                yield text


def _plain(name: str) -> str:
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z]", "", bare) or "info"
