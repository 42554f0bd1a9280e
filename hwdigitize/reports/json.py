"""One JSON file for each input file, below ``documents/``: the record all else is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from hwdigitize.document import Document, decode_document, encode
from hwdigitize.reports.files import write_whole

#: a file system takes names of 255 bytes; the rest is for suffixes
NAME_BYTES = 230


def document_path(out: Path, file: str) -> Path:
    """Place the document of an input file: of ``a.png`` it is ``documents/a.png.json``."""
    return placed(out / "documents", file, ".json")


def placed(root: Path, file: str, suffix: str) -> Path:
    """Place what is made of an input file below ``root``: its name with a suffix.

    The suffix of the input stays, so that ``a.png`` and ``a.pdf`` do not meet. Steps out of the
    folder (``..``, a leading slash) are made harmless, names too long for a file system are cut
    and folders that would be called like a document get a mark; a digest keeps what is changed
    so apart.
    """
    *folders, name = file.split("/")
    ending = Path(suffix).suffix or suffix
    steps = [_safe_name(folder, taken=folder.endswith(ending)) for folder in folders]
    return root.joinpath(*steps, f"{_safe_name(name)}{suffix}")


def write_document(out: Path, document: Document) -> Path:
    """Write a document, whole or not at all, and return its path.

    Raises:
        OutputError: the folder or file cannot be written.
    """
    path = document_path(out, document.file)
    write_whole(path, encode(document))
    return path


def read_documents(out: Path) -> Iterator[Document]:
    """Read back every document of a run, one at a time, by path.

    Raises:
        msgspec.ValidationError: a file is not of schema ``hwdigitize/1``.
    """
    for path in sorted((out / "documents").rglob("*.json")):
        if path.is_file():
            yield decode_document(path.read_bytes())


def _safe_name(name: str, taken: bool = False) -> str:
    """Make a path step that stays where it is put; nearly every name is left as it is."""
    data = name.encode("utf-8", "backslashreplace").replace(b"\0", b"")
    if data.decode() == name not in ("", ".", "..") and len(data) <= NAME_BYTES and not taken:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()[:12]
    return f"{data[: NAME_BYTES - 20].decode('utf-8', 'ignore')}~{digest}"
