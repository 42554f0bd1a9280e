"""Draw the samples again: ``python samples/draw.py --out samples``.

The fonts are fetched by package name into ``--fonts``; the same seed and the package versions
named in samples/FONTS.md give the same bytes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import content
import cv2
import numpy as np
import typer
from form import fill_form, print_form
from PIL import Image

from hwdigitize.errors import HwdigitizeError
from hwdigitize.training.synthetic import camera, paper
from hwdigitize.training.synthetic.camera import Shot
from hwdigitize.training.synthetic.fetch import fetch_fonts
from hwdigitize.training.synthetic.fonts import load_hand
from hwdigitize.training.synthetic.paper import px
from hwdigitize.training.synthetic.sheet import (
    BLACK,
    BLUE,
    PENCIL,
    RED,
    Scribe,
    Sheet,
    WrittenLine,
)
from hwdigitize.training.synthetic.writing import Style

VERSION = "5.3.0"
FAMILIES = (
    "bad-script caveat cedarville-cursive covered-by-your-grace give-you-glory gochi-hand "
    "kalam la-belle-aurore marck-script mynerve nothing-you-could-do reenie-beanie "
    "shadows-into-light zeyada"
)
A5_MM = (148, 210)


@dataclass(frozen=True)
class Taken:
    """A finished page: its picture, the sheet it shows, how it lies, and its resolution."""

    shot: Shot
    sheet: Sheet
    dpi: int
    hand: str
    rotation_degrees: int = 0
    skew_degrees: float = 0.0


@dataclass(frozen=True)
class Desk:
    """What drawing needs: the fonts, and a generator of its own for every page."""

    fonts: Path
    seed: int

    def rng(self, name: str) -> np.random.Generator:
        """The generator of one page, whatever else is drawn."""
        return np.random.default_rng([self.seed, *name.encode()])

    def scribe(
        self,
        family: str,
        dpi: int,
        x_height_mm: float,
        colour: paper.Colour = BLUE,
        slant: float = 0.0,
        thicken: int = 0,
        loose: bool = True,
    ) -> Scribe:
        """A writer with a family's hand."""
        file = self.fonts / family / "files" / f"{family}-latin-400-normal.woff2"
        hand = load_hand(file)
        style = Style(
            loose=loose and not hand.joined,
            spread=1.5,
            bounce=1.6,
            growth=0.03,
            slant=slant,
            stretch=1.0,
            thicken=thicken,
            drift=2.0,
            lift=1.4,
            swell=0.03,
        )
        return Scribe(hand, style, x_height_mm * dpi / paper.MM_AN_INCH, colour)


def write_text(
    sheet: Sheet, scribe: Scribe, text: str, left: float, right: float, rows: list[int]
) -> None:
    """Write a text on the rows, from ``left`` about to ``right``; ValueError if too long."""
    lines = scribe.wrapped(text, right - left)
    if len(lines) > len(rows):
        raise ValueError(f"{len(lines)} lines of text do not fit {len(rows)} rows")
    for line, row in zip(lines, rows, strict=False):
        if line:
            sheet.write_line(scribe, line, left, row, sheet.rng.normal(0, 0.003))


def new_sheet(
    rng: np.random.Generator, dpi: int, size_mm: tuple[float, float], tone: paper.Colour
) -> Sheet:
    """An empty page of paper."""
    return Sheet(paper.blank_paper(px(size_mm[0], dpi), px(size_mm[1], dpi), rng, tone), rng)


def plain_rows(dpi: int, count: int, top_mm: float, step_mm: float) -> list[int]:
    """Rows for writing on paper without rules."""
    return [px(top_mm + i * step_mm, dpi) for i in range(count)]


def scanned(sheet: Sheet, shot: Shot | None = None, sigma: float = 2.0) -> Shot:
    """A clean flat-bed scan of the sheet."""
    shot = shot or camera.untouched(sheet.page)
    return Shot(
        camera.noisy(camera.dusty(shot.image, sheet.rng, 12), sheet.rng, sigma), shot.matrix
    )


