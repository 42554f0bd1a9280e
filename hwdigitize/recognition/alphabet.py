"""The characters a words network can write, and text brought to that form."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: printable ASCII, the accented letters of French and its neighbours, and a few signs
LATIN = (
    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
    "abcdefghijklmnopqrstuvwxyz{|}~"
    "ÀÂÄÇÈÉÊËÎÏÔÖÙÛÜŒàâäçèéêëîïôöùûüœßñÑáíóú°€£«»"
)

#: typographic variants that no reader could tell apart on paper
_VARIANTS = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-"})


def normalise(text: str) -> str:
    """NFC, typographic quotes and dashes as ASCII, white space runs as one space."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_VARIANTS).split())


@dataclass(frozen=True)
class Alphabet:
    """Characters in the order of the network's classes; class 0 is the CTC blank."""

    characters: str = LATIN

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> NDArray[np.int32]:
        """Classes of a normalised text, shape (characters,).

        Raises:
            KeyError: a character that is not in the alphabet.
        """
        table = {character: index for index, character in enumerate(self.characters, start=1)}
        return np.array([table[character] for character in text], np.int32)

    def missing(self, text: str) -> set[str]:
        """The characters of ``text`` that the alphabet lacks."""
        return set(text) - set(self.characters)
