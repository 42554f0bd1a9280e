"""Check boxes to questions: which belong together, what each stands for, what is asked.

Boxes in a row with text beside each, or in a column, or rows under the headings of a table are
the answers of one question; a box by itself is ticked or not.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hwdigitize.document import Box
from hwdigitize.forms.labels import Page, around
from hwdigitize.forms.pdf_layers import Printed

#: how far a box's own text may be, in mm
BESIDE_MM, ALONE_MM, HEADING_MM, QUESTION_MM = 9.0, 60.0, 9.0, 28.0
#: texts of that many words, or that speak for the signer, stand alone and are no answers
SENTENCE_WORDS = 7
CONSENT = re.compile(r"^(i|we|ich|wir|je) ", re.IGNORECASE)

Beside = Callable[[Box, float], list[Printed]]


@dataclass(frozen=True, slots=True)
class Question:
    """Check boxes with the text of each, and the text that asks; one box is a mark."""

    boxes: tuple[Box, ...]
    answers: tuple[str, ...]
    label: str


def group_checks(checks: Sequence[Box], page: Page) -> list[Question]:
    """The questions of a page's check boxes, in the order of their first boxes."""
    questions: list[Question] = []
    alone: list[Box] = []
    for row in _lines(checks, page, axis=1):
        for part in _split(row, page):
            if len(part) == 1:
                alone += part
            else:
                questions.append(_row_question(part, checks, page))
    for column in _lines(alone, page, axis=0):
        questions += _column_questions(column, page)
    questions.sort(key=lambda question: (question.boxes[0][1], question.boxes[0][0]))
    return _with_rows_joined(questions, page)


def _lines(boxes: Sequence[Box], page: Page, axis: int) -> list[list[Box]]:
    """Boxes of a size on one line: ``axis`` 1 across the page, 0 down it."""
    lines: list[list[Box]] = []
    for box in sorted(boxes, key=lambda b: (b[1 - axis], b[axis])):
        side = box[3] - box[1]
        reach = page.mm(70) if axis else min(2.5 * side, page.mm(10))
        for line in lines:
            last = line[-1]
            alike = abs(last[3] - last[1] - side) <= 0.25 * side
            level = abs(last[axis] - box[axis]) <= 0.4 * side
            if alike and level and 0 <= box[1 - axis] - last[3 - axis] <= reach:
                line.append(box)
                break
        else:
            lines.append([box])
    return lines


def _between(one: Box, other: Box, page: Page) -> list[Printed]:
    """The text between two boxes of a row, from left to right."""
    found = [
        p
        for p in page.printed
        if one[2] - 4 <= p.box[0] < other[0]
        and min(p.box[3], one[3]) - max(p.box[1], one[1])
        >= 0.4 * min(p.height, one[3] - one[1])
    ]
    return sorted(found, key=lambda p: p.box[0])


def _split(row: list[Box], page: Page) -> list[list[Box]]:
    """A row cut where the text of another question stands, or where it is far to go on."""
    parts = [[row[0]]]
    gaps = [_between(a, b, page) for a, b in itertools.pairwise(row)]
    bare = sum(not gap for gap in gaps)
    for box, gap in zip(row[1:], gaps, strict=True):
        if len(gap) >= 2 or (gap and bare > len(gaps) / 2):
            parts.append([box])
        else:
            parts[-1].append(box)
    return parts


def _row_question(row: list[Box], checks: Sequence[Box], page: Page) -> Question:
    if any(_between(a, b, page) for a, b in itertools.pairwise(row)):
        answers, side = _answers(row, page)
        skip = row[0] if side != page.left_of else _first_with_text(row[0], page)
        label = page.take(page.left_of(skip, 80.0)) if side else ""
        return Question(tuple(row), answers, label or _asked_above(around(row), page))
    heads = [page.above(_top_of_column(box, checks), HEADING_MM, True) for box in row]
    answers = tuple(page.take(head) for head in heads)
    label = page.take(page.left_of(row[0], 120.0)) or page.take(page.right_of(row[-1], 60.0))
    return Question(tuple(row), answers, label or _asked_above(around(row), page))


