"""PDF files, through PDFium; where it refuses one, through Poppler (see poppler.py)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from hwdigitize.pages import poppler
from hwdigitize.pages.pdf_page import PDFIUM_ERRORS, load_open_page
from hwdigitize.pages.scan import Scan, refused
from hwdigitize.settings import Settings

#: more pages are a damaged count
MOST_PAGES = 100_000


_ENCRYPTED = (
    "The PDF is protected by a password. Write it on a line of a text file and give that with "
    "--password-file."
)
_WRONG_PASSWORD = (
    "The PDF is protected by a password, and it is not among the {} of the password file. Add "
    "it there."
)
_UNKNOWN_PROTECTION = (
    "The PDF is protected in a way that cannot be opened here. Ask its sender for an "
    "unprotected copy."
)


class _RefusedError(Exception):
    """PDFium cannot open the file or the page, but Poppler may; says which message."""


def count_pdf_pages(path: Path, settings: Settings) -> int:
    """Pages of a PDF.

    Raises:
        PageError: it is encrypted, damaged, or holds no page.
    """
    try:
        with _opened(path, settings) as document:
            pages = len(document)
    except _RefusedError as error:
        pages = poppler.count_pages(path, settings, str(error))
    if pages > MOST_PAGES:
        raise refused("damaged", f"The PDF claims {pages:,} pages: it is damaged.")
    return pages


def load_pdf_page(path: Path, index: int, settings: Settings) -> Scan:
    """Load one page as it would be seen, turned as the PDF says.

    Raises:
        PageError: the PDF is encrypted or damaged, or the page too large.
    """
    try:
        with _opened(path, settings) as document:
            return load_open_page(_page(document, index), settings)
    except _RefusedError as error:
        return poppler.load_page(path, index, settings, str(error))


@contextmanager
def _opened(path: Path, settings: Settings) -> Iterator[pdfium.PdfDocument]:
    document = _open(path, settings)
    try:
        if len(document) < 1:
            raise _RefusedError("no_pages")
        yield document
    finally:
        document.close()


def _open(path: Path, settings: Settings) -> pdfium.PdfDocument:
    """Open with no password, then with each of the password file's.

    By PDFium's own call: its last error outlives a success, so pypdfium2's reading of it may
    be that of the file before.
    """
    tried = 0
    for password in _passwords(settings):
        secret = None if password is None else password.encode()
        document = pdfium_c.FPDF_LoadDocument(os.fsencode(path), secret)
        if document:
            return pdfium.PdfDocument(document)
        code = pdfium_c.FPDF_GetLastError()
        if code == pdfium_c.FPDF_ERR_SECURITY:
            raise refused("unsupported", _UNKNOWN_PROTECTION)
        if code != pdfium_c.FPDF_ERR_PASSWORD:
            raise _RefusedError("damaged")
        tried += 1
    if tried == 1:
        raise refused("encrypted", _ENCRYPTED)
    raise refused("wrong_password", _WRONG_PASSWORD.format(tried - 1))


def _passwords(settings: Settings) -> Iterator[str | None]:
    yield None
    if settings.password_file is None:
        return
    try:
        text = Path(settings.password_file).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise refused(
            "password_file",
            f"The password file {settings.password_file} cannot be read as UTF-8 text.",
        ) from error
    yield from filter(None, text.splitlines())


def _page(document: pdfium.PdfDocument, index: int) -> pdfium.PdfPage:
    try:
        if document.get_formtype() != pdfium_c.FORMTYPE_NONE:
            document.init_forms()
        return document[index]
    except (*PDFIUM_ERRORS, IndexError) as error:
        raise _RefusedError("damaged_page") from error
