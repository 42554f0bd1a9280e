"""A folder of made-up scans and a way to compare results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

MakeScans = Callable[..., Path]


@pytest.fixture
def make_scans(tmp_path: Path) -> MakeScans:
    """Write files of 1, 2, 3, 1, 2, 3, … pages to the fakes."""

    def make(*names: str, folder: str = "in") -> Path:
        for number, name in enumerate(names):
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            content = f"{name} ".encode()
            path.write_bytes(content + b"." * (number - len(content) % 3 + 3))
        return tmp_path / folder

    return make


def results_in(out: Path) -> dict[str, bytes]:
    """Everything in a results folder but the ledger and the times: it may not differ."""
    found = ((path.relative_to(out).as_posix(), path) for path in out.rglob("*"))
    return {
        name: path.read_bytes()
        for name, path in found
        if path.is_file() and not name.startswith(("ledger.sqlite", "run.lock", "timing.json"))
    }
