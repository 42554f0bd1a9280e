"""Strokes belong to the box that holds most of them."""

from __future__ import annotations

import numpy as np

from hwdigitize.forms.cutting import cut_cells, cut_field
from hwdigitize.forms.pieces import cut_glyphs
from hwdigitize.forms.records import Field
from tests.forms.sheets import frame, grey, paper, stroke

BOX = (100, 60, 300, 140)


def test_a_stroke_is_followed_out_of_its_box() -> None:
    blank = frame(paper(), BOX)
    page = stroke(blank.copy(), (150, 80), (150, 165))
    cut = cut_field(page, grey(blank), Field(name="a", kind="text", boxes=(BOX,)))
    assert cut.grey.shape[0] > 85


def test_a_neighbours_stroke_is_left_out() -> None:
    blank = frame(paper(), BOX)
    page = stroke(blank.copy(), (200, 90), (220, 120))
    page = stroke(page, (150, 30), (150, 75))
    cut = cut_field(page, grey(blank), Field(name="a", kind="text", boxes=(BOX,)))
    x = np.flatnonzero(cut.ink.mask.any(0)) + cut.window[0]
    assert x.min() > 190 and x.max() < 230


def test_an_empty_field_gives_no_image() -> None:
    blank = frame(paper(), BOX)
    cut = cut_field(blank, grey(blank), Field(name="a", kind="text", boxes=(BOX,)))
    assert cut.grey.shape == (0, 0) and cut_glyphs(cut) == []


def test_each_cell_gets_its_character_though_it_leaves_the_cell() -> None:
    blank = paper()
    field = Field(name="a", kind="digits", boxes=(BOX,), cells=4)
    page = stroke(blank.copy(), (110, 80), (155, 120))  # ends in the second cell
    page = stroke(page, (170, 80), (170, 120))
    cells = cut_cells(cut_field(page, grey(blank), field), field.cell_boxes)
    assert cells.filled == (True, True, False, False)
    first = np.flatnonzero((cells.images[0] < 128).any(0))
    assert first.size > 40
    assert (cells.images[2] == 255).all()


def test_touching_characters_are_cut_between_their_cells() -> None:
    field = Field(name="a", kind="digits", boxes=(BOX,), cells=4)
    page = stroke(paper(), (105, 100), (195, 100))
    cells = cut_cells(cut_field(page, grey(paper()), field), field.cell_boxes)
    ink = [int((image < 128).sum()) for image in cells.images]
    assert min(ink[:2]) > 0.7 * max(ink[:2]) and ink[2:] == [0, 0]


def test_the_row_has_the_characters_side_by_side() -> None:
    field = Field(name="a", kind="digits", boxes=(BOX,), cells=4)
    page = stroke(paper(), (120, 80), (120, 120))
    page = stroke(page, (170, 80), (170, 120))
    cells = cut_cells(cut_field(page, grey(paper()), field), field.cell_boxes)
    assert cells.row.shape[1] < 40
    spread = stroke(stroke(paper(), (120, 80), (120, 120)), (270, 80), (270, 120))
    wide = cut_cells(cut_field(spread, grey(paper()), field), field.cell_boxes)
    assert wide.row.shape[1] > cells.row.shape[1] + 20


def test_a_fold_across_a_field_is_not_writing() -> None:
    blank = frame(paper(), BOX)
    page = stroke(blank.copy(), (150, 75), (150, 125))
    page = stroke(page, (60, 100), (340, 100), width=2)
    cut = cut_field(page, grey(blank), Field(name="a", kind="text", boxes=(BOX,)))
    assert cut.grey.shape[1] < 40


def test_the_bar_of_a_seven_along_its_cells_edge_is_kept() -> None:
    field = Field(name="a", kind="digits", boxes=(BOX,), cells=4)
    page = stroke(paper(), (108, 62), (145, 62), (125, 125))
    cut = cut_field(page, grey(paper()), field)
    assert cut.ink.mask[: 66 - cut.window[1]].any(0).sum() > 30
