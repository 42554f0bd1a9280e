"""Image files to pages, through Pillow.

Pillow alone decodes: it is as fast as OpenCV on scans (bilevel PNG 12 ms against 14, JPEG 25
against 25, A4 at 300 dpi), tells truncated from whole, and prints nothing.
"""

from __future__ import annotations

import logging
import math
import re
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hwdigitize.document import Problem
from hwdigitize.errors import PageError
from hwdigitize.pages.chatter import overheard
from hwdigitize.pages.formats import Format
from hwdigitize.pages.scan import (
    COLOUR_MEGAPIXELS,
    Scan,
    check_size,
    damage,
    likely_dpi,
    megapixels,
    refused,
    too_large,
)
from hwdigitize.settings import Settings

#: what Pillow and its codecs raise on broken files, found by fuzzing
PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    EOFError,
    ArithmeticError,
    RuntimeError,
    AssertionError,
    SystemError,
    struct.error,
    zlib.error,
)

#: pages of one TIFF; more is a loop or a bomb
MOST_PAGES = 100_000

#: a page of which less than this part decodes is not worth a reading
LEAST_DECODED = 0.1

#: what cameras and screens write when they know no resolution
_DEFAULT_DPI = (72.0, 96.0)
_LONGEST_DEFAULT_INCHES = 20.0

#: pixels converted at a time
_BAND_PIXELS = 16_000_000

_DAMAGED_PARTS = (
    "The file is damaged: parts of the page may be wrong. It has been read as it is. Copy or "
    "scan it again."
)

Pixels = NDArray[np.uint8]

