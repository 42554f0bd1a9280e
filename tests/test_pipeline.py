"""Forms are read by field, other pages as free text, and nothing from wrong boxes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from hwdigitize.document import Page, PageRef
from hwdigitize.errors import PageError, TemplateError
from hwdigitize.pipeline import digitize_file, digitize_page, form
from hwdigitize.settings import Settings
from tests.conftest import ROOT

TEMPLATES = ROOT / "templates"


def read(path: Path, templates: Path | None = TEMPLATES) -> Page:
    ref = PageRef(path=str(path), file=path.name, sha256="", index=0)
    settings = Settings(templates=str(templates) if templates else None, report_images=False)
    return digitize_page(ref, settings).page


@pytest.fixture(scope="module")
def skewed() -> Page:
    return read(ROOT / "samples" / "membership-skewed.jpg")


def test_a_form_is_read_by_its_template(skewed: Page) -> None:
    assert skewed.template and skewed.template.id == "membership"
    assert skewed.template.error_px < 1 and skewed.problems == ()
    values = {field.name: field.value for field in skewed.fields}
    assert values["surname"] == "VAN DER BERG"
    assert (values["membership"], values["newsletter"], values["signed"]) == (
        *("single", "no", "true"),
    )


def test_fields_lie_on_the_scan(skewed: Page) -> None:
    boxes = {field.name: field.box for field in skewed.fields}
    image = cv2.imread(str(ROOT / "samples" / "membership-skewed.jpg"), cv2.IMREAD_GRAYSCALE)
    for left, top, right, bottom in boxes.values():
        assert 0 <= left < right <= image.shape[1] and 0 <= top < bottom <= image.shape[0]
        assert (image[top:bottom, left:right] < 128).any()


def test_the_turn_of_the_page_is_reported(skewed: Page, tmp_path: Path) -> None:
    assert abs(skewed.skew_degrees - 2.6) < 0.1 and skewed.rotation_degrees == 0
    image = cv2.imread(str(ROOT / "samples" / "membership-skewed.jpg"))
    turned = tmp_path / "turned.png"
    cv2.imwrite(str(turned), cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE))
    page = read(turned)
    assert page.rotation_degrees == 270 and abs(page.skew_degrees - skewed.skew_degrees) < 0.1
    assert [f.value for f in page.fields][:2] == [f.value for f in skewed.fields][:2]


@pytest.mark.parametrize(
    ("turn", "back"),
    [
        (cv2.ROTATE_90_CLOCKWISE, 270),
        (cv2.ROTATE_180, 180),
        (cv2.ROTATE_90_COUNTERCLOCKWISE, 90),
    ],
)
def test_the_turn_that_sets_free_text_upright_is_reported(
    turn: int, back: int, tmp_path: Path
) -> None:
    image = cv2.imread(str(ROOT / "samples" / "letter-plain.jpg"))
    cv2.imwrite(str(tmp_path / "turned.png"), cv2.rotate(image, turn))
    page = read(tmp_path / "turned.png")
    assert page.rotation_degrees == back and page.lines[-1].text.startswith("El")


def test_a_page_of_no_known_form_is_read_as_free_text(samples: Path) -> None:
    page = read(samples / "recipe-squared.jpg")
    assert page.template is None and page.fields == () and page.lines
    assert [problem.code for problem in page.problems] == ["no_template"]
    assert page.status == "partial"


def test_without_templates_asked_for_a_free_page_has_no_problem(samples: Path) -> None:
    assert read(samples / "recipe-squared.jpg", None).problems == ()


def test_an_empty_page_among_forms_has_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "back.png"
    cv2.imwrite(str(path), np.full((1200, 900), 250, np.uint8))
    assert read(path).problems == ()


def test_a_page_that_does_not_fit_gives_no_values(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PageError("register", "weak_registration", "It does not fit.")

    monkeypatch.setattr(form, "register", refuse)
    page = read(samples / "membership-flat.jpg")
    assert [problem.code for problem in page.problems] == ["weak_registration"]
    assert page.fields == () and page.template is None and page.lines


def test_templates_that_cannot_be_used_stop_the_run(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "form.toml").write_text("id = 3")
    with pytest.raises(TemplateError, match=r"form\.toml"):
        digitize_file(samples / "recipe-squared.jpg", "a", Settings(templates=str(tmp_path)))
