"""Box files of other form readers become templates whose boxes lie where the boxes are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from hwdigitize.cli import main
from hwdigitize.cli.templates import load_blanks
from hwdigitize.errors import EXIT_BAD_TEMPLATE, TemplateError
from hwdigitize.forms.importing import import_formhtr, import_quexf
from hwdigitize.forms.template import Template, load_template
from tests.forms.conftest import FORM, Write

FILE = Path("boxes")
PAPER = np.full((300, 400), 255, np.uint8)
XML = """<queXF><questionnaire><page><id>1</id>{corners}
<boxgroup><type>{kind}</type><width>2</width><varname>a b</varname><sortorder>1</sortorder>
<label>Amount : {label}</label>
<box><tlx>10</tlx><tly>20</tly><brx>40</brx><bry>60</bry><value>1</value><label>x</label></box>
<box><tlx>40</tlx><tly>20</tly><brx>70</brx><bry>60</bry><value>2</value><label>y</label></box>
</boxgroup></page></questionnaire></queXF>"""


def quexf(kind: str, label: str = "", corners: str = "") -> Template:
    data = XML.format(kind=kind, label=label, corners=corners).encode()
    return import_quexf(data, [PAPER], "form", FILE)


def test_quexf_groups() -> None:
    choice = quexf("1").fields[0]
    assert (choice.kind, choice.name, choice.label) == ("choice", "a_b", "Amount")
    assert [c.value for c in choice.choices] == ["1", "2"]
    assert [c.label for c in choice.choices] == ["x", "y"]
    assert not choice.multiple
    assert quexf("2").fields[0].multiple
    letters = quexf("3").fields[0]
    assert (letters.kind, letters.cells) == ("letters", 1)
    assert letters.cell_boxes == ((10, 20, 40, 60), (40, 20, 70, 60))
    assert quexf("3", "AUD $").fields[0].kind == "digits"
    assert quexf("0").fields == ()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is not XML"),
        (b"<queXF/>", "Export the banding"),
        (b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>', "declares entities"),
        (XML.format(kind="9", label="", corners="").encode(), "has type 9"),
        (XML.replace("10<", "ten<").format(kind="1", label="", corners="").encode(), '"ten"'),
    ],
)
def test_bad_xml(data: bytes, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        import_quexf(data, [PAPER], "form", FILE)


def test_the_blank_must_be_that_of_the_boxes() -> None:
    corners = "".join(f"<{c}x>100</{c}x><{c}y>100</{c}y>" for c in ("tl", "tr", "bl", "br"))
    with pytest.raises(TemplateError, match="no corner mark at 100, 100"):
        quexf("1", corners=corners)
    with pytest.raises(TemplateError, match="describes 1 pages, the blank has 2"):
        import_quexf(XML.encode(), [PAPER, PAPER], "form", FILE)


@given(st.binary(max_size=100) | st.text(alphabet='<>/{}[]":,ab0&;! \n', max_size=100))
def test_any_file(data: bytes | str) -> None:
    raw = data if isinstance(data, bytes) else data.encode()
    for convert in (import_quexf, import_formhtr):
        with pytest.raises(TemplateError):
            convert(raw, [PAPER], "form", FILE)


def import_real(folder: Path, boxes: str, blank: str, out: Path) -> Template:
    files = [str(folder / boxes), "--blank", str(folder / blank)]
    with pytest.raises(SystemExit) as end:
        main(["template", "import", *files, "--id", "real", "--out", str(out)])
    assert end.value.code in (0, None)
    return load_template(out)


@pytest.fixture(scope="session")
def survey(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Template:
    folder = shared_data / "forms" / "survey"
    out = tmp_path_factory.mktemp("survey")
    return import_real(folder, "boxes.xml", "original.pdf", out)


@pytest.fixture(scope="session")
def logsheet(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Template:
    folder = shared_data / "forms" / "logsheet"
    out = tmp_path_factory.mktemp("logsheet")
    return import_real(folder, "front_fields.json", "front_template.pdf", out)


def white_inside(template: Template, blanks: list[NDArray[np.uint8]]) -> float:
    """Share of check boxes that are white paper on the blank inside and not around."""
    white = []
    for field in template.fields:
        if field.kind not in ("choice", "mark"):
            continue
        for left, top, right, bottom in field.places:
            inner = blanks[field.page][top + 6 : bottom - 6, left + 6 : right - 6]
            outer = blanks[field.page][top - 6 : bottom + 6, left - 6 : right + 6]
            white.append(inner.min() > 200 and outer.min() < 150)
    return float(np.mean(white))


def test_survey(survey: Template, shared_data: Path) -> None:
    assert [len(survey.on_page(page)) for page in (0, 1)] == [10, 3]
    assert [len(page.marks) for page in survey.pages] == [4, 4]
    assert survey.field("B4").kind == "digits"
    assert [c.label for c in survey.field("C2").choices] == ["Male", "Female"]
    blanks = load_blanks(shared_data / "forms" / "survey" / "original.pdf")
    assert white_inside(survey, blanks) == 1.0


def test_logsheet(logsheet: Template, shared_data: Path) -> None:
    assert len(logsheet.fields) == 34
    hours = logsheet.field("ctd_start_time_hh")
    assert (hours.label, hours.grammar.minimum, hours.grammar.maximum) == (
        "Start time HH",
        0,
        23,
    )
    assert logsheet.field("ctd_start_time_mm").grammar.maximum == 59
    assert logsheet.field("ctd_start_time_mm").label == "Start time MM"
    assert logsheet.field("month").grammar.maximum == 12
    assert logsheet.field("ctd_latitude_NS").grammar.values == ("N", "S")
    assert logsheet.field("water_collection_latitude_mm").grammar.pattern == r"\d{1,2}\.\d{3}"
    assert logsheet.field("mte_sample").kind == "barcode"
    blanks = load_blanks(shared_data / "forms" / "logsheet" / "front_template.pdf")
    assert white_inside(logsheet, blanks) == 1.0


def test_no_such_blank(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boxes = tmp_path / "boxes.xml"
    boxes.write_text(XML)
    arguments = ["template", "import", str(boxes), "--blank", str(tmp_path / "no.pdf")]
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--id", "a", "--out", str(tmp_path / "a")])
    assert end.value.code == EXIT_BAD_TEMPLATE
    assert "no.pdf" in capsys.readouterr().err


def test_check_draws_the_fields(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = write(FORM), tmp_path / "small.png"
    for arguments in (
        ["check", str(folder), "--out", str(out)],
        ["list", "--templates", str(tmp_path)],
    ):
        with pytest.raises(SystemExit) as end:
            main(["template", *arguments])
        assert end.value.code in (0, None)
    printed = capsys.readouterr().out
    assert "small 1: 1 page, 3 fields" in printed
    assert "small\t1\t1\t3\t\n" in printed
    drawn = np.asarray(Image.open(out))
    assert drawn.shape == (300, 400, 3)
    inside = drawn[125:155, 25:215].reshape(-1, 3)
    assert (inside.max(1) > inside.min(1)).mean() > 0.9


def test_check_of_a_wrong_template(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(FORM.replace('"letters"', '"letter"'))
    with pytest.raises(SystemExit) as end:
        main(["template", "check", str(folder)])
    assert end.value.code == EXIT_BAD_TEMPLATE
    assert "fields[0].kind" in capsys.readouterr().err
