"""A language as arrays says what its words, counted by hand, say."""

import itertools
import math

import numpy as np
import pytest

from hwdigitize.errors import UsageError
from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.ctc import beam_search, log_softmax
from hwdigitize.recognition.language import Language, Weights, load_language
from hwdigitize.recognition.lexicon import load_lexicon

LATIN = Alphabet()
WORDS = {"a": 4.0, "an": 2.0, "ant": 1.0, "in": 3.0, "it's": 1.0, "re-do": 1.0}
#: probabilities as they are, so that they can be added up
PLAIN = Weights(power=1, letter=1, digit=1, mark=1, capital=0.25, capitals=0.5, mixed=0.01)


def price(text: str, language: Language) -> float:
    """The factor of a whole text, asked a character at a time."""
    state, factor = np.zeros(1, np.int64), 1.0
    for label in LATIN.encode(text):
        factors, state = language.extend(state, np.array([label]))
        factor *= float(factors[0])
    return factor * float(language.finish(state)[0])


@pytest.fixture(scope="module")
def language() -> Language:
    return Language(WORDS, LATIN, PLAIN)


@pytest.fixture(scope="module")
def closed() -> Language:
    """Nothing but its words."""
    return Language(WORDS, LATIN, Weights(**{**vars(PLAIN), "outside": 0.0}))


@pytest.mark.parametrize(("word", "frequency"), WORDS.items())
def test_a_word_is_as_likely_as_it_is_frequent(
    closed: Language, word: str, frequency: float
) -> None:
    starts = 1 + sum(mark in word for mark in "'-")
    assert price(word, closed) == pytest.approx(frequency / 12 * 0.75**starts)


def test_what_is_no_word_is_impossible_only_without_spelling(
    closed: Language, language: Language
) -> None:
    assert price("nat", closed) == 0
    assert 0 < price("nat", language) < price("ant", language)


def test_all_words_of_small_letters_share_one(language: Language) -> None:
    """The mixture is a distribution: over words of a few letters it sums up nearly to 1."""
    letters = "aindort"
    texts = ("".join(t) for n in (1, 2, 3, 4) for t in itertools.product(letters, repeat=n))
    total = sum(price(text, language) for text in texts) / 0.75
    assert 0.6 < total < 1


def test_spelling_follows_the_letters_of_the_words(language: Language) -> None:
    assert price("nant", language) > price("ttnt", language)


@pytest.mark.parametrize(
    ("text", "share"),
    [("an", 0.75), ("An", 0.25 * 0.5), ("AN", 0.25 * 0.5), ("aN", 0.75 * 0.01)],
)
def test_case_is_paid_for_once(closed: Language, text: str, share: float) -> None:
    assert price(text, closed) == pytest.approx(2 / 12 * share)


def test_punctuation_around_a_word_leaves_it_alone(closed: Language) -> None:
    for text in ("an,", "(an)", '"an"', "an.", "'an'"):
        assert price(text, closed) == pytest.approx(price("an", closed))


def test_a_line_is_its_words(closed: Language) -> None:
    assert price("an ant", closed) == pytest.approx(price("an", closed) * price("ant", closed))


def test_unknown_parts_of_a_hyphened_word_are_words(closed: Language) -> None:
    assert price("ant-in", closed) == pytest.approx(price("ant", closed) * price("in", closed))


def test_all_numbers_of_one_length_are_alike(language: Language) -> None:
    digits = Language(WORDS, LATIN, Weights(digit=0.5, mark=0.25))
    assert price("1984", digits) == price("0007", digits) == pytest.approx(0.5**4)
    assert price("12,50", digits) == pytest.approx(0.5**4 * 0.25)
    assert price("2an", language) == pytest.approx(price("an", language))


def test_power_flattens_and_letters_are_weighed() -> None:
    weights = Weights(**{**vars(PLAIN), "outside": 0.0, "power": 0.5, "letter": 3.0})
    assert price("an", Language(WORDS, LATIN, weights)) == pytest.approx(
        math.sqrt(2 / 12) * 3**2 * 0.75
    )


def test_letters_that_the_network_lacks_leave_their_words_out() -> None:
    alphabet = Alphabet("an")
    small = Language(WORDS, alphabet, Weights(**{**vars(PLAIN), "outside": 0.0}))
    state = np.zeros(1, np.int64)
    factors, _ = small.extend(state, alphabet.encode("a"))
    assert factors[0] == pytest.approx(0.75)  # only "a" and "an" are left


def test_elements_are_answered_one_by_one(language: Language) -> None:
    rng = np.random.default_rng(0)
    states, labels = np.zeros(40, np.int64), rng.integers(1, len(LATIN) + 1, 40)
    _, states = language.extend(states, labels)
    labels = rng.integers(1, len(LATIN) + 1, 40)
    factors, after = language.extend(states, labels)
    for i in range(40):
        factor, state = language.extend(states[i : i + 1], labels[i : i + 1])
        assert factor[0] == factors[i]
        assert state[0] == after[i]


