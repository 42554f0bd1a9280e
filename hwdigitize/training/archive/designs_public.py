"""Registers and surveys: forms of offices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hwdigitize.forms.records import Grammar
from hwdigitize.training.archive import values as v
from hwdigitize.training.archive.form import (
    A4,
    LETTER,
    Design,
    Item,
    Part,
    Print,
    Style,
    make_design,
)
from hwdigitize.training.archive.kit import (
    BLACK,
    BLUE,
    TOWNS,
    UPPER,
    choice,
    coded,
    dated,
    figures,
    numbered,
    signed,
    towns,
)


def registration(faces: Sequence[Path]) -> Design:
    """Letter boxes throughout, corner marks, black on white."""
    style = Style(
        BLACK, "boxes", "line", "above", corner_marks=True, margin=18, band=True, face=0
    )
    page: list[Part] = [
        Print("RESIDENT REGISTRATION", 4.2),
        Print("Please fill in with black or blue ink, one capital letter in each box.", 1.8),
        Print("1  PERSON", 2.6, band=True),
        (
            14.0,
            (
                Item(
                    "surname",
                    "Family name",
                    "letters",
                    v.surname(20),
                    1,
                    UPPER,
                    (20,),
                    required=True,
                ),
            ),
        ),
        (
            14.0,
            (
                Item(
                    "first_name",
                    "First name",
                    "letters",
                    v.first_name(16),
                    1,
                    UPPER,
                    (16,),
                    required=True,
                ),
            ),
        ),
        (
            14.0,
            (
                dated(
                    "born",
                    "Date of birth (dd mm yyyy)",
                    groups=(2, 2, 4),
                    span=2,
                    required=True,
                ),
                choice("sex", "Sex", ("f=female", "m=male", "x=other"), 2),
            ),
        ),
        3.0,
        Print("2  ADDRESS", 2.6, band=True),
        (13.0, (Item("street", "Street and number", "text", v.street, grammar=Grammar()),)),
        (
            14.0,
            (
                Item(
                    "postcode",
                    "Postcode",
                    "digits",
                    v.shaped("99999"),
                    1,
                    Grammar(pattern="[0-9]{5}"),
                    (5,),
                ),
                Item(
                    "town",
                    "Town",
                    "letters",
                    v.one_of(towns()),
                    3,
                    Grammar(lexicon=TOWNS, case="upper"),
                    (16,),
                ),
            ),
        ),
        (
            14.0,
            (
                Item(
                    "phone",
                    "Telephone",
                    "digits",
                    v.shaped("0999999999"),
                    2,
                    Grammar(pattern="0[0-9]{9}"),
                    (10,),
                ),
                numbered("household", "Persons in household", 1, 12),
            ),
        ),
        3.0,
        Print("3  ARRIVAL", 2.6, band=True),
        (
            14.0,
            (
                dated(
                    "arrived", "Moved in on (dd mm yyyy)", first=2015, groups=(2, 2, 4), span=2
                ),
                choice("tenure", "Lives there as", ("owner", "tenant", "guest"), 2),
            ),
        ),
        (
            13.0,
            (
                Item(
                    "former",
                    "Former town",
                    "text",
                    v.one_of(towns()),
                    1,
                    Grammar(lexicon=TOWNS, case="ignore"),
                ),
            ),
        ),
        (26.0, (Item("remarks", "Remarks", "lines", v.free_line, lines=2),)),
        (
            18.0,
            (
                dated("signed_on", "Date", first=2015, span=1),
                signed("signature", "Signature", 2),
                signed("officer", "Officer", 1.5),
                coded("record", "", "RG"),
            ),
        ),
    ]
    rules = ("arrived >= born",)
    lexicons = {TOWNS: towns()}
    return make_design(
        "registration", "Resident registration", A4, style, [page], faces, rules, lexicons
    )


def survey(faces: Sequence[Path]) -> Design:
    """Two pages of check boxes with corner marks, sans serif, blue."""
    style = Style(
        BLUE, "gapped", "box", "above", corner_marks=True, margin=18, face=7, check_mm=4.2
    )
    scale = tuple(
        f"{i}={t}" for i, t in enumerate(("never", "rarely", "sometimes", "often", "always"), 1)
    )
    asked = (
        "I walk to work or school",
        "I take the bus or the tram",
        "I ride a bicycle",
        "I drive a car on my own",
        "I share a car with others",
        "I travel by train",
    )
    first: list[Part] = [
        Print("HOW DO YOU GET AROUND?", 4.5),
        Print(
            "A survey of the district council. Tick one box a line unless it says otherwise.",
            2.0,
        ),
        4.0,
        (
            14.0,
            (
                numbered("age", "Your age", 16, 99, 1),
                choice("area", "You live", ("city", "suburb", "village"), 3),
            ),
        ),
        4.0,
        *((13.0, (choice(f"q{i}", f"{i}. {text}", scale),)) for i, text in enumerate(asked, 1)),
        4.0,
        (
            14.0,
            (
                choice(
                    "owns",
                    "7. You own (several answers)",
                    ("car", "bicycle", "scooter", "pass=season ticket"),
                    many=True,
                ),
            ),
        ),
        (
            14.0,
            (
                Item(
                    "number",
                    "Questionnaire",
                    "digits",
                    v.shaped("999999"),
                    1,
                    Grammar(pattern="[0-9]{6}"),
                    (6,),
                ),
                figures("born", "Year of birth", 4),
                coded("sheet", "Sheet", "MA"),
            ),
        ),
    ]
    second: list[Part] = [
        Print("HOW DO YOU GET AROUND?  (page 2)", 3.2),
        3.0,
        *(
            (13.0, (choice(f"r{i}", f"{i + 7}. {t}", scale),))
            for i, t in enumerate(_wishes(), 1)
        ),
        4.0,
        (
            14.0,
            (
                choice(
                    "income",
                    "13. Household income a month",
                    ("a=below 1500", "b=to 3000", "c=to 4500", "d=above"),
                ),
            ),
        ),
        (
            14.0,
            (
                choice("again", "14. May we ask again?", ("yes", "no")),
                figures("postcode", "Postcode", 5),
                coded("sheet_2", "Sheet", "MB"),
            ),
        ),
        (16.0, (Item("change", "15. One word for what should change", "text", v.free_word),)),
        (40.0, (Item("comment", "16. Anything else?", "lines", v.free_line, lines=3),)),
    ]
    return make_design("mobility-survey", "Mobility survey", A4, style, [first, second], faces)


def _wishes() -> tuple[str, ...]:
    return (
        "Buses come when they should",
        "Streets feel safe at night",
        "There is room to leave a bicycle",
        "Tickets cost what they are worth",
        "Stops are easy to reach",
    )


def membership(faces: Sequence[Path]) -> Design:
    """An application for membership, letter size, combs, pale blue print."""
    style = Style(
        (200, 150, 90),
        "comb",
        "line",
        "above",
        margin=16,
        face=4,
        label_mm=2.0,
        cell_mm=(5.4, 7.2),
    )
    page: list[Part] = [
        Print("ROWING CLUB · APPLICATION FOR MEMBERSHIP", 3.4),
        4.0,
        (
            15.0,
            (
                Item(
                    "surname",
                    "Surname",
                    "letters",
                    v.surname(22),
                    1,
                    UPPER,
                    (22,),
                    required=True,
                ),
            ),
        ),
        (
            15.0,
            (
                Item(
                    "first_name", "First name", "letters", v.first_name(14), 1.6, UPPER, (14,)
                ),
                Item(
                    "initials",
                    "Initials",
                    "letters",
                    v.shaped("AA"),
                    0.4,
                    Grammar(pattern="[A-Z]{2}"),
                    (2,),
                ),
            ),
        ),
        (
            15.0,
            (
                dated(
                    "born", "Born (dd mm yy)", "dd/mm/yy", 1940, 2015, groups=(2, 2, 2), span=1
                ),
                Item(
                    "mobile",
                    "Mobile",
                    "digits",
                    v.shaped("07999999999"),
                    2,
                    Grammar(pattern="07[0-9]{9}"),
                    (11,),
                ),
            ),
        ),
        (
            14.0,
            (
                Item("street", "Street and number", "text", v.street, 1.4),
                Item(
                    "town",
                    "Town",
                    "text",
                    v.one_of(v.towns(400)),
                    1,
                    Grammar(lexicon=TOWNS, case="ignore"),
                ),
            ),
        ),
        (
            13.0,
            (choice("rank", "Class of membership", ("full", "junior", "family", "passive")),),
        ),
        (
            13.0,
            (
                choice(
                    "boats",
                    "Boats you have rowed (several answers)",
                    ("single", "double", "four", "eight", "none"),
                    many=True,
                ),
            ),
        ),
        (
            13.0,
            (
                choice("swims", "You can swim 200 m", ("yes", "no")),
                numbered("years", "Years of rowing", 0, 45),
            ),
        ),
        (
            14.0,
            (
                Item("proposer", "Proposed by", "text", v.full_name),
                Item(
                    "member",
                    "Member no.",
                    "text",
                    v.luhn(5),
                    0.7,
                    Grammar(pattern="[0-9]{5}", checksum="luhn"),
                ),
                coded("card", "Card", "RC", 0.4),
            ),
        ),
        (
            15.0,
            (
                Item(
                    "iban",
                    "Account for the yearly fee (IBAN)",
                    "letters",
                    v.iban(),
                    1,
                    Grammar(pattern="DE[0-9]{20}", checksum="mod97"),
                    (22,),
                ),
            ),
        ),
        (34.0, (Item("remarks", "Remarks", "lines", v.free_line, lines=3),)),
        (
            11.0,
            (
                Item("rules_read", "I have read the rules of the club", "mark"),
                Item("news", "Send me the newsletter", "mark"),
            ),
        ),
        (
            19.0,
            (
                dated("signed_on", "Date", first=2015),
                signed("signature", "Signature", 1.5),
                signed("captain", "Captain"),
            ),
        ),
    ]
    return make_design(
        "membership", "Club membership", LETTER, style, [page], faces, (), {TOWNS: v.towns(400)}
    )
