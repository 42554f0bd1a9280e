"""Fourteen invented forms, as unlike each other as those of an archive are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hwdigitize.forms.records import Grammar
from hwdigitize.training.archive import values as v
from hwdigitize.training.archive.form import (
    A4,
    A6,
    LETTER,
    Design,
    Item,
    Part,
    Print,
    Style,
    Table,
    make_design,
)

BLACK, GREEN, BLUE, RED, SEPIA = (
    (35, 35, 35),
    (110, 140, 50),
    (150, 90, 30),
    (70, 70, 190),
    (60, 85, 110),
)
ISO_DAY, SLASHED, DOTTED = "yyyy-mm-dd", "dd/mm/yyyy", "dd.mm.yyyy"
CLOCK = Grammar(format="hh:mm")
UPPER = Grammar(pattern=r"[A-Z][A-Z' -]{1,24}", case="upper")
TOWNS, SURNAMES = "towns.txt", "surnames.txt"


def all_designs(faces: Sequence[Path] = ()) -> tuple[Design, ...]:
    """Every form, printed in the typefaces given or in Pillow's own."""
    from hwdigitize.training.archive import more_designs as more

    makers = (
        registration,
        survey,
        timesheet,
        intake,
        transfer,
        receipt,
        library_card,
        more.logsheet,
        more.census,
        more.report_card,
        more.invoice,
        more.field_notes,
        more.parcel,
        more.membership,
    )
    return tuple(maker(faces) for maker in makers)


def dated(
    name: str,
    label: str,
    shape: str = SLASHED,
    first: int = 1930,
    last: int = 2024,
    **kept: object,
) -> Item:
    """A date field; in cells where ``groups`` are given."""
    grammar = Grammar(format=shape, minimum=f"{first}-01-01", maximum=f"{last}-12-31")
    return Item(name, label, "date", v.date(shape, first, last), grammar=grammar, **kept)  # type: ignore[arg-type]


def choice(
    name: str, label: str, options: Sequence[str], span: float = 1.0, many: bool = False
) -> Item:
    """Check boxes; an option is its value, or ``value=label``."""
    full = tuple(o if "=" in o else f"{o}={o}" for o in options)
    make = (v.some_of if many else v.one_of)([o.partition("=")[0] for o in full])
    return Item(name, label, "choice", make, span, options=full, multiple=many)


def numbered(name: str, label: str, low: int, high: int, span: float = 1.0) -> Item:
    """A whole number on a line."""
    grammar = Grammar(minimum=low, maximum=high)
    return Item(name, label, "number", v.whole(low, high), span, grammar)


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
                    v.one_of(_towns()),
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
                    v.one_of(_towns()),
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
                Item("signature", "Signature", "signature", span=2),
            ),
        ),
    ]
    rules = ("arrived >= born",)
    lexicons = {TOWNS: _towns()}
    return make_design(
        "registration", "Resident registration", A4, style, [page], faces, rules, lexicons
    )


def _towns() -> tuple[str, ...]:
    return v.towns(400)


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
        (14.0, (choice("again", "14. May we ask again?", ("yes", "no")),)),
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


