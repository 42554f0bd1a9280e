"""Drawn pages for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hwdigitize.document import PageRef
from hwdigitize.pages.ingest import Scan, load_page
from hwdigitize.settings import Settings

Load = Callable[..., Scan]


@pytest.fixture
def load() -> Load:
    """Load a page of a file, with settings by keyword."""

    def load(path: Path, index: int = 0, **settings: object) -> Scan:
        ref = PageRef(path=str(path), file=path.name, sha256="", index=index)
        scan = load_page(ref, Settings(**settings))
        assert scan.image.dtype == np.uint8
        assert scan.image.flags.c_contiguous
        assert scan.image.flags.writeable
        return scan

    return load


@pytest.fixture
def drawing() -> NDArray[np.uint8]:
    """A grey page, 120 x 80, with no symmetry at all."""
    page = np.full((120, 80), 255, np.uint8)
    page[5:15, 5:60] = 0
    page[20:100, 10:14] = 60
    page[60:64, 30:75] = 120
    return page
