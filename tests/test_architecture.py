"""Imports point downward only, and reading needs no training library."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "hwdigitize"
#: lower layers first; a module may import from its own part and from lower layers
LAYERS = [
    {"document", "errors"},
    {"settings"},
    {"pages", "forms", "recognition"},
    {"drafting", "pipeline"},
    {"batch", "reports"},
    {"review", "training"},
    {"cli"},
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
#: parts of one layer that may be used by their neighbours, and why
NEIGHBOURS = {
    ("batch", "reports"): "a run ends by writing its reports",
    ("forms", "recognition"): "a field is read by the recognizers; Reading is their record",
}
TRAINING_ONLY = ("keras", "tensorflow", "torch", "polars")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "hwdigitize":
                yield from (f"hwdigitize.{alias.name}" for alias in node.names)


def part_of(module: str) -> str:
    return module.split(".")[1]


MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_downward(path: Path) -> None:
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    for module in imports(path):
        if not module.startswith("hwdigitize.") or part_of(module) not in LEVEL:
            continue
        used = part_of(module)
        allowed = used == own or LEVEL[used] < LEVEL[own] or (own, used) in NEIGHBOURS
        assert allowed, f"{own} must not import {module}"


def test_reading_loads_no_training_library() -> None:
    loaded = f"[name for name in {TRAINING_ONLY} if name in sys.modules]"
    code = f"import sys, hwdigitize.pipeline; print({loaded})"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"
