"""The published schema is what is written, no more and no less."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hwdigitize.reports.json import write_document
from hwdigitize.reports.schema import schema_bytes
from tests.reports.drawn import blank, form, letter

PUBLISHED = Path(__file__).parents[2] / "docs" / "results.schema.json"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json.loads(PUBLISHED.read_bytes())


def test_the_published_schema_is_up_to_date() -> None:
    """Else: python -m hwdigitize.reports.schema docs/results.schema.json."""
    assert PUBLISHED.read_bytes() == schema_bytes()


def test_the_schema_is_valid_and_names_itself(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == "urn:hwdigitize:document:1"


def test_everything_is_described_required_and_closed(schema: dict[str, Any]) -> None:
    for record in schema["$defs"].values():
        assert record["description"]
        assert record["additionalProperties"] is False
        assert record["required"] == list(record["properties"])
        assert all(value["description"] for value in record["properties"].values())


@pytest.mark.parametrize("document", [letter(), form(), blank()], ids=lambda made: made.file)
def test_a_written_document_is_valid(
    tmp_path: Path, schema: dict[str, Any], document: Any
) -> None:
    written = json.loads(write_document(tmp_path, document).read_bytes())
    jsonschema.Draft202012Validator(schema).validate(written)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda page: page.update(status="fine"),
        lambda page: page.update(extra=1),
        lambda page: page.pop("lines"),
        lambda page: page["lines"][0]["box"].pop(),
        lambda page: page["lines"][0].update(confidence=1.5),
    ],
)
def test_a_spoilt_document_is_not(tmp_path: Path, schema: dict[str, Any], spoil: Any) -> None:
    written = json.loads(write_document(tmp_path, letter()).read_bytes())
    spoil(written["pages"][0])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(written)
