"""The HTML report: an index of all pages and a view of each, open from disk, network off."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from hwdigitize.document import Document
from hwdigitize.reports.csv import SkippedFile
from hwdigitize.reports.names import image_paths

__all__ = ["RunInfo", "image_paths", "write_report"]


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the report says of the run itself.

    ``started`` is ISO 8601; ``models`` maps a network's name to its version; readings less sure
    than ``flag_below`` were flagged.
    """

    version: str
    started: str
    seconds: float
    flag_below: float
    models: dict[str, str] = {}


def write_report(
    out: Path,
    documents: Callable[[], Iterable[Document]],
    run: RunInfo,
    skipped: Iterable[SkippedFile] = (),
) -> Path:
    """Write ``report/`` below ``out`` and return the path of its ``index.html``.

    ``documents`` is called twice, as a page links to the next one that needs a person; only one
    document is held at a time. Images are those at ``out / image_paths(file, index)``; a page
    without them is shown on blank paper.

    Raises:
        OutputError: a file cannot be written.
    """
    raise NotImplementedError
