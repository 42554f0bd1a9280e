"""Parquet tables: crops with columns image, text, and whole pages with boxes of their lines.

Columns source, writer, page, line and split are read where there are any.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from hwdigitize.errors import DataError
from hwdigitize.training.datasets.listing import Listing, Reader
from hwdigitize.training.datasets.pictures import BytesPicture
from hwdigitize.training.datasets.sample import (
    SPLITS,
    Broken,
    Kind,
    Sample,
    clean,
    kind_of,
)

WANTED = ("id", "image", "text", "source", "writer", "page", "line", "split", "lines")
STROKES = ("dx", "dy", "stroke_lengths")


def find(listing: Listing) -> list[Path]:
    """Tables with images; one of pen strokes alone is answered with what to do with it."""
    tables = listing.ending(".parquet")
    if len(tables) == 1 and set(STROKES) <= set(_columns(tables[0])):
        raise DataError(
            f"{tables[0]} holds pen strokes, not images; draw them first: "
            f"python -m hwdigitize.training.synthetic --kind strokes --data "
            f"{tables[0].parent} --out strokes.npz"
        )
    return [path for path in tables if "image" in _columns(path)]


def _columns(path: Path) -> list[str]:
    try:
        return list(pl.read_parquet_schema(path))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path} is no table that can be read: {error}") from error


def read(listing: Listing, files: Sequence[Path]) -> Iterator[Sample | Broken]:
    """The rows of all tables."""
    for path in files:
        columns = [name for name in _columns(path) if name in WANTED]
        try:
            rows = pl.read_parquet(path, columns=columns)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise DataError(f"{path} is damaged: {error}") from error
        for number, row in enumerate(rows.iter_rows(named=True)):
            yield _sample(path, number, row)


def _sample(path: Path, number: int, row: dict[str, Any]) -> Sample | Broken:
    name = f"{path.stem}/{row.get('id') or number}"
    text = clean(row.get("text") or "")
    is_page = "lines" in row
    if row["image"] is None:
        return Broken(name, "it has no image")
    if not text and not is_page:
        return Broken(name, "its text is empty")
    split = str(row.get("split") or "")
    return Sample(
        id=name,
        picture=BytesPicture(row["image"]),
        kind="page" if is_page else _kind(path, text),
        text=text,
        source=str(row.get("source") or path.stem),
        writer=str(row.get("writer") or ""),
        page=str(row.get("page") or ""),
        split=SPLITS.get(split, split),
        lines=tuple(tuple(line["box"]) for line in row.get("lines") or ()),
    )


def _kind(path: Path, text: str) -> Kind:
    """As the table is named, for a line of one word is a line."""
    named: dict[str, Kind] = {"words": "word", "lines": "line", "characters": "character"}
    return named.get(path.stem, kind_of(text))


READER = Reader("tables (.parquet)", find, read)