def timesheet(faces: Sequence[Path]) -> Design:
    """A wide table of times with a sum, landscape, serif."""
    style = Style(BLACK, "boxes", "line", "before", margin=14, face=12, label_mm=2.1)
    names = v.surnames(600)
    columns = (
        dated("day", "Date", DOTTED, 2020, 2024, span=1.4),
        Item("start", "Begin", "time", v.if_row(v.clock(6, 11)), 1, CLOCK),
        Item("end", "End", "time", v.if_row(v.clock_after("start", 120, 540)), 1, CLOCK),
        Item(
            "pause",
            "Break min",
            "number",
            v.if_row(v.one_of(("30", "45", "60", "15"))),
            0.8,
            Grammar(minimum=0, maximum=120),
        ),
        Item(
            "project",
            "Project",
            "text",
            v.if_row(v.shaped("A-999")),
            1,
            Grammar(pattern="[A-Z]-[0-9]{3}"),
        ),
        Item(
            "task",
            "Task",
            "text",
            v.if_row(v.one_of(TASKS)),
            2.4,
            Grammar(values=TASKS, case="ignore"),
        ),
        Item("remote", "Home", "mark", span=0.5),
    )
    first = Item(
        "day",
        "Date",
        "date",
        v.in_rows(columns[0].make or v.full_name),
        1.4,
        columns[0].grammar,
    )
    page: list[Part] = [
        Print("Weekly Time Sheet", 4.4),
        2.0,
        (
            10.0,
            (
                Item(
                    "employee",
                    "Employee",
                    "text",
                    v.one_of(names),
                    2,
                    Grammar(lexicon=SURNAMES, case="ignore"),
                ),
                Item(
                    "staff_no",
                    "No.",
                    "digits",
                    v.luhn(6),
                    1,
                    Grammar(pattern="[0-9]{6}", checksum="luhn"),
                ),
                numbered("week", "Week", 1, 52, 0.7),
            ),
        ),
        4.0,
        Table((first, *columns[1:]), 10, 9.0),
        4.0,
        (
            12.0,
            (
                dated("handed_in", "Handed in", DOTTED, 2020, 2024),
                Item("signature", "Signature", "signature", span=1.6),
            ),
        ),
    ]
    rules = tuple(f"end_{i} >= start_{i}" for i in range(1, 11))
    return make_design(
        "timesheet",
        "Weekly time sheet",
        (297.0, 210.0),
        style,
        [page],
        faces,
        rules,
        {SURNAMES: names},
    )


TASKS = (
    "assembly",
    "cleaning",
    "delivery",
    "inspection",
    "meeting",
    "office work",
    "repair",
    "training",
    "travel",
    "welding",
)


def intake(faces: Sequence[Path]) -> Design:
    """A patient's form of two pages, letter size, boxes with their labels inside."""
    style = Style(
        SEPIA, "boxes", "box", "inside", margin=13, face=5, label_mm=1.7, check_mm=3.2
    )
    yes_no = ("yes", "no")
    first: list[Part] = [
        Print("PATIENT INTAKE", 3.8),
        (
            13.0,
            (
                Item("last_name", "Last name", "text", v.surname(), 2, UPPER),
                Item("first_name", "First name", "text", v.first_name(), 2, UPPER),
            ),
        ),
        (
            13.0,
            (
                dated("born", "Date of birth (mm/dd/yyyy)", "mm/dd/yyyy"),
                choice("sex", "Sex", ("F", "M"), 1),
                Item(
                    "chart",
                    "Chart no.",
                    "text",
                    v.shaped("AA-99999"),
                    1,
                    Grammar(pattern="[A-Z]{2}-[0-9]{5}"),
                ),
            ),
        ),
        (
            13.0,
            (
                Item(
                    "phone",
                    "Telephone",
                    "text",
                    v.shaped("999-555-9999"),
                    1,
                    Grammar(pattern="[0-9]{3}-[0-9]{3}-[0-9]{4}"),
                ),
                Item("contact", "Person to call", "text", v.full_name, 1.4),
            ),
        ),
        (
            13.0,
            (
                numbered("weight", "Weight (kg)", 38, 140),
                numbered("height", "Height (cm)", 140, 205),
                Item(
                    "temperature",
                    "Temp (°C)",
                    "number",
                    v.decimal(35.5, 40.2, 1),
                    1,
                    Grammar(minimum=34, maximum=43, decimals=1),
                ),
                numbered("pulse", "Pulse", 45, 150),
            ),
        ),
        3.0,
        *(
            (
                11.0,
                (
                    choice(f"has_{k}", t, yes_no, 1),
                    choice(f"had_{k}", f"{t}, in the family", yes_no, 1),
                ),
            )
            for k, t in CONDITIONS
        ),
        (
            13.0,
            (
                choice("smokes", "Smokes", ("never", "former", "daily"), 1.4),
                numbered("per_day", "Cigarettes a day", 0, 40, 0.6),
            ),
        ),
        (30.0, (Item("complaint", "Reason for the visit", "lines", v.free_line, lines=2),)),
    ]
    second: list[Part] = [
        Print("PATIENT INTAKE, page 2", 3.0),
        (30.0, (Item("allergies", "Allergies", "lines", v.free_line, lines=2),)),
        Table(
            (
                Item(
                    "drug",
                    "Medicine",
                    "text",
                    v.in_rows(v.one_of(DRUGS), 0.6),
                    2,
                    Grammar(values=DRUGS, case="ignore"),
                ),
                Item(
                    "dose",
                    "mg",
                    "number",
                    v.if_row(v.one_of(("5", "10", "20", "50", "100", "250", "500"))),
                    1,
                    Grammar(minimum=1, maximum=1000),
                ),
                Item(
                    "daily",
                    "times a day",
                    "number",
                    v.if_row(v.whole(1, 4)),
                    1,
                    Grammar(minimum=1, maximum=6),
                ),
                dated("since", "since", "mm/dd/yyyy", 2010, 2024, span=1.4),
            ),
            6,
            9.5,
        ),
        5.0,
        (
            13.0,
            (
                Item(
                    "insurer",
                    "Insurance no.",
                    "text",
                    v.luhn(10),
                    1,
                    Grammar(pattern="[0-9]{10}", checksum="luhn"),
                ),
                dated("seen_on", "Date of visit", "mm/dd/yyyy", 2020, 2024),
            ),
        ),
        (10.0, (Item("consent", "I agree that my data are kept", "mark"),)),
        (20.0, (Item("signature", "Signature", "signature"),)),
    ]
    rows = tuple(_only_in_rows(part) for part in second)
    return make_design(
        "patient-intake",
        "Patient intake",
        LETTER,
        style,
        [first, rows],
        faces,
        ("seen_on >= born",),
    )


