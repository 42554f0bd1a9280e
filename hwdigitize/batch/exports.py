"""What is written from the ledger: documents, tables, the HTML report, ``run.json``, times.

Nothing is written twice that is up to date: documents and views of pages go by file, tables
and indexes by bundle (:mod:`hwdigitize.batch.bundles`), so that a run writes what it changed.
All but ``timing.json`` is the same whenever and however often a run was begun.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, get_args

import msgspec

from hwdigitize.batch.bundles import WHOLE, Bundle, digest_of
from hwdigitize.batch.ledger import Ledger
from hwdigitize.batch.outputs import output_errors
from hwdigitize.batch.quarantine import update_quarantine
from hwdigitize.batch.records import sha256_of, short_hash
from hwdigitize.document import encode
from hwdigitize.reports.files import write_changed, write_whole
from hwdigitize.reports.html import BundleName, Report, RunInfo, Tally
from hwdigitize.reports.json import document_path
from hwdigitize.reports.tables import Part, Source, write_tables
from hwdigitize.settings import Settings

TIMING = "timing.json"


class RunTimes(NamedTuple):
    """When a run began (Unix seconds), how long it took, and whether it was interrupted."""

    began: float
    seconds: float
    interrupted: bool


class Reported(msgspec.Struct, frozen=True):
    """What the reports show of a bundle: its state, part of the tables, counts and files."""

    digest: str
    part: Part
    tally: Tally
    hashes: dict[str, str]


class _Skipped(NamedTuple):
    file: str
    reason: str


def write_document(ledger: Ledger, out: Path, file: str) -> None:
    """Write a file's JSON with the pages that are finished, if any; quarantine what failed.

    Does not wait for the disk: after a loss of power it is made again from the ledger.
    """
    document = ledger.document(file)
    if document.pages:
        data = encode(document)
        write_whole(document_path(out, file), data, durable=False)
        update_quarantine(out, Path(ledger.path(file)), document)
        ledger.note_written(file, data)


def bring_up_to_date(ledger: Ledger, out: Path, settings: Settings, times: RunTimes) -> None:
    """Write what does not show the ledger's state: documents, tables, report, ``run.json``.

    What is noted in the ledger is on disk before: a loss of power leaves no empty file that
    counts as written.
    """
    bundles = ledger.bundles()
    state = ledger.digest(bundles)
    known = _known(ledger, out)
    stale = ledger.reported() != state or (not known and bool(bundles))
    if stale:
        for bundle in bundles:
            if bundle.key not in known or known[bundle.key].digest != bundle.digest:
                label_writers(ledger, bundle, settings)
    write_stale_documents(ledger, out)
    if stale:
        reports = _Reports(ledger, out, settings)
        reports.write_views()
        shown = reports.write_bundles(bundles, known)
        hashes = reports.hashes | _write_run(ledger, out, settings, times)
        os.sync()
        ledger.settle()
        kept = ((key, msgspec.json.encode(told).decode()) for key, told in shown.items())
        ledger.note_reported(state, kept, hashes)
    elif ledger.unsettled():
        os.sync()
        ledger.settle()


def bring_folder_up_to_date(out: Path, settings: Settings, times: RunTimes) -> None:
    """Do so in a process that has not opened the ledger, while no other writes to it.

    Raises:
        OutputError: ``out`` cannot be written.
    """
    with output_errors(out), closing(Ledger(out)) as ledger:
        bring_up_to_date(ledger, out, settings, times)


def _known(ledger: Ledger, out: Path) -> dict[str, Reported]:
    """What the reports on disk show, by bundle; nothing where one is missing or spoilt.

    Of the tables, which are copied from, the content counts.
    """
    for name, sha256 in ledger.outputs():
        if not (out / name).is_file():
            return {}
        if name.endswith(".csv") and sha256_of(str(out / name)) != sha256:
            return {}
    return {
        key: msgspec.json.decode(told, type=Reported)
        for key, told in ledger.reported_bundles().items()
    }


def write_stale_documents(ledger: Ledger, out: Path) -> None:
    """Write every document that is missing, damaged in size, or older than the ledger."""
    for file, size, sha256 in ledger.written():
        if not _is_written(document_path(out, file), size, sha256):
            write_document(ledger, out, file)


def _is_written(path: Path, size: int | None, sha256: bytes | None) -> bool:
    """Whether a document is as noted; by its content where the disk may have lost it."""
    if size is None or (size != 0 and abs(size) != _size(path)):
        return False
    return size > 0 or (sha256 is not None and sha256_of(str(path)) == sha256.hex())


def label_writers(ledger: Ledger, bundle: Bundle, settings: Settings) -> None:
    """Give the pages of a bundle their writer clusters.

    A cluster is named after its first page, so that no other changes its name.
    """
    keys, embeddings = ledger.embeddings(bundle)
    if keys:
        from hwdigitize.recognition.writers import cluster

        first: dict[str, str] = {}
        found = cluster(embeddings, models=settings.models)
        for key, label in zip(keys, found, strict=True):
            if label is not None:
                first.setdefault(label, f"hand-{digest_of(f'{key.page} {key.file}')[:8]}")
        ledger.label(keys, [None if label is None else first[label] for label in found])


class _Reports:
    """Tables and report being brought up to date; ``hashes`` are the SHA-256 by path."""

    def __init__(self, ledger: Ledger, out: Path, settings: Settings) -> None:
        info = RunInfo(
            version=version("hwdigitize"),
            flag_below=settings.flag_below,
            models=model_versions(settings),
            claims=tuple(claims_of(settings).values()),
        )
        self.ledger, self.out = ledger, out
        self.report = Report(out, info)
        self.skipped = [_Skipped(*file) for file in ledger.skipped()]
        self.hashes: dict[str, str] = {}

    def write_views(self) -> None:
        """Write the views of pages that changed, remove those of pages that are gone."""
        for file, views in self.ledger.to_view():
            hashes: dict[int, str] = {}
            if self.ledger.is_present(file):
                hashes = self.report.write_views(self.ledger.document(file))
            count = 1 + max(hashes, default=-1)
            self.report.remove_views(file, range(count, views))
            self.ledger.note_viewed(file, count, views_hash(hashes, count))

    def write_bundles(
        self, bundles: Sequence[Bundle], known: dict[str, Reported]
    ) -> dict[str, Reported]:
        """Write tables and indexes, of unchanged bundles by copying; what they show now."""
        same = {b.key: known[b.key] for b in bundles if _digest(known, b.key) == b.digest}
        sources = [
            Source(
                partial(self.ledger.documents, bundle),
                same[bundle.key].part if bundle.key in same else None,
            )
            for bundle in bundles
        ]
        tables = write_tables(self.out, sources, self.skipped)
        shown = {}
        for bundle, part in zip(bundles, tables.parts, strict=True):
            old = same.get(bundle.key)
            tally, hashes = (
                (old.tally, old.hashes)
                if old and bundle.key != WHOLE
                else self._write_bundle(bundle)
            )
            shown[bundle.key] = Reported(bundle.digest, part, tally, hashes)
            self.hashes |= hashes
        if WHOLE not in shown:
            self._write_overview(bundles, shown)
        self.hashes |= tables.hashes
        self.report.sweep(self.hashes)
        return shown

    def _write_bundle(self, bundle: Bundle) -> tuple[Tally, dict[str, str]]:
        alone = bundle.key == WHOLE
        return self.report.write_bundle(
            _name(bundle), self.ledger.documents(bundle), self.skipped if alone else (), alone
        )

    def _write_overview(self, bundles: Sequence[Bundle], shown: dict[str, Reported]) -> None:
        """Write the index of several bundles or of none; skipped files are one of their own."""
        listed = [(_name(bundle), shown[bundle.key].tally) for bundle in bundles]
        if self.skipped or not bundles:
            files = [skipped.file for skipped in self.skipped] or [""]
            name = BundleName("skipped" if bundles else WHOLE, files[0], files[-1])
            tally, hashes = self.report.write_bundle(name, (), self.skipped, not bundles)
            listed.append((name, tally))
            self.hashes |= hashes
        if bundles:
            self.hashes |= self.report.write_overview(listed)


def views_hash(hashes: dict[int, str], count: int) -> bytes:
    """Put the hashes of a file's views together; what is missing of ``count`` counts, too."""
    return short_hash(" ".join(hashes.get(index, "") for index in range(count)).encode())


