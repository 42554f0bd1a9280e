"""Fields measured against their truth: what counts as right, as accepted, and as proven."""

from __future__ import annotations

from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from hwdigitize.batch.executors import LimitError
from hwdigitize.document import Document, FieldState, FieldValue, Page, TemplateMatch
from hwdigitize.errors import DataError
from hwdigitize.forms.confidence import Judge, load_fields_card
from hwdigitize.forms.fields import NOT_SURE
from hwdigitize.forms.records import Choice, Field, Grammar, Kind, Template, TemplatePage
from hwdigitize.forms.template import save_template
from hwdigitize.settings import Settings
from hwdigitize.training import field_readings
from hwdigitize.training.archive.archive import PageTruth
from hwdigitize.training.archive.fill import FieldTruth
from hwdigitize.training.evaluation_report import write_report
from hwdigitize.training.field_readings import Kept, page_digest, read_archive, reader_digest
from hwdigitize.training.field_rows import FieldRow, is_right, meaning, page_row
from hwdigitize.training.field_scores import free_text_scores, judge_rows, state_confusion
from hwdigitize.training.measure_fields import measure_fields, train_fields

ASKED = Field(
    name="n", kind="digits", boxes=((10, 10, 90, 30),), grammar=Grammar(pattern="[0-9]{3}")
)
TEMPLATE = Template(
    id="form",
    version="1",
    pages=(TemplatePage(blank="blank.png", size_px=(100, 60)),),
    fields=(ASKED,),
)


def asked(kind: Kind, **grammar: str) -> Field:
    choices = (Choice(value="a", box=(0, 0, 5, 5)),) if kind == "choice" else ()
    return Field(
        name="n", kind=kind, grammar=msgspec.convert(grammar, Grammar), choices=choices
    )


def read(value: str, state: FieldState = "value", sure: float = 0.9, *flags: str) -> FieldValue:
    return FieldValue(
        name="n",
        kind="digits",
        value=value,
        raw=value,
        confidence=sure,
        flags=flags,
        box=(10, 10, 90, 30),
        state=state,
        evidence={"probability": sure},
    )


@pytest.mark.parametrize(
    ("field", "truth", "other", "same"),
    [
        (asked("number"), "7", "7.0", True),
        (asked("number"), "7", "07", True),
        (asked("number"), "7.5", "7,5", False),
        (asked("date", format="dd/mm/yyyy"), "02/03/1990", "1990-03-02", True),
        (asked("date", format="dd/mm/yyyy"), "02/03/1990", "03/02/1990", False),
        (asked("date", format="dd.mm.yy"), "02.03.90", "1990-03-02", True),
        (asked("choice"), "a|b", "b|a", True),
        (asked("choice"), "a|b", "a", False),
        (asked("text", case="ignore"), "Paris", "PARIS", True),
        (asked("text"), "Paris", "PARIS", False),
        (asked("lines"), "one\ntwo", "one  two", True),
    ],
)
def test_values_are_compared_by_what_they_mean(
    field: Field, truth: str, other: str, same: bool
) -> None:
    assert (meaning(field, truth) == meaning(field, other)) == same


def test_state_counts_but_for_boxes_without_an_answer() -> None:
    struck = FieldTruth(name="n", kind="digits", value="", state="crossed_out")
    assert not is_right(ASKED, struck, read("", "empty"))
    assert is_right(ASKED, struck, read("", "crossed_out"))
    none = FieldTruth(name="n", kind="choice", value="", state="empty")
    assert is_right(asked("choice"), none, read("", "crossed_out"))


def truth_of(file: str, value: str) -> PageTruth:
    fields = (FieldTruth(name="n", kind="digits", value=value),)
    return PageTruth(file=file, template="form", page=0, fields=fields, notes=("scanned",))


def test_a_page_read_as_another_form_is_wrong_and_flagged() -> None:
    match = TemplateMatch(id="other", version="1", error_px=0.4)
    page = Page(index=0, status="ok", template=match, fields=(read("123"),))
    row = page_row(truth_of("a.png", "123"), page, TEMPLATE)
    assert not row.matched
    assert not row.fields[0].right and row.fields[0].flags