def _only_in_rows(part: Part) -> Part:
    """Columns after the first of a table are filled where the first one is."""
    from dataclasses import replace

    if not isinstance(part, Table):
        return part
    first, *others = part.columns
    made = [replace(c, make=v.if_row(c.make)) if c.make else c for c in others]
    return replace(part, columns=(first, *made))


CONDITIONS = (
    ("diabetes", "Diabetes"),
    ("asthma", "Asthma"),
    ("pressure", "High blood pressure"),
    ("heart", "Heart disease"),
    ("cancer", "Cancer"),
)
DRUGS = (
    "Amoxicillin",
    "Aspirin",
    "Atenolol",
    "Ibuprofen",
    "Insulin",
    "Metformin",
    "Omeprazole",
    "Paracetamol",
    "Prednisone",
    "Ramipril",
    "Salbutamol",
    "Simvastatin",
    "Tramadol",
    "Warfarin",
)


def transfer(faces: Sequence[Path]) -> Design:
    """A bank's transfer slip: combs in red, check digits, a small landscape sheet."""
    style = Style(
        RED, "comb", "line", "above", margin=10, face=2, cell_mm=(4.9, 6.4), label_mm=1.7
    )
    page: list[Part] = [
        Print("CREDIT TRANSFER", 3.4),
        (
            11.0,
            (
                Item(
                    "payee",
                    "Payee",
                    "letters",
                    v.full_capitals(27),
                    1,
                    UPPER,
                    (27,),
                    required=True,
                ),
            ),
        ),
        (
            11.0,
            (
                Item(
                    "iban",
                    "IBAN",
                    "letters",
                    v.iban(),
                    1,
                    Grammar(pattern="DE[0-9]{20}", checksum="mod97"),
                    (22,),
                    required=True,
                ),
            ),
        ),
        (
            11.0,
            (
                Item(
                    "euros",
                    "Amount, euros",
                    "digits",
                    v.whole(1, 99999),
                    2,
                    Grammar(pattern="[0-9]{1,6}", minimum=1),
                    (6,),
                ),
                Item(
                    "cents",
                    "cents",
                    "digits",
                    v.shaped("99"),
                    1,
                    Grammar(pattern="[0-9]{2}"),
                    (2,),
                ),
                dated("due", "Day", "ddmmyy", 2020, 2029, groups=(2, 2, 2), span=2),
            ),
        ),
        (
            11.0,
            (
                Item(
                    "reference",
                    "Reference",
                    "digits",
                    v.luhn(16),
                    1,
                    Grammar(pattern="[0-9]{16}", checksum="luhn"),
                    (16,),
                ),
            ),
        ),
        (11.0, (Item("payer", "Payer", "letters", v.full_capitals(27), 1, UPPER, (27,)),)),
        (
            14.0,
            (
                Item("signature", "Signature", "signature", span=1.4),
                choice("urgent", "Transfer", ("normal", "urgent"), 1),
            ),
        ),
    ]
    return make_design("transfer-slip", "Bank transfer", (160.0, 108.0), style, [page], faces)


