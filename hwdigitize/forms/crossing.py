"""Rules over fields of several pages, checked where the pages of a form are put together.

Pages are read apart, by different workers. Each brings with it the rules that name one of its
fields and one of another page, so that what must hold is known without the template.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import msgspec

from hwdigitize.document import CrossRule, RuleField
from hwdigitize.forms.grammar import format_of
from hwdigitize.forms.records import Field, Grammar, Kind, Template
from hwdigitize.forms.rules import check_rules, compile_rule


@functools.lru_cache(maxsize=256)
def rules_within(template: Template, page: int) -> Template:
    """The template with the rules that one page can break by itself."""
    here = {field.name for field in template.on_page(page)}
    rules = tuple(
        rule for rule in template.rules if here.issuperset(compile_rule(rule, template).fields)
    )
    return msgspec.structs.replace(template, rules=rules)


@functools.lru_cache(maxsize=256)
def rules_across(template: Template, page: int) -> tuple[CrossRule, ...]:
    """The rules over fields of this page and of others."""
    found = []
    for text in template.rules:
        rule = compile_rule(text, template)
        named = [template.field(name) for name in rule.fields]
        pages = {field.page for field in named}
        if page in pages and len(pages) > 1:
            fields = tuple(_rule_field(field) for field in named)
            found.append(CrossRule(rule=rule.text, fields=fields))
    return tuple(found)


def _rule_field(field: Field) -> RuleField:
    grammar, timed = field.grammar, field.kind in ("date", "time")
    return RuleField(
        name=field.name,
        kind=field.kind,
        format=format_of(field) if timed else None,
        minimum=grammar.minimum if timed else None,
        maximum=grammar.maximum if timed else None,
    )


def check_across(
    rules: Sequence[CrossRule], values: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Which fields break which rules, in words, as :func:`check_rules`.

    A rule of which a field is not among the values is not checked: its page is missing.

    Args:
        rules: of all pages of one filled form.
        values: of its fields by name; empty where there is none.
    """
    broken: dict[str, tuple[str, ...]] = {}
    for rule in rules:
        if all(field.name in values for field in rule.fields):
            for name, reason in check_rules(_of_rule(rule), values).items():
                broken[name] = (*broken.get(name, ()), reason)
    return broken


def _of_rule(rule: CrossRule) -> Template:
    """A template that says no more than the rule."""
    fields = tuple(
        Field(
            name=field.name,
            kind=msgspec.convert(field.kind, Kind),
            grammar=Grammar(format=field.format, minimum=field.minimum, maximum=field.maximum),
        )
        for field in rule.fields
    )
    return Template(id="", version="", pages=(), fields=fields, rules=(rule.rule,))
