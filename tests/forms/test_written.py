"""Setting out what is written in a field: whether there is anything to read."""

from __future__ import annotations

import pytest

from hwdigitize.forms.cutting import cut_field
from hwdigitize.forms.records import Field
from hwdigitize.forms.written import Written, write_out
from tests.forms.sheets import Image, grey, paper, stroke

BOX = (100, 60, 300, 140)


def written_on(page: Image, kind: str = "number") -> Written:
    return write_out(cut_field(page, grey(paper()), Field(name="a", kind=kind, boxes=(BOX,))))


@pytest.mark.parametrize(
    "line", [((108, 70), (107, 118)), ((292, 80), (292, 130)), ((150, 70), (230, 69))]
)
def test_a_line_along_the_edge_of_its_box_is_no_writing(
    line: tuple[tuple[int, int], tuple[int, int]],
) -> None:
    assert not written_on(stroke(paper(), *line)).legible


@pytest.mark.parametrize(
    "line", [((130, 80), (130, 125)), ((108, 110), (150, 110)), ((150, 69), (150, 100))]
)
def test_a_stroke_into_its_box_is_writing(
    line: tuple[tuple[int, int], tuple[int, int]],
) -> None:
    assert written_on(stroke(paper(), *line)).legible


def test_a_line_along_the_edge_beside_writing_takes_nothing_from_it() -> None:
    page = stroke(paper(), (108, 70), (107, 118))
    assert written_on(stroke(page, (160, 80), (160, 125))).legible
