"""A template drafted from a blank form, or from filled scans of it: stages put together.

Beside the pipeline, the only module that composes stages: pages are loaded and made upright,
lines of print found and read where the file has no text, and ``forms.draft`` does the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hwdigitize.document import Box, PageRef
from hwdigitize.errors import PageError, TemplateError
from hwdigitize.forms.draft import BlankPage, Draft, draft_form
from hwdigitize.forms.from_filled import make_blank
from hwdigitize.forms.pdf_layers import Printed, read_layers
from hwdigitize.forms.shapes import find_shapes
from hwdigitize.forms.template import Template, TemplatePage
from hwdigitize.pages.ingest import count_pages, find_inputs, load_page
from hwdigitize.pages.preprocess import preprocess
from hwdigitize.pages.segmentation import find_lines
from hwdigitize.recognition.words import read_words
from hwdigitize.settings import Settings

Grey = NDArray[np.uint8]

#: a printed word read less surely than this is left out of labels
SURE_LABEL = 0.3
#: words of one label are at most that far apart, of the line's height
APART = 1.1
#: longer side of A4 in inches, for scans that do not tell their resolution
A4_INCHES = 11.69


def load_blank_pages(path: Path, settings: Settings | None = None) -> list[BlankPage]:
    """The pages of an empty form, upright, with their text: the file's own, else as read.

    Raises:
        TemplateError: the file cannot be read as pages.
    """
    settings = settings or Settings()
    try:
        count = count_pages(path, settings)
        return [_load_page(path, index, settings) for index in range(count)]
    except PageError as error:
        raise TemplateError(f"{path}: {error.message}") from error


def blank_from_filled(folder: Path, settings: Settings | None = None) -> list[BlankPage]:
    """The blank pages of a form made from a folder of filled scans of it.

    Page n of the form is made from page n of every file; a page that only a few files have is
    left out.

    Raises:
        TemplateError: the folder holds too few scans of one form, or one cannot be read.
    """
    settings = settings or Settings()
    files = [file.path for file in find_inputs([folder]).files]
    try:
        counts = [count_pages(path, settings) for path in files]
        usual = sorted(counts)[len(counts) // 2] if counts else 1
        return [
            _page_from_filled(
                [p for p, n in zip(files, counts, strict=True) if n > page], page, settings
            )
            for page in range(usual)
        ]
    except PageError as error:
        raise TemplateError(f"{folder}: {error.message}") from error


def draft_template(
    pages: Sequence[BlankPage], form_id: str, title: str = ""
) -> tuple[Template, list[Grey], Draft]:
    """The template of an empty form, the blanks to be saved beside it, and the draft's notes.

    Save them with ``forms.template.save_template``.
    """
    draft = draft_form(pages)
    described = tuple(
        TemplatePage(
            blank="blank.png" if number == 0 else f"blank-{number + 1}.png",
            size_px=(page.grey.shape[1], page.grey.shape[0]),
            dpi=page.dpi,
            marks=page.marks,
        )
        for number, page in enumerate(pages)
    )
    template = Template(
        id=form_id,
        version="1",
        title=title or draft.title,
        pages=described,
        fields=draft.fields,
    )
    return template, [page.grey for page in pages], draft


def scanned_page(image: Grey, dpi: float | None, settings: Settings) -> BlankPage:
    """A scan of an empty form: made upright, its print read."""
    keep_rules = Settings(orient=settings.orient, deskew=settings.deskew, unrule=False)
    grey = preprocess(image, keep_rules, dpi).grey
    dpi = dpi or round(max(grey.shape) / A4_INCHES)
    return BlankPage(grey, dpi, tuple(read_print(grey, dpi, settings)))


def read_print(grey: Grey, dpi: float, settings: Settings) -> list[Printed]:
    """The printed labels of an upright page, by the words network, without drawn boxes."""
    bare = grey.copy()
    for shape in find_shapes(grey, dpi):
        if shape.kind != "line":
            reach = max(round(dpi / 60), 3)
            for left, top, right, bottom in shape.boxes:
                bare[
                    max(top - reach, 0) : bottom + reach, max(left - reach, 0) : right + reach
                ] = 255
    bare = preprocess(bare, Settings(orient=False, deskew=False)).grey
    lines = [line.words for line in find_lines(bare)]
    boxes = [box for words in lines for box in words]
    crops = [bare[top:bottom, left:right] for left, top, right, bottom in boxes]
    readings = read_words(crops, models=settings.models)
    texts = {
        box: reading.text
        for box, reading in zip(boxes, readings, strict=True)
        if reading.confidence >= SURE_LABEL
    }
    return [label for words in lines for label in _labels(words, texts)]


def _load_page(path: Path, index: int, settings: Settings) -> BlankPage:
    ref = PageRef(path=str(path), file=path.name, sha256="", index=index)
    scan = load_page(ref, settings)
    size_px = scan.image.shape[1], scan.image.shape[0]
    printed, widgets = read_layers(path, index, size_px)
    if not printed and not widgets:
        return scanned_page(scan.image, scan.dpi, settings)
    image = scan.image
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return BlankPage(np.asarray(grey), scan.dpi or 300.0, tuple(printed), tuple(widgets))


def _page_from_filled(files: Sequence[Path], page: int, settings: Settings) -> BlankPage:
    keep_rules = Settings(orient=settings.orient, deskew=settings.deskew, unrule=False)
    refs = [PageRef(path=str(path), file=path.name, sha256="", index=page) for path in files]
    loaded = [load_page(ref, settings) for ref in refs]
    scans = [preprocess(scan.image, keep_rules, scan.dpi).grey for scan in loaded]
    known = sorted(scan.dpi for scan in loaded if scan.dpi)
    sides = sorted(max(scan.shape) for scan in scans)
    guessed = sides[len(sides) // 2] / A4_INCHES if sides else 300.0
    dpi = float(round(known[len(known) // 2] if known else guessed))
    blank = make_blank(scans, dpi).grey
    return BlankPage(blank, dpi, tuple(read_print(blank, dpi, settings)))


def _labels(words: Sequence[Box], texts: dict[Box, str]) -> list[Printed]:
    """The words of a line joined where they stand close; what was not read is left out."""
    groups: list[list[Box]] = []
    height = max((box[3] - box[1] for box in words), default=0)
    for box in words:
        if groups and box[0] - groups[-1][-1][2] <= APART * height:
            groups[-1].append(box)
        else:
            groups.append([box])
    return [_label(group, texts) for group in groups if any(box in texts for box in group)]


def _label(group: Sequence[Box], texts: dict[Box, str]) -> Printed:
    left, top, right, bottom = zip(*group, strict=True)
    text = " ".join(texts[box] for box in group if box in texts)
    return Printed(text, (min(left), min(top), max(right), max(bottom)))
