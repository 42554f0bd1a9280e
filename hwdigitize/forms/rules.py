"""Rules across fields: ``end >= start``, ``total == sum(a, b)``, ``if x then required y``.

A rule is an expression over the fields' names, parsed with Python's own parser into a tree of
which only what is listed here is known; nothing is ever evaluated as Python. Its types are
checked when the template is loaded. A field without a value makes what is computed from it
unknown, and a rule that is unknown is not broken; only ``filled``, ``empty``, ``required`` and
a name standing for itself ask whether there is one.
"""

from __future__ import annotations

import ast
import datetime
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from pathlib import Path
from typing import Any

from hwdigitize.forms.checks import bad
from hwdigitize.forms.grammar import bounds, format_of
from hwdigitize.forms.ranges import read_date, read_time
from hwdigitize.forms.records import Field, Template

#: what a field or an expression is worth; None is unknown
Value = Decimal | datetime.date | datetime.time | str | bool | None
Values = Mapping[str, Value]
Evaluate = Callable[[Values], Value]

_IF = re.compile(r"if\b(?P<when>.+?)\bthen\b(?P<then>.+)", re.DOTALL)
_REQUIRED = re.compile(r"required\s+(?P<names>\w+(\s*,\s*\w+)*)")
#: characters of a rule, and levels of brackets and signs
_LONGEST, _DEEPEST = 1000, 30

_COMPARISONS: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}
_ARITHMETIC: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
}
_OF_NUMBERS: dict[str, Callable[..., Any]] = {
    "sum": lambda *terms: sum(terms, Decimal(0)),
    "min": min,
    "max": max,
    "abs": abs,
    "round": lambda number, places=Decimal(0): round(number, int(places)),
}
_OF_FIELDS: dict[str, tuple[str, Callable[..., Value]]] = {
    "filled": ("yes or no", lambda *given: all(given)),
    "empty": ("yes or no", lambda *given: not any(given)),
    "count": ("number", lambda *given: Decimal(sum(given))),
}
_TYPES = {"number": "number", "digits": "number", "date": "date", "time": "time"}
_TYPES |= {"mark": "yes or no", "signature": "yes or no"}


class RuleError(ValueError):
    """A rule that makes no sense; the message says why."""


@dataclass(frozen=True)
class Rule:
    """A compiled rule: its text, the fields it names, and its value for a form's values."""

    text: str
    fields: tuple[str, ...]
    holds: Evaluate


@dataclass(frozen=True)
class _Node:
    type: str
    evaluate: Evaluate


def check_rules(template: Template, values: Mapping[str, str]) -> dict[str, str]:
    """Which fields break a rule, and which rule, in words.

    Args:
        template: with its rules.
        values: of the fields by name, as text; empty or absent where there is none. A mark
            that is not ticked and a signature that is not there are empty.
    """
    typed = {
        field.name: typed_value(field, values.get(field.name, "")) for field in template.fields
    }
    broken: dict[str, list[str]] = {}
    for text in template.rules:
        rule = compile_rule(text, template)
        if rule.holds(typed) is False:
            for name in rule.fields:
                broken.setdefault(name, []).append(f"breaks the rule: {rule.text}")
    return {name: "; ".join(reasons) for name, reasons in broken.items()}


def check_template_rules(template: Template, file: Path) -> None:
    """Check every rule of a template.

    Raises:
        TemplateError: one does not parse, names an unknown field, or compares apples to pears.
    """
    for number, text in enumerate(template.rules):
        try:
            compile_rule(text, template)
        except RuleError as error:
            remedy = "docs/templates.md lists what a rule may use"
            raise bad(file, f"rules[{number}]", f"{text!r}: {error}", remedy) from error


