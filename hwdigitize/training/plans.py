"""Training configurations from a TOML file and flags."""

from __future__ import annotations

import tomllib
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from hwdigitize.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


def read_plan(path: Path | None) -> dict[str, Any]:
    """The tables of a configuration file; nothing without one.

    Raises:
        UsageError: it cannot be read or is not TOML.
    """
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from error


def require_tables(plan: Mapping[str, Any], known: set[str]) -> None:
    """Stop at tables that nothing would read.

    Raises:
        UsageError: there is one.
    """
    if unknown := sorted(set(plan) - known):
        raise UsageError(
            f"unknown table [{unknown[0]}] in the configuration; "
            f"known are {', '.join(f'[{name}]' for name in sorted(known))}"
        )


def changed(record: Record, values: Mapping[str, Any], table: str) -> Record:
    """A configuration record with some fields changed.

    Raises:
        UsageError: a field that the record does not have, or a value of another type.
    """
    known = {field.name: getattr(record, field.name) for field in fields(record)}
    known = {name: value for name, value in known.items() if not is_dataclass(value)}
    hints = get_type_hints(type(record))
    ready = {}
    for name, value in values.items():
        if name not in known:
            raise UsageError(
                f"unknown setting {name!r} in [{table}]; known are {', '.join(known)}"
            )
        ready[name] = _converted(value, hints[name], f"[{table}] {name}")
    return replace(record, **ready)


def _converted(value: Any, hint: Any, where: str) -> Any:
    """A TOML value as the record's type: lists become tuples, whole numbers floats."""
    if get_origin(hint) is Literal:
        if value in get_args(hint):
            return value
        raise UsageError(f"{where} must be one of {', '.join(get_args(hint))}, not {value!r}")
    if isinstance(hint, types.GenericAlias):
        if isinstance(value, list) and all(type(item) is int for item in value):
            return tuple(value)
        raise UsageError(f"{where} must be a list of whole numbers, not {value!r}")
    if hint is float and type(value) in (int, float):
        return float(value)
    if type(value) is not hint:
        raise UsageError(f"{where} must be of type {hint.__name__}, not {value!r}")
    return value
