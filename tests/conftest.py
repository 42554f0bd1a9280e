"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real handwriting, which users do not have."""
    folder = Path(os.environ.get("HWDIGITIZE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real handwriting at {folder}; set HWDIGITIZE_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def samples() -> Path:
    """The scans that the project drew itself."""
    return ROOT / "samples"
