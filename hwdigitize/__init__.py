"""hwdigitize reads scanned, hand-filled forms and handwritten pages.

The library behind the command line: :func:`digitize` for files, :func:`read_words`,
:func:`read_characters`, :func:`identify_writer` and :func:`same_hand` for images that are
already cut. Images are NumPy arrays, uint8, (height, width), grey, ink darker than paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hwdigitize.document import (
    Alternative,
    Box,
    Character,
    Document,
    FieldValue,
    IsolatedBox,
    Line,
    Page,
    PageRef,
    PageResult,
    Problem,
    TemplateMatch,
    Word,
    Writer,
)
from hwdigitize.errors import HwdigitizeError, PageError
from hwdigitize.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hwdigitize.recognition.reading import Reading

    Image = NDArray[np.uint8]

__all__ = [
    "Alternative",
    "Box",
    "Character",
    "Document",
    "FieldValue",
    "HwdigitizeError",
    "IsolatedBox",
    "Line",
    "Page",
    "PageError",
    "PageRef",
    "PageResult",
    "Problem",
    "Settings",
    "TemplateMatch",
    "Word",
    "Writer",
    "digitize",
    "identify_writer",
    "read_characters",
    "read_words",
    "same_hand",
]

# The functions import what they need when they are called: OpenCV and ONNX Runtime take longer
# to load than `hwdigitize --help` may take altogether.


def digitize(
    paths: Sequence[str | Path], settings: Settings | None = None
) -> Iterator[Document]:
    """Read files and folders in this process, one document after the other.

    For a batch that survives crashes and uses all cores see
    :func:`hwdigitize.batch.run.run_batch`.

    Args:
        paths: files and folders of scans and PDFs.
        settings: how to read; None for the defaults.

    Yields:
        A document a file, in natural order of their names. A page that cannot be read has
        status "failed" and says why.

    Raises:
        NothingToReadError: no readable file among the paths.
        ModelError: a network cannot be loaded.
    """
    from hwdigitize.pages.ingest import find_inputs
    from hwdigitize.pipeline import digitize_file

    settings = settings or Settings()
    for file in find_inputs([Path(path) for path in paths]).files:
        yield digitize_file(file.path, file.file, settings)


def read_words(images: Sequence[Image], settings: Settings | None = None) -> list[Reading]:
    """Read images of single words or lines; see :mod:`hwdigitize.recognition.words`."""
    from hwdigitize.recognition import words

    chosen = settings or Settings()
    return words.read_words(
        images,
        decoder=chosen.decoder,
        beam_width=chosen.beam_width,
        language=chosen.language,
        models=chosen.models,
    )


def read_characters(
    images: Sequence[Image], allowed: str = "any", settings: Settings | None = None
) -> list[Reading]:
    """Read images of single characters, cut along their box.

    Args:
        images: grey, uint8, (height, width) each.
        allowed: "digits", "capitals", "letters", "any", or the characters themselves.
        settings: where the networks are; None for the shipped ones.
    """
    from hwdigitize.recognition import characters

    return characters.read_characters(images, allowed, models=(settings or Settings()).models)


def identify_writer(
    images: Sequence[Image], gallery: str | Path, settings: Settings | None = None
) -> Writer:
    """Name the writer of some lines of handwriting, all by one hand.

    Args:
        images: line images, grey, uint8, (height, width) each.
        gallery: file made by ``hwdigitize writers enrol``.
        settings: where the networks are; None for the shipped ones.
    """
    from hwdigitize.recognition import writers

    models = (settings or Settings()).models
    embedding = writers.embed_page(images, models=models)
    known = writers.load_gallery(str(gallery), models)
    return writers.identify(embedding, known, models=models)


def same_hand(
    one: Sequence[Image], other: Sequence[Image], settings: Settings | None = None
) -> float:
    """Probability that two sets of lines were written by one hand.

    It holds where that is as likely beforehand as not.

    Args:
        one: line images, grey, uint8, (height, width) each, all by one hand.
        other: line images by the hand to compare with.
        settings: where the networks are; None for the shipped ones.
    """
    from hwdigitize.recognition import writers

    models = (settings or Settings()).models
    embeddings = [writers.embed_page(images, models=models) for images in (one, other)]
    return writers.same_hand(*embeddings, models=models)
