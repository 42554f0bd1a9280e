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
    """Everything in a results folder that may not differ between two runs."""
    kept = [out / "pages.csv", out / "words.csv", out / "fields.csv"]
    kept += [*(out / "documents").rglob("*"), *(out / "report" / "images").rglob("*")]
    return {str(path.relative_to(out)): path.read_bytes() for path in kept if path.is_file()}
