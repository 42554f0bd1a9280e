"""Names of the report's files, the same in every run, whatever the input files are called."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import NamedTuple


class ImagePaths(NamedTuple):
    """Where the two JPEGs of a page are kept for the report, relative to the output folder."""

    scan: str
    thumbnail: str


def page_id(file: str, index: int) -> str:
    """Name a page in the report: a readable piece of the file's name, page and digest.

    Letters, digits and hyphens only, so that it is safe in a path, a URL and HTML.
    """
    stem = file.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    readable = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "page"
    digest = hashlib.sha256(file.encode("utf-8", "backslashreplace")).hexdigest()[:10]
    return f"{readable}-{index + 1}-{digest}"


def view_path(file: str, index: int) -> str:
    """Say where the view of a page is kept, index from 0, relative to the output folder."""
    return f"report/pages/{page_id(file, index)}.html"


def image_paths(file: str, index: int) -> ImagePaths:
    """Say where the run puts ``PageResult.scan`` and ``.thumbnail`` of a page, index from 0."""
    name = f"report/images/{page_id(file, index)}"
    return ImagePaths(f"{name}.jpg", f"{name}-small.jpg")
