"""What a writers card holds beside the network: whitening, its share, probabilities.

Everything is fitted on pages that are not tested on. Lines are those that a run finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hwdigitize.recognition.confidence import fit_isotonic
from hwdigitize.recognition.hands import GreyImage, binarise
from hwdigitize.recognition.runtime import Network
from hwdigitize.recognition.writers import (
    embed_strips,
    join_embeddings,
    match_probability,
    pack_whitening,
    page_hinges,
    whiten,
)
from hwdigitize.training.calibration import fit_logistic, fit_same_hand, pairs_of
from hwdigitize.training.evaluation import evaluate_writers
from hwdigitize.training.hands import Page

Array = npt.NDArray[np.float32]

#: shares of the network in a page's embedding that are tried on validation data
SHARES = tuple(round(0.1 * tenth, 1) for tenth in range(11))
#: principal axes kept, and how far they are evened out: 0 not at all, 1 all the way
AXES, EVENNESS = 64, 0.5
#: of the longest axis: shorter ones are noise, and are not drawn out to more than this
LEAST_VARIANCE = 1e-3
#: fewer pages than this have no principal axes to speak of
FEWEST_PAGES = 20


@dataclass(frozen=True)
class Parts:
    """What an embedding is joined from, (n, …) each, and who wrote each page."""

    learnt: Array
    hinges: Array
    writers: tuple[str, ...]

    def joined(self, share: float, whitening: dict[str, str] | None) -> Array:
        """Embeddings (n, d) as :func:`writers.embed_page` makes them."""
        rows = zip(self.learnt, self.hinges, strict=True)
        return np.array([join_embeddings(a, whiten(b, whitening), share) for a, b in rows])


def take_parts(pages: Sequence[Page], network: Network) -> Parts:
    """The parts of the embeddings of pages."""
    binaries = [[binarise(crop) for crop in page.crops] for page in pages]
    return parts_of(binaries, [page.writer for page in pages], network)


def parts_of(
    binaries: Sequence[Sequence[GreyImage]], writers: Sequence[str], network: Network
) -> Parts:
    """As :func:`take_parts`, from binary lines (ink 255) of each page."""
    learnt = [embed_strips(lines, network) for lines in binaries]
    hinges = [page_hinges(lines) for lines in binaries]
    return Parts(np.array(learnt), np.array(hinges), tuple(writers))


def fit_whitening(hinges: Array) -> dict[str, str]:
    """Principal axes of hinges (n, d), half evened out; nothing from too few pages."""
    written = hinges[hinges.any(axis=1)]
    if len(written) < FEWEST_PAGES:
        return {}
    mean = written.mean(axis=0)
    _, spread, axes = np.linalg.svd(written - mean, full_matrices=False)
    variance = spread**2 / len(written)
    kept = min(AXES, len(written) - 1)
    scale = (variance[:kept] + LEAST_VARIANCE * variance[0]) ** (-EVENNESS / 2)
    # scaled to what half precision holds well; lengths mean nothing
    return pack_whitening(mean, axes[:kept].T * scale / scale.max())


def fit_identification(
    known: Sequence[Page], asked: Sequence[Page], network: Network
) -> dict[str, Any]:
    """Calibration of a writers network from validation pages and a gallery of training pages.

    Returns:
        What the card's ``calibration`` holds: the whitening of the hinges, the network's share
        in an embedding, maps from similarity to probability, and thresholds.
    """
    return calibrate(take_parts(known, network), take_parts(asked, network))


def calibrate(known: Parts, asked: Parts) -> dict[str, Any]:
    """See :func:`fit_identification`."""
    whitening = fit_whitening(known.hinges)
    share = _best_share(known, asked, whitening)
    gallery, queries = known.joined(share, whitening), asked.joined(share, whitening)
    everyone, writers = np.concatenate([gallery, queries]), [*known.writers, *asked.writers]
    # The network knows its training pages better than any others; hinges know none.
    likeness, right = _trials(everyone, writers, 0 if share == 0 else len(gallery))
    slope, offset = (round(value, 4) for value in fit_logistic(likeness, right))
    fitted = {"slope": slope, "offset": offset}
    scores = np.array([match_probability(float(best), fitted) for best in likeness])
    pairs, same = pairs_of(everyone, writers)
    return {
        "whitening": whitening,
        "network_share": share,
        **fitted,
        "isotonic": fit_isotonic(scores, right),
        "known_from": 0.5,
        "pair": [round(value, 4) for value in fit_logistic(pairs, same, balanced=True)],
        "same_hand_from": fit_same_hand(pairs, same),
    }


def _best_share(known: Parts, asked: Parts, whitening: dict[str, str]) -> float:
    """The network's share that identifies the validation pages best in the training pages.

    A gain over the hinges alone that one page could account for is chance: then it is 0.
    """

    def merit(share: float) -> float:
        queries, gallery = asked.joined(share, whitening), known.joined(share, whitening)
        scores = evaluate_writers(queries, asked.writers, gallery, known.writers)
        return float(scores["top1"] + scores["auroc"])

    best = max(SHARES, key=merit)
    return best if merit(best) - merit(0.0) > 1 / len(asked.writers) else 0.0


def _trials(
    vectors: Array, writers: Sequence[str], first: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Similarity to the nearest other page, and whether it is by the same writer.

    Each page from the ``first`` on is asked among all others, and once more among those of
    other writers, as a stranger.
    """
    names = np.array(writers)
    likeness = (vectors[first:] @ vectors.T).astype(np.float64)
    rows = np.arange(len(likeness))
    likeness[rows, rows + first] = -np.inf
    own = names[first:, None] == names[None, :]
    nearest, hidden = likeness.argmax(axis=1), np.where(own, -np.inf, likeness)
    known = own.sum(axis=1) > 1
    found = np.concatenate([likeness[rows, nearest][known], hidden.max(axis=1)])
    right = np.concatenate([own[rows, nearest][known], np.zeros(len(rows), bool)])
    return found, right
