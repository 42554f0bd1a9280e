"""What was read in a field, and what becomes of it: value, confidence, flags with reasons."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hwdigitize.document import Alternative, Box, FieldState, FieldValue
from hwdigitize.forms.confidence import Judge
from hwdigitize.forms.records import Field

#: alternatives less likely than this are not worth a person's time
LEAST_LIKELY = 0.0005


@dataclass(frozen=True)
class FieldReading:
    """What the readers say of a field.

    ``value`` is the best legal one, ``raw`` what was read without regard to what is legal;
    ``alternatives`` are other values with their probabilities. ``evidence`` are numbers for
    :mod:`hwdigitize.forms.confidence`, all in 0 to 1 but ``residual_px`` and ``length``:

    - ``probability``: of the value, by its readers together
    - ``alternative``: of the next best value
    - ``none_fits``: that no legal value is what is written
    - ``agreement``: of the value by the reader that did not propose it; absent with one reader
    - ``ink``: how clearly the ink stands out of the paper
    - ``paper``: brightness around the field, of the page's paper
    - ``print``: share of the form's print around the field that is found on the page
    - ``residual_px``: how far the form's print was from where it should be
    - ``length``: characters of the value

    ``reasons`` ask for a person, whatever the confidence.
    """

    value: str
    raw: str
    state: FieldState = "value"
    evidence: dict[str, float] = field(default_factory=dict)
    alternatives: tuple[tuple[str, float], ...] = ()
    reasons: tuple[str, ...] = ()

    def with_evidence(self, **numbers: float) -> FieldReading:
        """The same with more evidence."""
        return replace(self, evidence=self.evidence | numbers)

    def flagged(self, *reasons: str) -> FieldReading:
        """The same with more reasons to ask a person."""
        return replace(self, reasons=self.reasons + reasons)


#: flags of what the calibration does not let pass
NOT_SURE, NOT_PROVEN = "not sure enough", "not yet proven"


def field_value(
    asked: Field, reading: FieldReading, box: Box, judge: Judge, flag_below: float
) -> FieldValue:
    """Make a field's record: judge its confidence, and flag what a person must see.

    Args:
        asked: the field of the template.
        reading: what was read in it.
        box: where it is on the scan.
        judge: knows the calibration and what may be accepted.
        flag_below: confidence below which a field is flagged while nothing is calibrated.
    """
    judgement = judge.judge(asked.kind, reading.evidence, reading.state)
    reasons = list(reading.reasons)
    if asked.required and reading.state != "value":
        reasons.append(f"required, but {_STATES[reading.state]}")
    elif reading.state == "unreadable" and not reasons:
        reasons.append(_STATES[reading.state])
    if judgement.flag == "not_proven" and judge.claims:
        reasons.append(NOT_PROVEN)
    elif judgement.flag == "not_sure" or (judgement.flag and judgement.confidence < flag_below):
        reasons.append(NOT_SURE)
    return FieldValue(
        name=asked.name,
        kind=asked.kind,
        value=reading.value,
        raw=reading.raw,
        confidence=round(judgement.confidence, 4),
        flags=tuple(reasons),
        box=box,
        state=reading.state,
        alternatives=tuple(
            Alternative(text=text, confidence=round(probability, 4))
            for text, probability in reading.alternatives
            if probability >= LEAST_LIKELY
        ),
        evidence={name: round(value, 6) for name, value in reading.evidence.items()},
    )


_STATES: dict[FieldState, str] = {
    "value": "written",
    "empty": "empty",
    "crossed_out": "crossed out",
    "unreadable": "unreadable",
}
