"""What a form prints beside handwriting: labels, codes along the edge, rules, boxes and combs.

Everything is drawn into an ink canvas (H, W), ink 255; what lies outside is cut, as a crop's
edge cuts it. Fonts are unpacked ``@fontsource`` packages, like those of handwriting.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hwdigitize.errors import DataError
from hwdigitize.training.synthetic.fonts import split_of
from hwdigitize.training.synthetic.ink import Ink

_LABELS = (
    "NOM|NOM|NOM|PRENOM|PRENOM|PRÉNOM|PRÉNOMS|NAME|FIRST NAME|LAST NAME|SURNAME|FULL NAME|"
    "DATE|DATE OF BIRTH|NÉ(E) LE|CODE|CODE POSTAL|VILLE|CITY|ADRESSE|ADDRESS|N°|No.|NUMERO|"
    "TEL|TÉL.|PHONE|EMAIL|CLASSE|CLASS|ÉCOLE|SCHOOL|PAYS|COUNTRY|MONTANT|TOTAL|AMOUNT|SIGNATURE|"
    "NOM DE FAMILLE|NOM D'USAGE|PROFESSION|SERVICE|REF|ID|VORNAME|NACHNAME|APELLIDOS|NOMBRE|"
    "COGNOME|CODE RNE / UAI|NOM ET PRENOM|SEXE|AGE|STREET|RUE|ZIP|STATE|TITLE|M. / MME"
)
LABELS = tuple(_LABELS.split("|"))
ENDINGS = ("", "", "", ":", " :", " :", " :", ".", " *", "/")
CODE_LETTERS = "0123456789" * 3 + ":.-/ ABCDEFX"


def load_faces(folder: Path, split: str) -> list[Path]:
    """Font files of the families of a split; raises DataError when there is none."""
    files = sorted(folder.glob("*/files/*-latin-[47]00-normal.woff2"))
    faces = [file for file in files if split_of(file.parts[-3]) == split]
    if not faces:
        raise DataError(
            f"no printed fonts of the split {split!r} in {folder}: fetch some with"
            " `npm pack @fontsource/arimo` and unpack each into a folder of its own"
        )
    return faces


@lru_cache(maxsize=1024)
def _font(face: Path, size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(face), size_px)


def print_text(text: str, face: Path, capital_px: float) -> Ink:
    """A text in print whose capitals are about ``capital_px`` high, cut tight."""
    font = _font(face, max(6, round(capital_px / 0.71)))
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text))
    image = Image.new("L", (max(1, right - left), max(1, bottom - top)))
    ImageDraw.Draw(image).text((-left, -top), text, fill=255, font=font)
    return np.array(image)


def label(rng: np.random.Generator) -> str:
    """The name of a field: mostly in capitals, often with a colon."""
    words = LABELS[int(rng.integers(len(LABELS)))]
    if rng.random() < 0.25:
        words = words.capitalize() if rng.random() < 0.6 else words.title()
    return words + ENDINGS[int(rng.integers(len(ENDINGS)))]


def code(rng: np.random.Generator) -> str:
    """A number or mark as forms print it along their edges."""
    count = int(rng.integers(2, 7))
    return "".join(rng.choice(list(CODE_LETTERS), count)).strip() or "1"


def paste(canvas: Ink, ink: Ink, left: int, top: int) -> None:
    """Lay ink over a canvas; what falls outside is cut."""
    height, width = canvas.shape
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(width, left + ink.shape[1]), min(height, top + ink.shape[0])
    if x0 < x1 and y0 < y1:
        part = ink[y0 - top : y1 - top, x0 - left : x1 - left]
        np.maximum(canvas[y0:y1, x0:x1], part, out=canvas[y0:y1, x0:x1])


def rule(canvas: Ink, y: float, left: int, right: int, rng: np.random.Generator) -> None:
    """A line to write on: whole, dashed or dotted, a little askew."""
    layer = np.zeros_like(canvas)
    tilt = rng.normal(0, 0.7)
    ends = ((left, round(y - tilt)), (right, round(y + tilt)))
    cv2.line(layer, *ends, _level(rng), int(rng.choice((1, 1, 1, 2))), cv2.LINE_AA)
    if rng.random() < 0.45:
        period = int(rng.integers(3, 9))
        layer[:, np.arange(layer.shape[1]) % period >= max(1, period // 2)] = 0
    np.maximum(canvas, layer, out=canvas)


def box(canvas: Ink, corners: tuple[int, int, int, int], rng: np.random.Generator) -> None:
    """A frame (left, top, right, bottom), some of whose sides may be missing."""
    left, top, right, bottom = corners
    layer = np.zeros_like(canvas)
    level, width = _level(rng), int(rng.choice((1, 1, 2)))
    sides = (
        ((left, top), (right, top)),
        ((right, top), (right, bottom)),
        ((left, bottom), (right, bottom)),
        ((left, top), (left, bottom)),
    )
    for start, end in sides:
        if rng.random() < 0.8:
            cv2.line(layer, start, end, level, width)
    np.maximum(canvas, layer, out=canvas)


def comb(
    canvas: Ink,
    left: float,
    pitch: float,
    count: int,
    rows: tuple[int, int],
    rng: np.random.Generator,
) -> None:
    """Cells for ``count`` letters: ticks or whole walls from a base line, perhaps a lid."""
    top, bottom = rows
    level, high = _level(rng), float(rng.choice((0.25, 0.5, 1.0)))
    layer = np.zeros_like(canvas)
    edges = [round(left + i * pitch) for i in range(count + 1)]
    for x in edges:
        cv2.line(layer, (x, round(bottom - high * (bottom - top))), (x, bottom), level, 1)
    cv2.line(layer, (edges[0], bottom), (edges[-1], bottom), level, 1)
    if high == 1.0:
        cv2.line(layer, (edges[0], top), (edges[-1], top), level, 1)
    np.maximum(canvas, layer, out=canvas)


def specks(canvas: Ink, rng: np.random.Generator) -> None:
    """A few dots of dirt, of one to a few pixels."""
    height, width = canvas.shape
    for _ in range(int(rng.integers(1, 6))):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        radius = int(rng.choice((0, 0, 0, 1)))
        cv2.circle(canvas, centre, radius, int(rng.integers(100, 256)), -1)


def _level(rng: np.random.Generator) -> int:
    return 255 if rng.random() < 0.67 else int(rng.integers(110, 256))