def test_flags_of_the_judge_are_not_kept_and_others_are() -> None:
    match = TemplateMatch(id="form", version="1", error_px=0.4)
    field = read("123", "value", 0.9, NOT_SURE, "sum does not agree")
    page = Page(index=0, status="ok", template=match, fields=(field,))
    row = page_row(truth_of("a.png", "123"), page, TEMPLATE).fields[0]
    assert row.right
    assert row.flags == ("sum does not agree",)
    assert row.sample.asked


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """900 pages of one field, whose decoder knows how sure it is; readings are kept."""
    home = tmp_path / "archive"
    folder = home / "templates" / "form"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "blank.png"), np.full((60, 100), 255, np.uint8))
    save_template(TEMPLATE, folder)
    cv2.imwrite(str(home / "scan.png"), np.full((60, 100), 200, np.uint8))
    rng, truths, lines = np.random.default_rng(0), [], []
    for number in range(900):
        sure = 1 - 0.6 * rng.uniform() ** 3
        value = "123" if rng.uniform() < 1 - (1 - sure) ** 1.5 else "456"
        truth = truth_of("scan.png", "123")
        match = TemplateMatch(id="form", version="1", error_px=0.5)
        page = Page(index=0, status="ok", template=match, fields=(read(value, "value", sure),))
        row = page_row(truth, page, TEMPLATE)
        name = f"{number}.png"
        fields = tuple(msgspec.structs.replace(f, file=name) for f in row.fields)
        lines.append(msgspec.structs.replace(row, file=name, fields=fields))
        truths.append(msgspec.structs.replace(truth, file=name))
        (home / name).symlink_to(home / "scan.png")
    (home / "truth.json").write_bytes(msgspec.json.encode(truths))
    reader = reader_digest(
        Settings(
            models=str(tmp_path / "models"),
            templates=str(home / "templates"),
            report_images=False,
        )
    )
    kept = [
        Kept(page_digest(home, t), reader, line) for t, line in zip(truths, lines, strict=True)
    ]
    text = b"".join(msgspec.json.encode(one) + b"\n" for one in kept)
    (tmp_path / "readings.jsonl").write_bytes(text)
    return home


def test_calibration_then_measurement(archive: Path, tmp_path: Path) -> None:
    kept, models = tmp_path / "readings.jsonl", tmp_path / "models"
    card = train_fields([archive], models, models, keep=kept)
    assert load_fields_card(str(models)) == card
    result = measure_fields(archive, models, 0.05, keep=kept)
    all_fields = result.scores["all"]
    assert all_fields["fields"] == 900
    assert 0.3 < all_fields["accepted"] < 1
    assert all_fields["error"] < 0.05
    assert all_fields["error"] < all_fields["error_bound"]
    assert "95 % confidence" in result.scores["claims"]["digits"]
    shares = [point["accepted"] for point in result.scores["automation"]]
    assert shares == sorted(shares)
    assert result.scores["pages"]["right_template"] == 1.0
    write_report(tmp_path / "report", result.view, result.scores)
    html = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert html.count("<svg") >= 3
    assert "Reliability" in html and "Accepted, but wrong" in html


def row_of(
    kind: Kind, truth: str, value: str, known: FieldState = "value", state: FieldState = "value"
) -> FieldRow:
    return FieldRow(
        file="scan.png",
        template="form",
        name="n",
        kind=kind,
        truth=truth,
        truth_state=known,
        value=value,
        state=state,
        right=(truth, known) == (value, state),
        confidence=0.9,
        flags=(),
        evidence={"probability": 0.9},
        box=(10, 10, 90, 30),
    )


def test_what_cannot_be_read_is_an_answer_that_truth_may_give() -> None:
    rows = [
        row_of("digits", "", "", "unreadable", "unreadable"),
        row_of("digits", "", "12", "unreadable"),
        row_of("digits", "12", "", "value", "unreadable"),
    ]
    counts = state_confusion(judge_rows(rows, Judge(None, 0.01)))
    assert counts["unreadable"]["unreadable"] == counts["unreadable"]["wrong value"] == 1
    assert counts["value"]["unreadable"] == 1


def test_free_text_is_measured_by_its_characters() -> None:
    rows = [
        row_of("lines", "two\nlines", "two lanes"),
        row_of("lines", "gone", "", "value", "empty"),
        row_of("lines", "", "", "empty", "empty"),
        row_of("digits", "123", "456"),
    ]
    scores = free_text_scores(judge_rows(rows, Judge(None, 0.01)))
    assert scores == {"lines": {"fields": 2, "cer": round(5 / 13, 4), "wer": round(2 / 3, 4)}}


