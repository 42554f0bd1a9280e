"""Whether a network reads at all: its files, and a drawn sample that comes with the package."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwdigitize.errors import ModelError
from hwdigitize.recognition.alphabet import normalise
from hwdigitize.recognition.characters import read_characters
from hwdigitize.recognition.runtime import Name, load_card, load_network, models_folder
from hwdigitize.recognition.words import read_words
from hwdigitize.recognition.writers import embed_page

Grey = NDArray[np.uint8]

FILE = Path(__file__).with_name("probe.npz")
HEIGHT_PX = 40
#: a network that gets less than this right is not one that was only trained on other hands
LEAST_RIGHT = 0.25


@dataclass(frozen=True)
class Probe:
    """Drawn words with the hand of each, and drawn characters; grey, ink dark."""

    words: tuple[Grey, ...]
    texts: tuple[str, ...]
    hands: tuple[str, ...]
    glyphs: tuple[Grey, ...]
    characters: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """How many of the sample's words, characters or hands a network got right."""

    right: int
    asked: int
    what: str

    def __str__(self) -> str:
        return f"{self.right} of {self.asked} {self.what}"


def load_probe() -> Probe:
    """The sample of the package."""
    with np.load(FILE, allow_pickle=False) as held:
        ends = np.cumsum(held["widths"].astype(np.int64) * HEIGHT_PX)
        words = np.split(np.invert(held["pixels"]), ends[:-1])
        return Probe(
            words=tuple(word.reshape(HEIGHT_PX, -1) for word in words),
            texts=tuple(map(str, held["texts"])),
            hands=tuple(map(str, held["hands"])),
            glyphs=tuple(np.invert(held["glyphs"])),
            characters=tuple(map(str, held["characters"])),
        )


def verify(name: Name, folder: str | None = None) -> Finding:
    """Compare a network's files with its card, load it, and read the sample.

    Raises:
        ModelError: a file is missing, damaged or not the card's, or the network reads next to
            nothing of the sample.
    """
    load_network(name, folder)
    for file, sha256 in load_card(name, folder).files.items():
        path = models_folder(folder) / file
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            raise ModelError(
                f"{path} is damaged or not the card's; install the package again, or export "
                f"the network again"
            )
    found = {"words": _words, "characters": _characters, "writers": _hands}[name](folder)
    if found.right < LEAST_RIGHT * found.asked:
        raise ModelError(
            f"the {name} network in {models_folder(folder)} is not to be used: it gets {found} "
            f"right of a drawn sample; train or install another"
        )
    return found


def _words(folder: str | None) -> Finding:
    probe = load_probe()
    read = read_words(probe.words, decoder="greedy", models=folder)
    right = [a.text == normalise(b) for a, b in zip(read, probe.texts, strict=True)]
    return Finding(sum(right), len(right), "words")


def _characters(folder: str | None) -> Finding:
    probe = load_probe()
    read = read_characters(probe.glyphs, "alphanumeric", models=folder)
    right = [a.text.upper() == b for a, b in zip(read, probe.characters, strict=True)]
    return Finding(sum(right), len(right), "characters")


def _hands(folder: str | None) -> Finding:
    """Half of each hand's words asks who wrote them among the other halves."""
    probe = load_probe()
    names = sorted(set(probe.hands))
    halves = [
        [
            [w for w, hand in zip(probe.words, probe.hands, strict=True) if hand == name][
                half::2
            ]
            for name in names
        ]
        for half in (0, 1)
    ]
    known, asked = (
        np.array([embed_page(crops, models=folder) for crops in half]) for half in halves
    )
    right = (asked @ known.T).argmax(axis=1) == np.arange(len(names))
    return Finding(int(right.sum()), len(names), "hands")
