"""Values that forms hold, as people write them: dates, amounts, numbers, codes, contacts.

Every function takes a ``random.Random`` and returns one value; the same generator state gives
the same value.
"""

from __future__ import annotations

import string
from random import Random


def _listed(items: str, separator: str = " ") -> tuple[str, ...]:
    return tuple(items.split(separator))


MONTHS_EN = _listed(
    "January February March April May June July August September October November December"
)
MONTHS_FR = _listed(
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
)
DAYS = _listed(
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday lundi mardi mercredi "
    "jeudi vendredi samedi dimanche"
)
ROMAN = _listed("I II III IV V VI VII VIII IX X XI XII")
UNITS = _listed("cm mm m km kg g mg l ml L cl °C °F % ha t h min s km/h kW V A ft in lb oz")
DOMAINS = _listed("com org net fr ca co.uk de be ch eu edu gov.uk info")
HOSTS = _listed(
    "gmail hotmail yahoo orange free laposte outlook icloud mail example wanadoo gmx"
)


def digits(rng: Random, count: int) -> str:
    """``count`` random digits."""
    return "".join(rng.choices(string.digits, k=count))


def capitals(rng: Random, count: int) -> str:
    """``count`` random capitals A to Z."""
    return "".join(rng.choices(string.ascii_uppercase, k=count))


def pattern(rng: Random, shape: str) -> str:
    """Fill a shape: ``9`` becomes a digit, ``A`` a capital, ``a`` a small letter."""
    choices = {"9": string.digits, "A": string.ascii_uppercase, "a": string.ascii_lowercase}
    return "".join(rng.choice(choices[c]) if c in choices else c for c in shape)


def date(rng: Random) -> str:
    """A calendar date in one of the many ways of writing it."""
    return numeric_date(rng) if rng.random() < 0.7 else _spelt_date(rng)


def numeric_date(rng: Random) -> str:
    """A date in digits: day or month or year first, any separator, padded or not."""
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1900, 2035)
    padded = rng.random() < 0.6
    d, m = (f"{day:02}", f"{month:02}") if padded else (str(day), str(month))
    y = str(year) if rng.random() < 0.65 else f"{year % 100:02}"
    order = rng.choice(
        [(d, m, y), (d, m, y), (m, d, y), (str(year), f"{month:02}", f"{day:02}")]
    )
    shape = rng.random()
    if shape < 0.03:
        return f"{d}.{ROMAN[month - 1]}.{y}"
    if shape < 0.08:
        return f"{d}/{m}"
    return rng.choice(["/", "/", "/", ".", ".", "-", "-", " / ", " ", ""]).join(order)


def _spelt_date(rng: Random) -> str:
    day, month, year = rng.randint(1, 28), rng.randrange(12), rng.randint(1900, 2035)
    english, french = MONTHS_EN[month], MONTHS_FR[month]
    short = english[:3]
    first = "1er" if day == 1 else str(day)
    shapes = (
        f"{day} {english} {year}",
        f"{english} {day}, {year}",
        f"{day} {short} {year}",
        f"{day}-{short}-{year % 100:02}",
        f"{day:02}{short.upper()}{year}",
        f"{short}. {day}, {year}",
        f"{first} {french} {year}",
        f"le {first} {french}",
        f"{rng.choice(DAYS)} {first} {french}",
        f"{day}{_ordinal(day)} {english}",
        english,
        french,
        str(year),
        f"'{year % 100:02}",
    )
    return rng.choice(shapes)


def _ordinal(day: int) -> str:
    if day in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def time(rng: Random) -> str:
    """A time of day."""
    hour, minute = rng.randint(0, 23), rng.choice([0, 15, 30, 45, rng.randint(0, 59)])
    half = hour % 12 or 12
    noon = "am" if hour < 12 else "pm"
    shapes = (
        f"{hour:02}:{minute:02}",
        f"{hour}:{minute:02}",
        f"{hour}h{minute:02}",
        f"{hour}h",
        f"{hour} h {minute:02}",
        f"{half}:{minute:02} {noon}",
        f"{half}:{minute:02}{noon}",
        f"{half}.{minute:02}{noon}",
        f"{half}{noon}",
        f"{half} {noon[0]}.m.",
        f"{hour:02}{minute:02}",
        f"{hour:02}:{minute:02}:{rng.randint(0, 59):02}",
    )
    return rng.choice(shapes)


def amount(rng: Random) -> str:
    """An amount of money, with or without its currency, English or continental."""
    whole = int(10 ** rng.uniform(0, 5.5))
    cents = rng.choice([0, 0, 50, 95, 99, rng.randint(0, 99)])
    english = f"{whole:,}.{cents:02}"
    plain = f"{whole}.{cents:02}"
    french = f"{whole:,}".replace(",", rng.choice([" ", " ", ".", ""])) + f",{cents:02}"
    shapes = (
        english,
        plain,
        french,
        f"${english}",
        f"${whole}",
        f"$ {plain}",
        f"£{english}",
        f"£{whole}",
        f"€{plain}",
        f"{french} €",
        f"{french}€",
        f"{whole} €",
        f"{whole}€{cents:02}",
        f"{whole}.-",
        f"{whole}.--",
        f"{plain} EUR",
        f"CHF {plain}",
        f"{plain} USD",
        f"-{plain}",
        f"({plain})",
        f"{whole:,}",
    )
    return rng.choice(shapes)


