"""What becomes of a reading: value, state, confidence, and flags with reasons."""

from __future__ import annotations

from hwdigitize.forms.confidence import Judge
from hwdigitize.forms.fields import FieldReading, field_value
from hwdigitize.forms.records import Field

BOX = (1, 2, 30, 40)
NAME = Field(name="name", kind="text", boxes=(BOX,), required=True)


def flags(reading: FieldReading, field: Field = NAME) -> tuple[str, ...]:
    return field_value(field, reading, BOX, Judge(None, 0.02), 0.8).flags


def test_a_sure_value_is_accepted() -> None:
    assert flags(FieldReading("Ada", "Ada", evidence={"probability": 0.97})) == ()


def test_an_unsure_value_is_flagged() -> None:
    assert flags(FieldReading("Ada", "Ada", evidence={"probability": 0.5})) == (
        "not sure enough",
    )


def test_a_required_field_that_is_empty_is_flagged() -> None:
    reading = FieldReading("", "", "empty", {"probability": 0.99})
    assert flags(reading) == ("required, but empty",)
    optional = Field(name="name", kind="text", boxes=(BOX,))
    assert flags(reading, optional) == ()


def test_reasons_of_the_readers_are_kept() -> None:
    reading = FieldReading("12", "I2", evidence={"probability": 0.99}).flagged("looks odd")
    assert flags(reading) == ("looks odd",)


def test_the_record_has_the_evidence() -> None:
    reading = FieldReading("a", "b", "value", {"probability": 0.9}, (("c", 0.05), ("d", 0.0)))
    value = field_value(NAME, reading.with_evidence(residual_px=0.5), BOX, Judge(None, 0.02), 0)
    assert value.evidence == {"probability": 0.9, "residual_px": 0.5}
    assert [other.text for other in value.alternatives] == ["c"]
    assert (value.box, value.state) == (BOX, "value")
