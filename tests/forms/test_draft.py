"""A blank form drawn here, drafted: fields, names, kinds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pikepdf
import pytest
from numpy.typing import NDArray
from pikepdf import Array, Dictionary, Name, Object, String

from hwdigitize.document import Box
from hwdigitize.drafting import draft_template, load_blank_pages
from hwdigitize.forms.date_parts import Labelled, joined_parts
from hwdigitize.forms.draft import BlankPage, Draft, draft_form
from hwdigitize.forms.naming import find_format, guess_kind, slug, unique
from hwdigitize.forms.pdf_layers import Printed, Widget
from hwdigitize.forms.records import Field
from hwdigitize.forms.shapes import find_marks, find_shapes
from hwdigitize.forms.template import load_template, save_template

Grey = NDArray[np.uint8]


def paper(width: int = 1800, height: int = 1200, tone: int = 255) -> Grey:
    return np.full((height, width), tone, np.uint8)


def frame(page: Grey, box: Box, dark: int = 60, thick: int = 3) -> Box:
    """A drawn frame around ``box``."""
    left, top, right, bottom = box
    corners = (left - thick, top - thick), (right + thick - 1, bottom + thick - 1)
    cv2.rectangle(page, *corners, dark, 1)
    for i in range(thick):
        cv2.rectangle(page, (left - 1 - i, top - 1 - i), (right + i, bottom + i), dark, 1)
    return box


def label(text: str, left: int, top: int, height: int = 40) -> Printed:
    return Printed(text, (left, top, left + len(text) * height // 2, top + height))


def near(found: Box, wanted: Box, slack: int = 4) -> bool:
    return max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= slack


def drafted(page: Grey, *printed: Printed) -> Draft:
    return draft_form([BlankPage(page, 300.0, printed)])


def test_a_row_of_cells_is_one_field_and_its_label_stands_before_it() -> None:
    page = paper()
    cells = [frame(page, (600 + 71 * i, 300, 668 + 71 * i, 390)) for i in range(8)]
    draft = drafted(page, label("Surname:", 100, 325))
    (field,) = draft.fields
    assert (field.name, field.kind, field.cells) == ("surname", "letters", 1)
    assert len(field.boxes) == 8
    assert all(near(a, b) for a, b in zip(field.boxes, cells, strict=True))


def test_faint_and_dotted_separators_divide_a_box() -> None:
    page = paper(tone=220)
    page[300:390, 400:1240] = 255  # a white box on a tinted form, without a frame
    for i in range(1, 12):
        page[302:390:4, 400 + 70 * i] = 225 if i % 2 else 120
    (shape,) = find_shapes(page)
    assert shape.kind == "cells" and len(shape.boxes) == 12
    assert near(shape.across, (400, 300, 1240, 390), 5)


def test_a_comb_open_at_the_top_has_its_cells() -> None:
    page = paper()
    page[397:400, 500:1064] = 40
    for i in range(9):
        page[(310 if i in (0, 8) else 360) : 400, 500 + 70 * i : 503 + 70 * i] = 40
    page[397:400, 500:1063] = 40
    (shape,) = find_shapes(page)
    assert shape.kind == "cells" and len(shape.boxes) == 8
    assert near(shape.across, (503, 310, 1060, 398), 8)


def test_a_line_to_write_on_goes_from_its_label_to_its_end() -> None:
    page = paper()
    page[600:603, 500:1500] = 50
    draft = drafted(page, label("Date of birth", 100, 565))
    (field,) = draft.fields
    assert (field.name, field.kind) == ("date_of_birth", "date")
    assert near((*field.box[:1], 0, *field.box[2:]), (500, 0, 1500, 600), 6)


def test_lines_below_each_other_with_one_label_are_one_field() -> None:
    page = paper()
    for y in (500, 600, 700):
        page[y : y + 3, 500:1500] = 50
    (field,) = drafted(page, label("Remarks", 100, 465)).fields
    assert (field.name, field.kind, len(field.boxes)) == ("remarks", "lines", 3)


def test_an_underlined_heading_and_a_divider_are_no_fields() -> None:
    page = paper()
    cv2.putText(page, "MEMBERSHIP OF THE SOCIETY", (500, 190), 0, 1.4, 0, 3)
    page[200:203, 480:1200] = 30
    page[800:804, 60:1740] = 30
    assert drafted(page, label("MEMBERSHIP OF THE SOCIETY", 500, 150)).fields == ()


def test_boxes_in_a_row_are_one_choice_with_their_labels_as_values() -> None:
    page = paper()
    boxes = [frame(page, (600 + 350 * i, 300, 650 + 350 * i, 350)) for i in range(3)]
    texts = [label(t, 665 + 350 * i, 305) for i, t in enumerate(("single", "family", "junior"))]
    (field,) = drafted(page, label("Membership", 100, 305), *texts).fields
    assert (field.name, field.kind) == ("membership", "choice")
    assert [choice.value for choice in field.choices] == ["single", "family", "junior"]
    assert all(near(c.box, b) for c, b in zip(field.choices, boxes, strict=True))


def test_rows_under_headings_are_a_choice_each() -> None:
    page = paper()
    for y in (400, 500):
        for x in (900, 1100, 1300):
            frame(page, (x, y, x + 50, y + 50))
    heads = [label(t, x, 330, 30) for t, x in (("Yes", 900), ("No", 1105), ("?!x", 1305))]
    rows = [label("I like tea", 400, 405), label("I like jam", 400, 505)]
    first, second = drafted(page, *heads, *rows).fields
    assert [first.name, second.name] == ["i_like_tea", "i_like_jam"]
    for field in (first, second):
        assert [choice.value for choice in field.choices] == ["Yes", "No", "?!x"]


def test_a_box_by_itself_is_a_mark() -> None:
    page = paper()
    box = frame(page, (600, 300, 660, 360))
    (field,) = drafted(page, label("Deployed", 300, 310)).fields
    assert (field.name, field.kind) == ("deployed", "mark") and near(field.box, box)


def test_equal_names_take_their_heading_and_parts_of_times_are_one_time() -> None:
    page = paper()
    texts = []
    for top, heading in ((300, "Water"), (700, "Air")):
        frame(page, (600, top, 720, top + 110))
        frame(page, (723, top, 843, top + 110))
        texts += [
            label(heading, 100, top - 150, 70),
            label("Start time", 300, top + 35),
            label("HH", 630, top - 50),
            label("MM", 750, top - 50),
        ]
    fields = drafted(page, *texts).fields
    assert [field.name for field in fields] == ["water_start_time", "air_start_time"]
    assert {(f.kind, f.grammar.format) for f in fields} == {("time", "hh:mm")}
    assert fields[0].box == pytest.approx((600, 300, 843, 410), abs=8)


def part(name: str, left: int, width: int = 100, cells: int = 0) -> Labelled:
    boxes = tuple((left + i * 40, 100, left + i * 40 + 36, 160) for i in range(cells))
    boxes = boxes or ((left, 100, left + width, 160),)
    return Labelled(Field(name="", kind="digits", boxes=boxes, cells=min(cells, 1)), name)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("Start HH", "Start MM"), [("Start", "time", "hh:mm")]),
        (("HH", "MM", "SS"), [("", "time", "hh:mm:ss")]),
        (("Born DD", "MM", "YYYY"), [("Born", "date", "dd/mm/yyyy")]),
        (("(YY)", "(MM)", "(DD)"), [("", "date", "yy/mm/dd")]),
        (
            ("From HH", "MM", "To HH", "MM"),
            [("From", "time", "hh:mm"), ("To", "time", "hh:mm")],
        ),
        (("HH", "SS"), [("HH", "digits", None), ("SS", "digits", None)]),
        (("From HH", "To MM"), [("From HH", "digits", None), ("To MM", "digits", None)]),
        (("Size MM",), [("Size MM", "digits", None)]),
    ],
)
def test_parts_beside_each_other_are_one_value(
    labels: tuple[str, ...], expected: list[tuple[str, str, str | None]]
) -> None:
    row = [part(text, 100 + 130 * i) for i, text in enumerate(labels)]
    found = joined_parts(row, 300)
    assert [(o.label, o.field.kind, o.field.grammar.format) for o in found] == expected


def test_parts_in_cells_keep_their_cells_and_parts_far_apart_are_no_value() -> None:
    (time,) = joined_parts([part("At HH", 100, cells=2), part("MM", 200, cells=2)], 300)
    assert (time.field.cells, len(time.field.boxes)) == (1, 4)
    assert time.field.grammar.format == "hhmm"
    assert len(joined_parts([part("HH", 100), part("MM", 500)], 300)) == 2


def test_what_has_no_label_is_numbered_and_said() -> None:
    page = paper()
    frame(page, (400, 300, 1000, 400))
    draft = drafted(page)
    assert [field.name for field in draft.fields] == ["field_1"]
    assert draft.notes and draft.notes[0].startswith("field_1: no label")


def test_an_empty_page_and_a_page_of_text_have_no_fields() -> None:
    assert drafted(paper()).fields == ()
    page = paper()
    for y in range(100, 1100, 60):
        cv2.putText(page, "The quick brown fox jumps over the dog", (100, y), 0, 1.3, 0, 3)
    assert drafted(page).fields == ()


def test_the_resolution_does_not_matter() -> None:
    page = paper()
    box = frame(page, (600, 300, 1200, 400))
    half = cv2.resize(page, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    (shape,) = find_shapes(np.asarray(half), 150.0)
    assert near(shape.across, (box[0] // 2, box[1] // 2, box[2] // 2, box[3] // 2), 3)


def test_corner_marks_are_found_where_all_four_are() -> None:
    page = paper()
    corners = [(60, 60), (1690, 60), (60, 1090), (1690, 1090)]
    for x, y in corners:
        page[y : y + 50, x : x + 50] = 0
    assert find_marks(page) == tuple((x, y, x + 50, y + 50) for x, y in corners)
    page[:200, :200] = 255
    assert find_marks(page) == ()


def test_fillable_fields_are_taken_as_they_are() -> None:
    widgets = (
        Widget("form1[0].page1[0].Surname[0]", "text", (100, 100, 600, 160), flags=2),
        Widget("born", "text", (100, 200, 600, 260), "Date of birth", flags=1 << 24, length=8),
        Widget("notes", "text", (100, 300, 600, 500), flags=1 << 12),
        Widget("colour", "list", (100, 520, 600, 560), options=("red", "blue")),
        Widget("sex", "radio", (100, 600, 140, 640), value="f"),
        Widget("sex", "radio", (300, 600, 340, 640), value="m"),
        Widget("agree", "check", (100, 700, 140, 740), value="Yes"),
        Widget("sign", "signature", (100, 800, 600, 900)),
    )
    page = BlankPage(paper(), 300.0, (), widgets)
    fields = {field.name: field for field in draft_form([page]).fields}
    assert list(fields) == ["surname", "born", "notes", "colour", "sex", "agree", "sign"]
    kinds = ["text", "date", "lines", "text", "choice", "mark", "signature"]
    assert [field.kind for field in fields.values()] == kinds
    assert fields["surname"].required and fields["surname"].box == (100, 100, 600, 160)
    assert fields["born"].cells == 8
    assert fields["colour"].grammar.values == ("red", "blue")
    assert [choice.value for choice in fields["sex"].choices] == ["f", "m"]


def test_the_fillable_fields_of_a_pdf_file(tmp_path: Path) -> None:
    """Radio buttons of one name are one choice, with the values of the PDF and its print."""
    path = tmp_path / "form.pdf"
    save_fillable(path)
    template, blanks, draft = draft_template(load_blank_pages(path), "club")
    save_template(template, tmp_path / "club", blanks)
    fields = {field.name: field for field in load_template(tmp_path / "club").fields}
    assert list(fields) == ["surname", "member_no", "sex", "news"]
    kinds = ["text", "digits", "choice", "mark"]
    assert [field.kind for field in fields.values()] == kinds
    assert fields["surname"].required and fields["surname"].label == "Family name"
    assert fields["member_no"].cells == 6
    answers = [(choice.value, choice.label) for choice in fields["sex"].choices]
    assert answers == [("f", "female"), ("m", "male")]
    assert not fields["sex"].multiple
    left, top, right, bottom = fields["sex"].choices[0].box
    assert right - left == pytest.approx(bottom - top, abs=2)
    assert (left + right) / 2 == pytest.approx(107 * 300 / 72, abs=3)
    assert draft.title == "CLUB"


def save_fillable(path: Path) -> None:
    """A PDF with text fields, two radio buttons of one name, and a check box."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(300, 300))
    font = pdf.make_indirect(
        Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    )
    page.obj.Resources = Dictionary(Font=Dictionary(F1=font))
    texts = ((20, 270, 20, "CLUB"), (120, 96, 10, "female"), (200, 96, 10, "male"))
    page.obj.Contents = pdf.make_stream(
        "".join(f"BT /F1 {s} Tf {x} {y} Td ({t}) Tj ET " for x, y, s, t in texts).encode()
    )

    def widget(box: tuple[int, int, int, int], **kept: object) -> Object:
        known = Dictionary(
            Type=Name.Annot, Subtype=Name.Widget, Rect=Array(box), F=4, P=page.obj
        )
        for key, value in kept.items():
            known[f"/{key}"] = value
        return pdf.make_indirect(known)

    def button(box: tuple[int, int, int, int], value: str, **kept: object) -> Object:
        stream = pdf.make_stream(b"")
        looks = Dictionary(N=Dictionary({f"/{value}": stream, "/Off": stream}))
        return widget(box, AP=looks, AS=Name.Off, **kept)

    sex = pdf.make_indirect(Dictionary(FT=Name.Btn, T=String("sex"), Ff=1 << 15, V=Name.Off))
    buttons = [
        button((100, 93, 114, 107), "f", Parent=sex),
        button((180, 93, 194, 107), "m", Parent=sex),
    ]
    sex.Kids = Array(buttons)
    surname = widget(
        (100, 200, 280, 220), FT=Name.Tx, T=String("surname"), TU=String("Family name"), Ff=2
    )
    member = widget(
        (100, 150, 220, 170), FT=Name.Tx, T=String("member_no"), Ff=1 << 24, MaxLen=6
    )
    news = button((100, 50, 114, 64), "Yes", FT=Name.Btn, T=String("news"), V=Name.Off)
    page.obj.Annots = Array([surname, member, *buttons, news])
    pdf.Root.AcroForm = Dictionary(
        Fields=Array([surname, member, sex, news]),
        DA=String("/F1 10 Tf 0 g"),
        DR=Dictionary(Font=Dictionary(F1=font)),
    )
    pdf.save(path)


