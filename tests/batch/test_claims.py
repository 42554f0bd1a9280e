"""Results say what is proven of the fields that nobody looks at, and by what sample."""

from __future__ import annotations

from pathlib import Path

from hwdigitize.batch.exports import claims_of
from hwdigitize.forms.confidence import FieldsCard, KindCard, Step, save_fields_card
from hwdigitize.settings import Settings


def test_claims_are_those_of_the_calibration(tmp_path: Path) -> None:
    known = KindCard(
        weights={}, offset=0.0, knots=((0.0, 0.9),), steps=(Step(0.5, 90, 0, 400, 0),)
    )
    save_fields_card(FieldsCard(kinds={"digits": known}), tmp_path / "fields.json")
    (claim,) = claims_of(Settings(models=str(tmp_path), max_error=0.01)).values()
    assert claim.startswith("at most 1.00% of the accepted digits fields are wrong")
    assert "0 of 400" in claim


def test_nothing_is_claimed_without_a_calibration(tmp_path: Path) -> None:
    assert claims_of(Settings(models=str(tmp_path))) == {}
