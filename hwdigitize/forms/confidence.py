"""From the evidence for a field to the probability that its whole value is right.

A field's evidence is a handful of named numbers: the decoder's probability of the value, that
no legal value fits, the best alternative's, the registration's residual, the ink. For each kind
of field a logistic regression turns them into a score and isotonic regression (Zadrozny and
Elkan, "Transforming classifier scores", 2002) the score into a confidence. Both are fitted in
training on fields with known truth and stored in the card ``fields.json``.

The card also counts, on fields that the regression has not seen, how many of the surest fields
are wrong. From these counts follows what may be accepted unseen at most a share ``max_error``
of wrong ones: nested sets, from the order in which another sample finds them promising, are
tested by the exact binomial test until one fails (fixed-sequence testing in the
"Learn then Test" of Angelopoulos, Bates, Candès, Jordan and Lei, 2021). Whatever set is
chosen, the chance that its true share of errors is above ``max_error`` is at most 5 %, though
choice and test look at one sample. The orders of the tests, two with half of the risk each,
follow from other pages than those that prove, so that choosing breaks no bound. Errors of one
page come together; fields are therefore counted as fewer independent ones, by the design effect
that the calibration found
(Korn and Graubard, "Confidence intervals for proportions with small expected number of positive
counts estimated from survey data", 1998). Pages are taken to be like those of the sample.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from itertools import accumulate, takewhile
from pathlib import Path
from typing import Literal

import msgspec

from hwdigitize.errors import ModelError
from hwdigitize.recognition.confidence import Calibration
from hwdigitize.recognition.runtime import models_folder

#: chance that a claimed bound does not hold
RISK = 0.05
#: evidence that is a probability and enters the regression by its log odds
PROBABILITIES = frozenset({"probability", "none_fits", "alternative", "agreement"})
LEAST_PROBABILITY = 1e-6
#: chance of passing from which a set is tested in the order of sureness
LIKELY = 0.5
#: side evidence farther from its mean, in standard deviations, is so rare where it was fitted
#: that nothing is known of how much farther matters
MOST_APART = 3.0
#: states that are answers without a value
VALUELESS = ("empty", "crossed_out")


def with_state(evidence: Mapping[str, float], state: str) -> dict[str, float]:
    """Evidence as it is judged: that there is no value says much, and its ink then nothing."""
    kept = {n: value for n, value in evidence.items() if state != "empty" or n != "ink"}
    return kept | {name: float(state == name) for name in VALUELESS}


class Weight(msgspec.Struct, frozen=True, kw_only=True):
    """How one number of the evidence enters the regression: standardised, then weighted."""

    mean: float
    scale: float
    weight: float


class Step(msgspec.Struct, frozen=True, array_like=True):
    """Fields scored ``score`` or more: how many and how many wrong, in two samples.

    The first sample only says in which order to test; the second one proves. ``effect`` fields
    of the second are worth one that is drawn alone, see
    :mod:`hwdigitize.training.page_effect`.
    """

    score: float
    trial: int
    trial_wrong: int
    proof: int
    proof_wrong: int
    effect: float = 1.0

    @property
    def worth(self) -> tuple[float, float]:
        """Independent fields that the second sample is worth, and the wrong ones of them."""
        return self.proof / self.effect, self.proof_wrong / self.effect


class KindCard(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one kind of field."""

    weights: dict[str, Weight]
    offset: float
    #: score and probability, both non-decreasing
    knots: tuple[tuple[float, float], ...]
    #: from few and surest to all
    steps: tuple[Step, ...]


class FieldsCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The card ``fields.json``: the calibration of every kind, and what it rests on."""

    kinds: dict[str, KindCard]
    #: data, pages, seed, date
    sample: dict[str, str | int] = {}
    version: Literal[1] = 1


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What is claimed of the accepted fields of a kind, and the sample that proves it.

    At most ``max_error`` of them are wrong, at 95 % confidence. ``score`` is None where nothing
    can be accepted: with ``samples`` too few (``proven`` is False then), or too many wrong.
    """

    kind: str
    max_error: float
    score: float | None
    samples: int
    wrong: int
    effect: float = 1.0

    @property
    def proven(self) -> bool:
        """Whether any set of fields is accepted."""
        return self.score is not None

    @property
    def sentence(self) -> str:
        """The claim in words."""
        worth = ""
        if self.effect > 1:
            independent = round(self.samples / self.effect)
            worth = f" (worth {independent} independent ones: errors of a page come together)"
        if self.proven:
            return (
                f"at most {self.max_error:.2%} of the accepted {self.kind} fields are wrong, at"
                f" 95 % confidence: {self.wrong} of {self.samples} like them were{worth}"
            )
        return (
            f"no {self.kind} field can be accepted at {self.max_error:.2%} errors: that takes"
            f" {samples_needed(self.max_error)} sure fields without an error, and of"
            f" {self.samples} fields {self.wrong} were wrong{worth}"
        )


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A field's confidence, and why a person must look; ``flag`` is "" where none must."""

    confidence: float
    flag: Literal["", "not_sure", "not_proven"]


class Judge:
    """Judges fields: see :meth:`judge`.

    Args:
        card: the calibration; None knows nothing and flags every field.
        max_error: share of wrong fields that may be accepted, in 0 to 1.
    """

    def __init__(self, card: FieldsCard | None, max_error: float) -> None:
        self._kinds = card.kinds if card else {}
        self._maps = {kind: Calibration(known.knots) for kind, known in self._kinds.items()}
        self._max_error = max_error
        #: by kind
        self.claims = {
            kind: prove(kind, known.steps, max_error) for kind, known in self._kinds.items()
        }

    def claim(self, kind: str) -> Claim:
        """What is claimed of the accepted fields of a kind."""
        unknown = Claim(kind=kind, max_error=self._max_error, score=None, samples=0, wrong=0)
        return self.claims.get(kind, unknown)

    def judge(
        self, kind: str, evidence: Mapping[str, float], state: str = "value"
    ) -> Judgement:
        """Confidence in a field and whether it may be accepted.

        Args:
            kind: of the field.
            evidence: numbers by name; names that the card does not know are left out, and
                those it misses count as average. Without a card for the kind,
                ``probability`` is the confidence.
            state: of the field: a value, or why there is none.
        """
        known, claim = self._kinds.get(kind), self.claim(kind)
        if known is None:
            confidence = min(max(evidence.get("probability", 0.0), 0.0), 1.0)
            return Judgement(confidence=confidence, flag="not_proven")
        score = score_of(known, with_state(evidence, state))
        confidence = round(self._maps[kind](score), 6)
        if claim.score is None:
            return Judgement(confidence=confidence, flag="not_proven")
        return Judgement(confidence=confidence, flag="" if score >= claim.score else "not_sure")


