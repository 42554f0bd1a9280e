"""Looking after a results folder: how it stands, what to read again, what is wrong or gone.

``status`` reads beside a run that writes; the others hold the folder's lock.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from hwdigitize.batch.exports import views_hash, write_document
from hwdigitize.batch.ledger import Ledger
from hwdigitize.batch.ledger_file import LastRun
from hwdigitize.batch.outputs import LEDGER, holder, locked, output_errors
from hwdigitize.batch.quarantine import release
from hwdigitize.batch.records import Counts, sha256_of, short_hash
from hwdigitize.batch.remote import is_there
from hwdigitize.document import decode_document
from hwdigitize.errors import UsageError
from hwdigitize.reports.json import document_path
from hwdigitize.reports.names import image_paths, view_path

#: the rate is that of this long ago until now
RATE_SECONDS = 600.0


class Status(NamedTuple):
    """How a results folder stands.

    ``holder`` is the process writing to it, None if none is; ``rate`` is in pages a second, of
    the last ten minutes or of the last run; ``seconds_left`` is None without a run or a rate.
    ``problems`` are ``stage:code``, pages, and a file that has it, the most common first.
    """

    holder: str | None
    counts: Counts
    vanished: int
    rate: float
    seconds_left: float | None
    problems: tuple[tuple[str, int, str], ...]


def status(out: Path) -> Status:
    """Say how a results folder stands, while a run writes to it or not.

    Raises:
        UsageError: there are no results.
        OutputError: they cannot be read.
    """
    need_ledger(out)
    with output_errors(out), closing(Ledger(out, reading=True)) as ledger:
        writer, counts = holder(out), ledger.counts()
        rate = _rate(ledger, live=writer is not None)
        left = (counts.waiting + counts.running) / rate if rate and writer else None
        problems = tuple(ledger.worst_problems())
        return Status(writer, counts, ledger.vanished(), rate, left, problems)


def retry(out: Path, only: str | None, quarantined: bool) -> tuple[int, LastRun]:
    """Let pages wait again; how many, and what the last run was asked for, to run it again.

    Args:
        out: the results folder.
        only: a pattern such as ``a/*.pdf`` that the file's name must match; None for all.
        quarantined: those that failed alone, which without ``only`` they are anyway.

    Raises:
        UsageError: there are no results, or no run is known.
        OutputError: they cannot be written, or a run is writing to them.
    """
    with output_errors(out), _writing(out) as ledger:
        run = ledger.last_run()
        return ledger.wait_again(only or "*", failed=quarantined or only is None), run


def verify(out: Path, mend: bool = False) -> Iterator[str]:
    """Compare what is on disk with the ledger; a sentence for each thing that is wrong.

    With ``mend``, once all is told, the next run will make again what is wrong: pages whose
    images or readings are damaged are read, all else is written from the ledger.

    Raises:
        UsageError: there are no results.
        OutputError: they cannot be read, or a run is writing to them.
    """
    with output_errors(out), _writing(out) as ledger:
        remedies = []
        for sentence, remedy in _wrong(ledger, out):
            remedies.append(remedy)
            yield sentence
        for remedy in remedies if mend else ():
            remedy()


def _wrong(ledger: Ledger, out: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """What is wrong, in a sentence, and what makes the next run make it again."""
    for line in ledger.damage():
        yield f"{out / LEDGER} is damaged: {line}; put a copy of it back", lambda: None
    for file, pages, found in ledger.not_conserved():
        sentence = f"{file}: has {pages} pages, {found} of them are accounted for"
        yield sentence, partial(ledger.count_again, file)
    for file, index in ledger.illegible():
        sentence = f"{file}, page {index + 1}: its reading in {LEDGER} is damaged"
        yield sentence, partial(ledger.read_again, file, index)
    if ledger.reported() != ledger.digest():
        sentence = "the reports do not show what was read last; start the run again"
        yield sentence, ledger.report_again
    for name, written in ledger.outputs():
        if sha256_of(str(out / name)) != written:
            yield _differs(out / name), ledger.report_again
    for file, sha256 in ledger.documents_written():
        for sentence in _verify_document(document_path(out, file), file, sha256):
            yield sentence, partial(write_document, ledger, out, file)
    for file, views, together in ledger.views_written():
        hashes = {n: sha256_of(str(out / view_path(file, n))) for n in range(views)}
        if views_hash(hashes, views) != together:
            sentence = f"{file}: its pages in {out / 'report'} are not what was written"
            yield sentence, partial(ledger.report_again, file)
    for file, index, images in ledger.images():
        for sentence in _verify_images(out, file, index, images):
            yield sentence, partial(ledger.read_again, file, index)


def prune(out: Path, keep: bool = False) -> list[str]:
    """Remove the outputs of inputs that are gone: not in the last run, and not on disk either.

    Args:
        out: the results folder.
        keep: say what would be removed, and remove nothing.

    Returns:
        The names of the inputs.

    Raises:
        UsageError: there are no results, or an input folder is gone as a whole.
        OutputError: they cannot be written, or a run is writing to them.
    """
    with output_errors(out), _writing(out) as ledger:
        for path in ledger.last_run().inputs:
            if not is_there(path):
                raise UsageError(
                    f"{path} is not there; is its disk mounted? Nothing was removed"
                )
        gone = [file for file in ledger.vanished_files() if not is_there(ledger.path(file))]
        for file in [] if keep else gone:
            _remove(ledger, out, file)
        return gone


@contextmanager
def _writing(out: Path) -> Iterator[Ledger]:
    need_ledger(out)
    with locked(out), closing(Ledger(out)) as ledger:
        yield ledger


def need_ledger(out: Path) -> None:
    """Refuse a folder without a ledger.

    Raises:
        UsageError: there are no results.
    """
    if not (out / LEDGER).is_file():
        raise UsageError(f"{out} has no {LEDGER}; give the --out folder of a run")


def _rate(ledger: Ledger, live: bool) -> float:
    """Pages a second: of late while a run is live, else of the last run."""
    began = ledger.last_run().began
    since = max(began, time.time() - RATE_SECONDS) if live else began
    pages, last = ledger.finished_since(since)
    spent = (time.time() if live else last) - since
    return pages / spent if pages and spent > 0 else 0.0


def _verify_document(path: Path, file: str, sha256: bytes) -> Iterator[str]:
    """Say what is wrong with a document, once."""
    try:
        data = path.read_bytes()
        if decode_document(data).file != file:
            yield f"{path}: is the document of another file"
        elif hashlib.sha256(data).digest() != sha256:
            yield _differs(path)
    except OSError as error:
        yield f"{path}: {error.strerror}"
    except msgspec.DecodeError as error:
        yield f"{path}: not of the schema: {error}"


def _verify_images(out: Path, file: str, index: int, hashes: bytes) -> Iterator[str]:
    for place, kept in zip(image_paths(file, index), (hashes[:16], hashes[16:]), strict=True):
        data = b""
        with suppress(OSError):
            data = (out / place).read_bytes()
        if kept != short_hash(data):
            yield f"{file}, page {index + 1}: {_differs(out / place)}"


def _differs(path: Path) -> str:
    return f"{path}: {'is not what was written' if path.exists() else 'is missing'}"


def _remove(ledger: Ledger, out: Path, file: str) -> None:
    """Remove outputs first: what a killed prune leaves is pruned the next time."""
    indices = ledger.page_indices(file)
    of_pages = [
        out / name for n in indices for name in (*image_paths(file, n), view_path(file, n))
    ]
    for path in (document_path(out, file), *of_pages):
        with suppress(FileNotFoundError):
            path.unlink()
    release(out, file)
    ledger.forget(file)
