"""Who wrote a page: embeddings, galleries of known writers, identification, clusters.

A page's embedding joins the network's mean over strips of its lines with its contour hinges, so
that the dot product of two embeddings is a weighted mean of both similarities. Hinges are
projected on their principal axes, those in which all hands differ much shortened ("whitened"
half way; Christlein, Gropp, Fiel and Maier, "Unsupervised feature learning for writer
identification and writer retrieval", 2017).
"""

from __future__ import annotations

import base64
import functools
import hashlib
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hwdigitize.document import Writer
from hwdigitize.errors import OutputError, UsageError
from hwdigitize.recognition.confidence import Calibration
from hwdigitize.recognition.hands import (
    HINGE_CORE_PX,
    GreyImage,
    binarise,
    cut_strips,
    page_scale,
    resize,
)
from hwdigitize.recognition.hinge import hinge_histogram
from hwdigitize.recognition.runtime import Network, load_card, load_network

Vector = npt.NDArray[np.float32]

#: strips a page at most; more tell nothing new
MOST_STRIPS = 48
#: share of the network in an embedding where the card does not say
NETWORK_SHARE = 0.5


@dataclass(frozen=True)
class Gallery:
    """Pages of known writers: ``names[i]`` wrote the page embedded in ``embeddings[i]``.

    ``version`` tells the networks apart whose embeddings cannot be compared.
    """

    names: tuple[str, ...]
    embeddings: Vector
    version: str

    @classmethod
    def load(cls, path: Path, models: str | None = None) -> Gallery:
        """Read a gallery file.

        Raises:
            UsageError: no such file, no gallery, or one made with another writers network.
            ModelError: the writers network's card cannot be read.
        """
        try:
            with np.load(path, allow_pickle=False) as data:
                names = tuple(str(name) for name in data["names"])
                gallery = cls(names, data["embeddings"], str(data["version"]))
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise UsageError(f"cannot read writer gallery {path}: {error}") from error
        if gallery.embeddings.ndim != 2 or len(gallery.names) != len(gallery.embeddings):
            raise UsageError(f"{path} is not a writer gallery; make one with writers enrol")
        if gallery.version != embedding_version(models):
            raise UsageError(
                f"writer gallery {path} was made with another writers network; enrol its "
                f"writers again, or name the folder of that network with --models"
            )
        return gallery

    @classmethod
    def empty(cls, models: str | None = None) -> Gallery:
        """A gallery without pages, for the network that is in use."""
        return cls((), np.zeros((0, 0), np.float32), embedding_version(models))

    def enrol(self, name: str, embeddings: Vector) -> Gallery:
        """A gallery with pages (n, d) of one writer more; empty pages are left out."""
        written = embeddings[np.linalg.norm(embeddings, axis=1) > 0].astype(np.float32)
        if not len(written):
            return self
        every = np.concatenate([self.embeddings, written]) if self.names else written
        return Gallery((*self.names, *[name] * len(written)), every, self.version)

    def save(self, path: Path) -> None:
        """Write by temporary name and rename, so that no reader sees half a gallery.

        Raises:
            OutputError: the file cannot be written.
        """
        try:
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
                np.savez_compressed(
                    part,
                    names=np.array(self.names, dtype=np.str_),
                    embeddings=self.embeddings,
                    version=self.version,
                )
            Path(part.name).replace(path)
        except OSError as error:
            raise OutputError(
                f"cannot write writer gallery {path}: {error.strerror}"
            ) from error


@functools.lru_cache(maxsize=4)
def load_gallery(path: str, models: str | None = None) -> Gallery:
    """:meth:`Gallery.load`, once a process for each file."""
    return Gallery.load(Path(path), models)


def embedding_version(models: str | None = None) -> str:
    """What embeddings must have in common to be compared."""
    card = load_card("writers", models)
    made_by = str(sorted(card.calibration.get("whitening", {}).items()))
    whitening = hashlib.sha256(made_by.encode()).hexdigest()[:12]
    return f"{card.sha256[:12]}-{_share(card.calibration)}-{whitening}"


