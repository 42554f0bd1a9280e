"""Results that a person looked through calibrate fields."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from hwdigitize.document import Document, FieldValue, Page, TemplateMatch
from hwdigitize.errors import DataError
from hwdigitize.forms.records import Field, Template, TemplatePage
from hwdigitize.forms.template import save_template
from hwdigitize.recognition.runtime import load_card
from hwdigitize.reports.csv import FIELDS, field_rows
from hwdigitize.reports.json import read_documents, write_document
from hwdigitize.settings import Settings
from hwdigitize.training.measure_fields import train_fields
from hwdigitize.training.reviewed_fields import reviewed_pages

NAMES = ("first", "second", "third")


def read(name: str, value: str) -> FieldValue:
    return FieldValue(
        name=name,
        kind="text",
        value=value,
        raw=value,
        confidence=0.9,
        flags=(),
        box=(0, 0, 9, 9),
        state="value" if value else "empty",
        evidence={"probability": 0.9},
    )


def results_of(home: Path, corrected: dict[tuple[str, str], str], pages: int = 3) -> Path:
    """A run of one form, a page a file, with a column that a person filled."""
    results, folder = home / "results", home / "templates" / "form"
    folder.mkdir(parents=True)
    template = Template(
        id="form",
        version="1",
        pages=(TemplatePage(blank="blank.png", size_px=(300, 100)),),
        fields=tuple(
            Field(name=n, kind="text", boxes=((50 * i, 10, 50 * i + 40, 40),))
            for i, n in enumerate(NAMES)
        ),
    )
    cv2.imwrite(str(folder / "blank.png"), np.full((100, 300), 255, np.uint8))
    save_template(template, folder)
    match = TemplateMatch(id="form", version="1", error_px=0.2)
    documents = []
    for number in range(pages):
        fields = tuple(read(name, "" if name == "third" else "Anna") for name in NAMES)
        page = Page(index=0, status="ok", template=match, fields=fields)
        documents.append(Document(file=f"{number}.png", sha256="", pages=(page,)))
        write_document(results, documents[-1])
    models = {name: load_card(name).version for name in ("words", "characters")}
    run = {"models": models, "settings": {"templates": str(home / "templates")}}
    (results / "run.json").write_text(json.dumps(run), "utf-8")
    correct(results / "fields.csv", documents, corrected)
    return results


def correct(
    table: Path, documents: list[Document], corrected: dict[tuple[str, str], str]
) -> None:
    place, field = FIELDS.index("file"), FIELDS.index("field")
    with table.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*FIELDS, "Correct"])
        for row in (list(row) for document in documents for row in field_rows(document)):
            writer.writerow([*row, corrected.get((str(row[place]), str(row[field])), "")])


def test_what_was_corrected_is_wrong_and_the_rest_of_its_page_right(tmp_path: Path) -> None:
    corrected = {
        ("0.png", "first"): "Hanna",
        ("1.png", "third"): "(crossed out)",
        ("1.png", "second"): "(right)",
    }
    rows = reviewed_pages(results_of(tmp_path, corrected), Settings())
    assert [row.file for row in rows] == ["0.png:1", "1.png:1"]
    assert [[field.right for field in row.fields] for row in rows] == [
        [False, True, True],
        [True, True, False],
    ]
    assert rows[0].fields[0].truth == "Hanna"
    assert rows[1].fields[2].truth_state == "crossed_out"
    assert rows[0].fields[0].evidence == {"probability": 0.9}


def test_a_card_is_fitted_on_them(tmp_path: Path) -> None:
    corrected = {(f"{i}.png", "first"): "Hanna" if i % 5 == 0 else "(right)" for i in range(40)}
    results = results_of(tmp_path, corrected, pages=40)
    card = train_fields([], tmp_path / "out", reviewed=[results])
    assert card.sample["pages"] == 40 and card.sample["fields"] == 120
    assert sum(step.proof_wrong for step in card.kinds["text"].steps[-1:]) <= 8


def test_what_is_wrong_with_the_results_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder of results"):
        reviewed_pages(tmp_path, Settings())
    results = results_of(tmp_path, {})
    with pytest.raises(DataError, match=r"nothing in .* was looked through"):
        reviewed_pages(results, Settings())
    documents = list(read_documents(results))
    correct(results / "fields.csv", documents, {("0.png", "first"): "(right)"})
    run = json.loads((results / "run.json").read_text("utf-8"))
    run["models"]["words"] = "0"
    (results / "run.json").write_text(json.dumps(run), "utf-8")
    with pytest.raises(DataError, match="was read by words 0"):
        reviewed_pages(results, Settings())