def letter_plain(desk: Desk) -> Taken:
    """A letter on cream paper without rules."""
    dpi, rng = 200, desk.rng("letter-plain")
    sheet = new_sheet(rng, dpi, A5_MM, paper.CREAM)
    scribe = desk.scribe("la-belle-aurore", dpi, 2.3, BLUE, thicken=1)
    rows = plain_rows(dpi, 20, 20, 9.6)
    write_text(sheet, scribe, content.LETTER, px(14, dpi), px(138, dpi), rows)
    return Taken(scanned(sheet), sheet, dpi, "la-belle-aurore")


def letter_ruled(desk: Desk) -> Taken:
    """A French letter on ruled paper, in black ink."""
    dpi, rng = 200, desk.rng("lettre-ruled")
    sheet = new_sheet(rng, dpi, A5_MM, paper.WHITE)
    rows = paper.rule(sheet.page, dpi, 8, 20)
    scribe = desk.scribe("nothing-you-could-do", dpi, 1.9, BLACK, thicken=1)
    write_text(sheet, scribe, content.LETTRE, px(13, dpi), px(140, dpi), rows)
    return Taken(scanned(sheet), sheet, dpi, "nothing-you-could-do")


def field_diary(desk: Desk) -> Taken:
    """A page of a field diary in pencil, ruled, with a margin line."""
    dpi, rng = 200, desk.rng("field-diary")
    sheet = new_sheet(rng, dpi, (160, 130), paper.RECYCLED)
    rows = paper.rule(sheet.page, dpi, 7.5, 18)
    paper.margin_line(sheet.page, dpi, 17)
    scribe = desk.scribe("reenie-beanie", dpi, 2.4, PENCIL, thicken=2)
    write_text(sheet, scribe, content.DIARY, px(20, dpi), px(154, dpi), rows)
    return Taken(scanned(sheet, sigma=3.0), sheet, dpi, "reenie-beanie")


def recipe_squared(desk: Desk) -> Taken:
    """A recipe on a card of squared paper, at 300 dpi."""
    dpi, rng = 300, desk.rng("recipe-squared")
    sheet = new_sheet(rng, dpi, (115, 105), paper.WHITE)
    rows = paper.squares(sheet.page, dpi)[2::2]
    scribe = desk.scribe("kalam", dpi, 2.2, BLUE)
    write_text(sheet, scribe, content.RECIPE, px(10, dpi), px(110, dpi), rows)
    return Taken(scanned(sheet), sheet, dpi, "kalam")


def two_columns(desk: Desk) -> Taken:
    """A packing list in two columns."""
    dpi, rng = 150, desk.rng("two-columns")
    sheet = new_sheet(rng, dpi, (190, 150), paper.WHITE)
    scribe = desk.scribe("shadows-into-light", dpi, 3.5, BLACK, thicken=2)
    rows = plain_rows(dpi, 10, 20, 12)
    write_text(sheet, scribe, content.PACKING_LEFT, px(15, dpi), px(90, dpi), rows)
    lower = [row + px(2, dpi) for row in rows]
    write_text(sheet, scribe, content.PACKING_RIGHT, px(108, dpi), px(185, dpi), lower)
    return Taken(scanned(sheet), sheet, dpi, "shadows-into-light")


def member(
    desk: Desk, index: int, family: str, colour: paper.Colour, mark: str, dpi: int = 200
) -> Sheet:
    """A membership form filled in by one hand."""
    rng = desk.rng(f"membership-{index}")
    sheet, places = print_form(dpi, rng)
    scribe = desk.scribe(family, dpi, 3.3, colour, thicken=2)
    fill_form(sheet, places, content.MEMBERS[index], scribe, mark)
    return sheet


def form_flat(desk: Desk) -> Taken:
    """The first member's form, scanned flat."""
    sheet = member(desk, 0, "gochi-hand", BLUE, "x")
    return Taken(scanned(sheet), sheet, 200, "gochi-hand")


def form_skewed(desk: Desk) -> Taken:
    """The second member's form, laid askew on the glass."""
    sheet = member(desk, 1, "covered-by-your-grace", BLACK, "v")
    shot = camera.skewed(camera.untouched(sheet.page), 2.6)
    return Taken(scanned(sheet, shot), sheet, 200, "covered-by-your-grace", 0, 2.6)


