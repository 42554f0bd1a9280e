"""PDF files, through PDFium; where it refuses one, through Poppler (see poppler.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from hwdigitize.errors import PageError
from hwdigitize.pages import poppler
from hwdigitize.pages.pdf_page import PDFIUM_ERRORS, load_open_page
from hwdigitize.pages.scan import Scan, refused
from hwdigitize.settings import Settings

#: more pages are a damaged count
MOST_PAGES = 100_000


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
    """Open with no password, then with each of the password file's."""
    document = _open(path, settings)
    try:
        yield document
    finally:
        document.close()


def _open(path: Path, settings: Settings) -> pdfium.PdfDocument:
    tried = 0
    for password in _passwords(settings):
        try:
            return pdfium.PdfDocument(path.absolute(), password=password)
        except pdfium.PdfiumError as error:
            if error.err_code == pdfium_c.FPDF_ERR_PASSWORD:
                tried += 1
                continue
            raise _translated(error.err_code) from error
        except OSError as error:
            raise refused("missing", f"The file {path.name} is no longer there.") from error
    if tried == 1:
        raise refused(
            "encrypted",
            "The PDF is protected by a password. Write it on a line of a text file and give "
            "that with --password-file.",
        )
    raise refused(
        "wrong_password",
        f"The PDF is protected, and none of the {tried - 1} passwords in the password file "
        "opens it. Add its password to the file.",
    )


def _translated(code: int | None) -> PageError | _RefusedError:
    if code == pdfium_c.FPDF_ERR_SECURITY:
        return refused(
            "unsupported",
            "The PDF is protected in a way that cannot be opened here. Ask its sender for an "
            "unprotected copy.",
        )
    if code == pdfium_c.FPDF_ERR_SUCCESS:  # it opened, but has no page
        return _RefusedError("no_pages")
    return _RefusedError("damaged")


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
