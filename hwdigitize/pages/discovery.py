"""Which files of the inputs are pages, in what order, under what name."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hwdigitize.errors import UsageError
from hwdigitize.pages.formats import SUFFIXES, read_head, sniff
from hwdigitize.pages.names import natural_key, safe_name, unique_names


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to read at ``path``; ``file`` is its name in every result, unique in the run.

    ``file`` is relative with forward slashes and safe as a path below an output folder.
    """

    path: Path
    file: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that is not read, and why."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that was found: what to read, in order, and what not."""

    files: tuple[InputFile, ...]
    skipped: tuple[Skipped, ...]


def find_inputs(paths: Sequence[Path], exclude: Path | None = None) -> Inputs:
    """Find page files in files and folders, folders recursively, in natural order.

    Names are relative to the one folder given, or to the folder that all ``paths`` share, so
    that equal names in two folders stay apart. Hidden files, the folder ``exclude`` (the
    output), links to folders and links that lead out of their input folder are left out; links
    are never walked, so loops do no harm. Files that are no pages are listed in ``skipped``,
    hidden ones are not.

    Raises:
        UsageError: a path does not exist, or is the folder ``exclude`` itself.
    """
    walk = _Walk(exclude.resolve() if exclude else None)
    for path in paths:
        walk.start(path)
    top = _shared_folder(paths)
    names = unique_names(_name(path, top) for path in walk.found)
    files = tuple(InputFile(path, name) for path, name in zip(walk.found, names, strict=True))
    skipped = tuple(Skipped(_name(path, top), reason) for path, reason in walk.skipped)
    return Inputs(files, skipped)


@dataclass(slots=True)
class _Walk:
    exclude: Path | None
    found: list[Path] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    _seen: set[Path] = field(default_factory=set)

    def start(self, path: Path) -> None:
        """Take one path that was named on the command line; a link is followed here."""
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
            raise UsageError(f"{path} does not exist. Check its spelling.") from error
        if real == self.exclude:
            raise UsageError(f"{path} is the output folder too. Choose another with --out.")
        if real.is_dir():
            self._folder(path, real, real)
        else:
            self._file(path, real)

    def _folder(self, folder: Path, real: Path, root: Path) -> None:
        """Walk depth first, without recursion: nesting may be deep. Links come last."""
        waiting, links = [(folder, real)], []
        while waiting:
            folder, real = waiting.pop()
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: natural_key(entry.name))
            except OSError as error:
                self.skipped.append((folder, f"cannot be opened: {error.strerror}"))
                continue
            folders = [
                (folder / e.name, real / e.name) for e in entries if self._enter(e, real)
            ]
            waiting.extend(reversed(folders))
            for entry in entries:
                if entry.name.startswith(".") or entry.is_dir(follow_symlinks=False):
                    continue
                if entry.is_symlink():
                    links.append(folder / entry.name)
                else:
                    self._file(folder / entry.name, real / entry.name)
        for link in links:
            self._link(link, root)

    def _enter(self, entry: os.DirEntry[str], real: Path) -> bool:
        hidden = entry.name.startswith(".")
        inside = entry.is_dir(follow_symlinks=False)
        return inside and not hidden and real / entry.name != self.exclude

    def _link(self, path: Path, root: Path) -> None:
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            self.skipped.append((path, "a link that leads nowhere"))
            return
        if not target.is_relative_to(root) or self._excluded(target):
            self.skipped.append(
                (path, "a link out of the input folder; name its target to read it")
            )
        elif target.is_dir():
            self.skipped.append((path, "a link to a folder; name the folder to read it"))
        else:
            self._file(path, target)

    def _excluded(self, real: Path) -> bool:
        return self.exclude is not None and real.is_relative_to(self.exclude)

    def _file(self, path: Path, real: Path) -> None:
        if real in self._seen:
            self.skipped.append((path, "read already under another name"))
            return
        self._seen.add(real)
        reason = _why_not(path)
        if reason is None:
            self.found.append(path)
        else:
            self.skipped.append((path, reason))


def _why_not(path: Path) -> str | None:
    """Why a file is not read, or None. Opens only regular files of unknown suffix."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return "not a file (a pipe, socket or device)"
        if path.suffix.lower() in SUFFIXES or sniff(read_head(path)) is not None:
            return None
    except OSError as error:
        return f"cannot be opened: {error.strerror}"
    return "neither an image nor a PDF"


def _shared_folder(paths: Sequence[Path]) -> tuple[str, ...]:
    """Parts of the deepest folder that holds all paths; of one folder, that folder."""
    tops = [_parts(path) if path.is_dir() else _parts(path)[:-1] for path in paths]
    if not tops:
        return ()
    return tuple(column[0] for column in _equal(zip(*tops, strict=False)))


def _equal(columns: Iterator[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    for column in columns:
        if len(set(column)) > 1:
            return
        yield column


def _parts(path: Path) -> tuple[str, ...]:
    return Path(os.path.abspath(path)).parts  # noqa: PTH100 - resolve() would follow links


def _name(path: Path, top: tuple[str, ...]) -> str:
    return safe_name(part.strip("/") for part in _parts(path)[len(top) :])
