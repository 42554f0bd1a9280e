"""From the marks in a field's check boxes to its answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from hwdigitize.forms.fields import FieldReading
from hwdigitize.forms.marks import Mark
from hwdigitize.forms.records import Choice

#: a dense mark beside a light one is a strike-out, not a second answer, with this probability
CORRECTED = 0.9
#: people mark two boxes where one is asked for about this often, against one
SEVERAL = 0.1
YES, NO = "true", "false"

Answers = tuple[int, ...]


def choose(choices: Sequence[Choice], marks: Sequence[Mark], multiple: bool) -> FieldReading:
    """The answer of a choice.

    Where one answer is allowed, all ways to read the marks together are weighed: no answer,
    one, or two; the others empty or scribbled out. ``raw`` says what was seen in each box that
    is not empty.
    """
    ways = _of_several(marks) if multiple else _of_one(marks)
    whole = sum(ways.values())
    ranked = sorted(((p / whole, answer) for answer, p in ways.items()), reverse=True)
    probability, answer = ranked[0]
    seen = [(choice, mark) for choice, mark in zip(choices, marks, strict=True)]
    reasons = () if multiple or len(answer) < 2 else ("more than one box is marked",)
    struck = any(mark.scribbled > 0.5 for mark in marks)
    return FieldReading(
        value=_value(choices, answer),
        raw=", ".join(
            f"{choice.value} {mark.name}" for choice, mark in seen if mark.name != "empty"
        ),
        state="value" if answer else "crossed_out" if struck else "empty",
        evidence={
            "probability": probability,
            "alternative": ranked[1][0] if len(ranked) > 1 else 0.0,
        },
        alternatives=tuple((_value(choices, other), p) for p, other in ranked[1:4] if p > 1e-4),
        reasons=reasons,
    )


def tick(mark: Mark) -> FieldReading:
    """The answer of a single box: ``true`` if marked, ``false`` if empty or scribbled out."""
    ticked = mark.answer >= 0.5
    probability = mark.answer if ticked else 1 - mark.answer
    return FieldReading(
        value=YES if ticked else NO,
        raw=mark.name,
        state="value",
        evidence={"probability": probability, "alternative": 1 - probability},
        alternatives=((NO if ticked else YES, 1 - probability),),
    )


def _value(choices: Sequence[Choice], answer: Answers) -> str:
    return "|".join(choices[i].value for i in answer)


def _of_one(marks: Sequence[Mark]) -> dict[Answers, float]:
    """Weights of no answer, of each box, and of each pair."""
    blank = np.array([mark.empty + mark.scribbled for mark in marks])
    dense = np.array([mark.filled for mark in marks])
    light = np.array([mark.ticked + mark.crossed for mark in marks])
    beside_light = blank + CORRECTED * dense
    ways: dict[Answers, float] = {(): float(blank.prod())}
    for i in range(len(marks)):
        others = np.arange(len(marks)) != i
        ways[(i,)] = float(
            light[i] * beside_light[others].prod() + dense[i] * blank[others].prod()
        )
    for i, j in combinations(range(len(marks)), 2):
        others = ~np.isin(np.arange(len(marks)), (i, j))
        both = light[i] * light[j] + dense[i] * dense[j]
        both += (1 - CORRECTED) * (light[i] * dense[j] + dense[i] * light[j])
        ways[(i, j)] = float(SEVERAL * both * blank[others].prod())
    return ways


def _of_several(marks: Sequence[Mark]) -> dict[Answers, float]:
    """Weights of the likeliest set of boxes and of those that differ from it in one box."""
    chances = np.array([mark.answer for mark in marks])
    best = chances >= 0.5
    sets = [best] + [best ^ (np.arange(len(marks)) == i) for i in range(len(marks))]
    return {
        tuple(int(i) for i in np.flatnonzero(chosen)): float(
            np.where(chosen, chances, 1 - chances).prod()
        )
        for chosen in sets
    }
