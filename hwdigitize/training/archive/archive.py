"""Draws an archive: templates, filled and scanned pages, and the truth of every field.

A document has as many picture files as its form has pages. ``truth.json`` names them all; it
is a list of :class:`PageTruth`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import msgspec
import numpy as np

from hwdigitize.document import Record
from hwdigitize.errors import DataError, OutputError
from hwdigitize.training.archive.designs import all_designs
from hwdigitize.training.archive.fill import FieldTruth, fill_form
from hwdigitize.training.archive.form import Design
from hwdigitize.training.archive.hands import Sources, draw_penman, load_sources
from hwdigitize.training.archive.scan import PAPERS, PENS, Scanned, Sheet, choose, scan
from hwdigitize.training.archive.values import draw_case

TEMPLATES, PAGES, TRUTH = "templates", "pages", "truth.json"
#: splits draw different pages from one seed
SPLITS = ("train", "valid", "test")


class PageTruth(Record, frozen=True, kw_only=True):
    """One picture: the form and page it shows, its fields, and what happened to it.

    ``matrix``, row by row, carries px of the template page to px of the picture.
    """

    file: str
    template: str
    page: int
    fields: tuple[FieldTruth, ...]
    dpi: int = 300
    notes: tuple[str, ...] = ()
    hand: str = ""
    matrix: tuple[float, ...] = ()


@dataclass(frozen=True)
class DrawnPage:
    """A scanned page with its truth, whose file is not yet written."""

    scanned: Scanned
    truth: PageTruth


def draw_document(
    design: Design, sources: Sources, seed: tuple[int, ...], split: str = "train"
) -> list[DrawnPage]:
    """Fill a form once and scan its pages; the seed decides all of it."""
    rng = np.random.default_rng(seed)
    penman = draw_penman(sources, rng)
    case = draw_case(Random(int(rng.integers(2**62))))
    pens, codes, fields = fill_form(design, penman, case, rng)
    pen_colour, paper = choose(PENS, rng), choose(PAPERS, rng)
    pages = []
    for number, ink in enumerate(design.inks):
        sheet = Sheet(ink, pens[number], codes[number], design.colour, pen_colour, paper)
        scanned = scan(sheet, rng, split)
        here = {field.name for field in design.template.on_page(number)}
        truth = PageTruth(
            file="",
            template=design.template.id,
            page=number,
            fields=tuple(field for field in fields if field.name in here),
            dpi=scanned.dpi,
            notes=scanned.notes,
            hand="glyphs" if penman.glyphs else penman.hand.family,
            matrix=tuple(scanned.matrix.ravel().tolist()),
        )
        pages.append(DrawnPage(scanned, truth))
    return pages


def draw_pages(
    designs: Sequence[Design], sources: Sources, pages: int, split: str, seed: int
) -> Iterator[DrawnPage]:
    """``pages`` pages and a few more where the last document has two, form after form."""
    drawn, number = 0, 0
    while drawn < pages:
        design = designs[number % len(designs)]
        seeds = (seed, SPLITS.index(split), number)
        document = draw_document(design, sources, seeds, split)
        for page in document:
            name = f"{PAGES}/{number:05}-{page.truth.template}-{page.truth.page + 1}"
            suffix = "png" if page.truth.notes[0] in ("faxed", "bilevel") else "jpg"
            truth = msgspec.structs.replace(page.truth, file=f"{name}.{suffix}")
            yield DrawnPage(page.scanned, truth)
        drawn += len(document)
        number += 1


def draw_archive(
    out: Path,
    split: str,
    pages: int,
    fonts: Path,
    data: Path | None = None,
    faces: Sequence[Path] = (),
    seed: int = 0,
) -> Iterator[PageTruth]:
    """Write an archive: ``templates/``, ``pages/`` and ``truth.json``, page by page.

    Args:
        out: folder to write.
        split: whose hands: "train", "valid" or "test".
        pages: how many, about.
        fonts: folder of handwriting fonts.
        data: folder of real glyphs, words and strokes; None: fonts alone.
        faces: printed typefaces.
        seed: the same seed draws the same archive.

    Raises:
        DataError: there is no such split, or its hands are missing.
        OutputError: the folder cannot be written.
    """
    if split not in SPLITS:
        raise DataError(f"no split {split!r}: use {', '.join(SPLITS)}")
    designs, sources = all_designs(faces), load_sources(split, data, fonts, seed)
    truths = []
    try:
        (out / PAGES).mkdir(parents=True, exist_ok=True)
        for design in designs:
            design.save(out / TEMPLATES)
        for page in draw_pages(designs, sources, pages, split, seed):
            _save_picture(page.scanned, out / page.truth.file)
            truths.append(page.truth)
            yield page.truth
        text = msgspec.json.format(msgspec.json.encode(truths), indent=1)
        (out / TRUTH).write_bytes(text + b"\n")
    except OSError as error:
        raise OutputError(f"cannot write the archive to {out}: {error.strerror}") from error


def _save_picture(scanned: Scanned, path: Path) -> None:
    """JPEG of some quality, or PNG for black and white; its resolution goes into the file."""
    from PIL import Image

    colour = scanned.image[:, :, ::-1] if scanned.image.ndim == 3 else scanned.image
    picture = Image.fromarray(np.ascontiguousarray(colour))
    dpi = (scanned.dpi, scanned.dpi)
    if path.suffix == ".png":
        picture.convert("1", dither=Image.Dither.NONE).save(path, dpi=dpi)
    else:
        worst = "photocopied" in scanned.notes or "photographed" in scanned.notes
        picture.save(path, quality=60 if worst else 82, dpi=dpi)


def load_truth(folder: Path) -> tuple[PageTruth, ...]:
    """Read ``truth.json`` of an archive.

    Raises:
        DataError: there is none, or it is not valid.
    """
    path = folder / TRUTH
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[PageTruth, ...])
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror}; name the folder of an archive"
        ) from error
    except msgspec.DecodeError as error:
        raise DataError(f"{path} is no truth of an archive: {error}") from error
