"""Fields that were found on blank pages, put together: cut to their page, apart, and named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from hwdigitize.document import Box
from hwdigitize.forms.naming import slug, unique
from hwdigitize.forms.records import Field


@dataclass(frozen=True, slots=True)
class Found:
    """A field not yet named, the text beside it, and the heading over it."""

    field: Field
    label: str
    heading: str = ""
    line: bool = False


def on_page(one: Found, number: int, shape: tuple[int, ...]) -> Found:
    """The field on its page, its boxes cut to it."""

    def cut(box: Box) -> Box:
        left, top, right, bottom = box
        return max(left, 0), max(top, 0), min(right, shape[1]), min(bottom, shape[0])

    boxes = tuple(cut(box) for box in one.field.boxes)
    choices = tuple(replace(choice, box=cut(choice.box)) for choice in one.field.choices)
    return Found(
        replace(one.field, page=number, boxes=boxes, choices=choices), one.label, one.heading
    )


def apart(found: Sequence[Found]) -> list[Found]:
    """The fields whose boxes are large enough and overlap no box of a field before."""
    taken: dict[int, list[Box]] = {}
    kept = []
    for one in found:
        there = taken.setdefault(one.field.page, [])
        places = [_shrunk(place, there) for place in one.field.places]
        if not all(b[2] - b[0] >= 4 and b[3] - b[1] >= 4 for b in places):
            continue
        there += places
        boxes = tuple(places[: len(one.field.boxes)])
        rest = places[len(one.field.boxes) :]
        choices = tuple(
            replace(choice, box=box)
            for choice, box in zip(one.field.choices, rest, strict=True)
        )
        kept.append(
            Found(replace(one.field, boxes=boxes, choices=choices), one.label, one.heading)
        )
    return kept


def _shrunk(box: Box, others: Sequence[Box]) -> Box:
    """The box without what others take of it, cut from the side that costs least."""
    for other in others:
        left, top, right, bottom = box
        if left < other[2] and other[0] < right and top < other[3] and other[1] < bottom:
            cuts = (
                (other[2], top, right, bottom),
                (left, top, other[0], bottom),
                (left, other[3], right, bottom),
                (left, top, right, other[1]),
            )
            box = max(cuts, key=lambda c: max(c[2] - c[0], 0) * max(c[3] - c[1], 0))
    return box


def named(found: Sequence[Found]) -> tuple[tuple[Field, ...], tuple[str, ...]]:
    """A name for each field: its label's, with its heading's where that is not enough."""
    bases = [slug(one.field.name) or slug(one.label) for one in found]
    given: set[str] = set()
    fields, notes = [], []
    for number, (one, base) in enumerate(zip(found, bases, strict=True), 1):
        name = base or f"field_{number}"
        if base and bases.count(base) > 1 and slug(one.heading) not in ("", base):
            name = slug(one.heading) + "_" + base
        name = unique(name, given)
        given.add(name)
        label = " ".join(one.label.split()).rstrip(" :")
        if not base:
            where = f"page {one.field.page + 1} at {one.field.box[0]}, {one.field.box[1]}"
            notes.append(f"{name}: no label was read beside it ({where})")
        fields.append(replace(one.field, name=name, label=label))
    return tuple(fields), tuple(notes)
