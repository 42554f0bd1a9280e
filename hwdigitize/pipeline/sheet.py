"""What reading a page gives, whichever way it is read, and the watch that times it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hwdigitize.document import Page

Grey = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Sheet:
    """A page as read.

    ``page`` lacks what is known of the scan alone; ``hands`` are crops of handwriting, grey,
    paper near 255, by which the writer can be known.
    """

    page: Page
    hands: tuple[Grey, ...]


@dataclass
class Stopwatch:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to a stage."""
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = self.seconds.get(name, 0.0) + time.perf_counter() - began
            self.seconds[name] = round(spent, 4)
