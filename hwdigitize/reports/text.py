"""Plain text: the lines as read, for search and for reading aloud."""

from __future__ import annotations

from collections.abc import Iterator

from hwdigitize.document import Document, Page


def to_text(document: Document) -> bytes:
    """Make the text of a document, UTF-8: a line each, ``name: value`` for fields.

    Pages are separated by form feeds, as in other tools that write text.
    """
    pages = ("".join(f"{line}\n" for line in _lines(page)) for page in document.pages)
    return "\f".join(pages).encode()


def _lines(page: Page) -> Iterator[str]:
    for line in page.lines:
        if line.text:
            yield line.text
    for field in page.fields:
        yield f"{field.name}: {field.value}"
