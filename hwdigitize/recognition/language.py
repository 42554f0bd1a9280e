"""What a language says of a reading: its words, how often they are, and how others are spelt.

The probability of a word is a mixture of its frequency in a lexicon and of a character n-gram
model made from the same words, so that what is in no lexicon can still be spelt. It is given
out character by character (the mass of all words that begin so), so that a search can weigh
beginnings of words. Digits and punctuation are no words: each has a price of its own, ends the
word before it and lets another begin. Words are known in lower case; what is spelt with a
capital, or in capitals, pays once for it.

Everything is held in arrays and looked up element by element: the words in a trie whose nodes
have a bit mask of letters and the number of their first child (children are numbered in a row),
the n-gram model in a table of contexts and letters.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.lexicon import load_lexicon

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: letters of the lexicon told apart, as many as there are bits in a mask
LETTERS = 64
#: share of words that begin with a capital where names are among them
NAMES_CAPITAL = 0.5
#: characters before a letter that the n-gram model looks at
ORDER = 3


@dataclass(frozen=True)
class Weights:
    """How much a language counts; chosen on validation data (benchmarks/RESULTS.md).

    Attributes:
        power: of the probabilities of words.
        outside: share of words that are in no lexicon.
        letter: factor of each letter, against the preference for short texts.
        digit: price of a digit.
        mark: price of punctuation and spaces.
        capital: share of words that begin with a capital.
        capitals: share of those that go on in capitals.
        mixed: price of a change of case inside a word.
    """

    power: float = 0.6
    outside: float = 0.02
    letter: float = 2.3
    digit: float = 0.2
    mark: float = 0.2
    capital: float = 0.2
    capitals: float = 0.3
    mixed: float = 0.01


class Language:
    """A language as the beam search asks it, a ``LanguageModel`` of ``ctc``.

    A state is a place and the case of the word so far. A place is the start of a word (0), a
    node of the trie, or, outside the lexicon, the last characters.

    Args:
        lexicon: words in lower case with their relative frequencies.
        alphabet: what the classes of the network mean.
        weights: how much it counts.
    """

    def __init__(
        self, lexicon: Mapping[str, float], alphabet: Alphabet, weights: Weights | None = None
    ) -> None:
        weights = weights or Weights()
        letters = _letters(lexicon, alphabet)
        trie = _Trie.of(_Spelled.of(lexicon, letters))
        spelling = _Spelling.of(trie, len(letters) + 1)
        self._build(trie, spelling, weights)
        self._classify(alphabet, letters, weights)

    def _build(self, trie: _Trie, spelling: _Spelling, weights: Weights) -> None:
        """Arrays by place: nodes of the trie, then contexts of the n-gram model."""
        contexts, self._side = spelling.table.shape
        self._contexts, self._nodes = contexts, len(trie.mass)
        context, out = spelling.context, weights.outside * spelling.spelt
        mass = (1 - weights.outside) * trie.mass + out
        ends = (1 - weights.outside) * trie.ends + out * spelling.table[context, 0]
        arrive = np.ones(len(mass))
        arrive[1:] = mass[1:] / mass[trie.parent[1:]]
        power = weights.power
        self._mask = np.r_[trie.mask, np.zeros(contexts, np.uint64)]
        self._first = np.r_[trie.first, np.zeros(contexts, np.int64)]
        self._context = np.r_[context, np.arange(contexts)]
        self._arrive = arrive**power * weights.letter
        self._leave = np.r_[out / mass, np.ones(contexts)] ** power * weights.letter
        self._end = np.r_[ends / mass, spelling.table[:, 0]] ** power
        self._end[0] = 1.0
        self._is_word = trie.ends > 0
        self._spell = spelling.table**power

    def _classify(self, alphabet: Alphabet, letters: str, weights: Weights) -> None:
        """Arrays by class of the alphabet, blank first."""
        self._alphabet = alphabet
        characters = ["", *alphabet.characters]
        index = {letter: i for i, letter in enumerate(letters)}
        folded = [index.get(c.lower(), -1) for c in characters]
        self._letter = np.array(folded, np.int64)
        self._bit = np.array([1 << i if i >= 0 else 0 for i in folded], np.uint64)
        self._spells = np.array(
            [i >= 0 and c.isalpha() for i, c in zip(folded, characters, strict=True)]
        )
        kinds = [0 if c == c.lower() else 1 for c in characters]
        self._kind = np.where(self._spells, kinds, 2)
        price = [weights.digit if c.isdigit() else weights.mark for c in characters]
        self._price = np.array(price)
        # a small letter, a capital, another character; after the start, a small letter, one
        # capital, capitals
        capital, capitals, mixed = weights.capital, weights.capitals, weights.mixed
        factors = [[1 - capital, capital], [1, mixed], [1 - capitals, capitals], [mixed, 1]]
        self._case_factor = np.array([[*row, 1.0] for row in factors])
        self._case_next = np.array([[1, 2, 0], [1, 2, 0], [1, 3, 0], [1, 3, 0]])

    def extend(self, states: Ints, labels: Ints) -> tuple[Floats, Ints]:
        """Probability factors and next states, one by one; see the protocol."""
        place, case = states >> 2, states & 3
        mask, bit = self._mask[place], self._bit[labels]
        inside = (mask & bit) != 0
        before = np.bitwise_count(mask & (bit - np.uint64(1)))
        child = np.where(inside, self._first[place] + before, 0)
        context, letter = self._context[place], self._letter[labels]
        spelt = self._leave[place] * self._spell[context, letter + 1]
        spells = self._spells[labels]
        apart = self._end[place] * self._price[labels]
        factor = np.where(inside, self._arrive[child], np.where(spells, spelt, apart))
        outside = self._nodes + context * self._side % self._contexts + letter + 1
        after = np.where(inside, child, np.where(spells, outside, 0))
        kind = self._kind[labels]
        return factor * self._case_factor[case, kind], after << 2 | self._case_next[case, kind]

    def finish(self, states: Ints) -> Floats:
        """Probability factors for ending in each state; see the protocol."""
        return self._end[states >> 2]

    def knows(self, word: str) -> bool:
        """Whether a word, in any case, is in the lexicon."""
        if self._alphabet.missing(word):
            return False
        place = 0
        for label in self._alphabet.encode(word):
            mask, bit = int(self._mask[place]), int(self._bit[label])
            if not mask & bit:
                return False
            place = int(self._first[place]) + (mask & (bit - 1)).bit_count()
        return bool(self._is_word[place])


def _letters(lexicon: Mapping[str, float], alphabet: Alphabet) -> str:
    """The characters of a lexicon's words that the network can write, the commonest first."""
    counts = Counter("".join(lexicon))
    known = sorted(set(counts) & set(alphabet.characters), key=lambda c: (-counts[c], c))
    return "".join(known[:LETTERS])


