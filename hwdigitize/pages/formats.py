"""What a file is, by its first bytes: names lie, and a decoder should see its own format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

Format = Literal[
    "PDF", "TIFF", "PNG", "JPEG", "BMP", "WEBP", "JPEG2000", "HEIF", "AVIF", "GIF", "PPM"
]

#: PDF readers accept the header anywhere in the first kilobyte
SNIFF_BYTES = 1024

#: files of these names are pages, whatever is inside; others are looked into
SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        *("pdf", "tif", "tiff", "png", "jpg", "jpeg", "jpe", "jfif", "bmp", "dib", "webp"),
        *("jp2", "j2k", "j2c", "jpf", "jpx", "heic", "heif", "hif", "avif", "gif"),
        *("pbm", "pgm", "ppm", "pnm", "ico", "icns"),
    )
)

_HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"mif1", b"msf1")
)


def _starts(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magics)


def _brand(*brands: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[4:8] == b"ftyp" and head[8:12] in brands


_TESTS: tuple[tuple[Format, Callable[[bytes], bool]], ...] = (
    ("TIFF", _starts(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    ("PNG", _starts(b"\x89PNG\r\n\x1a\n")),
    ("JPEG", _starts(b"\xff\xd8\xff")),
    ("WEBP", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP"),
    ("JPEG2000", _starts(b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")),
    ("AVIF", _brand(b"avif", b"avis")),
    ("HEIF", _brand(*_HEIF_BRANDS)),
    ("GIF", _starts(b"GIF87a", b"GIF89a")),
    ("BMP", lambda head: head[:2] == b"BM" and len(head) > 25 and head[6:10] == bytes(4)),
    ("PPM", lambda head: head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace()),
    ("PDF", lambda head: b"%PDF-" in head),
)


def sniff(head: bytes) -> Format | None:
    """The format of a file that starts with ``head`` (``SNIFF_BYTES`` are enough), or None."""
    return next((name for name, test in _TESTS if test(head)), None)


def read_head(path: Path) -> bytes:
    """The first bytes of a file.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return file.read(SNIFF_BYTES)


def is_icon(head: bytes) -> bool:
    """Icons of Windows and macOS: pictures, but never scans, and not read."""
    return head.startswith((b"\0\0\1\0", b"icns"))
