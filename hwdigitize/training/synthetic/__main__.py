"""``python -m hwdigitize.training.synthetic``: draw a pool of words for training."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated

import cv2
import typer

from hwdigitize.errors import HwdigitizeError, UsageError
from hwdigitize.training.synthetic.ink import Drawn
from hwdigitize.training.synthetic.pool import build_pool, contact_sheet, save_pool


class Kind(StrEnum):
    """What the words are drawn from."""

    FONTS = "fonts"
    STROKES = "strokes"
    STROKE_LINES = "stroke-lines"
    GLYPHS = "glyphs"
    FIELDS = "fields"


class Split(StrEnum):
    """Which writers or font families may be used."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"


def draw(
    kind: Annotated[Kind, typer.Option(help="what to draw from")],
    out: Annotated[Path, typer.Option(help="pool to write, .npz")],
    count: Annotated[int, typer.Option(help="how many at most; 0: all strokes there are")] = 0,
    seed: Annotated[int, typer.Option(help="the same seed draws the same pool")] = 0,
    split: Annotated[Split, typer.Option(help="writers or families to use")] = Split.TRAIN,
    data: Annotated[Path, typer.Option(help="folder of the data tables")] = Path("data"),
    fonts: Annotated[Path, typer.Option(help="folder of font packages")] = Path("fonts"),
    printed: Annotated[Path, typer.Option(help="folder of printed fonts, for fields")] = Path(
        "printed"
    ),
    sheet: Annotated[Path | None, typer.Option(help="also a contact sheet, .png")] = None,
) -> None:
    """Draw words with their truth into a pool file."""
    cv2.setNumThreads(1)
    try:
        drawn = (
            _from_fields(split, count, seed, data, fonts, printed)
            if kind is Kind.FIELDS
            else _drawn(kind, split, count, seed, data, fonts)
        )
        pool = build_pool(islice(drawn, count or None))
        save_pool(pool, out)
        if sheet:
            contact_sheet(pool, sheet, seed)
    except HwdigitizeError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(error.exit_code) from error
    typer.echo(f"{len(pool)} drawn to {out}", err=True)


def _drawn(
    kind: Kind, split: Split, count: int, seed: int, data: Path, fonts: Path
) -> Iterator[Drawn]:
    if kind is Kind.FONTS:
        return _from_fonts(split, count, seed, fonts)
    if kind is Kind.GLYPHS:
        return _from_glyphs(split, count, seed, data)
    from hwdigitize.training.synthetic import strokes

    lines = strokes.load_lines(data / "strokes.parquet", split)
    if kind is Kind.STROKES:
        return strokes.draw_words(lines, seed)
    return strokes.draw_lines(lines, seed)


def _from_fonts(split: Split, count: int, seed: int, fonts: Path) -> Iterator[Drawn]:
    from hwdigitize.training.synthetic.fonts import load_hands
    from hwdigitize.training.synthetic.texts import TextSource
    from hwdigitize.training.synthetic.writing import draw_texts

    _need_count(count)
    return draw_texts(TextSource.seeded(seed).texts(), load_hands(fonts, split), seed)


def _from_glyphs(split: Split, count: int, seed: int, data: Path) -> Iterator[Drawn]:
    from hwdigitize.training.synthetic import glyphs

    _need_count(count)
    # What is measured is numbers: names in isolated glyphs are only there to train on.
    texts = glyphs.form_texts(seed) if split is Split.TRAIN else glyphs.numeric_texts(seed)
    return glyphs.draw_glyphs(texts, glyphs.load_glyphs(data, split), seed)


def _from_fields(
    split: Split, count: int, seed: int, data: Path, fonts: Path, printed: Path
) -> Iterator[Drawn]:
    from hwdigitize.training.synthetic import glyphs, lettering
    from hwdigitize.training.synthetic.fields import draw_fields
    from hwdigitize.training.synthetic.fonts import load_hands
    from hwdigitize.training.synthetic.names import FieldTexts
    from hwdigitize.training.synthetic.printed import load_faces

    _need_count(count)
    writers = (
        lettering.GlyphWriter(glyphs.load_glyphs(data, split), seed),
        lettering.FontWriter(load_hands(fonts, split)),
    )
    return draw_fields(FieldTexts(seed).texts(), writers, load_faces(printed, split), seed)


def _need_count(count: int) -> None:
    if not count:
        raise UsageError("texts never end: say how many with --count")


if __name__ == "__main__":
    typer.run(draw)
