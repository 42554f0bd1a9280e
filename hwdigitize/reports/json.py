"""One JSON file for each input file, below ``documents/``: the record all else is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from hwdigitize.document import Document, decode_document, encode
from hwdigitize.reports.files import write_whole

#: a file system takes names of 255 bytes; the rest is for ".json"
NAME_BYTES = 240


def document_path(out: Path, file: str) -> Path:
    """Place the document of an input file: ``scans/a.png`` is ``documents/scans/a.png.json``.

    The suffix of the input stays, so that ``a.png`` and ``a.pdf`` do not meet. Steps out of the
    folder (``..``, a leading slash) are made harmless and names too long for a file system are
    cut; either way a digest of ``file`` keeps the path unique.
    """
    parts = [_safe_name(part) for part in PurePosixPath(file).parts]
    parts[-1:] = [f"{part}.json" for part in parts[-1:] or [_digest(file)]]
    return out.joinpath("documents", *parts)


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


def _safe_name(name: str) -> str:
    """Make a path step that stays where it is put; nearly every name is left as it is."""
    plain = name.replace("/", "").replace("\0", "")
    encoded = plain.encode("utf-8", "replace")
    if plain == name and name not in ("", ".", "..") and len(encoded) <= NAME_BYTES:
        return encoded.decode()
    kept = encoded[: NAME_BYTES - 20].decode("utf-8", "ignore").strip(".")
    return f"{kept}~{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:12]