def test_fields_that_overlap_are_cut_apart() -> None:
    widgets = (
        Widget("a", "text", (100, 100, 600, 160)),
        Widget("b", "text", (100, 150, 600, 260)),
    )
    first, second = draft_form([BlankPage(paper(), 300.0, (), widgets)]).fields
    assert first.box == (100, 100, 600, 160) and second.box == (100, 160, 600, 260)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Amount paid (GBP):", "amount_paid"),
        ("2. Née à", "nee_a"),
        ("class", "field_class"),
        ("13", "field_13"),
        ("…", ""),
        ("Имя", "имя"),
        (
            "Do you speak a language other than English at home?",
            "do_you_speak_a_language_other_than",
        ),
    ],
)
def test_names_come_from_labels(text: str, name: str) -> None:
    assert slug(text) == name


def test_names_are_unique() -> None:
    assert unique("a", {"a", "a_2"}) == "a_3"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Date of birth", "date"),
        ("Born (DDMMYYYY)", "date"),
        ("Phone", "digits"),
        ("Total amount", "number"),
        ("AUD $", "number"),
        ("Signature of applicant", "signature"),
        ("Unterschrift", "signature"),
        ("E-mail address", "text"),
        ("Start time", "time"),
        ("Comments", "lines"),
        ("Surname", None),
        ("Candidate", None),
    ],
)
def test_kinds_come_from_labels(text: str, kind: str | None) -> None:
    assert guess_kind(text) == kind


def test_formats_come_from_labels() -> None:
    assert find_format("Born (DDMMYYYY)", "date") == "ddmmyyyy"
    assert find_format("Date (dd/mm/yyyy)", "date") == "dd/mm/yyyy"
    assert find_format("From HH:MM", "time") == "hh:mm"
    assert find_format("Date of birth", "date") is None
    assert find_format("DDMMYYYY", "text") is None


def test_a_pdf_gives_its_own_text_and_the_draft_is_a_good_template(
    shared_data: Path, tmp_path: Path
) -> None:
    pages = load_blank_pages(shared_data / "forms" / "survey" / "original.pdf")
    template, blanks, draft = draft_template(pages, "survey")
    save_template(template, tmp_path / "survey", blanks)
    loaded = load_template(tmp_path / "survey")
    assert draft.notes == ()
    assert len(loaded.fields) == 13
    assert [choice.value for choice in loaded.fields[-1].choices] == ["Male", "Female"]
    assert loaded.field("first_name").label == "First Name"
    assert len(loaded.field("first_name").boxes) == 24
