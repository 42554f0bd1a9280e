"""What a grammar allows is what it says, compared with Python's own tools."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwdigitize.errors import TemplateError
from hwdigitize.forms.automaton import Automaton, TooLargeError
from hwdigitize.forms.expressions import build_dfa
from hwdigitize.forms.grammar import compile_grammar
from hwdigitize.forms.patterns import PatternError, parse_pattern
from hwdigitize.forms.records import Field, Grammar, Kind


def compiled(kind: Kind, folder: Path | str = "", cells: int = 0, **grammar: Any) -> Automaton:
    boxes = ((0, 0, 100, 20),)
    field = Field(name="f", kind=kind, boxes=boxes, cells=cells, grammar=Grammar(**grammar))
    automaton = compile_grammar(field, folder)
    assert automaton is not None
    return automaton


def regular_expressions() -> st.SearchStrategy[str]:
    single = st.sampled_from(
        ["a", "b", "1", "[ab]", "[^a]", "[a-c1]", ".", r"\d", r"\.", "(?:ab)"]
    )
    return st.recursive(
        single,
        lambda inner: (
            st.tuples(inner, inner).map("".join)
            | st.tuples(inner, inner).map(lambda p: f"({p[0]}|{p[1]})")
            | st.tuples(inner, st.sampled_from(["?", "*", "+", "{2}", "{1,2}", "{0,1}"])).map(
                lambda p: f"({p[0]}){p[1]}"
            )
        ),
        max_leaves=6,
    )


@given(regular_expressions(), st.lists(st.text(alphabet="abc1.", max_size=6), max_size=8))
@settings(deadline=None)
def test_patterns_mean_what_python_means(pattern: str, texts: list[str]) -> None:
    dfa = build_dfa(parse_pattern(pattern))
    for text in texts:
        assert dfa.accepts(text) == bool(re.fullmatch(pattern, text))


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        ")",
        "a)",
        "(a",
        "[",
        "[a",
        "[]",
        "[z-a]",
        "*",
        "a{2",
        "a{3,2}",
        "a{,}",
        r"\q",
        "(?=a)",
        "\\",
        "a{99999}",
        "(" * 60 + ")" * 60,
        "a$b",
        "{2}",
    ],
)
def test_patterns_that_do_not_parse(pattern: str) -> None:
    with pytest.raises(PatternError):
        parse_pattern(pattern)


@given(st.text(alphabet="ab[](){}|*+?\\^$.-,12:dw", max_size=12))
@settings(deadline=None)
def test_any_pattern(pattern: str) -> None:
    try:
        build_dfa(parse_pattern(pattern))
    except (PatternError, TooLargeError):
        return


def test_too_large_a_pattern() -> None:
    with pytest.raises(TooLargeError):
        build_dfa(parse_pattern("((a{1000}){1000}){1000}"))
    with pytest.raises(TooLargeError):
        build_dfa(parse_pattern("(a|b)*a(a|b){20}"))


def test_anchors_change_nothing() -> None:
    assert build_dfa(parse_pattern("^ab$")) == build_dfa(parse_pattern("ab"))


@given(st.dates(datetime.date(1000, 1, 1), datetime.date(2999, 12, 31)))
@settings(deadline=None)
def test_every_real_date_is_legal(day: datetime.date) -> None:
    assert compiled("date", format="dd/mm/yyyy").accepts(day.strftime("%d/%m/") + f"{day.year}")
    assert compiled("date", format="yyyymmdd").accepts(day.isoformat().replace("-", ""))
    short = compiled("date", format="d.mm.yy".replace("d", "dd", 1))
    assert short.accepts(f"{day.day}.{day.month}.{day.year % 100:02d}")


@given(st.integers(1000, 2999), st.integers(0, 13), st.integers(0, 32))
@settings(deadline=None)
def test_only_real_dates_are_legal(year: int, month: int, day: int) -> None:
    try:
        datetime.date(year, month, day)
        real = True
    except ValueError:
        real = False
    automaton = compiled("date", format="dd/mm/yyyy")
    assert automaton.accepts(f"{day:02d}/{month:02d}/{year}") == real
    assert automaton.accepts(f"{day:02d}{month:02d}{year}") == real


@given(
    st.dates(datetime.date(1995, 1, 1), datetime.date(2005, 12, 31)),
    st.dates(datetime.date(1995, 1, 1), datetime.date(2005, 12, 31)),
    st.dates(datetime.date(1994, 1, 1), datetime.date(2006, 12, 31)),
)
@settings(deadline=None, max_examples=50)
def test_dates_keep_their_bounds(
    low: datetime.date, high: datetime.date, day: datetime.date
) -> None:
    low, high = min(low, high), max(low, high)
    automaton = compiled(
        "date", format="yyyy-mm-dd", minimum=low.isoformat(), maximum=high.isoformat()
    )
    assert automaton.accepts(day.isoformat()) == (low <= day <= high)


def test_dates_get_their_separators() -> None:
    automaton = compiled("date", format="dd/mm/yyyy")
    assert automaton.canonical("03122024") == "03/12/2024"
    assert automaton.canonical("3/1/2024") == "03/01/2024"
    slash = automaton.symbols.index("/")
    assert set("/.- ") <= set(automaton.spellings[slash])
    assert compiled("date", cells=8).accepts("31122024")
    assert not compiled("date", cells=6).accepts("31122024")


@given(st.times(), st.times(), st.times())
@settings(deadline=None, max_examples=50)
def test_times_keep_their_bounds(
    low: datetime.time, high: datetime.time, at: datetime.time
) -> None:
    low, high = (t.replace(second=0, microsecond=0) for t in sorted((low, high)))
    at = at.replace(second=0, microsecond=0)
    automaton = compiled(
        "time", format="hh:mm", minimum=low.isoformat(), maximum=high.isoformat()
    )
    for text in (f"{at:%H:%M}", f"{at:%H%M}", f"{at.hour}:{at:%M}"):
        assert automaton.accepts(text) == (low <= at <= high)
    assert not automaton.accepts("24:00")
    assert not automaton.accepts("12:60")


@given(st.integers(-3000, 3000), st.integers(-3000, 3000), st.integers(-4000, 4000))
@settings(deadline=None)
def test_numbers_keep_their_bounds(low: int, high: int, value: int) -> None:
    low, high = sorted((low, high))
    automaton = compiled("number", minimum=low / 10, maximum=high / 10, decimals=1)
    inside = low <= value <= high
    text = f"{Decimal(value) / 10:.1f}"
    assert automaton.accepts(text) == inside
    if value % 10 == 0:
        assert automaton.accepts(str(value // 10)) == inside


def test_zeros_may_stand_in_front_of_numbers() -> None:
    degrees = compiled("number", minimum=0, maximum=180)
    assert degrees.accepts("024")
    assert not degrees.accepts("0024")
    assert not degrees.accepts("-1")
    assert compiled("number", pattern=r"\d{2}\.\d{3}").accepts("26.257")
    assert compiled("digits", cells=4).accepts("0012")
    assert not compiled("digits", cells=4).accepts("00123")


def luhn(text: str) -> bool:
    digits = [int(c) for c in reversed(text)]
    return sum(d if n % 2 == 0 else d // 5 + 2 * d % 10 for n, d in enumerate(digits)) % 10 == 0


@given(st.integers(1, 10**9 - 1))
@settings(deadline=None)
def test_luhn(number: int) -> None:
    automaton = compiled("digits", pattern=r"\d{1,9}", checksum="luhn")
    assert automaton.accepts(str(number)) == luhn(str(number))


@given(st.text(alphabet="0123456789", min_size=9, max_size=9), st.sampled_from("0123456789X"))
@settings(deadline=None)
def test_modulo_11(body: str, check: str) -> None:
    automaton = compiled("text", pattern=r"\d{9}[\dX]", checksum="mod11")
    total = sum(w * int(c) for w, c in zip(range(10, 1, -1), body, strict=True))
    right = (total + (10 if check == "X" else int(check))) % 11 == 0
    assert automaton.accepts(body + check) == right


@given(st.integers(0, 10**18 - 1), st.integers(0, 99))
@settings(deadline=None)
def test_iban(account: int, check: int) -> None:
    automaton = compiled("text", pattern=r"DE\d{2} ?\d{18}", checksum="mod97")
    right = int(f"{account:018d}1314{check:02d}") % 97 == 1
    assert automaton.accepts(f"DE{check:02d}{account:018d}") == right
    assert automaton.accepts(f"DE{check:02d} {account:018d}") == right


def test_a_real_iban_and_case() -> None:
    pattern = r"GB\d\d[A-Z]{4}\d{14}"
    automaton = compiled("text", pattern=pattern, checksum="mod97", case="upper")
    assert automaton.accepts("GB82WEST12345698765432")
    assert "w" in automaton.spellings[automaton.symbols.index("W")]
    assert compiled("text", values=("Anna", "Ola"), case="upper").accepts("ANNA")


def test_lists(tmp_path: Path) -> None:
    (tmp_path / "towns.txt").write_text("Paris\t3\nLyon\t1\n\nO’Neill\n", "utf-8")
    automaton = compiled("text", tmp_path, values=("Nice",), lexicon="towns.txt")
    texts = dict(automaton.texts())
    assert set(texts) == {"Paris", "Lyon", "O’Neill", "Nice"}
    assert texts["Paris"] == pytest.approx(texts["Lyon"] + 1.0986, abs=1e-3)
    assert "'" in automaton.spellings[automaton.symbols.index("’")]
    plain = compiled("text", values=("a", "ab", "b"))
    assert dict(plain.texts()) == {"a": 0.0, "ab": 0.0, "b": 0.0}


WRONG: list[tuple[Kind, dict[str, Any], str, str]] = [
    ("text", {"pattern": "("}, "pattern", "does not parse"),
    ("text", {"pattern": r"\d", "values": ("1", "x")}, "values", '"x"'),
    ("text", {"checksum": "luhn", "values": ("18", "19")}, "values", '"19" fails'),
    ("text", {"values": ("a", "")}, "values", "empty"),
    ("text", {"minimum": 3}, "minimum", "no bound of a text"),
    ("number", {"minimum": 3, "maximum": 2}, "minimum", "above the maximum"),
    ("number", {"minimum": "2024-01-01"}, "minimum", "no bound of a number"),
    ("number", {"minimum": float("nan")}, "minimum", "no bound"),
    ("number", {"minimum": 0.2, "maximum": 0.8}, "minimum", "nothing can be written"),
    ("number", {"decimals": 10}, "decimals", "Use 0 to 9"),
    ("digits", {"decimals": 1}, "decimals", "has none"),
    ("date", {"format": "dd/mm"}, "format", "dd/mm/yyyy"),
    ("date", {"format": "dd/dd/yyyy"}, "format", "no format"),
    ("time", {"format": "hh-yy"}, "format", "no format"),
    ("date", {"minimum": 3}, "minimum", "a date, such as"),
    ("date", {"minimum": "2024-02-30"}, "minimum", "a date, such as"),
    ("time", {"maximum": "25:00"}, "maximum", "a time, such as"),
    ("text", {"format": "dd"}, "format", "has none"),
    ("date", {"pattern": "a"}, "pattern", "described by its format"),
    ("text", {"checksum": "mod97", "pattern": r"\d+"}, "checksum", "one length"),
    ("text", {"pattern": "(a|b)*a(a|b){20}"}, "pattern", "too much"),
    ("text", {"lexicon": "none.txt"}, "lexicon", "cannot be read"),
    ("text", {"lexicon": "../a.txt"}, "lexicon", "not a file name"),
    ("text", {"lexicon": "empty.txt"}, "lexicon", "is empty"),
    ("text", {"lexicon": "counts.txt"}, "lexicon", "line 2"),
    ("text", {"lexicon": "latin.txt"}, "lexicon", "not UTF-8"),
]


@pytest.mark.parametrize(("kind", "grammar", "key", "words"), WRONG)
def test_errors_name_key_and_remedy(
    tmp_path: Path, kind: Kind, grammar: dict[str, Any], key: str, words: str
) -> None:
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "counts.txt").write_text("a\t1\nb\t-1\n")
    (tmp_path / "latin.txt").write_bytes(b"\xe9\xe8")
    with pytest.raises(TemplateError) as caught:
        compiled(kind, tmp_path, **grammar)
    assert f'form.toml: field "f", grammar.{key}: ' in str(caught.value)
    assert words in str(caught.value)
