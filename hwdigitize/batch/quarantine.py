"""Files with pages that could not be read, gathered under ``quarantine/`` with the reasons.

``quarantine/scans/a.pdf`` is the input file itself (a hard link where the file system has them,
else a copy), ``quarantine/scans/a.pdf.why.txt`` says which pages failed and why. Both go when
the pages have been read after all.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from hwdigitize.document import Document
from hwdigitize.reports.files import replacing, write_whole
from hwdigitize.reports.json import document_path

_REASONS = ".why.txt"


def quarantine_path(out: Path, file: str) -> Path:
    """Place an input file below ``quarantine/``, as harmlessly as its document."""
    safe = document_path(out, file).relative_to(out / "documents").with_suffix("")
    return out.joinpath("quarantine", *map(_apart, safe.parts))


def reasons_path(out: Path, file: str) -> Path:
    """Place the text that says why a file is in quarantine."""
    place = quarantine_path(out, file)
    return place.with_name(place.name + _REASONS)


def update_quarantine(out: Path, source: Path, document: Document) -> None:
    """Put the file into quarantine if one of its pages failed, else take it out.

    Raises:
        OutputError: it cannot be written.
    """
    text = _reasons(document)
    if not text:
        release(out, document.file)
        return
    place = quarantine_path(out, document.file)
    if not _is_there(place, source):
        _link_or_copy(source, place)
    write_whole(reasons_path(out, document.file), text.encode())  # syncs the link's folder, too


def release(out: Path, file: str) -> None:
    """Take a file out of quarantine."""
    for path in (quarantine_path(out, file), reasons_path(out, file)):
        with suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()


def _apart(step: str) -> str:
    """A file or folder that would meet another's reasons gets a mark, as do those with one."""
    return f"{step}_" if step.rstrip("_").endswith(_REASONS) else step


def _reasons(document: Document) -> str:
    failed = (page for page in document.pages if page.status == "failed")
    lines = (
        f"page {page.index + 1}: {problem.message} ({problem.stage}:{problem.code})\n"
        for page in failed
        for problem in page.problems
    )
    return "".join(lines)


def _is_there(place: Path, source: Path) -> bool:
    try:
        return place.samefile(source)
    except OSError:
        return False


def _link_or_copy(source: Path, place: Path) -> None:
    """Link the file, or copy it; the reasons stand alone where it cannot be read."""
    with suppress(FileNotFoundError):
        place.unlink()
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # another file system, or one without links
        os.link(source.resolve(), place)
        return
    with suppress(OSError), source.open("rb") as file, replacing(place, mode="wb") as copy:
        shutil.copyfileobj(file, copy)
