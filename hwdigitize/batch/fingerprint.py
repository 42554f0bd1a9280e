"""What readings depend on besides the pages themselves: a digest each, by name.

The names are for people, too: ``setting dpi``, ``model words``, ``template membership``. A page
is read again when something changed that its reading depends on; :func:`touches` says what that
is, :class:`Part` what a page has that a change can touch. A page that failed is tried again
after any change, as what is missing of it cannot be known.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from enum import IntFlag
from importlib.metadata import version
from pathlib import Path

import msgspec

from hwdigitize.settings import Settings

Fingerprint = dict[str, str]

VERSION = "version of hwdigitize"
TEMPLATE = "template "
#: whether pages of no template are a problem
NAMED_TEMPLATES = "templates given or not"

_PACKAGE = Path(__file__).parent.parent
#: of a network, what only training needs
_NOT_FOR_READING = (".keras", ".jsonl")


class Part(IntFlag):
    """What a page that was read has, of what a change can touch; ``PAGE`` has every page."""

    LINES = 1
    BOXES = 2
    FORM = 4
    HAND = 8
    PDF = 16
    PAGE = 32


_TOUCHED = {
    "setting page_seconds": Part(0),
    "setting worker_megabytes": Part(0),
    "setting max_megapixels": Part(0),
    "password file": Part(0),
    "gallery": Part.HAND,
    "setting dpi": Part.PDF,
    "setting decoder": Part.LINES,
    "setting beam_width": Part.LINES,
    "setting language": Part.LINES | Part.FORM,
    "setting flag_below": Part.LINES | Part.BOXES | Part.FORM,
    "setting max_error": Part.FORM,
    "model words": Part.LINES | Part.FORM,
    "model characters": Part.BOXES | Part.FORM,
    "model marks": Part.BOXES | Part.FORM,
    "model fields": Part.FORM,
    "model writers": Part.HAND,
}


def touches(name: str) -> Part:
    """Say which pages a change concerns: those with any of these parts; all, if unsure.

    Nothing for limits and passwords: these turn a failure into a reading, never one reading
    into another. Templates go by their id instead, see :mod:`hwdigitize.batch.intake`.
    """
    return _TOUCHED.get(name, Part.PAGE)


def fingerprint(settings: Settings) -> Fingerprint:
    """Digest settings one by one, and the content, not the place, of the files they name."""
    plain = msgspec.to_builtins(settings)
    prints = {
        "password file": _content(plain.pop("password_file")),
        "gallery": _content(plain.pop("gallery")),
        NAMED_TEMPLATES: "no" if plain["templates"] is None else "yes",
        VERSION: version("hwdigitize"),
    }
    prints |= _models(plain.pop("models")) | _templates(plain.pop("templates"))
    return prints | {f"setting {key}": repr(value) for key, value in plain.items()}


def _models(folder: str | None) -> Fingerprint:
    """A digest a network: of its weights and its card."""
    lines: dict[str, list[str]] = {}
    for path in _files(folder or _shipped("models")):
        if path.suffix not in _NOT_FOR_READING:
            name = f"model {path.name.split('.')[0]}"
            lines.setdefault(name, []).append(path.suffix + _hash(path))
    return {name: _digest(digests) for name, digests in lines.items()}


def _templates(folder: str | None) -> Fingerprint:
    """A digest a template, by its id."""
    root = _shipped("templates") if folder is None else Path(folder)
    homes = sorted(path.parent for path in root.glob("*/form.toml")) if root else []
    return {TEMPLATE + _template_id(home): _content(home) for home in homes}


def _template_id(home: Path) -> str:
    try:
        return str(tomllib.loads((home / "form.toml").read_text("utf-8"))["id"])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError):
        return home.name  # the run will say what is wrong with it


def _shipped(key: str) -> Path | None:
    """The folder that the package brings, in the wheel or beside it in a checkout."""
    places = (_PACKAGE / key, _PACKAGE.parent / key)
    return next((place for place in places if place.is_dir()), None)


def _content(path: str | Path | None) -> str:
    """Digest a file or everything in a folder; empty for what is not there."""
    if path is None:
        return ""
    root = Path(path)
    return _digest([f"{file.relative_to(root)} {_hash(file)}" for file in _files(root)])


def _files(root: str | Path | None) -> Iterator[Path]:
    if root is not None:
        yield from sorted(p for p in (Path(root), *Path(root).rglob("*")) if p.is_file())


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(lines: list[str]) -> str:
    data = "\n".join(lines).encode("utf-8", "surrogateescape")
    return hashlib.sha256(data).hexdigest()[:32]
