"""Results in the formats of other programs: ALTO, PAGE, hOCR and plain text, from the ledger.

Nothing is read again. What is written is a function of what was read: written once more it is
the same, and a file that is so already is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import msgspec

from hwdigitize.batch.care import need_ledger
from hwdigitize.batch.ledger import Ledger
from hwdigitize.batch.outputs import output_errors
from hwdigitize.document import Document
from hwdigitize.errors import UsageError
from hwdigitize.reports.alto import to_alto
from hwdigitize.reports.files import write_changed
from hwdigitize.reports.hocr import to_hocr
from hwdigitize.reports.json import placed
from hwdigitize.reports.page_xml import to_page_xml
from hwdigitize.reports.text import to_text

Format = Literal["alto", "page", "hocr", "text"]
FORMATS: tuple[Format, ...] = get_args(Format)


class Exported(NamedTuple):
    """What an export came to.

    ``files`` are in ``out`` now; ``failed_pages`` hold no text; ``unfinished`` input files are
    left out, as not all of their pages are read yet.
    """

    files: int
    failed_pages: int
    unfinished: int


def export(results: Path, kind: str, out: Path) -> Exported:
    """Write each input file of ``results`` that is read to ``out``, in another format.

    Of ALTO and PAGE, as programs take them up, one file a page: ``letters/a.png`` becomes
    ``letters/a.png.alto.xml``, and a file of several pages ``b.pdf.alto-1.xml`` and so on;
    pages that failed have none. Of hOCR and text one file an input, all its pages in it. The
    image is named within by the last part of its name. Nothing in ``out`` is removed. May be
    asked for while a run writes to ``results``.

    Raises:
        UsageError: there are no results, or ``kind`` is not one of ``FORMATS``.
        OutputError: results cannot be read, or ``out`` cannot be written.
    """
    need_ledger(results)
    if kind not in FORMATS:
        raise UsageError(f"--format {kind}: give one of {', '.join(FORMATS)}")
    files = failed = unfinished = 0
    with output_errors(results), closing(Ledger(results, reading=True)) as ledger:
        for file, _, _ in ledger.written():
            if not ledger.is_finished(file):
                unfinished += 1
                continue
            document = ledger.document(file)
            failed += sum(page.status == "failed" for page in document.pages)
            for suffix, data in _made(document, ledger.finished_at(file), kind):
                write_changed(placed(out, file, suffix), data)
                files += 1
    return Exported(files, failed, unfinished)


def _made(
    document: Document, finished: dict[int, float], kind: str
) -> Iterator[tuple[str, bytes]]:
    """Suffixes and contents of a document's files; times are Unix seconds by page."""
    named = msgspec.structs.replace(document, file=document.file.rpartition("/")[2])
    if kind == "hocr":
        yield ".hocr", to_hocr(named)
        return
    if kind == "text":
        yield ".txt", to_text(named)
        return
    for place, page in enumerate(document.pages):
        number = f"-{page.index + 1}" * (len(document.pages) > 1)
        if page.status == "failed":
            continue
        if kind == "page":
            made = datetime.fromtimestamp(finished[page.index], UTC)
            yield f".page{number}.xml", to_page_xml(named, place, made)
        else:
            yield f".alto{number}.xml", to_alto(msgspec.structs.replace(named, pages=(page,)))
