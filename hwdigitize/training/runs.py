"""What the training runs of all three networks share: their folder, start and progress."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwdigitize.errors import ModelError
from hwdigitize.recognition.runtime import Name, models_folder
from hwdigitize.training.datasets import Broken

Report = Callable[[Broken], None]

LOOK_SECONDS = 0.5


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
    """

    out: Path
    plan: Mapping[str, Any]
    start_from: Path | None = None
    steps: int | None = None
    seed: int | None = None
    skip_unknown: bool = False


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


def beside_shipped(out: Path) -> Path:
    """``out/models``, filled with the shipped networks where it has none of its own."""
    folder, shipped = out / "models", models_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(shipped.glob("*")):
        if path.suffix in (".onnx", ".json") and not (folder / path.name).exists():
            shutil.copyfile(path, folder / path.name)
    return folder


@contextmanager
def log_watched(log: Path, listener: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Tell ``listener`` of every record that is appended to a run's log meanwhile."""
    stop = threading.Event()
    seen = len(_records(log))

    def watch() -> None:
        told = seen
        while True:
            last = stop.wait(LOOK_SECONDS)
            records = _records(log)
            for record in records[told:]:
                listener(record)
            told = len(records)
            if last:
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


def _records(log: Path) -> list[dict[str, Any]]:
    """Whole lines of a log so far."""
    if not log.exists():
        return []
    return [json.loads(line) for line in log.read_text("utf-8").split("\n")[:-1]]
