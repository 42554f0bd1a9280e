"""Marks drawn by hand, and what they mean together."""

from __future__ import annotations

import numpy as np
import pytest

from hwdigitize.forms.choices import choose, tick
from hwdigitize.forms.marks import CLASSES, Mark, read_mark
from hwdigitize.forms.records import Choice
from hwdigitize.training.marks import draw_mark

EMPTY = Mark(0.99, 0.01, 0, 0, 0)
CROSS = Mark(0.01, 0.09, 0.9, 0, 0)
DENSE = Mark(0, 0, 0, 0.6, 0.4)
STRUCK = Mark(0, 0, 0.01, 0.04, 0.95)
CHOICES = tuple(Choice(value=value, box=(0, 0, 9, 9)) for value in "abc")


@pytest.mark.parametrize("name", CLASSES)
def test_drawn_marks_are_told_apart(name: str) -> None:
    rng = np.random.default_rng(5)
    marks = [read_mark(*draw_mark(name, rng)) for _ in range(60)]
    answers = np.mean([mark.answer >= 0.5 for mark in marks])
    if name == "empty":
        assert answers < 0.05
    elif name == "scribbled":
        assert answers < 0.15
    else:
        assert answers > 0.85
    assert all(abs(sum(getattr(mark, c) for c in CLASSES) - 1) < 1e-9 for mark in marks)


def test_nothing_in_the_box_is_empty() -> None:
    assert read_mark(np.zeros((90, 90), bool), (20, 20, 70, 70)).empty > 0.98


@pytest.mark.parametrize(
    ("marks", "value", "state"),
    [
        ((EMPTY, CROSS, EMPTY), "b", "value"),
        ((EMPTY, EMPTY, EMPTY), "", "empty"),
        ((EMPTY, STRUCK, EMPTY), "", "crossed_out"),
        ((CROSS, STRUCK, EMPTY), "a", "value"),
        ((EMPTY, DENSE, EMPTY), "b", "value"),
        ((CROSS, DENSE, EMPTY), "a", "value"),
    ],
)
def test_one_answer(marks: tuple[Mark, ...], value: str, state: str) -> None:
    reading = choose(CHOICES, marks, multiple=False)
    assert (reading.value, reading.state, reading.reasons) == (value, state, ())


def test_two_crosses_where_one_is_asked_for_are_flagged() -> None:
    reading = choose(CHOICES, (CROSS, CROSS, EMPTY), multiple=False)
    assert reading.reasons == ("more than one box is marked",)


def test_several_answers() -> None:
    reading = choose(CHOICES, (CROSS, STRUCK, CROSS), multiple=True)
    assert reading.value == "a|c" and reading.reasons == ()
    assert reading.raw == "a crossed, b scribbled, c crossed"


def test_a_scribbled_out_box_is_not_ticked() -> None:
    assert [tick(mark).value for mark in (CROSS, EMPTY, STRUCK)] == ["true", "false", "false"]
