"""Templates come back as saved, and what is wrong in them is named with its remedy."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from hwdigitize.errors import EXIT_BAD_TEMPLATE, TemplateError
from hwdigitize.forms.rules import check_rules
from hwdigitize.forms.template import (
    Choice,
    Field,
    Grammar,
    Template,
    TemplatePage,
    load_blank,
    load_template,
    load_templates,
    save_template,
    shipped_templates,
)
from tests.conftest import ROOT
from tests.forms.conftest import FORM, Write


def test_loads_what_a_person_wrote(write: Write) -> None:
    template = load_template(write(FORM))
    assert template.pages[0].size_px == (400, 300)
    assert template.field("name").cell_boxes[1] == (40, 20, 60, 60)
    assert len(template.field("name").cell_boxes) == 10
    assert template.field("sex").box == (20, 80, 80, 100)
    assert template.field("born").grammar.format == "dd/mm/yyyy"


def test_saved_and_loaded_is_the_same(tmp_path: Path) -> None:
    fields = (
        Field(
            name="größe",
            kind="number",
            boxes=((1, 2, 30, 40), (30, 2, 60, 40)),
            cells=1,
            label='a "label" with \\ and \x7f\nline',
            required=True,
            grammar=Grammar(minimum=0, maximum=2.5, decimals=1),
        ),
        Field(
            name="when",
            kind="date",
            page=1,
            boxes=((0, 0, 20, 20),),
            grammar=Grammar(format="dd.mm.yyyy", minimum="1900-01-01"),
        ),
        Field(
            name="which",
            kind="choice",
            multiple=True,
            choices=(Choice(value="1", box=(60, 60, 70, 70), label="one"),),
        ),
    )
    pages = tuple(
        TemplatePage(blank=f"{n}.png", size_px=(80, 90), dpi=200.5, marks=((0, 80, 9, 89),))
        for n in range(2)
    )
    template = Template(
        id="a-1", version="2b", title="Ü", pages=pages, fields=fields, folder=str(tmp_path)
    )
    for page in pages:
        Image.new("L", (80, 90), 255).save(tmp_path / page.blank)
    save_template(template, tmp_path)
    assert load_template(tmp_path) == template


WRONG = {
    "box outside": ("[20, 20, 220, 60]", "[20, 20, 420, 60]", "name", "outside the blank"),
    "box turned around": ("[20, 20, 220, 60]", "[220, 20, 20, 60]", "name", "turned around"),
    "overlap": ("[20, 120, 220, 160]", "[20, 50, 220, 90]", "born", "overlaps"),
    "unknown kind": ('"letters"', '"letter"', "fields[0].kind", "'letter'"),
    "duplicate name": ('"born"', '"sex"', "fields[2].name", "two fields"),
    "no name": ('"born"', '"born on"', "fields[2].name", "cannot name a field"),
    "duplicate value": ('value = "m"', 'value = "f"', "sex", "two have the value"),
    "no boxes": ("boxes = [[20, 120, 220, 160]]\n", "", "born", "there is none"),
    "choices of a date": ('"choice"', '"date"', "sex", "no choices"),
    "cells of a signature": ('"letters"', '"signature"', "cells", "no cells"),
    "no such page": ('kind = "date"', 'kind = "date"\npage = 1', "born", "no page 1"),
    "missing blank": ("blank.png", "none.png", "pages[0].blank", "no none.png"),
    "blank elsewhere": ("blank.png", "../blank.png", "pages[0].blank", "not a file name"),
    "blank is no image": ("blank.png", "form.toml", "pages[0].blank", "not an image"),
    "size": ('"blank.png"', '"blank.png"\nsize_px = [1, 1]', "size_px", "[400, 300]"),
    "resolution": ('"blank.png"', '"blank.png"\ndpi = nan', "pages[0].dpi", "cannot be"),
    "unknown key": ("cells = 10", "cell = 10", "fields[0]", "cells"),
    "folder": ('version = "1"', 'version = "1"\nfolder = "x"', "folder", "not a key"),
    "id": ('"small"', '"../small"', "id", "cannot name a form"),
    "version": ('version = "1"', 'version = ""', "version", "is empty"),
    "version is a number": ('version = "1"', "version = 1", "version", "str"),
    "not TOML": ('id = "small"', "id = small", "", "line 1"),
    "no TOML at all": (FORM, "\0\1", "", "is not TOML"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_name_file_key_and_remedy(write: Write, name: str) -> None:
    old, new, key, words = WRONG[name]
    assert old in FORM
    with pytest.raises(TemplateError) as caught:
        load_template(write(FORM.replace(old, new, 1)))
    message = str(caught.value)
    assert caught.value.exit_code == EXIT_BAD_TEMPLATE
    assert "form.toml: " in message
    assert key in message
    assert words in message
    assert message.endswith(".")


def test_no_form_toml(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"form\.toml: cannot be read.*draft"):
        load_template(tmp_path)


def test_two_templates_of_one_id(tmp_path: Path, write: Write) -> None:
    folder = write(FORM)
    other = folder.parent / "other"
    other.mkdir()
    for file in folder.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    with pytest.raises(TemplateError, match="an id of its own"):
        load_templates(tmp_path)


def test_transparent_blank_is_white_paper(write: Write) -> None:
    folder = write(FORM)
    Image.new("RGBA", (400, 300), (0, 0, 0, 0)).save(folder / "blank.png")
    blank = load_blank(load_template(folder), 0)
    assert blank.shape == (300, 400)
    assert blank.dtype == np.uint8
    assert blank.min() == 255


def test_shipped_templates_load() -> None:
    assert "membership" in {one.id for one in load_templates(shipped_templates())}


def test_the_example_of_the_documentation_loads(write: Write) -> None:
    """Every TOML block of docs/templates.md is a template as it stands."""
    blocks = re.findall(
        r"```toml\n(.*?)```", (ROOT / "docs" / "templates.md").read_text(), re.S
    )
    folder = write(blocks[0])
    Image.new("L", (1000, 1000), 255).save(folder / "blank.png")
    template = load_template(folder)
    assert len(template.fields) == 11
    assert {field.kind for field in template.fields} >= {"letters", "date", "time", "choice"}
    broken = check_rules(template, {"arrived": "10:00", "left": "09:00", "groups": "school"})
    assert set(broken) == {"arrived", "left", "groups", "teacher"}


@given(st.binary(max_size=200))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes(write: Write, data: bytes) -> None:
    folder = write("")
    (folder / "form.toml").write_bytes(data)
    with pytest.raises(TemplateError):
        load_template(folder)


SCRAPS = [
    *FORM.splitlines(),
    "[[1e999, nan, -inf, 0]]",
    "9" * 400,
    "1979-05-27",
    "[[[[",
    '"',
    "=",
]


@given(
    st.lists(
        st.tuples(st.integers(0, len(FORM)), st.integers(0, 9), st.sampled_from(SCRAPS)),
        min_size=1,
        max_size=4,
    )
)
@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300
)
def test_mutated_templates(write: Write, cuts: list[tuple[int, int, str]]) -> None:
    """Loading gives a template or a TemplateError, nothing else."""
    text = FORM
    for at, length, scrap in cuts:
        text = text[:at] + scrap + text[at + length :]
    try:
        template = load_template(write(text))
    except TemplateError as error:
        assert "form.toml" in str(error)
    else:
        assert msgspec.json.decode(msgspec.json.encode(template), type=Template) == template
