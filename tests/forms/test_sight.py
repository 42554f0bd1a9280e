"""A field that cannot be seen is not empty."""

from __future__ import annotations

import numpy as np
import pytest

from hwdigitize.forms.fields import FieldReading
from hwdigitize.forms.records import Choice, Field, Kind
from hwdigitize.forms.sight import Grey, paper_level, with_sight

BOX = (40, 40, 160, 80)
EMPTY = FieldReading("", "", "empty", {"probability": 0.999})


def form(paper: int = 230) -> Grey:
    """A page with one framed box."""
    page = np.full((200, 400), paper, np.uint8)
    page[40:80, 40:160] = 30
    page[43:77, 43:157] = paper
    return page


def seen(page: Grey, kind: Kind = "text", reading: FieldReading = EMPTY) -> FieldReading:
    field = Field(name="n", kind=kind, boxes=(BOX,))
    return with_sight(reading, field, page, form(255), paper_level(page))


def test_an_empty_field_in_the_light_stays_empty() -> None:
    reading = seen(form())
    assert (reading.state, reading.reasons) == ("empty", ())
    assert reading.evidence["paper"] == reading.evidence["print"] == 1.0
    assert reading.evidence["probability"] == 0.999


def test_a_field_in_the_dark_cannot_be_read() -> None:
    page = form()
    page[:, :300] = 8
    reading = seen(page)
    assert (reading.state, reading.reasons) == ("unreadable", ("too dark to be read",))
    assert reading.evidence["paper"] < 0.1


def test_a_bar_code_that_was_read_needs_no_light() -> None:
    page = form()
    page[:, :250] = 8
    read = FieldReading("GL-1", "GL-1", evidence={"probability": 0.99})
    assert seen(page, "barcode", read).value == "GL-1"
    assert seen(page, "barcode").state == "unreadable"


def test_dark_paper_and_heavy_ink_are_not_the_dark() -> None:
    assert not seen(form(paper=120)).reasons
    page = form()
    page[45:75, 45:155][:, ::2] = 0
    assert not seen(page).reasons


def test_a_scribbled_out_check_box_is_not_the_dark() -> None:
    page = np.full((200, 400), 240, np.uint8)
    page[75:125, 175:225] = 20  # well beyond its box
    box = Choice(value="a", box=(182, 82, 218, 118))
    field = Field(name="n", kind="choice", choices=(box,))
    assert not with_sight(EMPTY, field, page, page, paper_level(page)).reasons


@pytest.mark.parametrize(("shift", "least", "most"), [(1, 0.95, 1.0), (12, 0.0, 0.5)])
def test_print_is_found_where_it_should_be(shift: int, least: float, most: float) -> None:
    moved = np.roll(form(), (shift, shift), axis=(0, 1))
    assert least <= seen(moved).evidence["print"] <= most
    washed = np.full_like(moved, 230)
    assert seen(washed).evidence["print"] == 0.0


def test_one_box_in_the_dark_is_enough() -> None:
    page = form()
    page[:, 250:] = 8
    boxes = ((50, 50, 70, 70), (300, 50, 320, 70))
    choices = tuple(Choice(value=str(i), box=box) for i, box in enumerate(boxes))
    field = Field(name="n", kind="choice", choices=choices)
    answer = FieldReading("0", "0 ticked", evidence={"probability": 0.99})
    reading = with_sight(answer, field, page, form(255), paper_level(page))
    assert (reading.value, reading.state) == ("", "unreadable")
