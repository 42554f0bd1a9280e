"""Figures of fields that were read and judged: right, accepted, wrong among the accepted."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from hwdigitize.document import FieldState
from hwdigitize.forms.confidence import Judge, upper_bound
from hwdigitize.forms.fields import NOT_PROVEN, NOT_SURE
from hwdigitize.recognition.confidence import calibration_error
from hwdigitize.training.error_rates import character_error_rate, word_error_rate
from hwdigitize.training.field_rows import NOT_READ, FieldRow
from hwdigitize.training.page_effect import (
    Flags,
    Pages,
    effect_of,
    number_pages,
    page_correlation,
)

#: kinds that are often nearly right: worth a count of their characters, too
FREE = ("lines", "text")
#: reasons to ask a person that are listed
MOST_REASONS = 20


@dataclass(frozen=True)
class Judged:
    """A row with the confidence that the card gives it, and why it is not accepted, if so."""

    row: FieldRow
    confidence: float
    reason: str

    @property
    def accepted(self) -> bool:
        """Whether it needs no person."""
        return not self.reason


def judge_rows(rows: Sequence[FieldRow], judge: Judge) -> list[Judged]:
    """Judge again what was read; fields with a flag of their own are never accepted."""
    return [_judge(row, judge) for row in rows]


def _judge(row: FieldRow, judge: Judge) -> Judged:
    if not row.evidence:
        return Judged(row, 0.0, row.flags[0] if row.flags else NOT_READ)
    found = judge.judge(row.kind, row.evidence, row.state)
    reason = {"": "", "not_sure": NOT_SURE, "not_proven": NOT_PROVEN}[found.flag]
    return Judged(row, found.confidence, row.flags[0] if row.flags else reason)


def field_scores(judged: Sequence[Judged]) -> dict[str, Any]:
    """Figures of some fields.

    Returns:
        ``fields``; ``right``, share of right values; ``accepted``, share accepted; ``error``,
        share of wrong ones among the accepted, with ``error_bound``, the most that it may
        truly be at 95 % confidence (Clopper and Pearson, of as many fields as the accepted ones
        are worth, see :mod:`hwdigitize.training.page_effect`); ``calibration_error``.
    """
    accepted = [one for one in judged if one.accepted]
    wrong = sum(not one.row.right for one in accepted)
    confidences = np.array([one.confidence for one in judged])
    right = np.array([one.row.right for one in judged])
    return {
        "fields": len(judged),
        "right": round(float(right.mean()), 4),
        "accepted": round(len(accepted) / len(judged), 4),
        "error": round(wrong / len(accepted), 5) if accepted else None,
        "error_bound": round(_bound(judged, accepted), 5) if accepted else None,
        "calibration_error": round(calibration_error(confidences, right), 4),
    }


def _bound(judged: Sequence[Judged], accepted: Sequence[Judged]) -> float:
    """The most that the share of wrong ones may be; errors of a page come together."""
    correlation = page_correlation(*_errors(judged))
    wrong, pages = _errors(accepted)
    effect = effect_of(wrong, pages, correlation)
    return upper_bound(len(accepted) / effect, int(wrong.sum()) / effect)


def _errors(judged: Sequence[Judged]) -> tuple[Flags, Pages]:
    """Whether each field is wrong, and the number of its page."""
    wrong = np.array([not one.row.right for one in judged], np.bool_)
    return wrong, number_pages([one.row.file for one in judged])


def grouped_scores(
    judged: Sequence[Judged], names: Callable[[FieldRow], Sequence[str]]
) -> dict[str, dict[str, Any]]:
    """:func:`field_scores` of each group; a field may be in several."""
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        for name in names(one.row):
            groups.setdefault(name, []).append(one)
    return {name: field_scores(groups[name]) for name in sorted(groups)}


def state_confusion(judged: Sequence[Judged]) -> dict[str, dict[str, int]]:
    """Fields by what is there, and by what was said to be there; values right and wrong."""
    names = ("right value", "wrong value", "empty", "crossed_out", "unreadable")
    counts = {state: dict.fromkeys(names, 0) for state in get_args(FieldState)}
    for one in judged:
        row = one.row
        right = "right value" if row.right else "wrong value"
        counts[row.truth_state][right if row.state == "value" else row.state] += 1
    return counts


def free_text_scores(judged: Sequence[Judged]) -> dict[str, dict[str, Any]]:
    """How far free texts are from their truth, by kind: ``fields``, ``cer`` and ``wer``.

    Of fields that hold a value; what was not read is missing altogether. White space counts
    only by where it is.
    """
    found: dict[str, dict[str, Any]] = {}
    for kind in FREE:
        rows = [one.row for one in judged if one.row.kind == kind]
        rows = [row for row in rows if row.truth_state == "value" and row.truth.split()]
        if rows:
            read = [" ".join(row.value.split()) for row in rows]
            truth = [" ".join(row.truth.split()) for row in rows]
            found[kind] = {
                "fields": len(rows),
                "cer": round(character_error_rate(read, truth), 4),
                "wer": round(word_error_rate(read, truth), 4),
            }
    return found


def reasons(judged: Sequence[Judged]) -> dict[str, dict[str, Any]]:
    """Why fields go to a person, the commonest first: how many, and how many were right."""
    found: dict[str, list[bool]] = {}
    for one in judged:
        if one.reason:
            found.setdefault(_in_short(one.reason), []).append(one.row.right)
    commonest = sorted(found.items(), key=lambda item: -len(item[1]))
    return {
        reason: {
            "fields": len(right),
            "share": round(len(right) / len(judged), 4),
            "right": round(sum(right) / len(right), 4),
        }
        for reason, right in commonest[:MOST_REASONS]
    }


def _in_short(reason: str) -> str:
    """A reason without what was read, so that like reasons count together."""
    return re.sub(r'"[^"]*"', "…", reason)
