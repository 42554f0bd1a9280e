"""Files to pages: which files, how many pages each, and one page as an image.

Everything here reads hostile input. ``find_inputs`` looks at names and first bytes only;
``count_pages`` and ``load_page`` parse, and are to be called in the limited worker. Whatever a
file holds, they return or raise :class:`~hwdigitize.errors.PageError`; a MemoryError passes
through, as it is the worker's limit that speaks.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from hwdigitize.document import PageRef
from hwdigitize.errors import PageError
from hwdigitize.pages.discovery import InputFile, Inputs, Skipped, find_inputs
from hwdigitize.pages.formats import Format, is_icon, read_head, sniff
from hwdigitize.pages.images import count_image_pages, load_image
from hwdigitize.pages.pdfs import count_pdf_pages, load_pdf_page
from hwdigitize.pages.scan import Scan, refused
from hwdigitize.settings import Settings

__all__ = [
    "InputFile",
    "Inputs",
    "Scan",
    "Skipped",
    "count_pages",
    "find_inputs",
    "hash_file",
    "load_page",
]


def count_pages(path: Path, settings: Settings) -> int:
    """How many pages a file holds, at least 1.

    Raises:
        PageError: the file is not there, empty, not an image or PDF, encrypted or damaged.
    """
    kind = _kind(path)
    if kind == "PDF":
        return count_pdf_pages(path, settings)
    return count_image_pages(path, kind, settings)


def load_page(ref: PageRef, settings: Settings) -> Scan:
    """One page as an image: uint8, grey (H, W) or BGR (H, W, 3), upright by its own tags.

    Raises:
        PageError: the page cannot be loaded; code and message say why, and the remedy.
    """
    path = Path(ref.path)
    kind = _kind(path)
    if kind == "PDF":
        return load_pdf_page(path, ref.index, settings)
    return load_image(path, kind, ref.index, settings)


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal; read in pieces.

    Raises:
        PageError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def _kind(path: Path) -> Format:
    try:
        head = read_head(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    if not head:
        raise refused("empty_file", "The file is empty (0 bytes). Copy or scan it again.")
    kind = sniff(head)
    if kind is not None:
        return kind
    if is_icon(head):
        raise refused(
            "unsupported",
            "The file is an icon, not a scan. Save the picture as PNG if it is one.",
        )
    raise refused(
        "not_an_image",
        "The file is neither an image nor a PDF, whatever its name says, or its beginning is "
        "lost. Look into it, and copy it again from its source.",
    )


def _unreadable(path: Path, error: OSError) -> PageError:
    if isinstance(error, FileNotFoundError):
        return refused("missing", "The file is no longer there. Was it moved or renamed?")
    if isinstance(error, PermissionError):
        return refused("unreadable", "No permission to read the file. Ask its owner for it.")
    return refused(
        "unreadable", f"The file cannot be read from its disk: {error.strerror or 'unknown'}."
    )
