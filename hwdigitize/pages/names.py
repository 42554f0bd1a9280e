"""Names of inputs that are safe as paths of outputs, and in reports.

A name that must be changed gets a short hash of the original, so that two different originals
stay different whatever else is in the folder.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable

#: file systems take 255 bytes; the rest is for suffixes and temporary names
LONGEST_PART_BYTES = 200
LONGEST_NAME_BYTES = 1000

_BIDI_CONTROLS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_UNSAFE_CATEGORIES = frozenset(("Cc", "Cs", "Cn", "Zl", "Zp"))


def safe_name(parts: Iterable[str]) -> str:
    """A relative path with forward slashes out of the parts of any path.

    Never empty, absolute or leading upwards; UTF-8; no control characters, backslashes or
    marks that reverse text; parts up to 200 bytes. Parts may hold surrogate escapes.
    """
    kept = [part for part in parts if part not in ("", ".")]
    folders = [_safe_part(part, folder=True) for part in kept[:-1]]
    name = "/".join([*folders, *(_safe_part(part, folder=False) for part in kept[-1:])])
    if len(name.encode()) > LONGEST_NAME_BYTES:
        name = f"~{_digest('/'.join(kept))}/{name.rsplit('/', 1)[-1]}"
    return name or "unnamed"


def unique_names(names: Iterable[str]) -> list[str]:
    """The same names, told apart where they differ in case or not at all."""
    seen: set[str] = set()
    unique = []
    for name in names:
        key, candidate, count = _key(name), name, 1
        while key in seen:
            count += 1
            stem, dot, suffix = name.rpartition(".")
            candidate = (
                f"{stem}~{count}.{suffix}" if dot and "/" not in suffix else f"{name}~{count}"
            )
            key = _key(candidate)
        seen.add(key)
        unique.append(candidate)
    return unique


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key by which page 2 comes before page 10."""
    pieces = re.split(r"([0-9]+)", name.casefold())
    return tuple((0, int(p), p) if p.isdigit() and p.isascii() else (1, 0, p) for p in pieces)


def _safe_part(part: str, folder: bool) -> str:
    safe = "".join(map(_safe_character, part))
    if folder and safe.lower().endswith(".json"):  # or it would stand where a result goes
        safe += "_"
    if safe == "..":
        safe = "__"
    if safe == part and len(safe.encode()) <= LONGEST_PART_BYTES:
        return safe
    stem, dot, suffix = safe.rpartition(".")
    if folder or not dot or not stem or len(suffix.encode()) > 10:
        stem, suffix = safe, ""
    short = stem.encode()[: LONGEST_PART_BYTES - 30].decode(errors="ignore")
    return f"{short}~{_digest(part)}{'.' if suffix else ''}{suffix}"


def _safe_character(character: str) -> str:
    unsafe = unicodedata.category(character) in _UNSAFE_CATEGORIES
    return "_" if unsafe or character in "/\\" or character in _BIDI_CONTROLS else character


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:10]


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