def number(name: str, value: float) -> float:
    """Evidence as the regression sees it: probabilities by their log odds."""
    if name not in PROBABILITIES:
        return value
    sure = min(max(value, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY)
    return math.log(sure / (1 - sure))


def standardised(name: str, value: float, mean: float, scale: float) -> float:
    """Evidence in standard deviations from its mean; side evidence MOST_APART at most."""
    apart = (number(name, value) - mean) / scale
    return apart if name in PROBABILITIES else min(max(apart, -MOST_APART), MOST_APART)


def score_of(known: KindCard, evidence: Mapping[str, float]) -> float:
    """The regression's score of a field, in 0 to 1; not yet a calibrated probability."""
    total = known.offset
    for name, by in known.weights.items():
        if name in evidence:
            total += by.weight * standardised(name, evidence[name], by.mean, by.scale)
    return 1 / (1 + math.exp(-min(max(total, -500.0), 500.0)))


def prove(kind: str, steps: tuple[Step, ...], max_error: float) -> Claim:
    """The largest set that may be accepted with at most ``max_error`` of wrong ones.

    Args:
        kind: for the claim's words.
        steps: nested sets with their counts.
        max_error: share of wrong fields, in 0 to 1.
    """
    passed = [
        step
        for order in _orders(steps, max_error)
        for step in takewhile(lambda s: binomial_tail(*s.worth, max_error) <= RISK / 2, order)
    ]
    largest = min(passed, key=lambda s: s.score, default=None)
    shown = largest or max(steps, key=lambda s: s.proof, default=Step(0.0, 0, 0, 0, 0))
    return Claim(
        kind=kind,
        max_error=max_error,
        score=None if largest is None else largest.score,
        samples=shown.proof,
        wrong=shown.proof_wrong,
        effect=shown.effect,
    )


def _orders(steps: tuple[Step, ...], max_error: float) -> tuple[list[Step], list[Step]]:
    """Two orders to test sets in, each for half of the risk; the trial sample sets them.

    From the surest one that is likely to pass on, which stops where readings become worse, and
    by the chance of passing, which begins where samples are many.
    """
    largest_first = sorted(steps, key=lambda step: step.score)
    # a surer set is no worse than a larger one that holds it
    shares = accumulate(((s.trial_wrong + 0.5) / (s.trial + 1) for s in largest_first), min)
    promises = [
        (_promise(step, share, max_error), step)
        for step, share in zip(largest_first, shares, strict=True)
    ]
    likely = [step for promise, step in promises if promise >= LIKELY]
    return likely[::-1], [step for _, step in sorted(promises, key=lambda p: -p[0])]


def _promise(step: Step, share: float, max_error: float) -> float:
    """Chance of passing the test if such a share is wrong."""
    count, _ = step.worth
    most = _most_wrong(count, max_error)
    return 0.0 if most < 0 else binomial_tail(count, most, share)


@functools.lru_cache(maxsize=4096)
def _most_wrong(count: float, max_error: float) -> float:
    """The most wrong ones that still prove ``max_error``; -1 where none do."""
    if binomial_tail(count, 0, max_error) > RISK / 2:
        return -1
    low, high = 0.0, count
    while high - low > 0.01:
        middle = (low + high) / 2
        passes = binomial_tail(count, middle, max_error) <= RISK / 2
        low, high = (middle, high) if passes else (low, middle)
    return low


def binomial_tail(count: float, wrong: float, share: float) -> float:
    """Probability of at most ``wrong`` among ``count`` if each is wrong with ``share``.

    As the incomplete beta function, which it equals for whole numbers, so that counts may be
    parts of fields.
    """
    if wrong >= count or share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    return _incomplete_beta(count - wrong, wrong + 1, 1 - share)


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (Lentz's method).

    Press, Teukolsky, Vetterling and Flannery, "Numerical Recipes", 3rd edition, 6.4.
    """
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front += a * math.log(x) + b * math.log1p(-x)
    c, d, value = 1.0, 0.0, 1.0
    for i in range(500):
        m = i // 2
        if i == 0:
            term = 1.0
        elif i % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / _away_from_zero(1 + term * d)
        c = _away_from_zero(1 + term / c)
        value *= c * d
        if i and abs(c * d - 1) < 1e-12:
            break
    return math.exp(front) * (value - 1) / a


def _away_from_zero(value: float) -> float:
    return value if abs(value) > 1e-300 else 1e-300


def upper_bound(count: float, wrong: float, risk: float = RISK) -> float:
    """Largest share of errors that the counts do not contradict (Clopper and Pearson, 1934).

    One-sided, at confidence ``1 - risk``; 1.0 where nothing was counted.
    """
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if binomial_tail(count, wrong, middle) > risk else (low, middle)
        )
    return high


def samples_needed(max_error: float) -> int:
    """Fields without a single error that it takes to prove ``max_error``."""
    if max_error <= 0 or max_error >= 1:
        return 0 if max_error >= 1 else 2**31
    return math.ceil(math.log(RISK / 2) / math.log1p(-max_error))


@functools.cache
def load_fields_card(folder: str | None = None) -> FieldsCard | None:
    """Read ``fields.json`` from the models folder; None where there is none.

    Raises:
        ModelError: the card is not valid.
    """
    path = models_folder(folder) / "fields.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=FieldsCard)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelError(f"cannot read fields card {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ModelError(f"fields card {path} is damaged: {error}; calibrate again") from error


def save_fields_card(card: FieldsCard, path: Path) -> None:
    """Write the card.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n")
