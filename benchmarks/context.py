"""What the words beside a word are worth: validation crops read alone and as connected text.

    python -m benchmarks.context DATA [--power P ...]

DATA holds words.parquet. A line a source and way of reading. Confidences are of the shipped
calibration, which was fitted on the same words.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hwdigitize.recognition import context
from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.runtime import models_folder
from hwdigitize.training.pools import read_table
from hwdigitize.training.release import LANGUAGE, by_source, score, texts_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--power", type=float, nargs="*", default=[context.POWER])
    given = parser.parse_args()
    models = models_folder(None)
    words = texts_of(read_table(given.data / "words.parquet", "valid", Alphabet()))
    for source, pool in by_source(words).items():
        print(source, "alone", score(pool, models, frozenset(), LANGUAGE))
        for power in given.power:
            context.POWER = power
            print(source, power, score(pool, models, frozenset(), LANGUAGE, connected=True))


if __name__ == "__main__":
    main()
