"""The two real forms, read with default settings: every value right or flagged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwdigitize.document import FieldValue
from hwdigitize.forms.template import load_template
from hwdigitize.pipeline import digitize_file
from hwdigitize.settings import Settings
from tests.forms.edits import build_logsheet, build_survey

#: names in truth.json of fields that the box file calls otherwise
NAMES = {"first_name": "B2_A", "surname": "B2_B", "B3_other": "B3O", "C1_other": "C1O"}

Pairs = list[tuple[str, FieldValue]]


def read(form: str, shared_data: Path, templates: Path) -> Pairs:
    """Truth and reading of every value of a form's scans."""
    folder = shared_data / "forms" / form
    truths = json.loads((folder / "truth.json").read_text())
    template = load_template(templates / form)
    labels = {
        (field.name, choice.label): choice.value
        for field in template.fields
        for choice in field.choices
    }
    pairs: Pairs = []
    for file, truth in truths.items():
        document = digitize_file(folder / file, file, Settings(templates=str(templates)))
        assert document.problems == ()
        found = {field.name: field for page in document.pages for field in page.fields}
        for name, value in truth.items():
            field = found[NAMES.get(name, name)]
            text = str(value).lower() if isinstance(value, bool) else value
            pairs.append((labels.get((field.name, text), text), field))
    return pairs


def wrong(pairs: Pairs) -> list[tuple[str, str, str]]:
    """Values that are neither right nor flagged."""
    return [
        (field.name, truth, field.value)
        for truth, field in pairs
        if field.value != truth and not field.flags
    ]


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    folder = tmp_path_factory.mktemp("templates")
    build_survey(shared_data / "forms", folder)
    build_logsheet(shared_data / "forms", folder)
    return folder


@pytest.mark.slow
def test_survey(shared_data: Path, templates: Path) -> None:
    pairs = read("survey", shared_data, templates)
    assert len(pairs) == 26
    assert wrong(pairs) == []
    assert sum(bool(field.flags) for _, field in pairs) <= 3


@pytest.mark.slow
def test_logsheet(shared_data: Path, templates: Path) -> None:
    pairs = read("logsheet", shared_data, templates)
    assert len(pairs) == 34
    assert wrong(pairs) == []
    assert sum(field.value == truth and not field.flags for truth, field in pairs) >= 22