def _first_with_text(box: Box, page: Page) -> Box:
    """A box together with its own text to the left: the question stands before both."""
    return around([box, *(p.box for p in page.left_of(box, BESIDE_MM))])


def _top_of_column(box: Box, checks: Sequence[Box]) -> Box:
    """The topmost of the boxes that stand close above each other in one column."""
    while True:
        side = box[3] - box[1]
        over = [
            c
            for c in checks
            if abs(c[0] - box[0]) <= 0.3 * side and 0 < box[1] - c[3] <= 2.5 * side
        ]
        if not over:
            return box
        box = max(over, key=lambda c: c[3])


def _answers(boxes: Sequence[Box], page: Page) -> tuple[tuple[str, ...], Beside | None]:
    """The text of each box, all on the side where it is nearer."""
    best: tuple[float, list[list[Printed]], Beside | None] = (1e9, [[] for _ in boxes], None)
    for side in (page.right_of, page.left_of):
        found = [side(box, BESIDE_MM) for box in boxes]
        gaps = [_gap(box, text[0].box) for box, text in zip(boxes, found, strict=True) if text]
        missing = len(boxes) - len(gaps)
        cost = (sum(gaps) + missing * page.mm(3 * BESIDE_MM)) / len(boxes)
        if gaps and cost < best[0]:
            best = cost, found, side
    return tuple(page.take(text) for text in best[1]), best[2]


def _gap(box: Box, text: Box) -> int:
    return max(text[0] - box[2], box[0] - text[2], 0)


def _column_questions(column: list[Box], page: Page) -> list[Question]:
    if len(column) == 1:
        return [_mark(column[0], page)]
    answers, _ = _answers(column, page)
    words = [len(answer.split()) for answer in answers]
    if sum(words) / len(words) >= SENTENCE_WORDS or any(map(CONSENT.match, answers)):
        pairs = zip(column, answers, strict=True)
        return [Question((box,), (answer,), answer) for box, answer in pairs]
    return [Question(tuple(column), answers, _asked_above(around(column), page))]


def _mark(box: Box, page: Page) -> Question:
    """A box by itself, with the nearest text."""
    sides = [page.right_of(box, BESIDE_MM), page.left_of(box, ALONE_MM)]
    texts = sorted((text for text in sides if text), key=lambda t: _gap(box, t[0].box))
    found = texts[0] if texts else page.above(box, HEADING_MM, True)
    label = page.take(found)
    return Question((box,), (label,), label)


def _asked_above(box: Box, page: Page) -> str:
    """The nearest unused line of text above that begins no further right than the boxes."""
    near = [
        p
        for p in page.printed
        if p not in page.used
        and 0 <= box[1] - p.box[3] + 4 <= page.mm(QUESTION_MM)
        and p.box[0] <= box[2]
    ]
    if not near:
        return ""
    lowest = max(p.box[3] for p in near)
    line = [p for p in near if p.box[3] >= lowest - 0.5 * p.height]
    return page.take([max(line, key=lambda p: len(p.text))])


def _with_rows_joined(questions: list[Question], page: Page) -> list[Question]:
    """Rows of answers that go on, in the same columns, below a row whose question they lack."""
    joined: list[Question] = []
    for question in questions:
        last = joined[-1] if joined else None
        if last and not question.label and _goes_on(last, question):
            joined[-1] = Question(
                last.boxes + question.boxes, last.answers + question.answers, last.label
            )
        else:
            joined.append(question)
    return joined


def _goes_on(last: Question, question: Question) -> bool:
    side = last.boxes[0][3] - last.boxes[0][1]
    columns = [box[0] for box in last.boxes]
    aligned = all(min(abs(box[0] - x) for x in columns) <= 0.4 * side for box in question.boxes)
    near = question.boxes[0][1] - last.boxes[-1][3] <= 2.5 * side
    return aligned and near and len(last.boxes) > 1 and question.answers != last.answers
