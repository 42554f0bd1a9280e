"""Pages of a file put together to forms: in order, missing, twice, several forms."""

from __future__ import annotations

import pytest

from hwdigitize.document import FieldValue, Page, TemplateMatch
from hwdigitize.forms.assembly import assemble, check_pages


def page(index: int, place: int, value: str = "", form: str = "survey", of: int = 2) -> Page:
    field = FieldValue(
        name=f"field_{place}",
        kind="text",
        value=value or f"{index}",
        raw="",
        confidence=1.0,
        flags=(),
        box=(0, 0, 1, 1),
    )
    match = TemplateMatch(id=form, version="1", error_px=0.3, page=place, pages=of)
    return Page(index=index, status="ok", template=match, fields=(field,))


def pages(*places: int) -> list[Page]:
    return [page(index, place) for index, place in enumerate(places)]


@pytest.mark.parametrize(
    ("places", "codes", "forms"),
    [
        ((0, 1), [], 1),
        ((0, 1, 0, 1), [], 2),
        ((1, 0), ["page_order"], 1),
        ((0,), ["page_missing"], 1),
        ((0, 1, 1), ["page_missing"], 2),
        ((0, 0), ["page_missing", "page_missing"], 2),
    ],
)
def test_what_is_wrong_is_reported(
    places: tuple[int, ...], codes: list[str], forms: int
) -> None:
    given = pages(*places)
    assert [problem.code for problem in check_pages(given)] == codes
    assert len(assemble(given)) == forms


def test_a_page_scanned_twice_is_one_form() -> None:
    given = [page(0, 0, "x"), page(1, 0, "x"), page(2, 1)]
    (form,) = assemble(given)
    assert [problem.code for problem in check_pages(given)] == ["page_twice"]
    assert [field.value for field in form.fields] == ["x", "2"]


def test_fields_are_in_the_order_of_the_form() -> None:
    (form,) = assemble(pages(1, 0))
    assert [field.name for field in form.fields] == ["field_0", "field_1"]


def test_free_pages_and_other_forms_lie_between() -> None:
    free = Page(index=1, status="ok")
    given = [page(0, 0), free, page(2, 1), page(3, 0, form="card", of=1)]
    assert [form.template.id for form in assemble(given)] == ["survey", "card"]
    assert check_pages(given) == ()
