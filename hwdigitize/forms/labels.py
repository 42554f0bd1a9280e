"""Which printed text belongs to which place of a form.

A label stands to the left of its place, or above it, or in its upper left corner; that of a
line often below; that of a check box on either side, or at the head of its column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hwdigitize.document import Box
from hwdigitize.forms.pdf_layers import Printed

INCH_MM = 25.4


@dataclass
class Page:
    """What is printed on one page, the places on it, and what has become a label."""

    printed: list[Printed]
    places: list[Box]
    dpi: float
    used: set[Printed] = field(default_factory=set)

    def mm(self, length: float) -> float:
        """Millimetres in pixels."""
        return length * self.dpi / INCH_MM

    def take(self, found: Sequence[Printed]) -> str:
        """The text of what was found, now used."""
        self.used.update(found)
        return " ".join(printed.text for printed in found).strip()

    # Where to look.

    def left_of(self, box: Box, reach_mm: float) -> list[Printed]:
        """The nearest text to the left on the same line; none behind another place.

        A bare number is no label, but a value that is printed.
        """
        found = [
            p
            for p in self.printed
            if p.box[2] <= box[0] + 4 and _level(p, box) and not p.text.isdigit()
        ]
        if not found:
            return []
        nearest = max(found, key=lambda p: p.box[2])
        gap = (nearest.box[2], box[1], box[0], box[3])
        if box[0] - nearest.box[2] > self.mm(reach_mm) or self._blocked(gap, box):
            return []
        return [nearest]

    def right_of(self, box: Box, reach_mm: float) -> list[Printed]:
        """The nearest text to the right on the same line."""
        found = [p for p in self.printed if p.box[0] >= box[2] - 4 and _level(p, box)]
        if not found:
            return []
        nearest = min(found, key=lambda p: p.box[0])
        gap = (box[2], box[1], nearest.box[0], box[3])
        if nearest.box[0] - box[2] > self.mm(reach_mm) or self._blocked(gap, box):
            return []
        return [nearest]

    def above(self, box: Box, reach_mm: float, centred: bool = False) -> list[Printed]:
        """The text right above, all its lines, from the top.

        It begins near the left side of the box, or has its middle above that of the box
        where ``centred``.
        """
        lines: list[Printed] = []
        top, reach = box[1], self.mm(reach_mm)
        while True:
            near = [
                p
                for p in self.printed
                if p not in lines
                and -self.mm(1.5) <= top - p.box[3] <= reach
                and (_over(p, box, self.mm(3)) if centred else self._begins_at(p, box))
            ]
            if not near:
                break
            nearest = max(near, key=lambda p: p.box[3])
            gap = (
                max(nearest.box[0], box[0]),
                nearest.box[3],
                min(nearest.box[2], box[2]),
                top,
            )
            if self._blocked(gap, box):
                break
            lines.insert(0, nearest)
            top, reach = nearest.box[1], 0.35 * nearest.height
            if not centred and len(lines) == 2:
                break
        return lines

    def below(self, box: Box, reach_mm: float) -> list[Printed]:
        """The nearest text right below a line."""
        near = [
            p
            for p in self.printed
            if -4 <= p.box[1] - box[3] <= self.mm(reach_mm) and _over(p, box, 0)
        ]
        return [min(near, key=lambda p: p.box[1])] if near else []

    def _begins_at(self, printed: Printed, box: Box) -> bool:
        left = (
            box[0] - self.mm(6)
            <= printed.box[0]
            <= box[0] + max(self.mm(6), 0.25 * (box[2] - box[0]))
        )
        return left or _over(printed, box, 0)

    def _blocked(self, gap: Box, own: Box) -> bool:
        return any(place != own and _meet(place, gap) for place in self.places)

    def heading(self, box: Box) -> Printed | None:
        """The nearest heading above: unused text, as large as headings are here."""
        heights = sorted(p.height for p in self.printed)
        usual = heights[len(heights) // 2] if heights else 0
        over = [
            p
            for p in self.printed
            if p not in self.used
            and p.box[3] <= box[1] + 4
            and p.height >= 1.12 * usual
            and p.box[0] <= box[2]
        ]
        return max(over, key=lambda p: p.box[3], default=None)


def _level(printed: Printed, box: Box) -> bool:
    """Whether text stands beside a box: most of its height is."""
    shared = min(printed.box[3], box[3]) - max(printed.box[1], box[1])
    return shared >= 0.5 * min(printed.height, box[3] - box[1])


def _over(printed: Printed, box: Box, slack: float) -> bool:
    middle = (printed.box[0] + printed.box[2]) / 2
    return box[0] - slack <= middle <= box[2] + slack


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def around(boxes: Iterable[Box]) -> Box:
    """The least box around all."""
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)
