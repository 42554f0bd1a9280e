"""The synthetic archive: its forms are sound templates, its truth is what is on the pages."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageFont

from hwdigitize.errors import DataError
from hwdigitize.forms.grammar import compile_grammar
from hwdigitize.forms.template import load_blank, load_templates
from hwdigitize.training.archive import archive, hands, values
from hwdigitize.training.archive.archive import draw_document, draw_pages, load_truth
from hwdigitize.training.archive.designs import all_designs
from hwdigitize.training.archive.fill import YES_OR_NO, FieldTruth, fill_form
from hwdigitize.training.archive.form import Design
from hwdigitize.training.archive.hands import Sources, draw_penman, load_sources
from hwdigitize.training.archive.scan import STAMPS
from hwdigitize.training.archive.values import draw_case
from hwdigitize.training.synthetic.fonts import FONT_PX, Hand
from hwdigitize.training.synthetic.ink import Ink
from hwdigitize.training.synthetic.texts import ALPHABET

SHAPES = {"yyyy": "%Y", "yy": "%y", "mm": "%m", "dd": "%d"}


@cache
def sources() -> Sources:
    """One hand: the typeface that Pillow carries."""
    font = ImageFont.load_default(FONT_PX)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return Sources((Hand("default", font, frozenset(ALPHABET), False, False),))


@cache
def designs() -> tuple[Design, ...]:
    return all_designs()


@cache
def filled(form: str, seed: int) -> tuple[list[Ink], dict[str, FieldTruth]]:
    design = next(d for d in designs() if d.template.id == form)
    rng = np.random.default_rng(seed)
    penman = draw_penman(sources(), rng)
    pens, _, fields = fill_form(design, penman, draw_case(Random(seed)), rng)
    return pens, {field.name: field for field in fields}


def test_every_form_is_a_sound_template(tmp_path: Path) -> None:
    for design in designs():
        design.save(tmp_path)
    templates = load_templates(tmp_path)
    assert len(templates) >= 12
    kinds = {field.kind for template in templates for field in template.fields}
    expected = "text lines letters digits number date time choice mark signature barcode"
    assert kinds == set(expected.split())
    assert {len(template.pages) for template in templates} == {1, 2}
    assert {bool(template.pages[0].marks) for template in templates} == {True, False}
    for template in templates:
        blank = load_blank(template, 0)
        assert 0.002 < (blank < 200).mean() < 0.2


@pytest.mark.parametrize("form", [d.template.id for d in all_designs()])
def test_what_is_filled_has_ink_and_what_is_empty_has_none(form: str) -> None:
    design = next(d for d in designs() if d.template.id == form)
    pens, truth = filled(form, 3)
    for field in design.template.fields:
        if field.kind in ("barcode", "choice", "lines") or truth[field.name].state != "value":
            continue
        left, top, right, bottom = field.box
        ink = int((pens[field.page][top:bottom, left:right] > 128).sum())
        assert (ink > 20) == (truth[field.name].value not in ("", "false")), field.name


def test_ticks_stand_in_the_boxes_of_the_answer() -> None:
    design = next(d for d in designs() if d.template.id == "mobility-survey")
    pens, truth = filled("mobility-survey", 8)
    for field in design.template.fields:
        answers = set(truth[field.name].value.split("|"))
        for choice in field.choices:
            left, top, right, bottom = choice.box
            ticked = (pens[field.page][top:bottom, left:right] > 128).any()
            assert ticked or choice.value not in answers


@pytest.mark.parametrize("seed", range(3))
def test_values_obey_grammar_and_rules(seed: int) -> None:
    for design in designs():
        _, truth = filled(design.template.id, seed)
        for field in design.template.fields:
            value, grammar = truth[field.name].value, field.grammar
            if not value or field.kind in YES_OR_NO:
                continue
            if grammar.pattern:
                assert re.fullmatch(grammar.pattern, value), (field.name, value)
            if field.kind == "date":
                shape = grammar.format or ""
                for part, code in SHAPES.items():
                    shape = shape.replace(part, code)
                datetime.datetime.strptime(value, shape)
            if field.kind == "number":
                assert float(grammar.minimum or 0) <= float(value)
            if grammar.lexicon is None and (compiled := compile_grammar(field)):
                assert compiled.accepts(value), (field.name, value)
            if grammar.values:
                assert value in grammar.values
            if grammar.lexicon:
                assert value in design.lexicons[grammar.lexicon]


def test_the_invoice_adds_up() -> None:
    totals = 0
    for seed in range(6):
        _, truth = filled("invoice", seed)
        sums = [f.value for name, f in truth.items() if name.startswith("sum_") and f.value]
        if truth["total"].value:
            totals += 1
            assert float(truth["total"].value) == pytest.approx(sum(map(float, sums)), abs=0.01)
    assert totals > 2


def test_check_digits_check() -> None:
    case = draw_case(Random(1))
    for _ in range(50):
        number = values.luhn(12)(case)
        doubled = "".join(
            str(int(c) * (2 - i % 2)) for i, c in enumerate(number, start=len(number) % 2)
        )
        assert sum(map(int, doubled)) % 10 == 0
        account = values.iban()(case)
        assert int("".join(str(int(c, 36)) for c in account[4:] + account[:4])) % 97 == 1
    assert values.clock_after("start")(case) == ""


def test_the_seed_draws_the_same_pages_and_splits_differ() -> None:
    small = [d for d in designs() if d.template.id in ("transfer-slip", "postal-receipt")]

    def draw(split: str, seed: int) -> list[tuple[bytes, object]]:
        pages = draw_pages(small, sources(), 2, split, seed)
        return [(page.scanned.image.tobytes(), page.truth) for page in pages]

    first = draw("valid", 1)
    assert first == draw("valid", 1)
    assert first != draw("test", 1)
    assert first != draw("valid", 2)


def test_every_kind_comes_often_enough_to_prove_its_error() -> None:
    """1 % takes 299 fields without an error, of two thirds of 700 pages."""
    counts = Counter(field.kind for design in designs() for field in design.template.fields)
    pages = sum(len(design.inks) for design in designs())
    assert min(counts.values()) * 700 / pages >= 299 * 3 / 2


def test_no_stamp_and_no_family_of_fonts_is_in_two_splits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    faces, words = zip(*STAMPS.values(), strict=True)
    assert len(set(faces)) == 3 and len(set().union(*words)) == sum(map(len, words))
    font = ImageFont.load_default(FONT_PX)
    assert isinstance(font, ImageFont.FreeTypeFont)
    families = [f"{kin}-{i}" for kin in ("anna", "bert", "cora", "dora") for i in range(3)]
    known = [Hand(family, font, frozenset(ALPHABET), False, False) for family in families]
    monkeypatch.setattr(hands, "load_hands", lambda folder, split: known)
    found = [load_sources(split, None, Path()).hands for split in ("valid", "test")]
    valid, test = ({hand.family.partition("-")[0] for hand in some} for some in found)
    assert valid and test and not valid & test


def test_some_fields_are_struck_out() -> None:
    states = [f.state for seed in range(6) for f in filled("customs", seed)[1].values()]
    states += [f.state for seed in range(6) for f in filled("census", seed)[1].values()]
    assert {"value", "empty", "crossed_out"} <= set(states)
    assert states.count("crossed_out") < 0.05 * len(states)


def test_an_archive_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = tuple(d for d in designs() if d.template.id in ("transfer-slip", "library-card"))
    monkeypatch.setattr(archive, "all_designs", lambda faces: small)
    monkeypatch.setattr(archive, "load_sources", lambda *args: sources())
    drawn = list(archive.draw_archive(tmp_path, "test", 4, fonts=tmp_path))
    assert load_truth(tmp_path) == tuple(drawn)
    assert len({page.file for page in drawn}) == 4
    for page in drawn:
        with Image.open(tmp_path / page.file) as image:
            assert round(image.info["dpi"][0]) == page.dpi
    assert len(load_templates(tmp_path / "templates")) == 2


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no split 'exam'"):
        next(archive.draw_archive(tmp_path, "exam", 1, fonts=tmp_path))
    with pytest.raises(DataError, match="name the folder of an archive"):
        load_truth(tmp_path)


def test_a_document_of_two_pages_shares_its_hand() -> None:
    design = next(d for d in designs() if d.template.id == "patient-intake")
    pages = draw_document(design, sources(), (1, 2, 3))
    assert [page.truth.page for page in pages] == [0, 1]
    assert len({page.truth.hand for page in pages}) == 1
    names = [field.name for page in pages for field in page.truth.fields]
    assert sorted(names) == sorted(field.name for field in design.template.fields)
