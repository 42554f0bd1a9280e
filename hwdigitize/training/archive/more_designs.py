"""The other half of the invented forms; see :mod:`hwdigitize.training.archive.designs`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hwdigitize.forms.records import Grammar
from hwdigitize.training.archive import values as v
from hwdigitize.training.archive.designs import (
    BLACK,
    BLUE,
    CLOCK,
    DOTTED,
    GREEN,
    ISO_DAY,
    SEPIA,
    SURNAMES,
    TOWNS,
    UPPER,
    choice,
    dated,
    numbered,
)
from hwdigitize.training.archive.form import (
    A4,
    A5,
    LETTER,
    Design,
    Item,
    Part,
    Print,
    Style,
    Table,
    make_design,
)

WEATHER = ("clear", "cloudy", "fog", "rain", "snow", "storm")
RELATIONS = (
    "boarder",
    "brother",
    "daughter",
    "father",
    "head",
    "mother",
    "servant",
    "sister",
    "son",
    "wife",
)
TRADES = (
    "baker",
    "blacksmith",
    "carpenter",
    "clerk",
    "cook",
    "farmer",
    "labourer",
    "mason",
    "miner",
    "none",
    "sailor",
    "scholar",
    "seamstress",
    "shoemaker",
    "teacher",
    "weaver",
)
SUBJECTS = (
    "Reading",
    "Writing",
    "Arithmetic",
    "History",
    "Geography",
    "Nature study",
    "Drawing",
    "Music",
    "Gymnastics",
)
SPECIES = (
    "Blackbird",
    "Blue tit",
    "Chaffinch",
    "Great tit",
    "Greenfinch",
    "Grey heron",
    "House sparrow",
    "Jackdaw",
    "Kestrel",
    "Magpie",
    "Mallard",
    "Nuthatch",
    "Robin",
    "Skylark",
    "Starling",
    "Swallow",
    "Swift",
    "Wren",
    "Yellowhammer",
)
HABITATS = ("field", "forest", "hedge", "marsh", "park", "shore")
GOODS = ("books", "clothes", "documents", "gifts", "samples", "tools", "toys")


def logsheet(faces: Sequence[Path]) -> Design:
    """A log of readings, landscape letter, with a code and corner marks."""
    style = Style(
        BLACK, "boxes", "line", "above", corner_marks=True, margin=16, face=3, label_mm=1.8
    )
    columns = (
        Item("at", "Time", "time", v.in_rows(v.clock(0, 23), 0.9), 1, CLOCK),
        Item(
            "celsius",
            "Water °C",
            "number",
            v.if_row(v.decimal(2, 24, 1)),
            1,
            Grammar(minimum=-5, maximum=40, decimals=1),
        ),
        Item(
            "level",
            "Level cm",
            "number",
            v.if_row(v.whole(20, 480)),
            1,
            Grammar(minimum=0, maximum=999),
        ),
        Item(
            "ph",
            "pH",
            "number",
            v.if_row(v.decimal(5.5, 9, 1)),
            0.8,
            Grammar(minimum=0, maximum=14, decimals=1),
        ),
        Item(
            "sky",
            "Sky",
            "text",
            v.if_row(v.one_of(WEATHER)),
            1.4,
            Grammar(values=WEATHER, case="ignore"),
        ),
        Item(
            "by",
            "Initials",
            "text",
            v.if_row(v.shaped("AA")),
            0.7,
            Grammar(pattern="[A-Z]{2}", case="upper"),
        ),
        Item("alarm", "Alarm", "mark", span=0.6),
    )
    page: list[Part] = [
        Print("GAUGE LOG SHEET", 3.8),
        (
            18.0,
            (
                Item(
                    "station",
                    "Station",
                    "letters",
                    v.shaped("AA99"),
                    1.2,
                    Grammar(pattern="[A-Z]{2}[0-9]{2}"),
                    (4,),
                ),
                dated(
                    "day", "Day", ISO_DAY, 2015, 2024, groups=(4, 2, 2), between="-", span=2.2
                ),
                Item(
                    "sheet",
                    "Sheet",
                    "barcode",
                    v.shaped("GL-999999"),
                    0.7,
                    Grammar(pattern="GL-[0-9]{6}"),
                ),
            ),
        ),
        3.0,
        Table(columns, 12, 8.6),
    ]
    return make_design(
        "gauge-log", "Gauge log sheet", (LETTER[1], LETTER[0]), style, [page], faces
    )


def census(faces: Sequence[Path]) -> Design:
    """A crowded register of persons, landscape, serif, thin lines."""
    style = Style(
        SEPIA, "boxes", "line", "before", margin=12, face=12, label_mm=1.9, line_mm=0.15
    )
    names = v.surnames(600)
    columns = (
        Item(
            "surname",
            "Family name",
            "text",
            v.in_rows(v.one_of(names), 0.93),
            1.6,
            Grammar(lexicon=SURNAMES, case="ignore"),
        ),
        Item("given", "Given name", "text", v.if_row(v.first_name()), 1.4, UPPER),
        Item(
            "relation",
            "Relation",
            "text",
            v.if_row(v.one_of(RELATIONS)),
            1.1,
            Grammar(values=RELATIONS, case="ignore"),
        ),
        choice("sex", "Sex", ("M", "F"), 0.7),
        Item(
            "age",
            "Age",
            "number",
            v.if_row(v.whole(0, 95)),
            0.6,
            Grammar(minimum=0, maximum=110),
        ),
        Item(
            "trade",
            "Trade",
            "text",
            v.if_row(v.one_of(TRADES)),
            1.4,
            Grammar(values=TRADES, case="ignore"),
        ),
        Item(
            "birthplace",
            "Place of birth",
            "text",
            v.if_row(v.one_of(v.towns(400))),
            1.5,
            Grammar(lexicon=TOWNS, case="ignore"),
        ),
        Item("reads", "Reads", "mark", span=0.5),
    )
    columns = (
        *columns[:3],
        Item(
            "sex", "Sex", "choice", v.if_row(v.one_of(("M", "F"))), 0.7, options=("M=M", "F=F")
        ),
        *columns[4:],
    )
    page: list[Part] = [
        Print("CENSUS OF THE PARISH, SCHEDULE A", 3.6),
        (
            10.0,
            (
                Item(
                    "parish",
                    "Parish",
                    "text",
                    v.one_of(v.towns(400)),
                    2,
                    Grammar(lexicon=TOWNS, case="ignore"),
                ),
                numbered("house", "House No.", 1, 240),
                dated("taken", "Taken on", DOTTED, 1890, 1950, span=1.3),
            ),
        ),
        2.0,
        Table(columns, 14, 10.0),
        3.0,
        (
            11.0,
            (
                numbered("persons", "Persons in all", 1, 14),
                Item("enumerator", "Enumerator", "signature", span=2),
            ),
        ),
    ]
    return make_design(
        "census",
        "Census schedule",
        (297.0, 210.0),
        style,
        [page],
        faces,
        (),
        {SURNAMES: names, TOWNS: v.towns(400)},
    )


def report_card(faces: Sequence[Path]) -> Design:
    """A school report, A5, a line a subject with the mark in figures."""
    style = Style(BLUE, "boxes", "dots", "before", margin=12, face=12, label_mm=2.0)
    grades: list[Part] = [
        (
            9.0,
            (
                Item(
                    f"grade_{i}",
                    subject,
                    "number",
                    v.whole(1, 6),
                    1,
                    Grammar(minimum=1, maximum=6),
                ),
                Item(
                    f"effort_{i}",
                    "effort",
                    "text",
                    v.one_of(("A", "B", "C", "D")),
                    1,
                    Grammar(values=("A", "B", "C", "D")),
                ),
            ),
        )
        for i, subject in enumerate(SUBJECTS, 1)
    ]
    page: list[Part] = [
        Print("SCHOOL REPORT", 4.0),
        (
            10.0,
            (
                Item("pupil", "Pupil", "text", v.full_name, 2),
                Item(
                    "form", "Form", "text", v.shaped("9A"), 0.7, Grammar(pattern="[1-9][A-Z]")
                ),
            ),
        ),
        (
            10.0,
            (
                dated("born", "born on", DOTTED, 1950, 2015),
                numbered("absent", "days absent", 0, 40),
            ),
        ),
        3.0,
        *grades,
        3.0,
        (26.0, (Item("remarks", "Remarks", "lines", v.free_line, lines=2),)),
        (11.0, (choice("moves_up", "Moves up", ("yes", "no")),)),
        (
            14.0,
            (
                dated("given", "Date", DOTTED, 1960, 2024),
                Item("teacher", "Teacher", "signature"),
            ),
        ),
    ]
    return make_design(
        "school-report", "School report", A5, style, [page], faces, ("given >= born",)
    )


def invoice(faces: Sequence[Path]) -> Design:
    """An invoice with a table and a sum that must agree, typewriter print."""
    style = Style(BLACK, "boxes", "box", "before", margin=15, face=1, label_mm=1.8)
    style_columns = (
        Item(
            "article",
            "Article",
            "text",
            v.in_rows(v.shaped("AA-9999"), 0.8),
            1.2,
            Grammar(pattern="[A-Z]{2}-[0-9]{4}"),
        ),
        Item("text", "Description", "text", v.if_row(v.free_word), 2.0),
        Item(
            "count",
            "Qty",
            "number",
            v.if_row(v.whole(1, 24)),
            0.7,
            Grammar(minimum=1, maximum=999),
        ),
        Item(
            "price",
            "Price",
            "number",
            v.if_row(v.decimal(0.5, 150)),
            1,
            Grammar(minimum=0, maximum=1000, decimals=2),
        ),
        Item(
            "sum",
            "Sum",
            "number",
            v.product_of("count", "price"),
            1.1,
            Grammar(minimum=0, maximum=99999, decimals=2),
        ),
    )
    page: list[Part] = [
        Print("INVOICE", 5.0),
        (
            11.0,
            (
                Item(
                    "number",
                    "No.",
                    "text",
                    v.shaped("9999/99"),
                    1,
                    Grammar(pattern="[0-9]{4}/[0-9]{2}"),
                ),
                dated("day", "Date", DOTTED, 1995, 2024),
            ),
        ),
        (11.0, (Item("customer", "Customer", "text", v.full_name),)),
        (11.0, (Item("street", "Street", "text", v.street),)),
        (
            11.0,
            (
                Item(
                    "postcode",
                    "Postcode",
                    "text",
                    v.shaped("99999"),
                    1,
                    Grammar(pattern="[0-9]{5}"),
                ),
                Item(
                    "town",
                    "Town",
                    "text",
                    v.one_of(v.towns(400)),
                    2,
                    Grammar(lexicon=TOWNS, case="ignore"),
                ),
            ),
        ),
        4.0,
        Table(style_columns, 9, 10.0),
        3.0,
        (
            11.0,
            (
                choice("pays", "", ("cash", "card", "transfer"), 1.6),
                Item(
                    "total",
                    "Total",
                    "number",
                    v.sum_of("sum", places=2),
                    1,
                    Grammar(minimum=0, maximum=999999, decimals=2),
                    required=True,
                ),
            ),
        ),
        4.0,
        (16.0, (Item("signature", "Signature", "signature"),)),
    ]
    rules = (f"total == sum({', '.join(f'sum_{i}' for i in range(1, 10))})",)
    return make_design(
        "invoice", "Invoice", A4, style, [page], faces, rules, {TOWNS: v.towns(400)}
    )


def field_notes(faces: Sequence[Path]) -> Design:
    """A naturalist's card: coordinates, a list of species, free notes."""
    style = Style(GREEN, "boxes", "line", "above", margin=10, face=8, label_mm=1.8)
    page: list[Part] = [
        Print("FIELD NOTES", 3.6),
        (
            13.0,
            (
                dated("day", "Date", ISO_DAY, 2000, 2024),
                Item("at", "Time", "time", v.clock(4, 21), 0.7, CLOCK),
                choice("sky", "Sky", ("clear", "cloud", "rain"), 1.9),
            ),
        ),
        (
            13.0,
            (
                Item(
                    "north",
                    "Latitude",
                    "number",
                    v.decimal(44, 59.9, 4),
                    1,
                    Grammar(minimum=-90, maximum=90, decimals=4),
                ),
                Item(
                    "east",
                    "Longitude",
                    "number",
                    v.decimal(1, 19.9, 4),
                    1,
                    Grammar(minimum=-180, maximum=180, decimals=4),
                ),
            ),
        ),
        (13.0, (choice("habitat", "Habitat (several answers)", HABITATS, many=True),)),
        2.0,
        Table(
            (
                Item(
                    "species",
                    "Species",
                    "text",
                    v.in_rows(v.one_of(SPECIES), 0.85),
                    2.4,
                    Grammar(values=SPECIES, case="ignore"),
                ),
                Item(
                    "number",
                    "Number",
                    "number",
                    v.if_row(v.whole(1, 120)),
                    1,
                    Grammar(minimum=0, maximum=9999),
                ),
                Item("ringed", "Ringed", "mark", span=0.7),
            ),
            8,
            9.0,
        ),
        2.0,
        (36.0, (Item("notes", "Notes", "lines", v.free_line, lines=3),)),
        (
            13.0,
            (
                Item("observer", "Observer", "text", v.full_name),
                Item("signature", "Signature", "signature"),
            ),
        ),
    ]
    return make_design("field-notes", "Field notes", A5, style, [page], faces)


