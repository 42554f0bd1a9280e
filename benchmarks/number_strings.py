"""Digits, dates and amounts strung from real glyphs: exact strings, with and without grammar.

    python -m hwdigitize.training.synthetic --kind glyphs --split test --count 1000 \\
        --data DATA --out numbers_test.npz
    python benchmarks/number_strings.py numbers_test.npz

A form says of each of its fields what it may hold, so that each string is read within the
pattern of its kind, and for comparison as any text.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import cv2

from hwdigitize.forms.grammar import compile_grammar
from hwdigitize.forms.records import Field, Grammar
from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.constrained import read_words_within
from hwdigitize.recognition.words import read_words
from hwdigitize.training.pools import read_drawn

YEAR_LAST = r"[0-9]{1,2}( ?[-/. ] ?[0-9]{1,2}){1,2}( ?[-/. ] ?[0-9]{4})?"
YEAR_FIRST = r"[0-9]{4} ?[-/. ] ?[0-9]{1,2} ?[-/. ] ?[0-9]{1,2}"
#: tried in order: what a form would say of a field that holds such strings
PATTERNS = {
    "digits": r"[0-9]{1,12}",
    "amount": r"[$£€]?[0-9]{1,3}(,[0-9]{3})*[.][0-9]{2}|[$£€]?[0-9]{1,6}[.][0-9]{1,2}",
    "date": f"{YEAR_FIRST}|{YEAR_LAST}",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--models", help="folder of the networks", default=None)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    pool = read_drawn(chosen.pool, Alphabet())
    kinds = [
        next((kind for kind, p in PATTERNS.items() if re.fullmatch(p, text)), "other")
        for text in pool.texts
    ]
    print("| kind | strings | any text, exact % | within its grammar, exact % |")
    print("| --- | --- | --- | --- |")
    for kind, pattern in PATTERNS.items():
        picked = [i for i, other in enumerate(kinds) if other == kind]
        crops = [pool.crop(i) for i in picked]
        truth = [pool.texts[i] for i in picked]
        field = Field(
            name=kind, kind="text", boxes=((0, 0, 9, 9),), grammar=Grammar(pattern=pattern)
        )
        free = [reading.text for reading in read_words(crops, models=chosen.models)]
        legal = [
            found.text
            for found in read_words_within(
                crops, [compile_grammar(field)] * len(crops), models=chosen.models
            )
        ]
        shares = [
            100 * sum(a == b for a, b in zip(texts, truth, strict=True)) / max(len(truth), 1)
            for texts in (free, legal)
        ]
        print(f"| {kind} | {len(truth)} | {shares[0]:.1f} | {shares[1]:.1f} |")
    print(f"\n{kinds.count('other')} strings of no kind above were left out.")


if __name__ == "__main__":
    main()
