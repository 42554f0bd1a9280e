"""The template editor: what its server answers, and the page itself in a browser."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hwdigitize.errors import TemplateError
from hwdigitize.forms.template import load_template
from hwdigitize.review.editor import open_editor, save_atomically
from tests.review.browser import CTRL, SHIFT, Browser, find_browser

FORM = """\
id = "small"
version = "1"
title = "Small form"

[[pages]]
blank = "blank.png"

[[pages]]
blank = "blank-2.png"

[[fields]]
name = "surname"
kind = "letters"
boxes = [[40, 40, 440, 80]]
cells = 10

[[fields]]
name = "sex"
kind = "choice"
choices = [
  { value = "f", label = "female", box = [40, 120, 70, 150] },
  { value = "m", label = "male", box = [140, 120, 170, 150] },
]

[[fields]]
name = "born"
kind = "date"
page = 1
boxes = [[40, 200, 440, 240]]
grammar.minimum = "1900-01-01"
"""

Ask = Callable[..., tuple[int, Any, http.client.HTTPResponse]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    blank = np.full((600, 800), 255, np.uint8)
    blank[300:304, 100:700] = blank[400:404, 100:700] = 0  # a box nobody has described
    blank[300:404, 100:104] = blank[300:404, 696:700] = 0
    for name in ("blank.png", "blank-2.png"):
        Image.fromarray(blank).save(folder / name)
    (folder / "form.toml").write_text(FORM, "utf-8")
    return folder


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    with open_editor(folder) as server:
        thread = threading.Thread(target=server.serve)
        thread.start()
        yield server.url
        server.stop()
        thread.join()


@pytest.fixture
def ask(url: str) -> Ask:
    """Ask the server for a path below the secret one."""
    host, _, secret = url.removeprefix("http://").partition("/")

    def asked(path: str, data: Any = None, **headers: str) -> Any:
        connection = http.client.HTTPConnection(host, timeout=60)
        own = {"Content-Type": "application/json"} if data is not None else {}
        body = json.dumps(data) if data is not None else None
        method = "GET" if data is None else "POST"
        place = path if path.startswith("/") else f"/{secret}{path}"
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, place, body, own | given)
        answer = connection.getresponse()
        content = answer.read()
        if answer.headers["Content-Type"].startswith("application/json"):
            return answer.status, json.loads(content), answer
        return answer.status, content, answer

    return asked


def test_the_template_comes_whole(ask: Ask) -> None:
    status, data, _ = ask("template")
    assert status == 200 and data["problems"] == []
    assert [field["name"] for field in data["template"]["fields"]] == ["surname", "sex", "born"]
    assert data["template"]["pages"][0]["size_px"] == [800, 600]
    assert data["template"]["fields"][2]["grammar"]["minimum"] == "1900-01-01"
    assert "folder" not in data["template"]


def test_pages_and_their_shapes(ask: Ask) -> None:
    status, content, answer = ask("blank/0")
    assert status == 200 and content.startswith(b"\x89PNG")
    assert answer.headers["Content-Type"].startswith("image/png")
    status, shapes, _ = ask("shapes/0")
    ((kind, [[left, top, right, bottom]]),) = shapes
    assert kind == "box"
    assert abs(left - 104) < 4 and abs(top - 304) < 4
    assert abs(right - 696) < 4 and abs(bottom - 400) < 4
    assert ask("blank/2")[0] == ask("shapes/9")[0] == 404


def test_everything_is_guarded(ask: Ask) -> None:
    _, _, answer = ask("")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert ask("/")[0] == ask("/wrong/template")[0] == 404
    assert ask("template", Host="evil.example")[0] == 403
    assert ask("check", {}, Origin="http://evil.example")[0] == 403
    assert ask("check", {}, Content_Type="text/plain")[0] == 403
    for path in ("form.toml", "../editor.py", "..%2feditor.py", "static/editor.js", "blank/x"):
        assert ask(path)[0] == 404
    assert ask("save")[0] == 404  # GET


@pytest.mark.parametrize("name", ["", "editor.css", "base.css", "model.js", "view.js"])
def test_its_files_are_there_and_name_nothing_elsewhere(ask: Ask, name: str) -> None:
    status, content, _ = ask(name)
    assert status == 200
    assert b"https:" not in content
    assert content.count(b"http:") == content.count(b"http://www.w3.org/2000/svg")


def test_a_mistake_is_said_of_its_field(ask: Ask) -> None:
    template = ask("template")[1]["template"]
    template["fields"][0]["boxes"] = [[700, 40, 900, 80]]
    template["fields"][1]["name"] = "born"
    status, data, _ = ask("check", {"template": template})
    assert status == 200
    said = {problem["field"]: problem["message"] for problem in data["problems"]}
    assert set(said) == {0, 2}
    assert "outside the blank" in said[0] and "name of two fields" in said[2]


def test_mistakes_of_grammars_and_rules_are_said_too(ask: Ask) -> None:
    template = ask("template")[1]["template"]
    template["fields"][2]["grammar"]["format"] = "dd/xx"
    (problem,) = ask("check", {"template": template})[1]["problems"]
    assert problem["field"] == 2 and "dd/xx" in problem["message"]
    template["fields"][2]["grammar"]["format"] = None
    template["rules"] = ["nobody >= born"]
    (problem,) = ask("check", {"template": template})[1]["problems"]
    assert problem["field"] is None and "nobody" in problem["message"]


def test_what_is_no_template_is_refused_and_nothing_written(ask: Ask, folder: Path) -> None:
    given = ask("template")[1]
    for spoil in ({"kind": "essay"}, {"boxes": [["a", 1, 2, 3]]}, {"extra": 1}):
        template = json.loads(json.dumps(given["template"]))
        template["fields"][0] |= spoil
        status, data, _ = ask("save", {"template": template, "stamp": given["stamp"]})
        assert status == 422 and data["error"]
    assert ask("save", {"template": 5, "stamp": ""})[0] == 422
    assert ask("save", [])[0] == 422
    assert (folder / "form.toml").read_text("utf-8") == FORM


def test_saving_keeps_the_file_before_and_all_that_was_in_it(ask: Ask, folder: Path) -> None:
    before = load_template(folder)
    given = ask("template")[1]
    given["template"]["fields"][0]["name"] = "family_name"
    status, data, _ = ask("save", {"template": given["template"], "stamp": given["stamp"]})
    assert status == 200 and data["problems"] == []
    assert (folder / "form.toml.bak").read_text("utf-8") == FORM
    after = load_template(folder)
    assert [field.name for field in after.fields] == ["family_name", "sex", "born"]
    assert after.fields[1:] == before.fields[1:] and after.pages == before.pages
    assert sorted(path.name for path in folder.iterdir()) == [
        *("blank-2.png", "blank.png", "form.toml", "form.toml.bak")
    ]
    again = {"template": given["template"], "stamp": data["stamp"]}
    assert ask("save", again)[0] == 200


def test_a_file_changed_meanwhile_is_not_replaced_unasked(ask: Ask, folder: Path) -> None:
    given = ask("template")[1]
    (folder / "form.toml").write_text(FORM.replace("surname", "other"), "utf-8")
    data = {"template": given["template"], "stamp": given["stamp"]}
    assert ask("save", data)[0] == 409
    assert load_template(folder).fields[0].name == "other"
    assert ask("save", data | {"force": True})[0] == 200
    assert load_template(folder).fields[0].name == "surname"


def test_a_failed_write_leaves_the_file(folder: Path) -> None:
    file = folder / "form.toml"
    with pytest.raises(UnicodeEncodeError):
        save_atomically("\ud800", file)
    assert file.read_text("utf-8") == FORM and not (folder / "form.toml.bak").exists()


def test_a_template_with_mistakes_can_be_opened_and_mended(folder: Path) -> None:
    (folder / "form.toml").write_text(FORM.replace("[40, 40,", "[440, 40,"), "utf-8")
    with pytest.raises(TemplateError):
        load_template(folder)
    with open_editor(folder):
        pass
    (folder / "form.toml").write_text("id = ", "utf-8")
    with pytest.raises(TemplateError, match=r"form\.toml"):
        open_editor(folder)
    with pytest.raises(TemplateError, match="draft"):
        open_editor(folder / "nowhere")


@pytest.fixture
def page(url: str, tmp_path: Path) -> Iterator[Browser]:
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium or Chrome to open the editor in")
    with Browser(program, tmp_path / "profile", url) as browser:
        browser.wait("document.querySelectorAll('#list button').length === 3")
        yield browser
        assert browser.errors == []


def saved(page: Browser, folder: Path) -> Any:
    page.press("s", CTRL)
    page.wait("document.querySelector('#save').textContent === 'Saved'")
    return load_template(folder)


def at(page: Browser, x: float, y: float) -> tuple[float, float]:
    """Where in the window a place of the template is."""
    left, top, width = page.run(
        "(({left, top, width}) => [left, top, width])"
        "(document.querySelector('#overlay').getBoundingClientRect())"
    )
    return left + x * width / 800, top + y * width / 800


@pytest.mark.slow
def test_fields_are_moved_and_sized_by_keys(page: Browser, folder: Path) -> None:
    page.press("Tab")
    page.press("ArrowRight")
    page.press("ArrowDown", CTRL)
    page.press("ArrowLeft", SHIFT)
    assert saved(page, folder).fields[0].boxes == ((41, 50, 440, 90),)
    page.press("Tab")
    page.press("]")  # the first of its boxes alone
    page.press("ArrowDown")
    page.press("d")
    page.press("Tab", SHIFT)
    fields = saved(page, folder).fields
    assert [field.name for field in fields] == ["surname", "sex", "sex_2", "born"]
    assert [choice.box[1] for choice in fields[1].choices] == [121, 120]


@pytest.mark.slow
def test_every_change_can_be_undone(page: Browser, folder: Path) -> None:
    page.press("Tab")
    page.press("Delete")
    page.press("z", CTRL)
    page.press("Tab", SHIFT)  # round to the last
    page.press("d")
    page.press("z", CTRL)
    page.press("z", CTRL | SHIFT)
    names = [field.name for field in saved(page, folder).fields]
    assert names == ["surname", "sex", "born", "born_2"]


@pytest.mark.slow
def test_fields_are_drawn_moved_and_named_by_mouse(page: Browser, folder: Path) -> None:
    page.press("n")
    page.drag(at(page, 500, 100), at(page, 700, 160))
    page.wait("document.activeElement.dataset.path === 'name'")
    page.write("place")
    page.press("Escape")
    page.press("n")
    page.drag(at(page, 400, 350), at(page, 400, 350))  # a click into a box of the form
    page.wait("document.querySelectorAll('#list button').length === 5")
    page.press("Escape")
    page.drag(at(page, 600, 130), at(page, 620, 230))
    page.drag(at(page, 720, 260), at(page, 740, 280))  # its lower right corner
    fields = saved(page, folder).fields
    assert [field.name for field in fields][3:] == ["place", "field_5"]
    drawn, clicked = (field.box for field in fields[3:])
    assert max(abs(a - b) for a, b in zip(drawn, (520, 200, 740, 280), strict=True)) <= 3
    assert max(abs(a - b) for a, b in zip(clicked, (104, 304, 696, 400), strict=True)) <= 4


@pytest.mark.slow
def test_mistakes_are_shown_beside_their_field(page: Browser, folder: Path) -> None:
    page.press("Tab")
    page.press("Enter")
    page.write("two words")
    page.wait("document.querySelector('#mistakes')?.textContent.includes('cannot name')")
    assert page.run("document.querySelector('#list .bad') !== null")
    assert page.run("document.querySelector('#overlay .wrong') !== null")
    page.press("z", CTRL)
    page.wait("document.querySelector('#mistakes').textContent === ''")
    assert page.run("document.querySelector('[data-path=name]').value") == "surname"


@pytest.mark.slow
def test_pages_are_turned_and_kinds_changed(page: Browser, folder: Path) -> None:
    page.press("PageDown")
    page.wait("document.querySelector('#blank').src.endsWith('blank/1')")
    page.press("Tab")
    assert page.run("document.querySelector('[data-path=name]').value") == "born"
    page.run(
        "(() => { const kind = document.querySelector('[data-path=kind]'); "
        "kind.value = 'choice'; kind.dispatchEvent(new Event('change')); })()"
    )
    field = saved(page, folder).fields[2]
    assert field.kind == "choice" and not field.boxes and field.page == 1
    assert [choice.box for choice in field.choices] == [(40, 200, 440, 240)]
