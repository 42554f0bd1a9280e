"""Rules over fields of two pages: known on each, checked where the pages come together."""

from __future__ import annotations

import pytest

from hwdigitize.document import (
    Document,
    FieldValue,
    Page,
    TemplateMatch,
    decode_document,
    encode,
)
from hwdigitize.forms.assembly import flag_across
from hwdigitize.forms.crossing import rules_across, rules_within
from hwdigitize.forms.records import Field, Grammar, Kind, Template, TemplatePage

PLACES: dict[str, tuple[Kind, int]] = {
    "a": ("number", 0),
    "total": ("number", 1),
    "start": ("date", 0),
    "end": ("date", 1),
    "moved": ("mark", 0),
    "town": ("text", 1),
    "b": ("number", 0),
}
RULES = ("end >= start", "total == sum(a, b)", "if moved then required town", "a >= b")
FORM = Template(
    id="form",
    version="1",
    pages=(TemplatePage(blank="1.png"), TemplatePage(blank="2.png")),
    fields=tuple(
        Field(
            name=name,
            kind=kind,
            page=place,
            boxes=((0, 0, 9, 9),),
            grammar=Grammar(format="dd.mm.yyyy" if kind == "date" else None),
        )
        for name, (kind, place) in PLACES.items()
    ),
    rules=RULES,
)
GOOD = {"a": "1", "b": "1", "total": "2", "start": "31.01.2020", "end": "01.02.2020"}
GOOD |= {"moved": "true", "town": "Ulm"}


def page(index: int, place: int, values: dict[str, str]) -> Page:
    fields = tuple(
        FieldValue(
            name=field.name,
            kind=field.kind,
            value=values.get(field.name, ""),
            raw="",
            confidence=1.0,
            flags=(),
            box=(0, 0, 9, 9),
        )
        for field in FORM.on_page(place)
    )
    match = TemplateMatch(id="form", version="1", error_px=0.1, page=place, pages=2)
    rules = rules_across(FORM, place)
    return Page(index=index, status="ok", template=match, fields=fields, rules=rules)


def flags(*pages: Page) -> dict[str, tuple[str, ...]]:
    return {f.name: f.flags for page in flag_across(pages) for f in page.fields if f.flags}


def test_a_page_checks_its_own_rules_and_brings_those_it_shares() -> None:
    assert rules_within(FORM, 0).rules == ("a >= b",)
    assert rules_within(FORM, 1).rules == ()
    assert [rule.rule for rule in rules_across(FORM, 0)] == list(RULES[:3])
    assert rules_across(FORM, 1) == rules_across(FORM, 0)


@pytest.mark.parametrize(
    ("change", "flagged"),
    [
        ({}, set()),
        ({"end": "30.01.2020"}, {"start", "end"}),
        ({"total": "3"}, {"a", "b", "total"}),
        ({"total": ""}, set()),
        ({"town": ""}, {"moved", "town"}),
        ({"town": "", "moved": "false"}, set()),
    ],
)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_broken_rules_flag_fields_on_both_pages(
    change: dict[str, str], flagged: set[str], order: tuple[int, int]
) -> None:
    found = flags(*(page(index, place, GOOD | change) for index, place in enumerate(order)))
    assert found.keys() == flagged
    assert all(reason.startswith("breaks the rule: ") for (reason,) in found.values())


def test_pages_of_other_forms_in_the_file_do_not_mix() -> None:
    late = GOOD | {"start": "01.01.2021", "end": "02.01.2021"}
    pages = [page(0, 0, GOOD), page(1, 1, GOOD), page(2, 0, late), page(3, 1, late)]
    assert flags(*pages) == {}
    assert flags(pages[0], pages[3], pages[2], pages[1]).keys() == {"start", "end"}


def test_a_missing_page_breaks_no_rule() -> None:
    assert flags(page(0, 0, GOOD)) == {}
    failed = Page(index=1, status="failed")
    assert flags(page(0, 0, GOOD), failed) == {}


def test_a_document_that_was_written_says_what_must_hold() -> None:
    pages = (page(0, 0, GOOD), page(1, 1, GOOD | {"total": "9"}))
    document = decode_document(encode(Document(file="a", sha256="", pages=pages)))
    assert flags(*document.pages).keys() == {"a", "b", "total"}
