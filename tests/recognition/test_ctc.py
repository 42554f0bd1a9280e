"""CTC decoding on logits small enough to check by hand."""

import itertools

import numpy as np
import pytest

from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.ctc import align, beam_search, best_path, log_softmax

AB = Alphabet("ab")


def steps(*rows: tuple[float, float, float]) -> np.ndarray:
    return np.log(np.array(rows, np.float32) + 1e-12)


def probabilities_by_enumeration(log_probabilities: np.ndarray) -> dict[str, float]:
    """Sum over all paths: what beam search approximates."""
    total: dict[str, float] = {}
    for path in itertools.product(range(3), repeat=len(log_probabilities)):
        merged = [c for c, _ in itertools.groupby(path)]
        text = "".join(AB.characters[c - 1] for c in merged if c)
        weight = float(
            np.exp(sum(row[c] for row, c in zip(log_probabilities, path, strict=True)))
        )
        total[text] = total.get(text, 0.0) + weight
    return total


def test_best_path_merges_repeats_and_keeps_doubles_parted_by_blank() -> None:
    path = best_path(steps((0, 1, 0), (0, 1, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)), AB)
    assert path.text == "aab"
    assert path.spans == ((0, 2), (3, 4), (4, 5))


def test_best_path_of_blanks_is_empty() -> None:
    assert best_path(steps((1, 0, 0), (1, 0, 0)), AB).text == ""


def test_beam_search_sums_alignments_where_best_path_does_not() -> None:
    # Each step is most likely blank, yet "a" in either step is likelier than nothing.
    scores = steps((0.6, 0.4, 0.0), (0.6, 0.4, 0.0))
    assert best_path(scores, AB).text == ""
    text, log_probability = beam_search([scores], AB)[0][0]
    assert text == "a"
    assert np.exp(log_probability) == pytest.approx(0.64)


@pytest.mark.parametrize("seed", range(20))
def test_wide_beam_equals_enumeration(seed: int) -> None:
    logits = np.random.default_rng(seed).normal(0, 2, (5, 3)).astype(np.float32)
    scores = log_softmax(logits)
    expected = probabilities_by_enumeration(scores)
    found = {
        text: float(np.exp(score)) for text, score in beam_search([scores], AB, width=64)[0]
    }
    best = max(expected, key=expected.__getitem__)
    assert max(found, key=found.__getitem__) == best
    assert found[best] == pytest.approx(expected[best], rel=0.03)


class PrefersB:
    """A language in which b is twenty times as likely as a, and a word ends anywhere."""

    def extend(self, states: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.where(labels == 2, 1.0, 0.05), states

    def finish(self, states: np.ndarray) -> np.ndarray:
        return np.ones(states.shape)


def test_a_language_model_can_overrule_the_ink() -> None:
    scores = steps((0.0, 0.55, 0.45))
    assert beam_search([scores], AB)[0][0][0] == "a"
    assert beam_search([scores], AB, language=PrefersB())[0][0][0] == "b"


def test_readings_of_different_length_do_not_disturb_each_other() -> None:
    rng = np.random.default_rng(3)
    scores = [log_softmax(rng.normal(0, 2, (n, 3)).astype(np.float32)) for n in (1, 4, 9)]
    together = beam_search(scores, AB)
    apart = [beam_search([part], AB)[0] for part in scores]
    for a, b in zip(together, apart, strict=True):
        assert [text for text, _ in a] == [text for text, _ in b]
        assert [p for _, p in a] == pytest.approx([p for _, p in b])


def test_nothing_to_read_is_no_reading() -> None:
    assert beam_search([], AB) == []


def test_temperature_flattens() -> None:
    logits = np.array([[2.0, 0.0, 0.0]], np.float32)
    assert log_softmax(logits, 4.0)[0, 0] < log_softmax(logits)[0, 0]


def test_align_finds_the_steps_of_each_character() -> None:
    scores = steps((0.9, 0.1, 0.0), (0.0, 0.9, 0.1), (0.0, 0.9, 0.1), (0.1, 0.1, 0.8))
    assert align(scores, AB.encode("ab")) == ((1, 3), (3, 4))


def test_align_parts_doubled_characters() -> None:
    scores = steps((0.1, 0.9, 0.0), (0.9, 0.1, 0.0), (0.1, 0.9, 0.0))
    assert align(scores, AB.encode("aa")) == ((0, 1), (2, 3))


def test_nothing_is_nowhere() -> None:
    assert align(steps((0.5, 0.5, 0.0)), AB.encode("")) == ()