_ORIENTATION = 0x0112
_TURNS: dict[int, Callable[[Pixels], Any]] = {
    2: lambda page: cv2.flip(page, 1),
    3: lambda page: cv2.rotate(page, cv2.ROTATE_180),
    4: lambda page: cv2.flip(page, 0),
    5: cv2.transpose,
    6: lambda page: cv2.rotate(page, cv2.ROTATE_90_CLOCKWISE),
    7: lambda page: cv2.rotate(cv2.transpose(page), cv2.ROTATE_180),
    8: lambda page: cv2.rotate(page, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def count_image_pages(path: Path, kind: Format, settings: Settings) -> int:
    """Pages of a TIFF; all other formats hold one, an animation its first frame.

    A TIFF that breaks off counts the first page that cannot be found, so that it is missed.

    Raises:
        PageError: the file is damaged.
    """
    if kind != "TIFF":
        return 1
    with overheard(), _opened(path, kind, settings) as image:
        frames = _count_frames(image)
    if frames > MOST_PAGES:
        raise refused("damaged", f"The file claims {frames:,} pages: it is damaged.")
    return frames


def _count_frames(image: Image.Image) -> int:
    try:
        return int(getattr(image, "n_frames", 1))
    except PILLOW_ERRORS:
        for index in range(1, MOST_PAGES):
            try:
                image.seek(index)
            except EOFError:
                return index
            except PILLOW_ERRORS:
                return index + 1
    return MOST_PAGES


def load_image(path: Path, kind: Format, index: int, settings: Settings) -> Scan:
    """Load one page of an image file, upright by its orientation tag.

    Transparent parts become white paper; palettes, CMYK, bilevel and 16-bit become 8-bit grey
    or BGR; pixels that are not square (fax) are made so.

    Raises:
        PageError: the page is too large, damaged, or not there.
    """
    with overheard() as chatter, _opened(path, kind, settings) as image:
        try:
            image.seek(index)
        except PILLOW_ERRORS as error:
            raise refused(
                "damaged", f"Page {index + 1} cannot be found in the file."
            ) from error
        check_size(*image.size, settings)
        dpi = _dpi(image)
        grey = megapixels(*image.size) > COLOUR_MEGAPIXELS
        if grey:
            image.draft("L", image.size)
        # a TIFF is turned by Pillow while it loads; the tag of a PNG may come after its pixels
        tiff_tag = _orientation(image) if kind == "TIFF" else 1
        rows, problems = _decode(image, path)
        tag = _orientation(image)
        pixels = _pixels(image, grey)
    if chatter.tells_of_damage and not problems:
        problems = (damage("damaged", _DAMAGED_PARTS),)
    pixels[rows:] = 255
    if tag in _TURNS:
        pixels = _TURNS[tag](pixels)
    if dpi and max(tag, tiff_tag) > 4:
        dpi = dpi[::-1]
    return _squared(pixels, dpi, problems)


@contextmanager
def _opened(path: Path, kind: Format, settings: Settings) -> Iterator[Image.Image]:
    """Open with the one decoder of ``kind``; silent.

    The size is left to ``check_size``, which names it; but GIF's decoder asks for memory while
    it opens, so there Pillow's own limit is set, which refuses twice its number.

    Pillow gets the open file, not its name: it would map the file into memory, which kills
    the process if the file shrinks meanwhile, and mixes up the sides of turned TIFFs.
    """
    _register(kind)
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = int(settings.max_megapixels * 5e5) if kind == "GIF" else None
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")
            with Image.open(file, formats=[kind]) as image:
                yield image
    except Image.DecompressionBombError as error:
        pixels = re.search(r"\d+", str(error))
        raise too_large(int(pixels[0]) / 1e6 if pixels else math.inf, settings) from error
    except PILLOW_ERRORS as error:
        raise _broken(path, error) from error
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _register(kind: Format) -> None:
    """Teach Pillow HEIC, where it is met; and keep its plugins' notes off stderr."""
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()


def _broken(path: Path, error: BaseException) -> PageError:
    """Say what is wrong in a clerk's words; the library's own are for the log."""
    if isinstance(error, FileNotFoundError):
        return refused("missing", f"The file {path.name} is no longer there.")
    if isinstance(error, PermissionError):
        return refused("unreadable", f"No permission to read {path.name}. Ask its owner.")
    if "truncated" in str(error).lower():
        return refused(
            "truncated",
            "The file is cut short and holds too little of the page. Copy or scan it again.",
        )
    return refused(
        "damaged", "The image is damaged and cannot be decoded. Copy it again from its source."
    )


def _decode(image: Image.Image, path: Path) -> tuple[int, tuple[Problem, ...]]:
    """Decode in place; how many rows came out, and what is wrong where that is not all."""
    height = image.height
    try:
        image.load()
    except PILLOW_ERRORS as error:
        rows = _rows_decoded(image)
        if rows < LEAST_DECODED * height:
            raise _broken(path, error) from error
        missing = round(100 * (1 - rows / height))
        lost = (
            f"the last {missing} % of the page is missing" if missing else "parts may be wrong"
        )
        return rows, (
            damage(
                "truncated",
                f"The file is damaged or cut short: {lost}. What was left has been read. Copy "
                "or scan it again.",
            ),
        )
    return image.height, ()


def _rows_decoded(image: Image.Image) -> int:
    """Rows above the last one that holds anything; Pillow leaves undecoded rows zero."""
    image.tile = []  # type: ignore[attr-defined]
    try:
        box = image.getbbox(alpha_only=False)
    except PILLOW_ERRORS:
        return 0
    return box[3] if box else 0


def _orientation(image: Image.Image) -> int:
    """The orientation tag, 1 to 8; 1 where it is absent or damaged."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except PILLOW_ERRORS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _pixels(image: Image.Image, grey: bool) -> Pixels:
    """The decoded image as uint8 grey or BGR, converted in bands to spare memory."""
    limits = _limits(image) if _is_deep(image) else None
    grey = grey or _grey_palette(image)
    pixels: Pixels | None = None
    for top, band in _bands(image):
        converted = _eight_bit(band, grey, limits)
        if pixels is None:
            pixels = np.empty((image.height, *converted.shape[1:]), np.uint8)
        pixels[top : top + len(converted)] = converted
    if pixels is None:
        raise ValueError("no rows")
    return pixels


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """The image in pieces of some megapixels, each with the row that it starts at."""
    rows = max(1, _BAND_PIXELS // image.width)
    if image.height <= rows:
        yield 0, image
        return
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _eight_bit(
    band: Image.Image, grey: bool, limits: tuple[float, float] | None
) -> NDArray[np.uint8]:
    if limits is not None:
        return _stretched(np.asarray(band), *limits)
    if band.mode == "LAB":
        return np.asarray(band.getchannel(0))
    if band.has_transparency_data:
        grey = grey or band.mode == "LA"
        rgba = band.convert("RGBA")
        band = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    if grey or band.mode in ("1", "L"):
        return np.asarray(band if band.mode == "L" else band.convert("L"))
    return cv2.cvtColor(np.asarray(band.convert("RGB")), cv2.COLOR_RGB2BGR)


def _is_deep(image: Image.Image) -> bool:
    """Whether samples have more than 8 bits."""
    return image.mode.startswith("I") or image.mode == "F"


def _limits(image: Image.Image) -> tuple[float, float]:
    """The values that become black and white.

    Scanners store 10 to 14 bits in 16 without saying so, so the largest value decides.
    """
    low = high = 0.0
    for _, band in _bands(image):
        values = np.nan_to_num(np.asarray(band), posinf=0, neginf=0)
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    if image.mode == "F":
        return low, high
    return low, float((1 << max(8, int(high).bit_length())) - 1)


def _stretched(values: NDArray[np.generic], low: float, high: float) -> Pixels:
    real = np.nan_to_num(values.astype(np.float32), posinf=0, neginf=0)
    return ((real - low) * (255 / ((high - low) or 1)) + 0.5).astype(np.uint8)


def _grey_palette(image: Image.Image) -> bool:
    palette = image.getpalette("RGB") if image.mode == "P" else None
    return palette is not None and palette[0::3] == palette[1::3] == palette[2::3]


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    """Resolution across and down, where the file names one that can be."""
    try:
        across, down = (likely_dpi(float(value)) for value in image.info["dpi"])
    except PILLOW_ERRORS:
        return None
    if across is None or down is None:
        return None
    guessed = across in _DEFAULT_DPI and max(image.size) / across > _LONGEST_DEFAULT_INCHES
    return None if guessed else (across, down)


def _squared(
    pixels: Pixels, dpi: tuple[float, float] | None, problems: tuple[Problem, ...]
) -> Scan:
    """Stretch fax pages, 204 x 98 dpi, to square pixels; anything odder loses its dpi."""
    if dpi is None:
        return Scan(pixels, None, problems)
    across, down = dpi
    high, low = max(dpi), min(dpi)
    if high / low < 1.02:
        return Scan(pixels, across, problems)
    if high / low > 2.5:
        return Scan(pixels, None, problems)
    height, width = pixels.shape[:2]
    size = (round(width * high / across), round(height * high / down))
    return Scan(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), high, problems)