@dataclass(frozen=True)
class _Spelled:
    """Words as columns of letters, sorted.

    Attributes:
        letters: (longest, words), from 1; 0 after the end of a word.
        share: probabilities of the words, (words,).
    """

    letters: NDArray[np.uint8]
    share: Floats

    @classmethod
    def of(cls, lexicon: Mapping[str, float], letters: str) -> _Spelled:
        known = frozenset(letters)
        words = [word for word in lexicon if known.issuperset(word)]
        points = np.array(words).view(np.uint32).reshape(len(words), -1)
        codes = np.zeros(points.max() + 1, np.uint8)
        codes[[ord(letter) for letter in letters]] = np.arange(len(letters)) + 1
        rows = codes[points]
        order = np.argsort(rows.view(f"S{rows.shape[1]}").ravel())
        share = np.array([lexicon[word] for word in words])[order]
        return cls(rows.T[:, order], share / share.sum())


@dataclass(frozen=True)
class _Trie:
    """All beginnings of the words; nodes by depth, children of one node in a row.

    Attributes:
        mask: bits of the letters that go on; all are (nodes,).
        first: the first child.
        parent: the node without the last letter.
        letter: the last letter, from 1.
        words: how many words begin so.
        mass: share of the words that begin so.
        ends: share of the word itself.
        levels: first node of each depth, and the number of nodes.
    """

    mask: NDArray[np.uint64]
    first: Ints
    parent: Ints
    letter: Ints
    words: Ints
    mass: Floats
    ends: Floats
    levels: tuple[int, ...]

    @classmethod
    def of(cls, words: _Spelled) -> _Trie:
        letters = words.letters
        differs = np.ones(letters.shape, bool)
        differs[:, 1:] = np.logical_or.accumulate(letters[:, 1:] != letters[:, :-1], axis=0)
        there = letters > 0
        new = differs & there
        # Numbered depth by depth from 1, the root is 0. A word that shares its beginning with
        # the one before it shares that one's nodes.
        nodes = np.cumsum(new, dtype=np.int64).reshape(new.shape)
        before = np.concatenate([np.zeros_like(nodes[:1]), nodes[:-1]])
        letter = np.r_[0, letters[new]].astype(np.int64)
        parent = np.r_[0, before[new]]
        count = len(letter)
        bits = np.left_shift(np.uint64(1), (letter[1:] - 1).astype(np.uint64))
        mask = np.zeros(count, np.uint64)
        np.bitwise_or.at(mask, parent[1:], bits)
        last = nodes[there.sum(0) - 1, np.arange(letters.shape[1])]
        share = np.broadcast_to(words.share, letters.shape)[there]
        mass: Floats = np.bincount(nodes[there], share, count).astype(np.float64)
        mass[0] = 1.0
        return cls(
            mask=mask,
            first=np.searchsorted(parent[1:], np.arange(count)) + 1,
            parent=parent,
            letter=letter,
            words=np.bincount(nodes[there], minlength=count),
            mass=mass,
            ends=np.bincount(last, words.share, count).astype(np.float64),
            levels=(1, *(np.cumsum(new.sum(1)) + 1).tolist()),
        )


