"""Forms about a person: patient, pupil, reader, observer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hwdigitize.forms.records import Grammar
from hwdigitize.training.archive import values as v
from hwdigitize.training.archive.form import (
    A5,
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
from hwdigitize.training.archive.kit import (
    BLUE,
    CLOCK,
    DOTTED,
    GREEN,
    ISO_DAY,
    SEPIA,
    SURNAMES,
    UPPER,
    choice,
    coded,
    dated,
    figures,
    numbered,
    signed,
)

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
                coded("sheet", "", "PA", 0.4),
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
                coded("sheet_2", "", "PB", 0.4),
            ),
        ),
        (10.0, (Item("consent", "I agree that my data are kept", "mark"),)),
        (20.0, (signed("signature", "Signature"), signed("physician", "Physician"))),
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
    if not isinstance(part, Table):
        return part
    first, *others = part.columns
    made = [replace(c, make=v.if_row(c.make)) if c.make else c for c in others]
    return replace(part, columns=(first, *made))


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
        (12.0, (figures("pupil_no", "Pupil no.", 6),)),
        (11.0, (choice("moves_up", "Moves up", ("yes", "no")),)),
        (
            14.0,
            (
                dated("given", "Date", DOTTED, 1960, 2024),
                signed("teacher", "Teacher"),
                signed("parent", "Parent"),
            ),
        ),
    ]
    return make_design(
        "school-report", "School report", A5, style, [page], faces, ("given >= born",)
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
            14.0,
            (
                Item(
                    "shelf",
                    "Shelf mark",
                    "text",
                    v.shaped("AA 999"),
                    1,
                    Grammar(pattern="[A-Z]{2} [0-9]{3}"),
                ),
                coded("copy", "", "LC", 0.25),
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
                figures("card", "Card", 4, 0.8),
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
