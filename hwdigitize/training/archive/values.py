"""What people write into invented forms: values that their grammar allows."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from hwdigitize.recognition.alphabet import normalise
from hwdigitize.training.synthetic.names import bare
from hwdigitize.training.synthetic.texts import ALPHABET
from hwdigitize.training.synthetic.values import digits, pattern

if TYPE_CHECKING:
    from faker import Faker

#: not it_IT, whose towns Faker draws from a set, in an order that changes with each process
LOCALES = ("en_GB", "en_US", "fr_FR", "de_DE", "es_ES", "nl_NL")


@dataclass
class Case:
    """One filled form: who fills it, and the values so far by name of field."""

    rng: Random
    person: Faker
    values: dict[str, str] = field(default_factory=dict)
    row: int = 0
    """Row of the table that is being filled, from 1; 0 outside."""

    def said(self, name: str) -> str:
        """The value of another field, in this row of the table or outside."""
        return self.values.get(f"{name}_{self.row}") or self.values.get(name, "")

    @property
    def filled(self) -> bool:
        """Whether this row of the table begins with a value."""
        return self.row == 0 or any(
            value for name, value in self.values.items() if name.endswith(f"_{self.row}")
        )


Maker = Callable[[Case], str]


def draw_case(rng: Random) -> Case:
    """A person who comes to fill a form."""
    person = _people(rng.choice(LOCALES))
    person.seed_instance(rng.getrandbits(32))
    return Case(rng, person)


@cache
def _people(locale: str) -> Faker:
    from faker import Faker

    return Faker(locale)


def _plain(text: str, longest: int = 99) -> str:
    """Within the alphabet, without line ends, cut at a word's end."""
    text = normalise(" ".join(text.split()))
    text = "".join(c for c in text if c in ALPHABET)
    return text if len(text) <= longest else text[:longest].rpartition(" ")[0] or text[:longest]


def _capitals(text: str, longest: int) -> str:
    held = "".join(c for c in bare(text).upper() if c.isascii() and (c.isalpha() or c in " '-"))
    return _plain(held, longest)


def surname(longest: int = 18) -> Maker:
    """A family name in plain capitals."""
    return lambda case: _capitals(case.person.last_name(), longest)


def first_name(longest: int = 14) -> Maker:
    """A first name in plain capitals."""
    return lambda case: _capitals(case.person.first_name(), longest)


def full_name(case: Case) -> str:
    """First and family name as people write them."""
    return _plain(f"{case.person.first_name()} {case.person.last_name()}", 28)


def street(case: Case) -> str:
    """A street and number."""
    return _plain(case.person.street_address(), 30)


def city(longest: int = 18) -> Maker:
    """A town in plain capitals."""
    return lambda case: _capitals(case.person.city(), longest)


def shaped(shape: str) -> Maker:
    """Text of a shape: 9 a digit, A a capital, a a small letter."""
    return lambda case: pattern(case.rng, shape)


def one_of(choices: Sequence[str]) -> Maker:
    """One of a list, the first ones more often than the last."""
    weights = [1 / (i + 3) for i in range(len(choices))]
    return lambda case: case.rng.choices(choices, weights)[0]


def some_of(choices: Sequence[str]) -> Maker:
    """None to three of a list, joined by |, in the order of the list."""

    def make(case: Case) -> str:
        taken = set(case.rng.sample(list(choices), case.rng.choice((0, 1, 1, 2, 2, 3))))
        return "|".join(choice for choice in choices if choice in taken)

    return make


def whole(low: int, high: int) -> Maker:
    """A whole number, small ones more often."""
    return lambda case: str(round(low + (high - low) * case.rng.random() ** 1.5))


def decimal(low: float, high: float, places: int = 2) -> Maker:
    """A number with decimals."""
    return lambda case: f"{case.rng.uniform(low, high):.{places}f}"


def date(shape: str, first: int = 1930, last: int = 2024) -> Maker:
    """A date, written as ``shape`` says: dd, mm, yyyy or yy and what stands between."""

    def make(case: Case) -> str:
        day = datetime.date(first, 1, 1).toordinal()
        end = datetime.date(last, 12, 31).toordinal()
        return written_date(datetime.date.fromordinal(case.rng.randint(day, end)), shape)

    return make