@dataclass(frozen=True)
class _Spelling:
    """Probability of each letter after those before it, and of the end of the word (0).

    Witten-Bell interpolation of all shorter contexts (Bell et al., "Text compression", 1990),
    counted over the words of the lexicon, each once: what is in no lexicon is like rare words.

    Attributes:
        table: (contexts, letters and end); a context is a number whose digits are letters.
        context: of each node of the trie.
        spelt: probability that a word begins as each node does.
    """

    table: Floats
    context: Ints
    spelt: Floats

    @classmethod
    def of(cls, trie: _Trie, side: int, order: int = ORDER) -> _Spelling:
        contexts = side ** (order - 1)
        context = np.zeros(len(trie.parent), np.int64)
        levels = [slice(*pair) for pair in itertools.pairwise(trie.levels)]
        for level in levels:
            older = context[trie.parent[level]] * side
            context[level] = (older + trie.letter[level]) % contexts
        every = context[trie.parent[1:]] * side + trie.letter[1:]
        counts: Floats = np.zeros(contexts * side)
        counts += np.bincount(every, trie.words[1:], contexts * side)
        counts += np.bincount(context * side, trie.ends > 0, contexts * side)
        table = _interpolated(counts.reshape((side,) * order))
        spelt = np.ones(len(context))
        for level in levels:
            parent = trie.parent[level]
            spelt[level] = spelt[parent] * table[context[parent], trie.letter[level]]
        return cls(table, context, spelt)


def _interpolated(counts: Floats) -> Floats:
    """Probabilities (contexts, side) from counts of n-grams, (side,) * n."""
    side = counts.shape[-1]
    shorter = np.full((1, side), 1 / side)
    if counts.ndim > 1:
        shorter = _interpolated(counts.sum(0))
    rows = counts.reshape(-1, side)
    kinds = (rows > 0).sum(1, keepdims=True)
    unknown = np.where(kinds > 0, kinds, 1)
    total = rows.sum(1, keepdims=True) + unknown
    # The last letters of a context are its number's last digits.
    return (rows + unknown * np.tile(shorter, (len(rows) // len(shorter), 1))) / total


def load_language(
    name: str, alphabet: Alphabet, weights: Weights | None = None
) -> Language | None:
    """A language by its name.

    Args:
        name: "none", or lexica of :func:`~hwdigitize.recognition.lexicon.load_lexicon`, several
            joined by "+" in equal shares ("en+fr").
        alphabet: of the network.
        weights: how much it counts; None for what validation data chose. With names among the
            lexica more words begin with a capital.

    Raises:
        UsageError: a lexicon that there is not.
    """
    if weights is None and "names" in name.split("+"):
        weights = Weights(capital=NAMES_CAPITAL)
    return None if name == "none" else _load(name, alphabet, weights)


@functools.cache
def _load(name: str, alphabet: Alphabet, weights: Weights | None) -> Language:
    merged: dict[str, Any] = {}
    for part in name.split("+"):
        lexicon = load_lexicon(part)
        total = sum(lexicon.values())
        for word, frequency in lexicon.items():
            merged[word] = merged.get(word, 0.0) + frequency / total
    return Language(merged, alphabet, weights)