def parcel(faces: Sequence[Path]) -> Design:
    """A customs declaration, A5 landscape, gapped boxes, dark bands."""
    style = Style(
        GREEN,
        "gapped",
        "box",
        "above",
        margin=9,
        face=6,
        label_mm=1.6,
        cell_mm=(4.8, 6.2),
        band=True,
        check_mm=3.2,
    )
    page: list[Part] = [
        Print("CUSTOMS DECLARATION", 3.2, band=True),
        (
            11.0,
            (
                Item(
                    "sender", "Sender, family name", "letters", v.surname(18), 1.3, UPPER, (18,)
                ),
                Item(
                    "parcel",
                    "Parcel",
                    "digits",
                    v.luhn(12),
                    1,
                    Grammar(pattern="[0-9]{12}", checksum="luhn"),
                    (4, 4, 4),
                ),
            ),
        ),
        (
            11.0,
            (
                Item("street", "Street", "text", v.street, 1.4),
                Item(
                    "country",
                    "Country code",
                    "letters",
                    v.one_of(COUNTRIES),
                    0.5,
                    Grammar(values=COUNTRIES),
                    (2,),
                ),
                Item(
                    "postcode",
                    "Postcode",
                    "digits",
                    v.shaped("99999"),
                    0.8,
                    Grammar(pattern="[0-9]{5}"),
                    (5,),
                ),
            ),
        ),
        (
            11.0,
            (
                choice("contents", "Contents", ("gift", "goods", "papers", "returned"), 1.4),
                choice("undelivered", "If it cannot be delivered", ("return", "abandon"), 1),
            ),
        ),
        2.0,
        Table(
            (
                Item(
                    "what",
                    "What",
                    "text",
                    v.in_rows(v.one_of(GOODS), 0.6),
                    2,
                    Grammar(values=GOODS, case="ignore"),
                ),
                Item(
                    "pieces",
                    "Pieces",
                    "number",
                    v.if_row(v.whole(1, 12)),
                    0.8,
                    Grammar(minimum=1, maximum=99),
                ),
                Item(
                    "grams",
                    "Weight g",
                    "number",
                    v.if_row(v.whole(50, 9000)),
                    1,
                    Grammar(minimum=1, maximum=30000),
                ),
                Item(
                    "value",
                    "Value",
                    "number",
                    v.if_row(v.decimal(1, 400)),
                    1,
                    Grammar(minimum=0, maximum=9999, decimals=2),
                ),
            ),
            4,
            8.0,
        ),
        2.0,
        (
            13.0,
            (
                numbered("postage", "Postage units", 1, 99, 0.6),
                dated("day", "Date", groups=(2, 2, 4), span=1.3, first=2010),
                Item("signature", "Signature", "signature", span=1.2),
            ),
        ),
    ]
    return make_design("customs", "Customs declaration", (A5[1], A5[0]), style, [page], faces)


COUNTRIES = (
    "AT",
    "BE",
    "CH",
    "DE",
    "DK",
    "ES",
    "FR",
    "GB",
    "IE",
    "IT",
    "NL",
    "NO",
    "PL",
    "PT",
    "SE",
    "US",
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
                Item("signature", "Signature", "signature", span=1.5),
            ),
        ),
    ]
    return make_design(
        "membership", "Club membership", LETTER, style, [page], faces, (), {TOWNS: v.towns(400)}
    )
