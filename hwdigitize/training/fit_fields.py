"""Fits the confidence of fields on fields with known truth; see :mod:`forms.confidence`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hwdigitize.forms.confidence import (
    MOST_APART,
    PROBABILITIES,
    FieldsCard,
    KindCard,
    Step,
    Weight,
    number,
    score_of,
)
from hwdigitize.training.page_effect import (
    LEAST_WRONG,
    Flags,
    Floats,
    Pages,
    design_effect,
    number_pages,
    page_correlation,
)

#: share of the pages that the regression is fitted on; the others prove the bound
FIT_SHARE = 0.3
#: penalty on the squared weights of standardised evidence, in samples: of the decoder's own
#: probability, and of the others, which a few errors must not make mean something
RIDGE, RIDGE_OF_OTHERS = 1.0, 10.0
#: kinds that are read alike; what their evidence means together is where each starts from
WRITTEN = frozenset({"text", "lines", "letters", "digits", "number", "date", "time"})
#: nested sets that are tested, from the surest tenth to all
STEPS = 40
SMALLEST_STEP = 0.1
#: kinds with fewer fields get no calibration of their own
LEAST_FIELDS = 30
MOST_KNOTS = 40


@dataclass(frozen=True)
class FieldSample:
    """A field that was read: its evidence, and whether the whole value is right.

    ``page`` names the page, whose fields are all fitted on or all proving. ``asked`` fields
    are flagged whatever the confidence: they teach, but prove nothing of what is accepted.
    """

    kind: str
    page: str
    evidence: Mapping[str, float]
    right: bool
    asked: bool = False


def fit_fields(
    samples: Sequence[FieldSample], seed: int = 0, about: dict[str, str | int] | None = None
) -> FieldsCard:
    """Calibrate every kind of field that has LEAST_FIELDS or more.

    Args:
        samples: from pages like those to be read, none of them used to train the networks.
        seed: chooses the pages that the regression is fitted on.
        about: what the card says of the data.
    """
    pages = sorted({sample.page for sample in samples})
    order = np.random.default_rng(seed).permutation(len(pages))
    fit_pages = {pages[i] for i in order[: round(FIT_SHARE * len(pages))]}
    kinds: dict[str, list[FieldSample]] = {}
    for sample in samples:
        kinds.setdefault(sample.kind, []).append(sample)
    correlation = _correlation(kinds.values())
    together = [s for s in samples if s.kind in WRITTEN and s.page in fit_pages]
    slopes = _slopes(fit_regression(together)[0]) if together else {}
    cards = {
        kind: _fit_kind(held, fit_pages, correlation, slopes if kind in WRITTEN else {})
        for kind, held in sorted(kinds.items())
        if len(held) >= LEAST_FIELDS
    }
    counts: dict[str, str | int] = {
        "pages": len(pages),
        "fields": len(samples),
        "seed": seed,
    }
    return FieldsCard(kinds=cards, sample=counts | (about or {}))


def _correlation(kinds: Iterable[Sequence[FieldSample]]) -> float:
    """How errors on one page come together, on average of the kinds that tell."""
    told = []
    for samples in kinds:
        free = [s for s in samples if not s.asked]
        wrong = np.array([not s.right for s in free], np.bool_)
        if wrong.sum() >= LEAST_WRONG:
            told.append(page_correlation(wrong, number_pages([s.page for s in free])))
    return sum(told) / max(len(told), 1)


def _slopes(weights: Mapping[str, Weight]) -> dict[str, float]:
    """Weights of evidence that is not standardised."""
    return {name: by.weight / by.scale for name, by in weights.items()}


def _fit_kind(
    samples: Sequence[FieldSample],
    fit_pages: set[str],
    correlation: float,
    slopes: Mapping[str, float],
) -> KindCard:
    """Regression on the pages to fit on, knots on all, counts on both apart."""
    ours = [s for s in samples if s.page in fit_pages] or list(samples[:1])
    weights, offset = fit_regression(ours, slopes)
    plain = KindCard(weights=weights, offset=offset, knots=(), steps=())
    scores = np.array([score_of(plain, s.evidence) for s in samples])
    right = np.array([s.right for s in samples])
    trial = np.array([s.page in fit_pages for s in samples])
    free = np.array([not s.asked for s in samples])
    pages = number_pages([s.page for s in samples])
    return KindCard(
        weights=weights,
        offset=offset,
        knots=fit_knots(scores, right),
        steps=count_steps(scores[free], right[free], trial[free], pages[free], correlation),
    )


def fit_regression(
    samples: Sequence[FieldSample], slopes: Mapping[str, float] | None = None
) -> tuple[dict[str, Weight], float]:
    """Logistic regression with a ridge penalty, by Newton's method.

    Evidence that is missing counts as average; that which never varies is left out.

    Args:
        samples: to fit on.
        slopes: weights of evidence, not standardised, that the penalty pulls towards instead
            of 0.
    """
    names = sorted({name for s in samples for name in s.evidence})
    table = np.array(
        [
            [number(n, s.evidence[n]) if n in s.evidence else np.nan for n in names]
            for s in samples
        ]
    ).reshape(len(samples), len(names))
    means, scales = np.nanmean(table, axis=0), np.nanstd(table, axis=0)
    varied = scales > 1e-9
    x = np.nan_to_num((table[:, varied] - means[varied]) / scales[varied])
    side = [n not in PROBABILITIES for n, varies in zip(names, varied, strict=True) if varies]
    x = np.where(side, x.clip(-MOST_APART, MOST_APART), x)
    right = np.array([s.right for s in samples], np.float64)
    kept = [i for i, varies in enumerate(varied) if varies]
    ridge = [RIDGE if names[i] == "probability" else RIDGE_OF_OTHERS for i in kept]
    towards = np.array([0.0, *((slopes or {}).get(names[i], 0.0) * scales[i] for i in kept)])
    columns = np.column_stack([np.ones(len(x)), x])
    found = _newton(columns, right, np.diag([0.0, *ridge]), towards)
    weights = {
        names[i]: Weight(
            mean=round(float(means[i]), 6),
            scale=round(float(scales[i]), 6) or 1e-6,
            weight=round(float(w), 6),
        )
        for i, w in zip(kept, found[1:], strict=True)
    }
    return weights, round(float(found[0]), 6)


def _newton(x: Floats, right: Floats, penalty: Floats, towards: Floats) -> Floats:
    """Weights (d,) for columns (n, d), the first of which is the offset.

    ``penalty`` (d, d) is diagonal, of the distance from ``towards`` (d,).

    One right and one wrong average field more keep the offset finite where all are right.
    """
    x = np.vstack([x, np.eye(1, x.shape[1]), np.eye(1, x.shape[1])])
    right = np.concatenate([right, [0.0, 1.0]])
    weights = np.zeros(x.shape[1])
    for _ in range(50):
        share = 1 / (1 + np.exp(-np.clip(x @ weights, -500, 500)))
        slope = x.T @ (right - share) - penalty @ (weights - towards)
        curve = (x.T * (share * (1 - share))) @ x + penalty + 1e-9 * np.eye(x.shape[1])
        step = np.linalg.solve(curve, slope)
        weights = weights + np.clip(step, -5, 5)
        if float(np.abs(step).max()) < 1e-8:
            break
    return weights


def fit_knots(scores: Floats, right: Flags) -> tuple[tuple[float, float], ...]:
    """Isotonic regression of ``right`` on ``scores`` by pooling adjacent violators.

    Each block counts half a right and half a wrong field more (Jeffreys), after pooling, so
    that large sure blocks may come close to 1 and none reaches it.
    """
    order = np.argsort(scores, kind="stable")
    #: right, count and sum of scores of each block
    blocks: list[tuple[float, float, float]] = []
    for i in order:
        blocks.append((float(right[i]), 1.0, float(scores[i])))
        while len(blocks) > 1 and _share(blocks[-2]) >= _share(blocks[-1]):
            last = blocks.pop()
            blocks[-1] = tuple(a + b for a, b in zip(blocks[-1], last, strict=True))  # type: ignore[assignment]
    values = np.maximum.accumulate([(r + 0.5) / (n + 1) for r, n, _ in blocks])
    knots = [(total / n, float(v)) for (_, n, total), v in zip(blocks, values, strict=True)]
    chosen = np.unique(np.linspace(0, len(knots) - 1, MOST_KNOTS).round().astype(int))
    return tuple((round(knots[i][0], 6), round(knots[i][1], 6)) for i in chosen)


def _share(block: tuple[float, float, float]) -> float:
    return block[0] / block[1]


def count_steps(
    scores: Floats,
    right: Flags,
    trial: Flags,
    pages: Pages | None = None,
    correlation: float = 0.0,
) -> tuple[Step, ...]:
    """Nested sets of the surest fields, whose edges follow from the trial sample alone.

    Args:
        scores: (n,) of the fields.
        right: (n,) whether their values are.
        trial: (n,) whether they say in which order to test, or else prove.
        pages: (n,) number of the page that each is on; None: each on its own.
        correlation: of errors on a page, where a kind has too few errors to tell.
    """
    if not trial.any():
        return ()
    shares = np.linspace(SMALLEST_STEP, 1, STEPS)
    edges = np.unique(np.quantile(scores[trial], 1 - shares, method="lower"))[::-1]
    edges = np.floor(edges * 1e6) / 1e6
    steps = []
    pages = np.arange(len(scores)) if pages is None else pages
    for edge in np.unique(edges).tolist():
        within = scores >= edge
        first, second = within & trial, within & ~trial
        if (within & ~right).sum() >= LEAST_WRONG:  # else as in the next larger set
            correlation = page_correlation(~right[within], pages[within])
        steps.append(
            Step(
                edge,
                int(first.sum()),
                int((first & ~right).sum()),
                int(second.sum()),
                int((second & ~right).sum()),
                round(design_effect(correlation, pages[second]), 4),
            )
        )
    return tuple(reversed(steps))
