"""What the training runs of all three networks share: their folder, start and progress."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwdigitize.errors import ModelError
from hwdigitize.recognition.runtime import Name, models_folder
from hwdigitize.training.datasets import Broken

Report = Callable[[Broken], None]
#: one validation: step, loss, learning_rate, images_per_second, minutes, and the scores
Record = dict[str, float]

LOG = "log.jsonl"


@dataclass(frozen=True)
class Start:
    """What all runs are told.

    Attributes:
        out: folder of the run.
        plan: tables of the configuration file.
        start_from: weights to start from, None for random ones.
        steps: batches, None for the configuration's.
        seed: None for the configuration's.
        skip_unknown: leave out samples that the alphabet cannot write, instead of stopping.
        force: install the network even if it reads worse than the one in place.
    """

    out: Path
    plan: Mapping[str, Any]
    start_from: Path | None = None
    steps: int | None = None
    seed: int | None = None
    skip_unknown: bool = False
    force: bool = False


def weights_file(name: Name, given: str | None) -> Path | None:
    """The ``.keras`` file that ``--from`` means: a path, or ``shipped``.

    Raises:
        ModelError: there is no such file.
    """
    if given is None:
        return None
    path = models_folder() / f"{name}.keras" if given in ("shipped", name) else Path(given)
    if path.is_dir():
        path = path / "best.keras"
    if not path.is_file():
        raise ModelError(f"no weights to start from at {path}; name a .keras file or 'shipped'")
    return path


def write_config(out: Path, tables: Mapping[str, Any]) -> None:
    """What a run was told, as ``out/config.json``; tables as in the configuration file."""
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(tables, indent=2, default=str) + "\n"
    (out / "config.json").write_text(text, encoding="utf-8")


def append_record(out: Path, record: Record) -> None:
    """Add a record to the log of a run."""
    _write_log(
        out, [*read_records(out), {key: round(value, 5) for key, value in record.items()}]
    )


def drop_records(out: Path, after: float) -> None:
    """Forget the records of steps that a resumed run will do again."""
    if (records := read_records(out)) and records[-1]["step"] > after:
        _write_log(out, [record for record in records if record["step"] <= after])


def read_records(out: Path) -> list[Record]:
    """The log of a run so far."""
    path = out / LOG
    return (
        [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        if path.exists()
        else []
    )


def _write_log(out: Path, records: Sequence[Record]) -> None:
    """As JSON, a record a line, and as a table for whoever draws curves."""
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    part = out / f"part-{LOG}"
    part.write_text(lines, encoding="utf-8")
    part.replace(out / LOG)
    columns = dict.fromkeys(key for record in records for key in record)
    with (out / "log.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns))
        writer.writeheader()
        writer.writerows(records)