def letter_skewed(desk: Desk) -> Taken:
    """A letter to the editor, skewed, with the scanner's dark lid around it."""
    dpi, rng = 150, desk.rng("letter-skewed")
    sheet = new_sheet(rng, dpi, (180, 120), paper.WHITE)
    scribe = desk.scribe("cedarville-cursive", dpi, 2.2, BLACK)
    rows = plain_rows(dpi, 10, 18, 11.5)
    write_text(sheet, scribe, content.SKEWED, px(14, dpi), px(172, dpi), rows)
    shot = camera.skewed(camera.untouched(sheet.page), -4.3)
    return Taken(scanned(sheet, shot), sheet, dpi, "cedarville-cursive", 0, -4.3)


def minutes_shadowed(desk: Desk) -> Taken:
    """Minutes on ruled paper, with a shadow over one side."""
    dpi, rng = 200, desk.rng("minutes-shadowed")
    sheet = new_sheet(rng, dpi, (165, 120), paper.WHITE)
    rows = paper.rule(sheet.page, dpi, 9, 20)
    scribe = desk.scribe("zeyada", dpi, 1.9, BLUE, thicken=2)
    write_text(sheet, scribe, content.MINUTES, px(12, dpi), px(158, dpi), rows)
    lit = camera.shadowed(sheet.page, rng)
    return Taken(scanned(sheet, Shot(lit, np.eye(3)), 3.0), sheet, dpi, "zeyada")


def note_photographed(desk: Desk) -> Taken:
    """A note on a desk, photographed at an angle under a warm lamp."""
    dpi, rng = 200, desk.rng("note-photographed")
    sheet = new_sheet(rng, dpi, (110, 125), paper.WHITE)
    scribe = desk.scribe("caveat", dpi, 2.5, BLACK)
    rows = plain_rows(dpi, 12, 18, 12)
    write_text(sheet, scribe, content.NOTE, px(12, dpi), px(105, dpi), rows)
    shot = camera.photographed(camera.untouched(sheet.page), rng, 0.07)
    lit = camera.shadowed(camera.vignetted(shot.image), rng, 0.3)
    lit = camera.tinted(lit, (0.86, 0.96, 1.02))
    return Taken(Shot(camera.noisy(lit, rng, 4, 0.9), shot.matrix), sheet, dpi, "caveat")


def log_upside_down(desk: Desk) -> Taken:
    """A station log that was scanned upside down."""
    dpi, rng = 200, desk.rng("log-upside-down")
    sheet = new_sheet(rng, dpi, (180, 110), paper.CREAM)
    rows = paper.rule(sheet.page, dpi, 11, 20)
    scribe = desk.scribe("bad-script", dpi, 2.7, BLUE, thicken=3)
    write_text(sheet, scribe, content.UPSIDE_DOWN, px(12, dpi), px(172, dpi), rows)
    shot = camera.upside_down(camera.untouched(sheet.page))
    return Taken(scanned(sheet, shot), sheet, dpi, "bad-script", 180)


def order_fax(desk: Desk) -> Taken:
    """An order as a fax: black and white only."""
    dpi, rng = 200, desk.rng("order-fax")
    sheet = new_sheet(rng, dpi, (190, 120), paper.WHITE)
    scribe = desk.scribe("mynerve", dpi, 2.8, BLACK, thicken=1)
    rows = plain_rows(dpi, 8, 22, 13)
    write_text(sheet, scribe, content.FAX, px(15, dpi), px(182, dpi), rows)
    shot = scanned(sheet, camera.skewed(camera.untouched(sheet.page), 0.8, paper.WHITE))
    return Taken(Shot(camera.bilevel(shot.image), shot.matrix), sheet, dpi, "mynerve", 0, 0.8)


def notebook(desk: Desk, index: int) -> Taken:
    """A page of the notebook in the PDF; the other side shows through."""
    dpi, rng = 150, desk.rng(f"notebook-{index}")
    sheet = new_sheet(rng, dpi, (165, 115), paper.CREAM)
    back = new_sheet(rng, dpi, (165, 115), paper.CREAM)
    scribe = desk.scribe("marck-script", dpi, 2.6, BLACK, thicken=3)
    rows = plain_rows(dpi, 9, 17, 11)
    write_text(sheet, scribe, content.PDF_PAGES[index], px(12, dpi), px(156, dpi), rows)
    write_text(back, scribe, content.PDF_PAGES[1 - index], px(12, dpi), px(156, dpi), rows)
    seen = Shot(camera.shown_through(sheet.page, back.page), np.eye(3))
    return Taken(scanned(sheet, seen), sheet, dpi, "marck-script")