@pytest.mark.parametrize("seed", range(10))
def test_the_best_reading_is_that_of_enumeration(seed: int) -> None:
    alphabet = Alphabet("an")
    language = Language({"a": 5.0, "an": 3.0, "nan": 1.0}, alphabet, PLAIN)
    scores = log_softmax(np.random.default_rng(seed).normal(0, 1, (5, 3)).astype(np.float32))
    expected: dict[str, float] = {}
    for path in itertools.product(range(3), repeat=5):
        text = "".join(alphabet.characters[c - 1] for c, _ in itertools.groupby(path) if c)
        weight = math.exp(sum(row[c] for row, c in zip(scores, path, strict=True)))
        state, factor = np.zeros(1, np.int64), 1.0
        for label in alphabet.encode(text):
            factors, state = language.extend(state, np.array([label]))
            factor *= float(factors[0])
        factor *= float(language.finish(state)[0])
        expected[text] = expected.get(text, 0.0) + weight * factor
    found = dict(beam_search([scores], alphabet, 64, language)[0])
    assert max(found, key=found.__getitem__) == max(expected, key=expected.__getitem__)
    likely = {
        text for text, weight in expected.items() if weight > 0.02 * max(expected.values())
    }
    assert likely
    for text in likely:
        assert math.exp(found[text]) == pytest.approx(expected[text], rel=0.01)


def drawn(text: str, sure: float, doubt: dict[int, str]) -> np.ndarray:
    """Scores of a text: a step a character and a blank after each, some characters in doubt."""
    probabilities = np.full((2 * len(text), len(LATIN) + 1), 1e-9)
    probabilities[1::2, 0] = 1
    for i, label in enumerate(LATIN.encode(text)):
        probabilities[2 * i, label] = sure if i in doubt else 1
        if i in doubt:
            probabilities[2 * i, LATIN.encode(doubt[i])[0]] = 1 - sure
    return np.log(probabilities).astype(np.float32)


@pytest.mark.parametrize(
    ("text", "doubt", "name", "read"),
    [
        ("hause", {1: "o"}, "en", "house"),
        ("Hause", {1: "o"}, "en", "House"),
        ("HAUSE", {1: "O"}, "en", "HOUSE"),
        ('"hause,"', {2: "o"}, "en", '"house,"'),
        ("the hause", {5: "o"}, "en", "the house"),
        ("d0n't", {1: "o"}, "en", "don't"),
        ("l'écolc", {6: "e"}, "fr", "l'école"),
        ("hause", {1: "o"}, "en+fr", "house"),
        ("MATHIEV", {6: "U"}, "names", "MATHIEU"),
    ],
)
def test_doubtful_ink_is_read_as_a_word(
    text: str, doubt: dict[int, str], name: str, read: str
) -> None:
    scores = drawn(text, 0.6, doubt)
    assert beam_search([scores], LATIN)[0][0][0] == text
    assert beam_search([scores], LATIN, language=load_language(name, LATIN))[0][0][0] == read


@pytest.mark.parametrize(
    "text", ["Zorblax", "hause", "X7-Q", "1984", "12,50", "4 July", "qzx!"]
)
def test_clear_ink_is_read_as_it_is(text: str) -> None:
    scores = drawn(text, 0.999, {1: "e"})
    assert beam_search([scores], LATIN, language=load_language("en", LATIN))[0][0][0] == text


def test_doubtful_digits_are_read_as_the_network_has_them() -> None:
    language = load_language("en+fr", LATIN)
    scores = drawn("1984", 0.6, {1: "4", 2: "3"})
    assert beam_search([scores], LATIN, language=language)[0][0][0] == "1984"


def test_no_language_is_none() -> None:
    assert load_language("none", LATIN) is None


def test_shipped_lexica_hold_words_and_frequencies() -> None:
    english, french, names = (load_lexicon(name) for name in ("en", "fr", "names"))
    assert english["the"] > english["house"] > english["housings"] > 0
    assert {"don't", "mother-in-law"} & set(english)
    assert {"à", "peut", "élève", "œuvre"} <= set(french)
    assert {"mathieu", "smith"} <= set(names)
    assert all(word == word.lower() for word in (*english, *french, *names))


def test_a_language_that_there_is_not_says_what_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wordfreq", None)
    with pytest.raises(UsageError, match=r"en, fr, names.*hwdigitize\[languages\]"):
        load_language("de", LATIN)


def test_other_languages_come_from_wordfreq() -> None:
    pytest.importorskip("wordfreq")
    assert load_lexicon("nl")["huis"] > 0
    with pytest.raises(UsageError, match="xx"):
        load_lexicon("xx")


def test_names_begin_with_a_capital_more_often() -> None:
    capital = np.array([LATIN.encode("M")[0]], np.int64)
    start = np.zeros(1, np.int64)
    factors = []
    for name in ("en", "en+names"):
        language = load_language(name, LATIN)
        assert language is not None
        small = np.array([LATIN.encode("m")[0]], np.int64)
        factors.append(language.extend(start, capital)[0] / language.extend(start, small)[0])
    assert factors[1] > 2 * factors[0]


def test_words_are_known_in_any_case_and_beginnings_are_no_words(language: Language) -> None:
    assert all(language.knows(word) for word in ("a", "An", "ANT", "in", "it's", "re-do"))
    assert not any(language.knows(word) for word in ("", "i", "re", "ants", "zoo", "1", "ж"))