def _share(calibration: Mapping[str, Any]) -> float:
    return float(calibration.get("network_share", NETWORK_SHARE))


def embed_page(crops: Sequence[GreyImage], *, models: str | None = None) -> Vector:
    """Embed the handwriting of one page.

    Args:
        crops: its text lines, grey uint8, ink dark, of one resolution; any size of writing.
        models: folder of the networks; None for the shipped ones.

    Returns:
        (d,) float32, unit length; all zeros where nothing is written.

    Raises:
        ModelError: the writers network cannot be loaded.
    """
    calibration = load_card("writers", models).calibration
    share = _share(calibration)
    binaries = [binarise(crop) for crop in crops]
    hinges = whiten(page_hinges(binaries), calibration.get("whitening"))
    if not share:
        return join_embeddings(hinges[:0], hinges, share)
    learnt = embed_strips(binaries, load_network("writers", models))
    return join_embeddings(learnt, hinges, share)


def embed_strips(binaries: Sequence[GreyImage], network: Network) -> Vector:
    """Mean of the strips' embeddings; zeros where nothing is written."""
    strips = cut_strips(binaries)
    if len(strips) > MOST_STRIPS:
        strips = strips[np.linspace(0, len(strips) - 1, MOST_STRIPS).astype(int)]
    if not len(strips):
        return np.zeros(int(network.card.input["dimensions"]), np.float32)
    return np.asarray(network.run(strips)[0].mean(axis=0))


def whiten(hinges: Vector, whitening: Mapping[str, str] | None) -> Vector:
    """Hinges on their principal axes, as :func:`pack_whitening` stored them.

    Returns:
        (axes,) float32; the hinges themselves where nothing was stored, zeros without ink.
    """
    if not whitening:
        return hinges
    mean = _unpacked(whitening["mean"])
    axes = _unpacked(whitening["axes"]).reshape(len(mean), -1)
    centred = hinges - mean if hinges.any() else np.zeros_like(mean)
    return np.asarray(centred @ axes, np.float32)


def pack_whitening(mean: Vector, axes: Vector) -> dict[str, str]:
    """A mean (d,) and axes (d, k) as a card holds them: float16, base64."""
    parts = {"mean": mean, "axes": axes}
    return {
        name: base64.b64encode(part.astype("<f2").tobytes()).decode()
        for name, part in parts.items()
    }


@functools.lru_cache(maxsize=8)
def _unpacked(text: str) -> Vector:
    return np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32)


def page_hinges(binaries: Sequence[GreyImage]) -> Vector:
    """Contour hinges of binary lines, ink 255, at the page's own scale."""
    scale = page_scale(binaries, HINGE_CORE_PX)
    return hinge_histogram([resize(binary, scale) for binary in binaries if binary.any()])


def join_embeddings(learnt: Vector, hinges: Vector, share: float) -> Vector:
    """Unit vector of which ``share`` of the squared length is the network's; none without."""
    if not share:
        return _unit(hinges)
    joined = np.concatenate(
        [np.sqrt(share) * _unit(learnt), np.sqrt(1 - share) * _unit(hinges)]
    )
    return _unit(joined.astype(np.float32))


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length > 0 else vector


def identify(embedding: Vector, gallery: Gallery, *, models: str | None = None) -> Writer:
    """The nearest writer of a gallery, and the probability that it is the page's.

    Args:
        embedding: of the page, from :func:`embed_page`.
        gallery: made with the same network.
        models: folder of the networks; None for the shipped ones.
    """
    if not gallery.names:
        return Writer(note="the gallery is empty")
    if not embedding.any():
        return Writer(note="no handwriting")
    similarities = gallery.embeddings @ embedding
    nearest: dict[str, float] = {}
    for name, similarity in zip(gallery.names, similarities, strict=True):
        nearest[name] = max(nearest.get(name, -1.0), float(similarity))
    ranked = sorted(nearest, key=lambda name: (-nearest[name], name))
    best = nearest[ranked[0]]
    calibration = load_card("writers", models).calibration
    score = match_probability(best, calibration)
    known = score >= float(calibration.get("known_from", 0.5))
    return Writer(id=ranked[0], score=round(score, 4), known=known)