def test_without_a_card_nothing_is_accepted(archive: Path, tmp_path: Path) -> None:
    empty = tmp_path / "none"
    scores = measure_fields(archive, empty, keep=tmp_path / "readings.jsonl").scores
    assert scores["all"]["accepted"] == 0
    assert scores["all"]["error"] is None


def read_now(file: Path, name: str, settings: Settings) -> Document:
    """Stands for the pipeline: says what the file does, or stops at it."""
    said = file.read_text("utf-8")
    if said == "stop":
        raise LimitError("memory_limit", "too large")
    match = TemplateMatch(id="form", version="1", error_px=0.5)
    page = Page(index=0, status="ok", template=match, fields=(read(said),))
    return Document(file=name, sha256="", pages=(page,))


def three_pages(home: Path) -> None:
    """An archive of three files, the second of which cannot be read."""
    for name, said in (("a.png", "123"), ("b.png", "stop"), ("c.png", "456")):
        (home / name).write_text(said, "utf-8")
    truths = [truth_of(name, "123") for name in ("a.png", "b.png", "c.png")]
    (home / "truth.json").write_bytes(msgspec.json.encode(truths))


def test_a_page_that_fails_is_counted_and_the_others_are_read(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_pages(archive)
    monkeypatch.setattr(field_readings, "digitize_file", read_now)
    told: list[tuple[int, int]] = []
    rows = read_archive(
        archive, Settings(), tmp_path / "new.jsonl", lambda *done: told.append(done)
    )
    assert [row.file for row in rows] == ["a.png", "b.png", "c.png"]
    assert [row.failed for row in rows] == [False, True, False]
    assert rows[1].problems == ("memory_limit",)
    assert not rows[1].fields[0].right and rows[1].fields[0].flags
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_reading_goes_on_where_it_was_broken_off(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_pages(archive)
    keep, asked = tmp_path / "new.jsonl", list[str]()

    def counted(file: Path, name: str, settings: Settings) -> Document:
        asked.append(name)
        return read_now(file, name, settings)

    monkeypatch.setattr(field_readings, "digitize_file", counted)
    first = read_archive(archive, Settings(), keep)
    whole = keep.read_bytes()
    keep.write_bytes(whole[:-20])  # killed while it wrote the last page
    assert read_archive(archive, Settings(), keep) == first
    assert asked == ["a.png", "b.png", "c.png", "c.png"]
    assert keep.read_bytes() == whole
    (archive / "a.png").write_text("789", "utf-8")  # another picture
    again = read_archive(archive, Settings(), keep)
    assert again[0].fields[0].value == "789"
    assert asked[4:] == ["a.png"]


def test_readings_of_another_reader_do_not_count(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_pages(archive)
    keep, asked = tmp_path / "new.jsonl", list[str]()

    def counted(file: Path, name: str, settings: Settings) -> Document:
        asked.append(settings.language)
        return read_now(file, name, settings)

    monkeypatch.setattr(field_readings, "digitize_file", counted)
    for settings in (Settings(), Settings(language="de"), Settings(max_error=0.5)):
        read_archive(archive, settings, keep)
    assert asked == 3 * [Settings().language] + 3 * ["de"]
    plain = reader_digest(Settings())
    monkeypatch.setattr(field_readings, "_code_digest", lambda: "other code")
    assert reader_digest(Settings()) != plain


def test_code_that_changes_under_way_stops_the_reading(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_pages(archive)
    versions = iter(["old", "new", "old"])
    monkeypatch.setattr(field_readings, "digitize_file", read_now)
    monkeypatch.setattr(field_readings, "_code_digest", lambda: next(versions))
    with pytest.raises(DataError, match="code was changed"):
        read_archive(archive, Settings())


def test_workers_read_what_this_process_reads(
    archive: Path,
) -> None:
    three_pages(archive)
    here, there = (read_archive(archive, Settings(), jobs=jobs) for jobs in (0, 2))
    assert [row.file for row in there] == ["a.png", "b.png", "c.png"]
    assert all(row.failed for row in there)
    assert [row.problems for row in there] == [row.problems for row in here]


def test_damaged_readings_and_unknown_forms_are_said(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "readings.jsonl").write_text("{}\n", "utf-8")
    with pytest.raises(DataError, match="holds no readings"):
        read_archive(archive, Settings(), tmp_path / "readings.jsonl")
    truth = msgspec.structs.replace(truth_of("a.png", "1"), template="unknown")
    (archive / "truth.json").write_bytes(msgspec.json.encode([truth]))
    with pytest.raises(DataError, match="no template for unknown"):
        read_archive(archive, Settings())
