"""Forms that are mostly one long table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hwdigitize.forms.records import Grammar
from hwdigitize.training.archive import values as v
from hwdigitize.training.archive.form import (
    LETTER,
    Design,
    Item,
    Part,
    Print,
    Style,
    Table,
    make_design,
)
from hwdigitize.training.archive.kit import (
    BLACK,
    CLOCK,
    DOTTED,
    ISO_DAY,
    SEPIA,
    SURNAMES,
    TOWNS,
    UPPER,
    choice,
    coded,
    dated,
    numbered,
    remarks,
    signed,
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
                signed("enumerator", "Enumerator", 2),
                signed("checker", "Checked", 2),
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
        2.0,
        (18.0, (remarks("remarks", "Remarks"),)),
        (
            14.0,
            (
                dated("handed_in", "Handed in", DOTTED, 2020, 2024),
                signed("signature", "Signature", 1.6),
                signed("approved", "Approved", 1.6),
                coded("sheet", "", "TS", 0.3),
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
        (24.0, (remarks("remarks", "Remarks"),)),
    ]
    return make_design(
        "gauge-log", "Gauge log sheet", (LETTER[1], LETTER[0]), style, [page], faces
    )
