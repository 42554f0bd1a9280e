"""Fourteen invented forms, as unlike each other as those of an archive are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hwdigitize.training.archive import designs_lists as lists
from hwdigitize.training.archive import designs_people as people
from hwdigitize.training.archive import designs_public as public
from hwdigitize.training.archive import designs_trade as trade
from hwdigitize.training.archive.form import Design

MAKERS = (
    public.registration,
    public.survey,
    lists.timesheet,
    people.intake,
    trade.transfer,
    trade.receipt,
    people.library_card,
    lists.logsheet,
    lists.census,
    people.report_card,
    trade.invoice,
    people.field_notes,
    trade.parcel,
    public.membership,
)


def all_designs(faces: Sequence[Path] = ()) -> tuple[Design, ...]:
    """Every form, printed in the typefaces given or in Pillow's own."""
    return tuple(maker(faces) for maker in MAKERS)
