"""CTC decoding of words, ours with and without a language beside pip's decoders.

    python benchmarks/decoding.py DATA/words.parquet [--split valid] [--width 16] [--words 600]

IAM words of a split through the shipped words network, then each decoder on the same scores, 60
words at a time, in turn; one thread. Peers are measured where they are installed
(`pip install fast-ctc-decode pyctcdecode`); neither takes a lexicon without a KenLM file.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.ctc import beam_search, best_path
from hwdigitize.recognition.language import load_language
from hwdigitize.recognition.runtime import load_network
from hwdigitize.recognition.words import score_words
from hwdigitize.training.pools import read_table

Scores = Sequence[NDArray[np.float32]]
Decoder = Callable[[Scores], list[str]]
BATCH = 60


def ours(alphabet: Alphabet, width: int, name: str) -> Decoder:
    language = load_language(name, alphabet)

    def decode(scores: Scores) -> list[str]:
        return [ranked[0][0] for ranked in beam_search(scores, alphabet, width, language)]

    return decode


def fast_ctc_decode(alphabet: Alphabet, width: int) -> Decoder:
    import fast_ctc_decode as peer

    letters = ["", *alphabet.characters]
    return lambda scores: [
        peer.beam_search(np.exp(part), letters, width, 0.002)[0] for part in scores
    ]


def pyctcdecode(alphabet: Alphabet, width: int) -> Decoder:
    from pyctcdecode import build_ctcdecoder

    peer = build_ctcdecoder(["", *alphabet.characters])
    return lambda scores: [peer.decode(part, beam_width=width) for part in scores]


def decoders(alphabet: Alphabet, width: int) -> dict[str, Decoder]:
    found: dict[str, Decoder] = {
        "best path": lambda scores: [best_path(part, alphabet).text for part in scores],
        "beam search": ours(alphabet, width, "none"),
        "beam search, en": ours(alphabet, width, "en"),
        "beam search, en+fr": ours(alphabet, width, "en+fr"),
    }
    peers = {"fast_ctc_decode": fast_ctc_decode, "pyctcdecode": pyctcdecode}
    for name, build in peers.items():
        if find_spec(name):
            found[name] = build(alphabet, width)
        else:
            print(f"{name} is not installed")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--split", default="valid")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--words", type=int, default=600)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    alphabet = Alphabet("".join(load_network("words").card.classes))
    pool = read_table(asked.table, asked.split, alphabet)
    iam = np.flatnonzero([source.startswith("IAM") for source in pool.sources])
    picked = np.random.default_rng(0).permutation(iam)[: asked.words]
    scores = score_words([pool.crop(int(i)) for i in picked])
    # Batches of like widths, as reading makes them.
    order = sorted(range(len(scores)), key=lambda i: len(scores[i]))
    truth = [pool.texts[picked[i]] for i in order]
    batches = [[scores[i] for i in order[n : n + BATCH]] for n in range(0, len(order), BATCH)]
    found = decoders(alphabet, asked.width)
    seconds: dict[str, list[float]] = {name: [] for name in found}
    read: dict[str, list[str]] = {name: [] for name in found}
    for batch in batches:
        for name, decode in found.items():
            began = time.process_time()
            read[name] += decode(batch)
            seconds[name].append((time.process_time() - began) * BATCH / len(batch))
    for name, times in seconds.items():
        exact = np.mean([a == b for a, b in zip(read[name], truth, strict=True)])
        print(
            f"{name:20} {1000 * statistics.median(times):7.1f} ms for {BATCH} words, at most "
            f"{1000 * max(times):.1f}; exact {100 * exact:.1f} %"
        )


if __name__ == "__main__":
    main()
