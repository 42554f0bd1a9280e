"""How much less a field proves that shares its page with others.

A page that is badly scanned, or in a hand that is hard to read, has many wrong fields at once.
``n`` fields from pages are worth ``n`` over the design effect (Kish, "Survey Sampling", 1965)
fields drawn one by one, and exact bounds are taken of these (Korn and Graubard, "Confidence
intervals for proportions with small expected number of positive counts estimated from survey
data", 1998).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Pages = npt.NDArray[np.int64]

#: fewer wrong fields than this tell nothing of whether they come together
LEAST_WRONG = 10


def number_pages(names: Sequence[str]) -> Pages:
    """A number for each page's name, from 0."""
    return np.unique(np.array(names, np.str_), return_inverse=True)[1].astype(np.int64)


def page_correlation(wrong: Flags, pages: Pages) -> float:
    """Correlation of two fields of one page in being wrong, from all such pairs; in 0 to 1.

    0 where no page has two fields, or all fields are alike.
    """
    if not wrong.any() or wrong.all():
        return 0.0
    off = wrong - wrong.mean()
    sums, sizes = np.bincount(pages, off), np.bincount(pages)
    pairs = float((sizes * (sizes - 1)).sum())
    together = float((sums**2).sum() - (off**2).sum())
    return float(np.clip(together / pairs / wrong.var(), 0, 1)) if pairs else 0.0


def design_effect(correlation: float, pages: Pages) -> float:
    """How many fields of these pages are worth one that is drawn alone; 1 or more."""
    sizes = np.bincount(pages)
    return 1 + correlation * (float((sizes**2).sum() / max(sizes.sum(), 1)) - 1)


def effect_of(wrong: Flags, pages: Pages, otherwise: float) -> float:
    """The design effect of some fields.

    Args:
        wrong: (n,) whether each is.
        pages: (n,) number of its page.
        otherwise: correlation to take where too few are wrong to tell.
    """
    told = int(wrong.sum()) >= LEAST_WRONG
    return design_effect(page_correlation(wrong, pages) if told else otherwise, pages)
