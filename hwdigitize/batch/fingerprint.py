"""What a reading depends on besides the page itself, as two short digests.

A page is read again when the *reading* digest differs from the one it was read under. A page
that failed is tried again when the *limits* digest differs: limits can turn a failure into a
reading, never one reading into another.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import msgspec

from hwdigitize.settings import Settings

_LIMITS = ("page_seconds", "worker_megabytes", "max_megapixels")
_PACKAGE = Path(__file__).parent.parent


class Fingerprint(NamedTuple):
    """The two digests of a run, hexadecimal."""

    reading: str
    limits: str


def fingerprint(settings: Settings) -> Fingerprint:
    """Digest the settings with the content, not the place, of the files that they name."""
    plain = msgspec.to_builtins(settings)
    limits = {key: plain.pop(key) for key in _LIMITS}
    limits["passwords"] = _content(plain.pop("password_file"))
    for key in ("models", "gallery", "templates"):
        plain[key] = _content(plain[key] or _shipped(key))
    plain["version"] = version("hwdigitize")
    return Fingerprint(_digest(plain), _digest(limits))


def _shipped(key: str) -> Path | None:
    """The folder that the package brings, in the wheel or beside it in a checkout."""
    places = (_PACKAGE / key, _PACKAGE.parent / key)
    return next((place for place in places if place.is_dir()), None)


def _content(path: str | Path | None) -> str:
    """Digest a file or everything in a folder; empty for what is not there."""
    if path is None:
        return ""
    root = Path(path)
    files = sorted(file for file in (root, *root.rglob("*")) if file.is_file())
    lines = (
        f"{file.relative_to(root)} {hashlib.sha256(file.read_bytes()).hexdigest()}"
        for file in files
    )
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _digest(values: dict[str, object]) -> str:
    return hashlib.sha256(msgspec.json.encode(values, order="sorted")).hexdigest()[:32]
