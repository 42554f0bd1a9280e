"""What the words before and after say of a word.

Each word has a few likely readings; which of them stand side by side in a language tells them
apart. A pair of words counts by how much oftener it is written than chance would have it, and a
pair that is not known by what is left for it, a back-off bigram model (Katz, "Estimation of
probabilities from sparse data", 1987) with a constant discount. Only these ratios are used: how
frequent a word is by itself, the decoder has already weighed.

Shipped are pairs of English words, from the package ``symspellpy`` (see ``lexica/LICENCE.md``),
made again by

    python -m hwdigitize.recognition.context FOLDER
"""

from __future__ import annotations

import functools
import io
import lzma
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: texts with their log probabilities, best first
Ranking = list[tuple[str, float]]

#: languages whose pairs are inside the package
SHIPPED = ("en",)
#: power of the ratios; chosen on validation data (benchmarks/RESULTS.md)
POWER = 0.5
#: least ratio of a pair that is not known
FLOOR = 0.05
#: share of the counted pairs that is believed, the rest is kept for those not counted
BELIEVED = 0.8
#: readings of a word that are weighed, and the least log probability against the best one's
MOST, LEAST = 12, -8.0
#: ratios are stored as whole numbers, so many a doubling
STEPS = 8

_AROUND = "\"'.,;:!?()[]-"
_ENDS = re.compile(r"[.!?][\"')]*$")


class Context:
    """Pairs of words of a language.

    Args:
        words: in lower case, none twice.
        firsts: numbers of the first words of the pairs, ascending, (pairs,).
        seconds: numbers of the second words, ascending for each first one, (pairs,).
        ratios: log2 of how much oftener than by chance the pair is written, (pairs,).
        others: the same of all other words after each first one, (words,).
    """

    def __init__(
        self, words: Sequence[str], firsts: Ints, seconds: Ints, ratios: Floats, others: Floats
    ) -> None:
        self._number = {word: number for number, word in enumerate(words)}
        self._keys = firsts * len(words) + seconds
        self._ratios = np.maximum(2.0**ratios, FLOOR)
        self._others = np.maximum(2.0 ** np.r_[others, 0.0], FLOOR)

    def ratios(self, firsts: Sequence[str], seconds: Sequence[str]) -> Floats:
        """How much oftener than by chance each of the words follows each of the others.

        Returns:
            (firsts, seconds); 1 after a word that is in no pair.
        """
        return self._ratios_of(self._numbers(firsts), self._numbers(seconds))

    def _numbers(self, words: Sequence[str]) -> Ints:
        return np.array([self._number.get(word, -1) for word in words], np.int64)

    def _ratios_of(self, firsts: Ints, seconds: Ints) -> Floats:
        keys = np.add.outer(firsts * len(self._number), seconds)
        keys[:, seconds < 0] = -1
        at = np.searchsorted(self._keys, keys).clip(max=len(self._keys) - 1)
        others = np.broadcast_to(self._others[firsts, None], keys.shape)
        return np.where(self._keys[at] == keys, self._ratios[at], others)

    def weigh(self, rankings: Sequence[Ranking]) -> list[Ranking]:
        """Weigh the readings of consecutive words by each other.

        Args:
            rankings: texts with log probabilities, a list a word in the order of the text.

        Returns:
            The likely ones of the same texts, best first, each with the probability that all
            that is around it leaves it (forward-backward; Rabiner, "A tutorial on hidden Markov
            models", 1989). The probabilities of a word have the sum they had.
        """
        if not rankings:
            return []
        rankings = [_likely(texts) for texts in rankings]
        own = [np.exp([score for _, score in texts]) for texts in rankings]
        pairs = self._pairs(rankings)
        forth = [own[0]]
        for here, pair in zip(own[1:], pairs, strict=True):
            forth.append(_normed(forth[-1] @ pair) * here)
        back = [np.ones(len(own[-1]))]
        for here, pair in zip(own[:0:-1], pairs[::-1], strict=True):
            back.append(_normed(pair @ (here * back[-1])))
        return [
            _ranked(texts, _normed(before * after) * alone.sum())
            for texts, before, after, alone in zip(
                rankings, forth, back[::-1], own, strict=True
            )
        ]

    def _pairs(self, rankings: Sequence[Ranking]) -> list[Floats]:
        """Weights of all pairs of readings of each word and the next, (before, after) each."""
        lasts = [self._numbers([_last(text) for text, _ in texts]) for texts in rankings]
        nexts = [self._numbers([_first(text) for text, _ in texts]) for texts in rankings]
        return [
            self._ratios_of(before, after) ** POWER
            if len(before) + len(after) > 2
            else np.ones((1, 1))  # nothing to choose
            for before, after in zip(lasts[:-1], nexts[1:], strict=True)
        ]