def plain_amount(rng: Random) -> str:
    """An amount in digits, with two decimals and perhaps a dollar sign."""
    whole = int(10 ** rng.uniform(0, 4.5))
    grouped = f"{whole:,}" if rng.random() < 0.3 else str(whole)
    return f"{rng.choice(['', '', '$'])}{grouped}.{rng.randint(0, 99):02}"


def number(rng: Random) -> str:
    """A plain number, a share, an ordinal, a range, a measure or a fraction."""
    n = int(10 ** rng.uniform(0, 4))
    shapes = (
        digits(rng, rng.randint(1, 4)),
        digits(rng, rng.randint(1, 4)),
        digits(rng, rng.randint(4, 10)),
        str(n),
        f"{n / 10:.1f}",
        f"{n / 100:.2f}",
        f"{n / 10:.1f}".replace(".", ","),
        f"{rng.randint(0, 100)}%",
        f"{rng.randint(0, 100)} %",
        f"{n}{_ordinal(n)}" if n < 100 else str(n),
        f"{rng.randint(2, 20)}e",
        f"{rng.randint(1, 9)}/{rng.randint(2, 10)}",
        f"{n}-{n + rng.randint(1, 20)}",
        f"{n}{rng.choice(UNITS)}",
        f"{n} {rng.choice(UNITS)}",
        f"{rng.choice('+-')}{n}",
        f"{rng.randint(-10, 39)}°",
        f"{rng.randint(1, 99)}x{rng.randint(1, 99)}",
        f"{rng.choice('<>~=')}{n}",
        rng.choice(ROMAN),
        f"{rng.randint(0, 89)}°{rng.randint(0, 59):02}'{rng.choice('NSEW')}",
        f"{rng.uniform(-90, 90):.4f}",
    )
    return rng.choice(shapes)


PHONES = _listed(
    "0999999999 09 99 99 99 99|09.99.99.99.99|09-99-99-99-99|999-999-9999|"
    "(999) 999-9999|999.999.9999|999-9999|+33 9 99 99 99 99|+1 999 999 9999|"
    "+44 99 9999 9999|09999 999999|999 999 9999|(0)99-999999|0999/999999",
    "|",
)


def phone(rng: Random) -> str:
    """A telephone number."""
    return pattern(rng, rng.choice(PHONES))


CODES = _listed(
    "AA99 9AA|A9A 9A9|99999|99999|99999-9999|AA-999-AA|AAA 999|999-99-9999|AA999999A|"
    "FR99 9999 9999 9999|N° 9999|No. 999|n°99|#999|#99999|AAA-99999|A99/999|99-9999|"
    "A-99|99A|A9|9A|AA99|99999999|9999 9999|99/AA/9999|AA 99 99 99 A|"
    "9 99 99 99 999 999|A9A9A9A9|AAAA9999|999999A|AAA|AA|A.A.|A. A. A.|a9|a)|9)|(9)|"
    "9.9|9.9.9|(a)|A:99|REF: 9999|Ref. A99",
    "|",
)


def code(rng: Random) -> str:
    """A postcode, plate, account, invoice or serial number, or initials."""
    return pattern(rng, rng.choice(CODES))


def email(rng: Random, first: str, last: str) -> str:
    """An e-mail or web address for a person's plain names."""
    who = rng.choice(
        [f"{first}.{last}", f"{first[0]}{last}", f"{first}_{last}", f"{last}-{first}"]
    )
    who = who.lower() + rng.choice(["", "", "", digits(rng, 2)])
    site = f"{rng.choice(HOSTS)}.{rng.choice(DOMAINS)}"
    return rng.choice(
        [f"{who}@{site}", f"{who}@{site}", f"www.{site}", f"{who}@{last.lower()}.com"]
    )


def symbol(rng: Random, word: str, other: str) -> str:
    """A word among the marks that words rarely meet: brackets, slashes, ampersands."""
    n = rng.randint(0, 99)
    shapes = (
        f"({word})",
        f'"{word}"',
        f"«{word}»",
        f"« {word} »",
        f"[{word}]",
        f"{{{word}}}",
        f"{word}/{other}",
        f"{word}_{other}",
        f"{word}-{other}",
        f"{word}&{other}",
        f"{word} & {other}",
        f"{word} + {other}",
        f"{word}={n}",
        f"{word}|{other}",
        f"{word}\\{other}",
        f"*{word}",
        f"#{word}",
        f"@{word}",
        f"~{n}",
        f"`{word}`",
        f"x^{n}",
        f"<{word}>",
        f"{word}...",
        f"{word}?!",
        f"'{word}'",
        f"{word}:",
        f"{word};",
        f"- {word}",
        f"-> {word}",
    )
    return rng.choice(shapes)