def _digest(known: dict[str, Reported], key: str) -> str | None:
    return known[key].digest if key in known else None


def _name(bundle: Bundle) -> BundleName:
    return BundleName(bundle.key, bundle.first_file, bundle.last_file)


def _write_run(
    ledger: Ledger, out: Path, settings: Settings, times: RunTimes
) -> dict[str, str]:
    """Write what the run was, and apart from it how long it took; the SHA-256 by path."""
    plain = msgspec.convert(msgspec.to_builtins(settings), Settings)  # 60 and 60.0 are one
    run = {
        "schema": "hwdigitize-run/1",
        "version": version("hwdigitize"),
        "interrupted": times.interrupted,
        "settings": msgspec.to_builtins(plain),
        "models": model_versions(settings),
        "claims": claims_of(settings),
        "counts": ledger.counts()._asdict() | {"vanished": ledger.vanished()},
        "problems": dict(ledger.problems()),
        "skipped": [
            dict(zip(("file", "reason"), file, strict=True)) for file in ledger.skipped()
        ],
    }
    timing = {
        "schema": "hwdigitize-timing/1",
        "started": _iso(times.began),
        "seconds": round(times.seconds, 3),
        "seconds_by_stage": ledger.seconds_by_stage(),
    }
    return {
        name: write_changed(out / name, msgspec.json.format(msgspec.json.encode(data)) + b"\n")
        for name, data in (("run.json", run), (TIMING, timing))
    }


def model_versions(settings: Settings) -> dict[str, str]:
    """Versions of the networks that are there, by name."""
    from hwdigitize.recognition.runtime import Name, load_card, models_folder

    folder = models_folder(settings.models)
    return {
        name: load_card(name, settings.models).version
        for name in get_args(Name)
        if (folder / f"{name}.json").is_file()
    }


def claims_of(settings: Settings) -> dict[str, str]:
    """What the calibration proves of the accepted fields of forms, in words by kind.

    Nothing where the models folder has no calibration of fields.
    """
    from hwdigitize.forms.confidence import Judge, load_fields_card

    claims = Judge(load_fields_card(settings.models), settings.max_error).claims
    return {kind: claim.sentence for kind, claim in claims.items()}


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