def form_turned(desk: Desk) -> Taken:
    """The third member's form, a quarter turned, in red ink."""
    sheet = member(desk, 2, "give-you-glory", RED, "x", 200)
    shot = camera.quarter_turn(camera.untouched(sheet.page))
    return Taken(scanned(sheet, shot), sheet, 200, "give-you-glory", 90)


SAMPLES: dict[str, tuple[Callable[[Desk], Taken], ...]] = {
    "letter-plain.jpg": (letter_plain,),
    "lettre-ruled.jpg": (letter_ruled,),
    "field-diary.jpg": (field_diary,),
    "recipe-squared.jpg": (recipe_squared,),
    "two-columns.png": (two_columns,),
    "membership-flat.jpg": (form_flat,),
    "membership-skewed.jpg": (form_skewed,),
    "letter-skewed.jpg": (letter_skewed,),
    "minutes-shadowed.jpg": (minutes_shadowed,),
    "note-photographed.jpg": (note_photographed,),
    "log-upside-down.jpg": (log_upside_down,),
    "order-fax.tif": (order_fax,),
    "notebook.pdf": (
        lambda desk: notebook(desk, 0),
        lambda desk: notebook(desk, 1),
        form_turned,
    ),
}


def page_truth(taken: Taken) -> dict[str, object]:
    """What stands on a page and where, in px of the page as stored."""
    height, width = taken.shot.image.shape[:2]

    def box(of: tuple[int, int, int, int]) -> list[int]:
        return list(camera.moved_box(of, taken.shot.matrix, (width, height)))

    def line(of: WrittenLine) -> dict[str, object]:
        words = [{"box": box(b), "text": text} for text, b in of.words]
        return {"box": box(of.box), "text": of.text, "words": words}

    return {
        "size_px": [width, height],
        "dpi": taken.dpi,
        "rotation_degrees": taken.rotation_degrees,
        "skew_degrees": taken.skew_degrees,
        "hand": taken.hand,
        "lines": [line(each) for each in taken.sheet.lines],
        "boxes": [
            {"box": box(b.box), "kind": b.kind, "text": b.text} for b in taken.sheet.boxes
        ],
        "printed": [{"box": box(p.box), "text": p.text} for p in taken.sheet.printed],
    }


def save_pages(pages: list[Taken], path: Path) -> None:
    """Write pages in the format of the file's name, without dates that would differ."""
    images = [
        Image.fromarray(cv2.cvtColor(page.shot.image, cv2.COLOR_BGR2RGB)) for page in pages
    ]
    dpi = pages[0].dpi
    if path.suffix == ".pdf":
        epoch = time.gmtime(0)
        images[0].save(
            path,
            save_all=True,
            append_images=images[1:],
            resolution=dpi,
            quality=75,
            creationDate=epoch,
            modDate=epoch,
        )
    elif path.suffix == ".tif":
        images[0].convert("1").save(path, dpi=(dpi, dpi), compression="group4")
    elif path.suffix == ".png":
        images[0].convert("L").save(path, dpi=(dpi, dpi), optimize=True)
    else:
        images[0].save(path, dpi=(dpi, dpi), quality=80)


def draw(
    out: Annotated[Path, typer.Option(help="folder for the samples")] = Path("samples"),
    fonts: Annotated[Path, typer.Option(help="where fonts are kept")] = Path(
        ".cache/sample-fonts"
    ),
    seed: Annotated[int, typer.Option(help="another seed draws other pages")] = 7,
    only: Annotated[str, typer.Option(help="draw the files whose name holds this")] = "",
) -> None:
    """Fetch the fonts and draw every sample with its truth."""
    cv2.setNumThreads(1)
    fetch_fonts([f"{family}@{VERSION}" for family in FAMILIES.split()], fonts)
    (out / "truth").mkdir(parents=True, exist_ok=True)
    desk = Desk(fonts, seed)
    for name, makers in SAMPLES.items():
        if only in name:
            pages = [make(desk) for make in makers]
            save_pages(pages, out / name)
            truth = {"file": name, "pages": [page_truth(page) for page in pages]}
            text = json.dumps(truth, ensure_ascii=False, indent=1)
            (out / "truth" / f"{Path(name).stem}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    try:
        typer.run(draw)
    except HwdigitizeError as error:
        sys.exit(str(error))