def written_date(day: datetime.date, shape: str) -> str:
    """A date as a shape of dd, mm, yyyy, yy writes it."""
    text = shape.replace("yyyy", f"{day.year:04}").replace("yy", f"{day.year % 100:02}")
    return text.replace("mm", f"{day.month:02}").replace("dd", f"{day.day:02}")


def clock(low: int = 6, high: int = 20) -> Maker:
    """A time of day, HH:MM, mostly on the quarter."""
    return lambda case: (
        f"{case.rng.randint(low, high):02}:"
        f"{case.rng.choice((0, 0, 15, 30, 45, case.rng.randint(0, 59))):02}"
    )


def clock_after(name: str, least: int = 15, most: int = 300) -> Maker:
    """A time after that of another field, the same day."""

    def make(case: Case) -> str:
        hour, _, minute = case.said(name).partition(":")
        if not minute:
            return ""
        end = int(hour) * 60 + int(minute) + case.rng.randint(least // 5, most // 5) * 5
        end = min(end, 23 * 60 + 59)
        return f"{end // 60:02}:{end % 60:02}"

    return make


def sum_of(*names: str, places: int = 0) -> Maker:
    """The sum of other fields, or of a column of the table."""

    def make(case: Case) -> str:
        held = [
            float(value)
            for name, value in case.values.items()
            if value and (name in names or name.rpartition("_")[0] in names)
        ]
        return f"{sum(held):.{places}f}" if held else ""

    return make


def product_of(one: str, other: str, places: int = 2) -> Maker:
    """The product of two fields of the row."""

    def make(case: Case) -> str:
        a, b = case.said(one), case.said(other)
        return f"{float(a) * float(b):.{places}f}" if a and b else ""

    return make


def luhn(count: int) -> Maker:
    """Digits whose last one checks the others (Luhn)."""

    def make(case: Case) -> str:
        body = digits(case.rng, count - 1)
        doubled = [
            int(c) if i % 2 else sum(divmod(2 * int(c), 10))
            for i, c in enumerate(reversed(body))
        ]
        return body + str(-sum(doubled) % 10)

    return make


def iban(country: str = "DE", count: int = 18) -> Maker:
    """An international account number, whose check digits are right (ISO 7064, mod 97)."""

    def make(case: Case) -> str:
        body = digits(case.rng, count)
        turned = int("".join(str(int(c, 36)) for c in body + country + "00"))
        return f"{country}{98 - turned % 97:02}{body}"

    return make


def in_rows(make: Maker, share: float = 0.75) -> Maker:
    """A table's first column: filled down to some row, then empty to the end."""

    def filled(case: Case) -> str:
        ended = case.values.get("__end__")
        if ended is None and case.row > 1 and case.rng.random() > share:
            case.values["__end__"] = "yes"
        return "" if "__end__" in case.values else make(case)

    return filled


def if_row(make: Maker) -> Maker:
    """A column that is filled where the row begins with a value."""
    return lambda case: make(case) if case.filled else ""


def towns(count: int, seed: int = 1) -> tuple[str, ...]:
    """A list of different towns in plain capitals."""
    return _listed(city(16), count, seed)


def surnames(count: int, seed: int = 2) -> tuple[str, ...]:
    """A list of different family names in plain capitals."""
    return _listed(surname(16), count, seed)


def _listed(make: Maker, count: int, seed: int) -> tuple[str, ...]:
    rng, found = Random(seed), dict[str, None]()
    while len(found) < count:
        value = make(draw_case(rng))
        if len(value) > 2:
            found[value] = None
    return tuple(sorted(found))


def free_word(case: Case) -> str:
    """Stands for a word of the writer's own choice."""
    return sentence(case, 12).split()[0]


def free_line(case: Case) -> str:
    """Stands for lines of the writer's own words."""
    return sentence(case, 40)


def sentence(case: Case, longest: int) -> str:
    """Some English or French words, of at most so many characters."""
    from hwdigitize.training.synthetic.texts import vocabulary

    words, weights = vocabulary("fr" if "fr" in case.person.locales[0] else "en")
    text = case.rng.choices(words, cum_weights=weights)[0].capitalize()
    while len(text) < longest:
        longer = f"{text} {case.rng.choices(words, cum_weights=weights)[0]}"
        if len(longer) > longest:
            break
        text = longer
    return text[:longest].strip()


def full_capitals(longest: int) -> Maker:
    """First and family name in plain capitals."""
    return lambda case: _capitals(
        f"{case.person.first_name()} {case.person.last_name()}", longest
    )
