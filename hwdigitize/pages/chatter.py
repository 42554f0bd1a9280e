"""What C libraries print on stderr: kept off the terminal, and heard.

libtiff tells of damaged strips in no other way: Pillow takes what came out for whole.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

#: what libtiff says of lost pixels; it also grumbles about tags, which is no matter
_LOST_PIXELS = re.compile(r"Decode|FillStrip|FillTile|Read error|JPEGLib|not yet in table")
_MOST_BYTES = 100_000


class Chatter:
    """What was said, once the block is left."""

    text = ""

    @property
    def tells_of_damage(self) -> bool:
        """Whether pixels were lost."""
        return _LOST_PIXELS.search(self.text) is not None


@contextmanager
def overheard() -> Iterator[Chatter]:
    """Turn the process's stderr into a :class:`Chatter` for a moment.

    It is the whole process's: for workers, which do one thing at a time.
    """
    chatter = Chatter()
    try:
        stderr = os.dup(2)
    except OSError:  # a daemon without stderr
        yield chatter
        return
    with tempfile.TemporaryFile() as file:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(file.fileno(), 2)
        try:
            yield chatter
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            file.seek(0)
            chatter.text = file.read(_MOST_BYTES).decode(errors="replace")
