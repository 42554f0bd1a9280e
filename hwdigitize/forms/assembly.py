"""Pages of one file put together to the forms that they are pages of.

A file may hold one form or a stack of them. Each page was matched to its template's page by
itself, so that it is read right wherever it lies; what is missing, twice or out of order shows
only here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from hwdigitize.document import FieldValue, Page, Problem, TemplateMatch
from hwdigitize.forms.crossing import check_across

#: share of the values written on two pages that are equal where one was scanned twice
SAME_SHARE = 0.7


@dataclass(frozen=True)
class FilledForm:
    """One filled form: its pages in the order of the file, each with its place in the form."""

    template: TemplateMatch
    pages: tuple[tuple[int, Page], ...]

    @property
    def fields(self) -> tuple[FieldValue, ...]:
        """The fields in the order of the form; of a page that is there twice, the first's."""
        return tuple(field for _, page in sorted(self.first.items()) for field in page.fields)

    @property
    def first(self) -> dict[int, Page]:
        """The page at each place of the form; of a page that is there twice, the first."""
        return dict(reversed(self.pages))


def assemble(pages: Iterable[Page]) -> tuple[FilledForm, ...]:
    """Group the pages of a file that are of known forms, in its order.

    A form ends where another template begins, or with a page that it has already; but a page
    that follows itself and says the same was scanned twice. So 1, 2, 1, 2 are two forms, and
    1, 1, 2 is one or two.
    """
    groups: list[list[tuple[int, Page]]] = []
    last: tuple[TemplateMatch, Page] | None = None
    for page in pages:
        if (match := page.template) is None:
            continue
        if last is None or not _continues(groups[-1], last, (match, page)):
            groups.append([])
        groups[-1].append((match.page, page))
        last = match, page
    return tuple(
        FilledForm(match, tuple(group))
        for group in groups
        if (match := group[0][1].template) is not None
    )


def _continues(
    group: Sequence[tuple[int, Page]],
    last: tuple[TemplateMatch, Page],
    this: tuple[TemplateMatch, Page],
) -> bool:
    """Whether a page belongs to the form of the pages before it."""
    before, match = last[0], this[0]
    if (before.id, before.version) != (match.id, match.version):
        return False
    if match.page not in {place for place, _ in group}:
        return True
    return match.page == before.page and _say_the_same(last[1], this[1])


def _say_the_same(first: Page, second: Page) -> bool:
    """Whether two pages look like two scans of one, whose readings differ here and there."""
    values = [{field.name: field.value for field in page.fields} for page in (first, second)]
    written = {name for one in values for name, value in one.items() if value}
    alike = sum(values[0].get(name) == values[1].get(name) for name in written)
    return bool(written) and alike >= SAME_SHARE * len(written)


def flag_across(pages: Sequence[Page]) -> tuple[Page, ...]:
    """The pages of a file, with flags on fields that break rules over several pages."""
    known = {page.index: page for page in pages}
    for form in assemble(pages):
        values = {field.name: field.value for field in form.fields}
        rules = dict.fromkeys(rule for _, page in form.pages for rule in page.rules)
        broken = check_across(tuple(rules), values)
        for page in form.first.values() if broken else ():
            known[page.index] = _flagged(page, broken)
    return tuple(known[page.index] for page in pages)


def _flagged(page: Page, broken: Mapping[str, tuple[str, ...]]) -> Page:
    fields = tuple(
        msgspec.structs.replace(field, flags=field.flags + broken.get(field.name, ()))
        for field in page.fields
    )
    return msgspec.structs.replace(page, fields=fields)


def check_pages(pages: Sequence[Page]) -> tuple[Problem, ...]:
    """What is wrong with the pages of a file: missing, twice, or in another order."""
    return tuple(problem for form in assemble(pages) for problem in check_form(form))


def check_form(form: FilledForm) -> Iterator[Problem]:
    """What is wrong with the pages of one form."""
    places = [place for place, _ in form.pages]
    numbers = {place: page.index + 1 for place, page in form.pages}
    here = f'the form "{form.template.id}" that begins on page {form.pages[0][1].index + 1}'
    for place in range(form.template.pages):
        if place not in numbers:
            yield _problem(
                "page_missing",
                f"Page {place + 1} of {here} is missing: in another file, or not scanned?",
            )
        elif places.count(place) > 1:
            yield _problem(
                "page_twice",
                f"Page {place + 1} of {here} is there {places.count(place)} times; the table "
                "of forms has what the first one says. Which one holds?",
            )
    if any(after < before for before, after in pairwise(places)):
        order = ", ".join(str(place + 1) for place in places)
        yield _problem(
            "page_order",
            f"The pages of {here} lie in the order {order}; each was read as itself.",
        )


def _problem(code: str, message: str) -> Problem:
    return Problem(stage="form", code=code, message=message)
