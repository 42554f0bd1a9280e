"""What is written from the ledger: documents, tables, the HTML report and ``run.json``.

Nothing is written twice that is up to date, so that a finished run started again changes no
byte and ends at once.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, get_args

import msgspec

from hwdigitize.batch.ledger import Ledger
from hwdigitize.batch.outputs import output_errors
from hwdigitize.batch.quarantine import update_quarantine
from hwdigitize.batch.records import sha256_of
from hwdigitize.document import Document, encode
from hwdigitize.reports.files import write_whole
from hwdigitize.reports.json import document_path
from hwdigitize.settings import Settings

OUTPUTS = ("pages.csv", "words.csv", "fields.csv", "report/index.html", "run.json")


class RunTimes(NamedTuple):
    """When a run began (Unix seconds), how long it took, and whether it was interrupted."""

    began: float
    seconds: float
    interrupted: bool


class _Skipped(NamedTuple):
    file: str
    reason: str


def write_document(ledger: Ledger, out: Path, file: str) -> None:
    """Write a file's JSON with the pages that are finished, if any; quarantine what failed."""
    document = ledger.document(file)
    if document.pages:
        data = encode(document)
        write_whole(document_path(out, file), data)
        update_quarantine(out, ledger.path(file), document)
        ledger.note_written(file, data)


def bring_up_to_date(ledger: Ledger, out: Path, settings: Settings, times: RunTimes) -> None:
    """Write what does not show the ledger's state: documents, tables, report, ``run.json``.

    What is noted in the ledger is on disk before: a loss of power leaves no empty file that
    counts as written.
    """
    state = ledger.digest()
    if not are_reported(ledger, out, state):
        label_writers(ledger, settings)
    write_stale_documents(ledger, out)
    if not are_reported(ledger, out, state):
        write_reports(ledger, out, settings, times)
        os.sync()
        ledger.note_reported(state, _hashes(out))


def bring_folder_up_to_date(out: Path, settings: Settings, times: RunTimes) -> None:
    """Do so in a process that has not opened the ledger, while no other writes to it.

    Raises:
        OutputError: ``out`` cannot be written.
    """
    with output_errors(out), closing(Ledger(out)) as ledger:
        bring_up_to_date(ledger, out, settings, times)


def _hashes(out: Path) -> list[tuple[str, str]]:
    """Hash the reports that ``verify`` compares."""
    tables = (path.relative_to(out).as_posix() for path in sorted(out.glob("forms/*.csv")))
    return [(name, sha256_of(str(out / name))) for name in (*OUTPUTS, *tables)]


def write_stale_documents(ledger: Ledger, out: Path) -> None:
    """Write every document that is missing, damaged in size, or older than the ledger."""
    for file, size in ledger.written():
        if size is None or size != _size(document_path(out, file)):
            write_document(ledger, out, file)


def label_writers(ledger: Ledger, settings: Settings) -> None:
    """Give the pages of this run their writer clusters."""
    keys, embeddings = ledger.embeddings()
    if keys:
        from hwdigitize.recognition.writers import cluster

        ledger.label(keys, cluster(embeddings, models=settings.models))


def write_reports(ledger: Ledger, out: Path, settings: Settings, times: RunTimes) -> None:
    """Write tables, HTML and ``run.json``, and then that they show this state."""
    from hwdigitize.reports.csv import write_tables
    from hwdigitize.reports.html import RunInfo, write_report

    models = model_versions(settings)
    skipped = [_Skipped(*file) for file in ledger.skipped()]
    seconds: dict[str, float] = defaultdict(float)
    write_tables(out, _adding_seconds(ledger.documents(), seconds), skipped)
    info = RunInfo(
        version=version("hwdigitize"),
        started=_iso(times.began),
        seconds=round(times.seconds, 3),
        flag_below=settings.flag_below,
        models=models,
    )
    write_report(out, ledger.documents, info, skipped)
    run = {
        "schema": "hwdigitize-run/1",
        "version": version("hwdigitize"),
        "started": _iso(times.began),
        "seconds": round(times.seconds, 3),
        "interrupted": times.interrupted,
        "settings": msgspec.to_builtins(settings),
        "models": models,
        "counts": ledger.counts()._asdict() | {"vanished": ledger.vanished()},
        "problems": dict(ledger.problems()),
        "skipped": [file._asdict() for file in skipped],
        "seconds_by_stage": {stage: round(spent, 3) for stage, spent in seconds.items()},
    }
    write_whole(out / "run.json", msgspec.json.format(msgspec.json.encode(run)) + b"\n")


def are_reported(ledger: Ledger, out: Path, state: str) -> bool:
    """Whether the reports on disk show this state of the ledger."""
    return ledger.reported() == state and all((out / name).is_file() for name in OUTPUTS)


def model_versions(settings: Settings) -> dict[str, str]:
    """Versions of the networks that are there, by name."""
    from hwdigitize.recognition.runtime import Name, load_card, models_folder

    folder = models_folder(settings.models)
    return {
        name: load_card(name, settings.models).version
        for name in get_args(Name)
        if (folder / f"{name}.json").is_file()
    }


def _adding_seconds(
    documents: Iterator[Document], seconds: dict[str, float]
) -> Iterator[Document]:
    for document in documents:
        for page in document.pages:
            for stage, spent in page.seconds.items():
                seconds[stage] += spent
        yield document


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
