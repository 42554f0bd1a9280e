"""Reads the pages of an archive whose truth is known, in worker processes, once each.

What was read is kept, a line of JSON a page, and serves again as long as it is the same page
with the same truth, read by the same reader: code, networks, templates and settings.
"""

from __future__ import annotations

import functools
import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

import hwdigitize
from hwdigitize.batch.executors import IsolatedExecutor, SerialExecutor, completed
from hwdigitize.batch.fingerprint import fingerprint
from hwdigitize.errors import DataError, OutputError, PageError
from hwdigitize.forms.records import Template
from hwdigitize.forms.template import load_templates
from hwdigitize.pages.ingest import hash_file
from hwdigitize.pipeline import digitize_file
from hwdigitize.settings import Settings
from hwdigitize.training.archive.archive import TEMPLATES, PageTruth, load_truth
from hwdigitize.training.field_rows import PageRow, failed_page, page_row

#: code that decides what is read; judging it (confidence.py) is done anew each time
_READERS = ("pages", "forms", "recognition", "pipeline")
_JUDGES = frozenset({"confidence.py"})
_LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless", "pillow")
#: what changes how readings are judged, and not the readings
_JUDGING = frozenset({"model fields", "model writers", "setting max_error", "gallery"})


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page's reading: digests of the page with its truth, and of the reader."""

    page: str
    reader: str
    row: PageRow


def read_archive(
    folder: Path,
    settings: Settings,
    keep: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    jobs: int = 0,
) -> tuple[PageRow, ...]:
    """Read the pages of an archive and compare them with their truth.

    A page that cannot be read, breaks a limit or stops its worker is a row without readings,
    which names its problem.

    Args:
        folder: with ``truth.json``, its pages, and ``templates`` unless settings name others.
        settings: how to read.
        keep: file of JSON lines; pages that it holds are not read again, others are added as
            they are read, so that a call that was broken off goes on where it stopped.
        progress: told of pages done.
        jobs: worker processes; 0 reads in this one.

    Raises:
        DataError: the archive or the kept file cannot be used, or the code was changed while
            pages were read.
        OutputError: the kept file cannot be written.
        TemplateError: its templates cannot be used.
    """
    truths = load_truth(folder)
    place = settings.templates or str(folder / TEMPLATES)
    settings = msgspec.structs.replace(settings, templates=place, report_images=False)
    forms = {template.id: template for template in load_templates(place)}
    _require_templates(truths, forms)
    reader = _Reader(folder, settings, forms, reader_digest(settings))
    rows = _load_kept(keep, reader.digest)
    pages = [(truth, page_digest(folder, truth)) for truth in truths]
    left = [(truth, digest) for truth, digest in pages if digest not in rows]
    progress(len(truths) - len(left), len(truths))
    with _executor(jobs, settings) as executor:
        found = completed(executor, reader.read, left, 2 * jobs or 1, threading.Event())
        for number, ((truth, digest), future) in enumerate(found, 1):
            rows[digest] = _result(truth, future, forms[truth.template])
            _keep(keep, Kept(digest, reader.digest, rows[digest]))
            progress(len(truths) - len(left) + number, len(truths))
    return tuple(rows[digest] for _, digest in pages)


class _Reader(msgspec.Struct, frozen=True):
    """Reads pages of one archive; goes to worker processes."""

    folder: Path
    settings: Settings
    forms: dict[str, Template]
    digest: str

    def read(self, asked: tuple[PageTruth, str]) -> tuple[PageRow, str]:
        """The row of a page, and the digest of the code that read it."""
        truth, _ = asked
        code = _code_digest()
        began = time.perf_counter()
        page = digitize_file(self.folder / truth.file, truth.file, self.settings).pages[0]
        seconds = time.perf_counter() - began
        return page_row(truth, page, self.forms[truth.template], seconds), code


def _result(
    truth: PageTruth, future: Future[tuple[PageRow, str]], template: Template
) -> PageRow:
    """What a worker gave back; a page that stopped it is a page that failed."""
    try:
        row, code = future.result()
    except PageError as error:
        return failed_page(truth, error.code, template)
    if code != _code_digest():
        raise DataError("the code was changed while pages were read; start again")
    return row


@contextmanager
def _executor(jobs: int, settings: Settings) -> Iterator[Executor]:
    """Workers; whatever ends the reading ends them."""
    executor: Executor = (
        IsolatedExecutor(jobs, settings.page_seconds, settings.worker_megabytes)
        if jobs
        else SerialExecutor()
    )
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _require_templates(truths: Sequence[PageTruth], forms: Mapping[str, Template]) -> None:
    missing = sorted({truth.template for truth in truths} - forms.keys())
    if missing:
        raise DataError(f"no template for {', '.join(missing)}; name the templates' folder")


# What readings depend on.


def page_digest(folder: Path, truth: PageTruth) -> str:
    """Digest of a page's picture and its truth; of the truth alone where there is none."""
    try:
        picture = hash_file(folder / truth.file)
    except PageError:
        picture = ""
    return hashlib.sha256(picture.encode() + msgspec.json.encode(truth)).hexdigest()[:32]


def reader_digest(settings: Settings) -> str:
    """Digest of all that readings depend on besides the page."""
    prints = {k: v for k, v in fingerprint(settings).items() if k not in _JUDGING}
    prints |= {name: _version(name) for name in _LIBRARIES} | {"code": _code_digest()}
    return hashlib.sha256(msgspec.json.encode(sorted(prints.items()))).hexdigest()[:32]


@functools.cache
def _code_digest() -> str:
    """Digest of the code that reads, as this process found it when it first read."""
    root = Path(hwdigitize.__file__).parent
    files = sorted(file for part in _READERS for file in (root / part).rglob("*.py"))
    digest = hashlib.sha256()
    for file in files:
        if file.name not in _JUDGES:
            digest.update(file.relative_to(root).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()[:32]


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


# Readings that are kept.


def _load_kept(keep: Path | None, reader: str) -> dict[str, PageRow]:
    """Readings by this reader; a last line that was not written to its end is cut off."""
    if keep is None or not keep.exists():
        return {}
    try:
        with keep.open("rb+") as file:
            kept = {}
            for line in file:
                if not line.endswith(b"\n"):
                    file.truncate(keep.stat().st_size - len(line))
                    break
                one = msgspec.json.decode(line, type=Kept)
                if one.reader == reader:
                    kept[one.page] = one.row
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(f"{keep} holds no readings: {error}; remove it") from error
    return kept


def _keep(keep: Path | None, one: Kept) -> None:
    if keep is None:
        return
    try:
        with keep.open("ab") as file:
            file.write(msgspec.json.encode(one) + b"\n")
    except OSError as error:
        raise OutputError(f"cannot write {keep}: {error.strerror}") from error
