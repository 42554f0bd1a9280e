"""A short fuzz run; the long one is ``python -m benchmarks.fuzz --minutes 10``."""

from __future__ import annotations

from pathlib import Path

from benchmarks.fuzz import TARGETS, fuzz


def test_damaged_files_names_and_templates_break_nothing(tmp_path: Path) -> None:
    tried, findings = fuzz(0.0, tmp_path, seed=1)
    assert tried.keys() == TARGETS.keys()
    assert not findings, [(f.target, f.how) for f in findings]
