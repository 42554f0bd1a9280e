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
    same_hand_probability,
    whiten,
)
from hwdigitize.training.calibration import fit_logistic, fit_same_hand, pairs_of
from hwdigitize.training.evaluation import evaluate_writers
from hwdigitize.training.hands import Page

Array = npt.NDArray[np.float32]

#: shares of the network in a page's embedding that are tried on validation data
SHARES = tuple(round(0.1 * tenth, 1) for tenth in range(11))
#: principal axes kept; of the longest one's variance, what is added to all of them, so that
#: noise is not drawn out. Chosen on train and val pages, as :func:`_trials` asks them
AXES, ADDED_VARIANCE = 64, 0.01
#: parts that pages are held back in, and most pages of a writer in pairs
FOLDS, MOST_PAIRED = 5, 6
#: validation samples that a knot of a calibration rests on
SAMPLES_A_KNOT, MOST_KNOTS = 60, 20
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
    """Principal axes of hinges (n, d), evened out; nothing from too few pages."""
    written = hinges[hinges.any(axis=1)]
    if len(written) < FEWEST_PAGES:
        return {}
    mean = written.mean(axis=0)
    _, spread, axes = np.linalg.svd(written - mean, full_matrices=False)
    variance = spread**2 / len(written)
    kept = min(AXES, len(written) - 1)
    scale = (variance[:kept] + ADDED_VARIANCE * variance[0]) ** -0.5
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
    # The network knows its training pages better than any others; hinges know none.
    trials = _trials(_both(known, asked), share, 0 if share == 0 else len(known.writers))
    likeness, right = trials.likeness, trials.right
    slope, offset = (round(value, 4) for value in fit_logistic(likeness, right))
    fitted = {"slope": slope, "offset": offset}
    scores = np.array([match_probability(float(best), fitted) for best in likeness])
    return {
        "whitening": whitening,
        "network_share": share,
        **fitted,
        "isotonic": fit_isotonic(scores, right, knots_for(len(scores))),
        "known_from": 0.5,
        **fit_pairs(trials.pairs, trials.same),
    }


def knots_for(samples: int) -> int:
    """Knots of an isotonic regression, so that each rests on enough samples."""
    return min(max(samples // SAMPLES_A_KNOT, 2), MOST_KNOTS)


def fit_pairs(likeness: npt.NDArray[np.float64], same: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Maps from the similarity of two pages to the probability that one hand wrote both.

    As many pairs by two hands are taken as there are by one, for the probability to hold where
    either is as likely. Where no hand wrote two pages there is nothing to fit.
    """
    if not same.any():
        return {}
    rng = np.random.default_rng(0)
    others = rng.permutation(np.flatnonzero(~same))[: same.sum()]
    picked = np.concatenate([np.flatnonzero(same), others])
    values, right = likeness[picked].astype(np.float64), same[picked]
    pair = [round(value, 4) for value in fit_logistic(values, right)]
    scores = np.array([same_hand_probability(float(s), {"pair": pair}) for s in values])
    return {
        "pair": pair,
        "pair_isotonic": fit_isotonic(scores, right, knots_for(len(right))),
        "same_hand_from": fit_same_hand(likeness, same),
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


@dataclass(frozen=True)
class Trials:
    """Similarities of pages that the whitening was not fitted on.

    Attributes:
        likeness: of a page to the nearest one of a gallery.
        right: whether that is by the same writer.
        pairs: of two pages whose writers the whitening never saw.
        same: whether one hand wrote both.
    """

    likeness: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]
    pairs: npt.NDArray[np.float64]
    same: npt.NDArray[np.bool_]


def _both(one: Parts, other: Parts) -> Parts:
    return Parts(
        np.concatenate([one.learnt, other.learnt]),
        np.concatenate([one.hinges, other.hinges]),
        (*one.writers, *other.writers),
    )


def _trials(parts: Parts, share: float, first: int) -> Trials:
    """Hold pages back in turn, and ask them among the others.

    Axes fit the pages they were made from better than any others, so that a page asked must not
    be among them: pages are held back one by one in their writer's absence, as strangers, and
    once more with others of theirs left in the gallery.

    Args:
        parts: of all pages.
        share: of the network.
        first: pages before this one are in galleries, but never asked.
    """
    names, rows = np.array(parts.writers), np.arange(len(parts.writers))
    likeness: list[float] = []
    right: list[bool] = []
    pairs: list[npt.NDArray[np.float64]] = []
    same: list[npt.NDArray[np.bool_]] = []
    by_writer = np.unique(names, return_inverse=True)[1] % FOLDS
    by_page = np.random.default_rng(0).permutation(len(names)) % FOLDS
    for fold in range(FOLDS):
        rest = by_writer != fold
        held = ~rest & (rows >= first)
        if held.any() and rest.any():
            vectors = parts.joined(share, fit_whitening(parts.hinges[rest]))
            likeness += (vectors[held] @ vectors[rest].T).max(axis=1).tolist()
            right += [False] * int(held.sum())
            pair, own = pairs_of(vectors[held], names[held].tolist(), MOST_PAIRED)
            pairs.append(pair.astype(np.float64))
            same.append(own)
        rest = by_page != fold
        held = ~rest & (rows >= first) & np.isin(names, names[rest])
        if held.any():
            vectors = parts.joined(share, fit_whitening(parts.hinges[rest]))
            alike = vectors[held] @ vectors[rest].T
            likeness += alike.max(axis=1).tolist()
            right += (names[rest][alike.argmax(axis=1)] == names[held]).tolist()
    return Trials(
        np.array(likeness), np.array(right, bool), np.concatenate(pairs), np.concatenate(same)
    )