def match_probability(similarity: float, calibration: Mapping[str, Any]) -> float:
    """Probability that the nearest writer wrote the page (Platt, 1999, and isotonic)."""
    slope, offset = calibration.get("slope", 20.0), calibration.get("offset", -14.0)
    score = _logistic(similarity, slope, offset)
    return Calibration(calibration.get("isotonic", ()))(score)


def same_hand(one: Vector, other: Vector, *, models: str | None = None) -> float:
    """Probability that two pages were written by one hand.

    It holds where that is as likely beforehand as not.

    Args:
        one: embedding of a page, from :func:`embed_page`.
        other: of another.
        models: folder of the networks; None for the shipped ones.

    Returns:
        0 to 1; 0.5 where a page shows no handwriting.
    """
    if not one.any() or not other.any():
        return 0.5
    return same_hand_probability(float(one @ other), load_card("writers", models).calibration)


def same_hand_probability(similarity: float, calibration: Mapping[str, Any]) -> float:
    """:func:`same_hand` of the dot product of two embeddings."""
    slope, offset = calibration.get("pair", (20.0, -14.0))
    score = _logistic(similarity, slope, offset)
    return Calibration(calibration.get("pair_isotonic", ()))(score)


def _logistic(similarity: float, slope: float, offset: float) -> float:
    return float(1 / (1 + np.exp(-(slope * similarity + offset))))


def cluster(embeddings: Vector, *, models: str | None = None) -> list[str | None]:
    """Label pages that look written by one hand.

    Args:
        embeddings: (n, d), unit rows; zero rows are pages without handwriting.
        models: folder of the networks; None for the shipped ones.

    Returns:
        ``hand-1``, ``hand-2``, … in order of first appearance; None without handwriting.
    """
    written = np.flatnonzero(embeddings.any(axis=1)) if len(embeddings) else np.zeros(0, int)
    threshold = float(load_card("writers", models).calibration.get("same_hand_from", 0.7))
    roots = average_linkage(embeddings[written], threshold)
    numbers = {root: number for number, root in enumerate(dict.fromkeys(roots), 1)}
    labels: list[str | None] = [None] * len(embeddings)
    for index, root in zip(written, roots, strict=True):
        labels[index] = f"hand-{numbers[root]}"
    return labels


def average_linkage(embeddings: Vector, threshold: float) -> list[int]:
    """Agglomerative clusters whose mean similarity is at least ``threshold``.

    The mean similarity of two clusters is the dot product of their means, so that a
    nearest-neighbour chain (Murtagh, 1983) needs memory for the n vectors and no n by n matrix.

    Returns:
        A number a row, the same for rows of one cluster.
    """
    means = embeddings.astype(np.float32).copy()
    sizes = np.ones(len(means))
    parent = list(range(len(means)))
    waiting = np.ones(len(means), bool)
    chain: list[int] = []
    while chain or waiting.any():
        tip = chain[-1] if chain else int(waiting.argmax())
        chain = chain or [tip]
        likeness = np.where(waiting, means @ means[tip], -np.inf)
        likeness[tip] = -np.inf
        other = int(likeness.argmax())
        if len(chain) > 1 and likeness[chain[-2]] >= likeness[other]:
            other = chain[-2]
        if likeness[other] < threshold:
            # Merging others cannot bring anything nearer to it: it is done.
            waiting[chain.pop()] = False
        elif len(chain) > 1 and other == chain[-2]:
            chain = chain[:-2]
            keep, gone = min(tip, other), max(tip, other)
            total = sizes[keep] + sizes[gone]
            means[keep] = (means[keep] * sizes[keep] + means[gone] * sizes[gone]) / total
            sizes[keep], waiting[gone], parent[gone] = total, False, keep
        else:
            chain.append(other)
    return [_root(parent, index) for index in range(len(parent))]


def _root(parent: list[int], index: int) -> int:
    while parent[index] != index:
        index = parent[index]
    return index
