"""From a words network's logits to text: best path, prefix beam search, alignment.

Graves et al., "Connectionist temporal classification" (2006); prefix beam search after Hannun
et al., "First-pass large vocabulary continuous speech recognition using bi-directional
recurrent DNNs" (2014). Class 0 is the blank everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwdigitize.recognition.alphabet import Alphabet

BLANK = 0
#: classes less likely than this at a step are not tried there; they could not win
LEAST_PROBABILITY = 2e-3
#: runs of steps at which the blank is surer than this are taken as one step
SURE_BLANK = 0.9999

Prefix = tuple[int, ...]
#: gives the log probability of a class after a prefix, relative to all readings being alike
Scorer = Callable[[Prefix, int], float]


@dataclass(frozen=True)
class Path:
    """A reading with the time steps (first, last exclusive) behind each character."""

    text: str
    spans: tuple[tuple[int, int], ...]


def log_softmax(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float32]:
    """Log probabilities a step, (time steps, classes); a temperature above 1 flattens them."""
    scaled = logits / temperature
    shifted = scaled - scaled.max(-1, keepdims=True)
    result: NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return result


def best_path(scores: NDArray[np.float32], alphabet: Alphabet) -> Path:
    """Greedy decoding: the best class a step, repeats merged, blanks dropped.

    Args:
        scores: logits or probabilities, (time steps, classes).
    """
    best = scores.argmax(1)
    starts = np.flatnonzero(np.r_[True, best[1:] != best[:-1]])
    ends = np.r_[starts[1:], len(best)]
    runs = [(int(best[s]), int(s), int(e)) for s, e in zip(starts, ends, strict=True)]
    kept = [run for run in runs if run[0] != BLANK]
    text = "".join(alphabet.characters[label - 1] for label, _, _ in kept)
    return Path(text, tuple((first, last) for _, first, last in kept))


def beam_search(
    log_probabilities: NDArray[np.float32],
    alphabet: Alphabet,
    width: int = 16,
    scorer: Scorer | None = None,
) -> list[tuple[str, float]]:
    """The most probable texts with their log probabilities, best first.

    Args:
        log_probabilities: (time steps, classes), of :func:`log_softmax`.
        alphabet: what the classes mean.
        width: prefixes kept at each step.
        scorer: a language model's say on each added character; None for none.

    Returns:
        At most ``width`` texts; never empty. Each probability sums all kept alignments of its
        text, so that with a wide beam they sum to nearly 1 (without a scorer).
    """
    beams: dict[Prefix, tuple[float, float, float]] = {(): (1.0, 0.0, 1.0)}
    log_scale = 0.0
    for row in _worth_reading(np.exp(log_probabilities)):
        beams = _step(beams, row, scorer)
        best = sorted(beams.items(), key=_weight, reverse=True)[:width]
        # Rescaled at every step: products of probabilities would underflow on long lines.
        total = _weight(best[0]) or 1e-300
        log_scale += float(np.log(total))
        beams = {prefix: (b / total, n / total, s) for prefix, (b, n, s) in best}
    ranked = sorted(beams.items(), key=_weight, reverse=True)
    return [
        (
            "".join(alphabet.characters[label - 1] for label in prefix),
            log_scale + float(np.log(max(_weight((prefix, beam)), 1e-300))),
        )
        for prefix, beam in ranked
    ]


def _weight(item: tuple[Prefix, tuple[float, float, float]]) -> float:
    """Probability of a prefix: ending in blank or not, times what the language says."""
    blank, other, language = item[1]
    return (blank + other) * language


def _worth_reading(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """The steps without the repeats of sure blanks."""
    sure = probabilities[:, BLANK] > SURE_BLANK
    return probabilities[~(sure & np.r_[False, sure[:-1]])]


def _step(
    beams: dict[Prefix, tuple[float, float, float]],
    row: NDArray[np.float32],
    scorer: Scorer | None,
) -> dict[Prefix, tuple[float, float, float]]:
    """Extend all prefixes by one time step."""
    blank = float(row[BLANK])
    classes = [(int(c), float(row[c])) for c in np.flatnonzero(row > LEAST_PROBABILITY) if c]
    out: dict[Prefix, tuple[float, float, float]] = {}
    for prefix, (ends_blank, ends_other, language) in beams.items():
        whole = ends_blank + ends_other
        last = prefix[-1] if prefix else -1
        b, n, _ = out.get(prefix, (0.0, 0.0, language))
        stay = ends_other * float(row[last]) if prefix else 0.0
        out[prefix] = (b + whole * blank, n + stay, language)
        for label, probability in classes:
            longer = (*prefix, label)
            gain = (ends_blank if label == last else whole) * probability
            known = out.get(longer)
            if known is None:
                says = language * float(np.exp(scorer(prefix, label))) if scorer else language
                known = (0.0, 0.0, says)
            out[longer] = (known[0], known[1] + gain, known[2])
    return out


def align(
    log_probabilities: NDArray[np.float32], classes: NDArray[np.int32]
) -> tuple[tuple[int, int], ...]:
    """The time steps of each character of a text on its best path (Viterbi).

    Args:
        log_probabilities: (time steps, classes).
        classes: of the text, at most as many as there are time steps.

    Returns:
        For each character its first step and its last, exclusive.
    """
    extended = np.zeros(2 * len(classes) + 1, np.int64)
    extended[1::2] = classes
    emitted = log_probabilities[:, extended]
    can_skip = np.r_[False, False, (extended[2:] != BLANK) & (extended[2:] != extended[:-2])]
    score = np.full(len(extended), -np.inf)
    score[:2] = emitted[0, :2]
    back = np.zeros(emitted.shape, np.int8)
    for t in range(1, len(emitted)):
        moves = np.stack(
            [
                score,
                np.r_[-np.inf, score[:-1]],
                np.where(can_skip, np.r_[-np.inf, -np.inf, score[:-2]], -np.inf),
            ]
        )
        back[t] = moves.argmax(0)
        score = moves.max(0) + emitted[t]
    state = len(extended) - 1 - int(len(classes) > 0 and score[-2] > score[-1])
    states = [state]
    for t in range(len(emitted) - 1, 0, -1):
        state -= int(back[t, state])
        states.append(state)
    at = np.array(states[::-1])
    spans = (np.flatnonzero(at == 2 * i + 1) for i in range(len(classes)))
    return tuple((int(s[0]), int(s[-1]) + 1) if len(s) else (0, 0) for s in spans)
