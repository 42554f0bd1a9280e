"""The evaluation report: ``scores.json`` for programs, ``report.html`` for people."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from hwdigitize.errors import OutputError

Grey = npt.NDArray[np.uint8]

#: pictures of samples are at most this high and wide in the page
PICTURE_PX = (56, 520)


@dataclass(frozen=True)
class Table:
    """A table: the first column names its rows, the others hold figures."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    words: bool = False
    """Its cells hold sentences, not figures."""


@dataclass(frozen=True)
class Chart:
    """A chart as SVG made by :mod:`hwdigitize.training.charts`."""

    title: str
    svg: str
    note: str = ""

    @property
    def markup(self) -> Markup:
        """The SVG, whose texts are escaped already."""
        return Markup(self.svg)


@dataclass(frozen=True)
class Shown:
    """A sample with its picture as a data URI."""

    picture: str
    truth: str
    predicted: str
    confidence: str


@dataclass(frozen=True)
class Strip:
    """Samples shown side by side."""

    title: str
    samples: tuple[Shown, ...]
    note: str = ""


@dataclass(frozen=True)
class View:
    """All that the page shows."""

    title: str
    data: str
    model: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    strips: tuple[Strip, ...] = ()
    broken: tuple[tuple[str, str], ...] = field(default=())


def write_report(folder: Path, view: View, scores: dict[str, Any]) -> None:
    """Write both files.

    Raises:
        OutputError: the folder cannot be written.
    """
    loader = PackageLoader("hwdigitize.training", "templates")
    environment = Environment(autoescape=True, loader=loader, trim_blocks=True)
    page = environment.get_template("evaluation.html.j2").render(view=view)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scores.json").write_text(
            json.dumps(scores, indent=2, ensure_ascii=False) + "\n", "utf-8"
        )
        (folder / "report.html").write_text(page, "utf-8")
    except OSError as error:
        raise OutputError(f"cannot write the report to {folder}: {error.strerror}") from error


def data_uri(image: Grey) -> str:
    """A grey picture as a data URI, reduced to what the page shows."""
    scale = min(1.0, PICTURE_PX[0] / image.shape[0], PICTURE_PX[1] / image.shape[1])
    if scale < 1:
        size = [max(1, round(side * scale)) for side in image.shape[::-1]]
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, encoded = cv2.imencode(".png", image)
    return "data:image/png;base64," + base64.b64encode(encoded.tobytes()).decode()


def score_table(
    title: str,
    first: str,
    scores: dict[str, dict[str, Any]],
    columns: Sequence[str],
    note: str = "",
) -> Table:
    """A table of scores by name; shares as per cent, counts as they are."""
    rows = tuple(
        (name, *(shown_value(values.get(column)) for column in columns))
        for name, values in scores.items()
    )
    return Table(title, (first, *map(shown_name, columns)), rows, note)


def shown_name(name: str) -> str:
    """A figure's name as people write it."""
    return {"cer": "CER", "wer": "WER", "ece": "ECE"}.get(name, name.replace("_", " "))


def shown_value(value: Any) -> str:
    """A share as per cent, a count as it is, nothing as a dash."""
    if value is None or value != value:
        return "–"
    return f"{value * 100:.1f} %" if isinstance(value, float) else str(value)