def receipt(faces: Sequence[Path]) -> Design:
    """A small postal receipt, dotted lines, no marks."""
    style = Style(BLACK, "boxes", "dots", "before", margin=8, face=9, label_mm=1.9)
    page: list[Part] = [
        Print("POSTAL RECEIPT", 3.2),
        (9.5, (Item("sender", "Sender", "text", v.full_name),)),
        (9.5, (Item("addressee", "Addressee", "text", v.full_name),)),
        (
            9.5,
            (
                Item(
                    "place",
                    "Place",
                    "text",
                    v.one_of(_towns()),
                    1,
                    Grammar(lexicon=TOWNS, case="ignore"),
                ),
            ),
        ),
        (
            9.5,
            (
                numbered("grams", "Weight g", 20, 20000),
                Item(
                    "postage",
                    "Postage",
                    "number",
                    v.decimal(0.6, 49),
                    1,
                    Grammar(minimum=0, maximum=100, decimals=2),
                ),
            ),
        ),
        (
            11.0,
            (
                Item(
                    "item",
                    "No.",
                    "text",
                    v.shaped("RR999999999"),
                    1,
                    Grammar(pattern="RR[0-9]{9}"),
                ),
            ),
        ),
        (9.5, (choice("kind", "Kind", ("letter", "parcel", "wire"), 1),)),
        (
            10.0,
            (dated("posted", "Date", DOTTED, 1990, 2024), Item("clerk", "Clerk", "signature")),
        ),
    ]
    return make_design(
        "postal-receipt",
        "Postal receipt",
        (A6[1], A6[0]),
        style,
        [page],
        faces,
        (),
        {TOWNS: _towns()},
    )


def library_card(faces: Sequence[Path]) -> Design:
    """A lender's card, portrait A6, a ruled table of dates."""
    style = Style(
        SEPIA, "boxes", "line", "before", margin=8, face=11, label_mm=1.8, line_mm=0.25
    )
    columns = (
        Item(
            "lent",
            "Lent",
            "date",
            v.in_rows(v.date("dd.mm.yy", 1975, 1999), 0.85),
            1.2,
            Grammar(format="dd.mm.yy"),
        ),
        Item(
            "reader",
            "Reader",
            "number",
            v.if_row(v.whole(100, 9999)),
            1,
            Grammar(minimum=1, maximum=9999),
        ),
        Item("returned", "Returned", "mark", span=0.6),
    )
    page: list[Part] = [
        Print("MUNICIPAL LIBRARY", 2.8),
        (
            9.0,
            (
                Item(
                    "shelf",
                    "Shelf mark",
                    "text",
                    v.shaped("AA 999"),
                    1,
                    Grammar(pattern="[A-Z]{2} [0-9]{3}"),
                ),
            ),
        ),
        (
            9.0,
            (
                Item(
                    "author",
                    "Author",
                    "text",
                    v.one_of(v.surnames(600)),
                    1,
                    Grammar(lexicon=SURNAMES, case="ignore"),
                ),
            ),
        ),
        (9.0, (Item("word", "Catchword", "text", v.free_word),)),
        (9.0, (numbered("year", "Year", 1850, 1999), numbered("volumes", "Vols.", 1, 30, 0.7))),
        2.0,
        Table(columns, 9, 8.0, numbered=False),
    ]
    return make_design(
        "library-card",
        "Library card",
        A6,
        style,
        [page],
        faces,
        (),
        {SURNAMES: v.surnames(600)},
    )
