"""The second try for PDFs that PDFium refuses: Poppler's tools, where they are installed.

Poppler runs as a program of its own, with a time limit and no shell. It is told no passwords:
a PDF that asks for one is never sent here.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import cv2
import numpy as np
from pdf2image import convert_from_path, pdfinfo_from_path
from pdf2image.exceptions import (
    PDFInfoNotInstalledError,
    PDFPageCountError,
    PDFPopplerTimeoutError,
    PDFSyntaxError,
    PopplerNotInstalledError,
)
from PIL import Image

from hwdigitize.errors import PageError
from hwdigitize.pages.scan import Scan, check_size, refused
from hwdigitize.settings import Settings

#: what pdf2image raises when Poppler fails too
POPPLER_ERRORS = (
    PDFInfoNotInstalledError,
    PDFPageCountError,
    PDFPopplerTimeoutError,
    PDFSyntaxError,
    PopplerNotInstalledError,
    Image.DecompressionBombError,
    OSError,
    ValueError,
)

_MESSAGES = {
    "damaged": "The PDF is damaged and cannot be opened.",
    "no_pages": "The PDF holds no page that can be found: it is empty, damaged, or newer than "
    "this program.",
    "damaged_page": "This page of the PDF is damaged and cannot be opened.",
}
_REMEDY = "Open it in a PDF viewer and print it to a new PDF, or scan it again."
_INSTALL = "Installing poppler-utils gives a second program that may open it."


def installed() -> bool:
    """Whether Poppler's tools are on the path."""
    return bool(shutil.which("pdfinfo") and shutil.which("pdftoppm"))


def failure(reason: str) -> PageError:
    """The error for a PDF that nothing here opens; ``reason`` is a key of the messages."""
    remedy = _REMEDY if installed() else f"{_REMEDY} {_INSTALL}"
    return refused(reason.removesuffix("_page"), f"{_MESSAGES[reason]} {remedy}")


def count_pages(path: Path, settings: Settings, reason: str) -> int:
    """Pages by ``pdfinfo``.

    Raises:
        PageError: Poppler is absent or fails too; the code is that of ``reason``.
    """
    pages = _info(path, settings, reason).get("Pages", 0)
    if not isinstance(pages, int) or pages < 1:
        raise failure(reason)
    return pages


def load_page(path: Path, index: int, settings: Settings, reason: str) -> Scan:
    """One page by ``pdftoppm`` at ``settings.dpi``.

    Raises:
        PageError: Poppler is absent, fails too or takes too long; or the page is too large.
    """
    number = index + 1
    size = _info(path, settings, reason, number).get(f"Page {number:4d} size", "")
    sides = re.match(r"([\d.]+) x ([\d.]+) pts", str(size))
    if sides is None:
        raise failure(reason)
    width, height = (float(side) * settings.dpi / 72 for side in sides.groups())
    check_size(width, height, settings, "render it with a lower --dpi")
    try:
        images = convert_from_path(
            path,
            dpi=settings.dpi,
            first_page=number,
            last_page=number,
            timeout=_seconds(settings),
        )
    except POPPLER_ERRORS as error:
        raise failure(reason) from error
    if not images:
        raise failure(reason)
    pixels = cv2.cvtColor(np.asarray(images[0].convert("RGB")), cv2.COLOR_RGB2BGR)
    return Scan(np.asarray(pixels, np.uint8), float(settings.dpi))


def _info(
    path: Path, settings: Settings, reason: str, page: int | None = None
) -> dict[str, object]:
    if not installed():
        raise failure(reason)
    try:
        info: dict[str, object] = pdfinfo_from_path(
            path, first_page=page, last_page=page, timeout=_seconds(settings)
        )
    except POPPLER_ERRORS as error:
        raise failure(reason) from error
    return info


def _seconds(settings: Settings) -> int:
    """Half of what a page may take: the limit of the worker must not come first."""
    return max(1, int(settings.page_seconds / 2))
