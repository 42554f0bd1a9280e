"""Values that look like what was read, and values that only the grammar says."""

from __future__ import annotations

import pytest

from hwdigitize.forms.alike import differ, fairest


@pytest.mark.parametrize(
    ("raw", "value", "kind"),
    [
        ("I2.O5.l9S2", "12.05.1952", "date"),
        ("08/0212017", "08/02/2017", "date"),
        ("08022017", "08/02/2017", "date"),
        ("zo17", "2017", "digits"),
        ("12,50", "12.50", "number"),
    ],
)
def test_shapes_that_a_hand_does_not_tell_apart_are_alike(
    raw: str, value: str, kind: str
) -> None:
    assert not differ(raw, value, kind)


@pytest.mark.parametrize(
    ("raw", "value", "kind"),
    [
        ("08/03/2017", "08/02/2017", "date"),
        ("1250", "12.50", "number"),
        ("7", "1", "number"),
        ("08/0212017", "0810212017", "number"),
    ],
)
def test_other_digits_and_the_point_of_a_number_differ(raw: str, value: str, kind: str) -> None:
    assert differ(raw, value, kind)


def test_the_reading_that_bears_a_value_out_is_the_raw_one() -> None:
    assert fairest(("PErSOr", "PERSON"), "PERSON", "letters") == "PERSON"
    assert fairest(("AN21HER", "ANITHER"), "ANOTHER", "letters") == "AN21HER"