def compile_rule(text: str, template: Template) -> Rule:
    """Turn a rule into what checks it.

    Raises:
        RuleError: it makes no sense.
    """
    if len(text) > _LONGEST:
        raise RuleError(f"it is longer than {_LONGEST} characters")
    compiler = _Compiler({field.name: field for field in template.fields})
    match = _IF.fullmatch(text.strip())
    if match is None:
        holds = compiler.statement(text).evaluate
    else:
        when = compiler.condition(compiler.parsed(match["when"])).evaluate
        then = compiler.statement(match["then"]).evaluate

        def holds(values: Values) -> Value:
            return then(values) if when(values) is True else None

    if not compiler.named:
        raise RuleError("it names no field")
    return Rule(" ".join(text.split()), tuple(compiler.named), holds)


def typed_value(field: Field, text: str) -> Value:
    """A value in the type of its kind; None where it is empty or of another type."""
    kind = _TYPES.get(field.kind)
    if kind == "yes or no":
        return bool(text) and text.casefold() not in ("0", "no", "false")
    if not text:
        return None
    if kind == "number":
        try:
            number = Decimal(text.replace(",", ".").replace(" ", ""))
        except DecimalException:
            return None
        return number if number.is_finite() else None
    if kind == "date":
        low, high = bounds(field)
        return read_date(format_of(field), text, low, high)  # type: ignore[arg-type]
    return read_time(format_of(field), text) if kind == "time" else text