def load_context(language: str) -> Context | None:
    """The pairs of a language, or of the one among several joined by "+" that has some."""
    known = [part for part in language.split("+") if part in SHIPPED]
    return _load(known[0]) if known else None


@functools.cache
def _load(name: str) -> Context:
    packed = files(__package__).joinpath("lexica", f"{name}.pairs.xz").read_bytes()
    with np.load(io.BytesIO(lzma.decompress(packed))) as stored:
        return Context(
            bytes(stored["words"]).decode().split(),
            np.repeat(np.arange(len(stored["counts"])), stored["counts"]),
            stored["seconds"].astype(np.int64),
            stored["ratios"] / STEPS,
            stored["others"] / STEPS,
        )


def _last(text: str) -> str:
    """The word that the next one follows; none after the end of a sentence."""
    return "" if _ENDS.search(text) else text.split(" ")[-1].lower().strip(_AROUND)


def _first(text: str) -> str:
    return text.split(" ")[0].lower().strip(_AROUND)


def _likely(texts: Ranking) -> Ranking:
    return [one for one in texts[:MOST] if one[1] > texts[0][1] + LEAST]


def _normed(weights: Floats) -> Floats:
    return weights / weights.sum()


def _ranked(texts: Ranking, shares: Floats) -> Ranking:
    order = np.argsort(-shares, kind="stable")
    return [(texts[i][0], float(np.log(max(shares[i], 1e-12)))) for i in order]


def count_pairs(
    words: Mapping[str, int], pairs: Mapping[tuple[str, str], int]
) -> dict[str, NDArray[np.generic]]:
    """The arrays of a file of pairs, from how often words and pairs were counted."""
    total = sum(words.values())
    known = sorted({word for pair in pairs for word in pair if word in words})
    number = {word: i for i, word in enumerate(known)}
    rows = sorted(
        (number[a], number[b], count)
        for (a, b), count in pairs.items()
        if a in number and b in number
    )
    first, second, count = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    own = np.array([words[word] for word in known], np.float64)
    believed = BELIEVED * count
    seen = np.bincount(first, believed, len(known)) / own
    covered = np.bincount(first, own[second], len(known)) / total
    left = np.maximum(1 - seen, 0.02) / np.maximum(1 - covered, 0.05)
    ratios = believed / own[first] / (own[second] / total)
    return {
        "words": np.frombuffer(" ".join(known).encode(), np.uint8),
        "counts": np.bincount(first, minlength=len(known)).astype(np.uint16),
        "seconds": second.astype(np.uint16),
        "ratios": np.rint(STEPS * np.log2(ratios)).clip(-127, 127).astype(np.int8),
        "others": np.rint(STEPS * np.log2(np.minimum(left, 1.0))).clip(-127, 0).astype(np.int8),
    }


def main(folder: Path) -> None:
    """Make the shipped pairs; needs ``symspellpy``."""
    data = files("symspellpy")
    lists = [
        [line.split(" ") for line in data.joinpath(name).read_text("utf-8-sig").splitlines()]
        for name in (
            "frequency_dictionary_en_82_765.txt",
            "frequency_bigramdictionary_en_243_342.txt",
        )
    ]
    words = {word: int(count) for word, count in lists[0]}
    pairs = {(first, second): int(count) for first, second, count in lists[1]}
    made = io.BytesIO()
    np.savez(made, **count_pairs(words, pairs))  # type: ignore[arg-type]
    packed = lzma.compress(made.getvalue(), preset=9 | lzma.PRESET_EXTREME)
    (folder / "en.pairs.xz").write_bytes(packed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
