"""One page, one call: a reference goes in, a record comes out, arrays stay inside.

This is the only module that composes the stages. Whatever goes wrong with a page becomes a
problem of its record; only what is wrong with the whole run (a missing network) is raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from hwdigitize import document as doc
from hwdigitize.errors import HwdigitizeError, PageError
from hwdigitize.forms.assembly import check_pages, flag_across
from hwdigitize.pages.ingest import Scan, count_pages, hash_file, load_page
from hwdigitize.pipeline.form import find_form, read_form
from hwdigitize.pipeline.free import read_free
from hwdigitize.pipeline.images import report_images
from hwdigitize.pipeline.sheet import Grey, Sheet, Stopwatch
from hwdigitize.recognition.writers import embed_page, identify, load_gallery
from hwdigitize.settings import Settings

__all__ = ["digitize_file", "digitize_page"]

NO_TEMPLATE = doc.Problem(
    stage="form",
    code="no_template",
    message="The page is of no form among the templates and was read as free text. Is its "
    "template missing, or the page not one of these forms?",
)


def digitize_page(ref: doc.PageRef, settings: Settings) -> doc.PageResult:
    """Read one page.

    Args:
        ref: which page of which file.
        settings: how to read it.

    Returns:
        The page's record; with status "failed" and a problem when it could not be read.

    Raises:
        HwdigitizeError: a network or gallery cannot be loaded; no page could be read.
    """
    watch = Stopwatch()
    try:
        return _digitize(ref, settings, watch)
    except HwdigitizeError:
        raise
    except PageError as error:
        return _failed(ref, _problem(error))
    except MemoryError:
        message = "The page needs more memory than there is; scan it at a lower resolution."
        return _failed(ref, doc.Problem(stage="page", code="out_of_memory", message=message))
    except Exception as error:  # the one place where a bug costs its page only
        message = f"A bug stopped this page, please report it: {type(error).__name__}: {error}"
        return _failed(ref, doc.Problem(stage="page", code="bug", message=message))


def digitize_file(path: Path, file: str, settings: Settings) -> doc.Document:
    """Read all pages of one file, in this process; see :func:`digitize_page`."""
    sha256 = hash_file(path)
    try:
        count = count_pages(path, settings)
    except PageError:
        count = 1  # reading the first page says what is wrong
    refs = [
        doc.PageRef(path=str(path), file=file, sha256=sha256, index=i) for i in range(count)
    ]
    pages = flag_across([digitize_page(ref, settings).page for ref in refs])
    return doc.Document(file=file, sha256=sha256, pages=pages, problems=check_pages(pages))


def _problem(error: PageError) -> doc.Problem:
    return doc.Problem(stage=error.stage, code=error.code, message=error.message)


def _failed(ref: doc.PageRef, problem: doc.Problem) -> doc.PageResult:
    page = doc.Page(index=ref.index, status="failed", problems=(problem,))
    return doc.PageResult(ref=ref, page=page)


def _digitize(ref: doc.PageRef, settings: Settings, watch: Stopwatch) -> doc.PageResult:
    with watch.stage("load"):
        scan = load_page(ref, settings)
    sheet, problems = _read(scan, settings, watch)
    with watch.stage("writer"):
        embedding, writer = _find_writer(sheet.hands, settings)
    with watch.stage("images"):
        picture, scale, thumbnail = report_images(scan, settings)
    height, width = scan.image.shape[:2]
    page = msgspec.structs.replace(
        sheet.page,
        index=ref.index,
        status="partial" if problems else "ok",
        size_px=(width, height),
        dpi=scan.dpi,
        writer=writer,
        problems=problems,
    )
    return doc.PageResult(
        ref=ref,
        page=page,
        embedding=embedding,
        thumbnail=thumbnail,
        scan=picture,
        scan_scale=scale,
        seconds=watch.seconds,
    )


def _read(
    scan: Scan, settings: Settings, watch: Stopwatch
) -> tuple[Sheet, tuple[doc.Problem, ...]]:
    """A form by its template; a page that is none, or not surely, by what is found on it."""
    doubt = None if settings.templates is None else NO_TEMPLATE
    try:
        with watch.stage("form"):
            form = find_form(scan, settings)
    except PageError as error:
        form, doubt = None, _problem(error)
    if form:
        return read_form(scan, form, settings, watch), scan.problems
    sheet = read_free(scan, settings, watch)
    if doubt and (sheet.page.lines or sheet.page.boxes):  # empty backs are no loss
        return sheet, (*scan.problems, doubt)
    return sheet, scan.problems


def _find_writer(
    hands: Sequence[Grey], settings: Settings
) -> tuple[tuple[float, ...], doc.Writer]:
    if not hands:
        return (), doc.Writer(note="no handwriting")
    vector = embed_page(hands, models=settings.models)
    embedding = tuple(round(float(value), 6) for value in vector)
    if settings.gallery is None:
        return embedding, doc.Writer(note="no gallery")
    return embedding, identify(
        vector, load_gallery(settings.gallery, settings.models), models=settings.models
    )
