"""Rules flag the fields they name, only when they are known to be broken."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwdigitize.errors import TemplateError
from hwdigitize.forms.records import Choice, Field, Grammar, Kind, Template, TemplatePage
from hwdigitize.forms.rules import RuleError, check_rules, compile_rule
from hwdigitize.forms.template import load_template
from tests.forms.conftest import FORM, Write

KINDS: dict[str, Kind] = {
    "a": "number",
    "b": "digits",
    "total": "number",
    "start": "time",
    "end": "time",
    "born": "date",
    "died": "date",
    "name": "text",
    "ticked": "mark",
}


def template(*rules: str) -> Template:
    fields = [
        Field(name=name, kind=kind, boxes=((0, 0, 9, 9),), grammar=Grammar())
        for name, kind in KINDS.items()
    ]
    yes = Choice(value="1", box=(0, 0, 9, 9))
    fields.append(Field(name="sex", kind="choice", choices=(yes,)))
    pages = (TemplatePage(blank="blank.png"),)
    return Template(id="a", version="1", pages=pages, fields=tuple(fields), rules=rules)


def broken(rule: str, **values: str) -> set[str]:
    return set(check_rules(template(rule), values))


CASES = [
    ("end >= start", {"start": "09:00", "end": "08:59"}, {"end", "start"}),
    ("end >= start", {"start": "09:00", "end": "09:00"}, set()),
    ("end >= start", {"start": "09:00"}, set()),
    ("total == sum(a, b)", {"a": "0.1", "b": "2", "total": "2.1"}, set()),
    ("total == sum(a, b)", {"a": "0.1", "b": "2", "total": "2.2"}, {"a", "b", "total"}),
    ("if ticked then required name", {"ticked": "x"}, {"ticked", "name"}),
    ("if ticked then required name", {"ticked": "x", "name": "Ann"}, set()),
    ("if ticked then required name", {"ticked": "no"}, set()),
    ("if sex == '1' then required name, a", {"sex": "1", "name": "n"}, {"sex", "name", "a"}),
    (
        "if a > 3 then b < 2 or total == 1",
        {"a": "4", "b": "2", "total": "2"},
        {"a", "b", "total"},
    ),
    ("if a > 3 then b < 2 or total == 1", {"a": "4", "b": "2"}, set()),
    ("died - born < 36525", {"born": "01/01/1900", "died": "01/01/2001"}, {"born", "died"}),
    ("end - start <= 90", {"start": "09:00", "end": "10:31"}, {"start", "end"}),
    ("0 < a <= 3", {"a": "4"}, {"a"}),
    ("not (filled(a) and filled(b))", {"a": "1", "b": "0"}, {"a", "b"}),
    ("count(a, b, name) >= 2", {"a": "1"}, {"a", "b", "name"}),
    ("empty(name)", {"name": "x"}, {"name"}),
    ("a / b == 2", {"a": "1", "b": "0"}, set()),
    ("max(a, b) - abs(-3) != 1", {"a": "4", "b": "2"}, {"a", "b"}),
    ("round(a * 0.19, 2) == b", {"a": "1", "b": "0"}, {"a", "b"}),
    ("name == 'it''s'", {"name": "its"}, set()),
]


@pytest.mark.parametrize(("rule", "values", "flagged"), CASES)
def test_rules(rule: str, values: dict[str, str], flagged: set[str]) -> None:
    assert broken(rule, **values) == flagged


def test_the_reason_names_the_rule() -> None:
    reasons = check_rules(template("a  <  b", "a != 2"), {"a": "2", "b": "1"})
    assert reasons["a"] == "breaks the rule: a < b; breaks the rule: a != 2"
    assert reasons["b"] == "breaks the rule: a < b"


NONSENSE = [
    ("a < c", 'no field "c"'),
    ("a <", "does not parse"),
    ("1 < 2", "names no field"),
    ("a + b", "not a condition"),
    ("a == name", "number cannot be compared with a text"),
    ("sex == 1", 'such as "1"'),
    ("born + died == 3", "only numbers"),
    ("a ** b == 3", "of arithmetic"),
    ("a in (1, 2)", "is not known"),
    ("a is b", "of comparisons"),
    ("__import__('os').system('x') == a", "is no function"),
    ("open(a) == 3", "no function"),
    ("(lambda: a)() == 1", "is not known"),
    ("a.real == 1", "is not known"),
    ("sum(name) == 1", "takes numbers"),
    ("filled(a + b)", "asks about fields"),
    ("if a then", "does not parse"),
    ("a == True", "is not known"),
    ("(" * 2000 + "a" + ")" * 2000, "longer than"),
    ("-" * 900 + "a < 1", "too deep"),
]


@pytest.mark.parametrize(("rule", "words"), NONSENSE)
def test_nonsense_is_refused(rule: str, words: str) -> None:
    with pytest.raises(RuleError) as caught:
        compile_rule(rule, template())
    assert words in str(caught.value)


def test_a_template_with_a_bad_rule_is_refused(write: Write) -> None:
    text = FORM.replace('version = "1"', 'version = "1"\nrules = ["born < nme"]')
    with pytest.raises(TemplateError, match=r'form\.toml: rules\[0\]: .*no field "nme"'):
        load_template(write(text))


@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "b",
                "name",
                "if",
                "then",
                "required",
                "(",
                ")",
                "<",
                "==",
                "+",
                "-",
                "and",
                "not",
                "sum",
                ",",
                "1",
                "'x'",
                "lambda",
                ":",
                "[",
                "]",
                ".",
                "\n",
                "\0",
                "9e999",
            ]
        ),
        max_size=10,
    ).map(" ".join)
)
@settings(deadline=None)
def test_any_rule(rule: str) -> None:
    try:
        compiled = compile_rule(rule, template())
    except RuleError:
        return
    assert compiled.fields
    assert check_rules(template(rule), {"a": "1", "b": "x"}).keys() <= {"a", "b", "name"}
