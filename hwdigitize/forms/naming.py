"""A field's name and kind, guessed from what is printed beside it.

The words are those of English, French, German, Spanish and Dutch forms; what none of them fits
is free text, and a person changes it in the editor.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Container

from hwdigitize.forms.records import Kind

#: the first that fits tells the kind; matched in small letters without accents
KIND_WORDS: tuple[tuple[Kind, str], ...] = (
    ("signature", r"\b(signature|signed|sign here|unterschrift|firma|handtekening)\b"),
    ("date", r"\b(date|dated|born|birth|dob|datum|naissance|ne le|geboren|geburts\w*|fecha)\b"),
    ("date", r"\b(d ?d ?[-/. ]?m ?m ?[-/. ]?(y ?y){1,2}|(y ?y){2}[-/. ]?m ?m ?[-/. ]?d ?d)\b"),
    ("time", r"\b(time|uhrzeit|heure|hora|tijd|hh ?[:.]? ?mm)\b"),
    ("lines", r"\b(comments?|remarks?|notes?|description|details|bemerkungen|remarques)\b"),
    ("text", r"e-?mail|\bweb ?site\b|\baddress\b|\badresse\b"),
    ("digits", r"\b(tele?phone|phone|tel|mobile|cell|fax|zip|telefon|telefono|plz|pin)\b"),
    ("digits", r"^(hh|mm|ss|dd|yy|yyyy|year|month|day|hours?|minutes?|jahr|monat|tag)$"),
    (
        "number",
        r"[$£€]|\b(gbp|eur|usd|aud|cad|chf|amount|total|price|cost|sum|betrag|montant)\b",
    ),
    ("number", r"\b(age|quantity|qty|number of|how many|how much|weight|height|anzahl)\b"),
    ("number", r"\b(kg|km|cm|mm\.mmm|litres?|liters?|percent|%)\b"),
    ("digits", r"\b(number|no|nr|num|account|id)\b\.?"),
)
LONGEST_NAME = 40
#: a label that says that more than one box may be ticked
MULTIPLE = re.compile(r"all that apply|as many as|one or more|mehrere|zutreffendes bitte alle")


FORMATS = {
    "date": re.compile(r"(?:(?:dd|mm|yyyy|yy)[-/. ]?){3}"),
    "time": re.compile(r"hh[:. ]?mm(?:[:. ]?ss)?"),
}


def find_format(label: str, kind: Kind) -> str | None:
    """The format of a date or time that a label names, such as DD/MM/YYYY.

    >>> find_format("Born (DD MM YYYY)", "date")
    'dd mm yyyy'
    """
    found = FORMATS[kind].search(plain(label)) if kind in FORMATS else None
    text = found[0].strip(" -/.") if found else ""
    parts = re.findall("yyyy|yy|dd|mm|hh|ss", text)
    return text if text and len(set(parts)) == len(parts) else None


def plain(text: str) -> str:
    """Small letters without accents, one space between words."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in apart if not unicodedata.combining(c)).split())


def slug(text: str) -> str:
    """A name made of a label's first words; empty where it has no letter or digit.

    >>> slug("Amount paid (GBP):"), slug("2. Née à")
    ('amount_paid', 'nee_a')
    """
    words = re.sub(r"\([^)]*\)", " ", plain(text)) if re.search(r"\w", _bare(text)) else text
    words = re.sub(r"^\s*\d+\s*[.)]\s*(?=\D)", "", plain(words).replace("'", ""))
    name = ""
    for word in re.findall(r"\w+", words):
        longer = f"{name}_{word}".strip("_")
        if name and len(longer) > LONGEST_NAME:
            break
        name = longer
    name = name[:LONGEST_NAME].strip("_")
    if name and (not name.isidentifier() or keyword.iskeyword(name)):
        name = f"field_{name}"
    return name if name.isidentifier() else ""


def _bare(text: str) -> str:
    return re.sub(r"\([^)]*\)", "", text)


def unique(name: str, taken: Container[str]) -> str:
    """The name, with a number behind it where it is taken."""
    number, wanted = 2, name
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


def guess_kind(label: str) -> Kind | None:
    """The kind that a label speaks of, None where it tells nothing."""
    text = plain(label)
    return next((kind for kind, words in KIND_WORDS if re.search(words, text)), None)
