"""A small template that tests change and break."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

FORM = """\
id = "small"
version = "1"

[[pages]]
blank = "blank.png"

[[fields]]
name = "name"
kind = "letters"
boxes = [[20, 20, 220, 60]]
cells = 10

[[fields]]
name = "sex"
kind = "choice"
choices = [
  { value = "f", label = "female", box = [20, 80, 40, 100] },
  { value = "m", label = "male", box = [60, 80, 80, 100] },
]

[[fields]]
name = "born"
kind = "date"
boxes = [[20, 120, 220, 160]]
grammar.format = "dd/mm/yyyy"
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a form.toml beside a blank of 400 x 300 pixels; gives the folder."""
    folder = tmp_path / "small"
    folder.mkdir()
    Image.new("L", (400, 300), 255).save(folder / "blank.png")

    def written(text: str) -> Path:
        (folder / "form.toml").write_text(text, "utf-8")
        return folder

    return written