class _Compiler:
    """Turns trees into functions, types checked; gathers the fields named."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self.fields = fields
        self.named: dict[str, None] = {}
        self.depth = 0

    def statement(self, text: str) -> _Node:
        """``required a, b``, or a condition."""
        match = _REQUIRED.fullmatch(text.strip())
        if match is None:
            return self.condition(self.parsed(text))
        names = [ast.Name(name.strip()) for name in match["names"].split(",")]
        return self.node(ast.Call(ast.Name("filled"), list(names), []))

    def parsed(self, text: str) -> ast.expr:
        try:
            return ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise RuleError("it does not parse") from error

    def condition(self, tree: ast.expr) -> _Node:
        """What is either true or false; a field stands for whether it is filled or ticked."""
        if isinstance(tree, ast.Name):
            return self.node(ast.Call(ast.Name("filled"), [tree], []))
        node = self.node(tree)
        if node.type != "yes or no":
            raise RuleError(f"{ast.unparse(tree)} is a {node.type}, not a condition")
        return node

    def node(self, tree: ast.expr) -> _Node:
        """Any expression, typed.

        Raises:
            RuleError: it is not of those that rules know, or its types do not go together.
        """
        self.depth += 1
        if self.depth > _DEEPEST:
            raise RuleError("it is nested too deep")
        found = self.known(tree)
        self.depth -= 1
        return found

    def known(self, tree: ast.expr) -> _Node:
        if isinstance(tree, ast.Name):
            return self.field(tree.id)
        if isinstance(tree, ast.Constant):
            return self.constant(tree.value)
        if isinstance(tree, ast.BoolOp):
            return self.combined(tree)
        if isinstance(tree, ast.UnaryOp):
            return self.unary(tree)
        if isinstance(tree, ast.BinOp):
            return self.arithmetic(tree)
        if isinstance(tree, ast.Compare):
            return self.comparison(tree)
        if isinstance(tree, ast.Call):
            return self.call(tree)
        raise RuleError(f"{ast.unparse(tree)} is not known in rules")

    def field(self, name: str) -> _Node:
        if name not in self.fields:
            known = ", ".join(list(self.fields)[:20])
            raise RuleError(f'there is no field "{name}" (there are {known})')
        self.named[name] = None
        return _Node(
            _TYPES.get(self.fields[name].kind, "text"), lambda values: values.get(name)
        )

    def constant(self, value: object) -> _Node:
        if isinstance(value, str):
            return _Node("text", lambda values: value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = Decimal(repr(value))
            return _Node("number", lambda values: number)
        raise RuleError(f"{value!r} is not known in rules")

    def combined(self, tree: ast.BoolOp) -> _Node:
        parts = [self.condition(part).evaluate for part in tree.values]
        decisive = isinstance(tree.op, ast.Or)

        def evaluate(values: Values) -> Value:
            found = [part(values) for part in parts]
            if decisive in found:
                return decisive
            return None if None in found else not decisive

        return _Node("yes or no", evaluate)

    def unary(self, tree: ast.UnaryOp) -> _Node:
        if isinstance(tree.op, ast.Not):
            inside = self.condition(tree.operand)
            return _Node("yes or no", _known(operator.not_, inside))
        inside = self.node(tree.operand)
        if inside.type != "number" or not isinstance(tree.op, ast.USub):
            raise RuleError(f"{ast.unparse(tree)} makes no sense")
        return _Node("number", _known(operator.neg, inside))

    def arithmetic(self, tree: ast.BinOp) -> _Node:
        left, right = self.node(tree.left), self.node(tree.right)
        if type(tree.op) not in _ARITHMETIC:
            raise RuleError(f"{ast.unparse(tree)}: of arithmetic there are + - * /")
        sign, function = _ARITHMETIC[type(tree.op)]
        if left.type == right.type and left.type in ("date", "time") and sign == "-":
            return _Node("number", _known(_apart, left, right))
        if {left.type, right.type} != {"number"}:
            raise RuleError(
                f"{ast.unparse(tree)} takes a {left.type} {sign} a {right.type}; only numbers, "
                "and the difference of two dates (days) or times (minutes), can be computed"
            )
        return _Node("number", _known(function, left, right))

    def comparison(self, tree: ast.Compare) -> _Node:
        sides = [self.node(side) for side in (tree.left, *tree.comparators)]
        checks = []
        for left, operation, right in zip(sides, tree.ops, sides[1:], strict=False):
            if type(operation) not in _COMPARISONS:
                raise RuleError("of comparisons there are == != < <= > >=")
            if left.type != right.type:
                hint = '; the values of a choice are text, such as "1"'
                hint = hint if {left.type, right.type} == {"text", "number"} else ""
                raise RuleError(f"a {left.type} cannot be compared with a {right.type}{hint}")
            checks.append(_known(_COMPARISONS[type(operation)][1], left, right))

        def evaluate(values: Values) -> Value:
            found = [check(values) for check in checks]
            return False if False in found else None if None in found else True

        return _Node("yes or no", evaluate)

    def call(self, tree: ast.Call) -> _Node:
        name = tree.func.id if isinstance(tree.func, ast.Name) else ""
        if tree.keywords or not tree.args:
            raise RuleError(f"{ast.unparse(tree)} is not known in rules")
        arguments = [self.node(argument) for argument in tree.args]
        if name in _OF_FIELDS:
            if not all(isinstance(argument, ast.Name) for argument in tree.args):
                raise RuleError(f"{name} asks about fields, by their names")
            kind, function = _OF_FIELDS[name]
            return _Node(
                kind,
                lambda values: function(
                    *(_given(argument.evaluate(values)) for argument in arguments)
                ),
            )
        if name not in _OF_NUMBERS:
            known = ", ".join((*_OF_NUMBERS, *_OF_FIELDS))
            raise RuleError(f"{ast.unparse(tree.func)} is no function; known are {known}")
        if {argument.type for argument in arguments} != {"number"}:
            raise RuleError(f"{name} takes numbers")
        return _Node("number", _known(_OF_NUMBERS[name], *arguments))


def _known(function: Callable[..., Value], *parts: _Node) -> Evaluate:
    """The function of the parts' values; unknown where one is, or it cannot be computed."""

    def evaluate(values: Values) -> Value:
        found = [part.evaluate(values) for part in parts]
        if None in found:
            return None
        try:
            return function(*found)
        except (DecimalException, TypeError, ValueError, OverflowError):
            return None

    return evaluate


def _given(value: Value) -> bool:
    return value is not None and value is not False


def _apart(later: Any, earlier: Any) -> Decimal:
    """Days from one date to another, minutes from one time to another."""
    if isinstance(later, datetime.date):
        return Decimal((later - earlier).days)
    minutes = [t.hour * 60 + t.minute + Decimal(t.second) / 60 for t in (later, earlier)]
    return minutes[0] - minutes[1]
