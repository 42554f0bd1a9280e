"""One page, one call: a reference goes in, a record comes out, arrays stay inside.

This is the only module that composes the stages. Whatever goes wrong with a page becomes a
problem of its record; only what is wrong with the whole run (a missing network) is raised.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hwdigitize import document as doc
from hwdigitize.errors import HwdigitizeError, PageError
from hwdigitize.forms.marks import read_marks
from hwdigitize.pages.ingest import Scan, count_pages, hash_file, load_page
from hwdigitize.pages.preprocess import Upright, preprocess
from hwdigitize.pages.segmentation import DrawnBox, TextLine, find_boxes, find_lines
from hwdigitize.recognition.characters import read_characters
from hwdigitize.recognition.reading import Reading
from hwdigitize.recognition.words import read_words
from hwdigitize.recognition.writers import embed_page, identify, load_gallery
from hwdigitize.settings import Settings

Grey = NDArray[np.uint8]

#: below this the words network is asked which way up the page is
SURE_ORIENTATION = 0.98
#: words read both ways up to settle a doubtful orientation
ORIENTATION_WORDS = 24
#: a word surer than this is not read again on the page with its rules
SURE_WORD = 0.9
#: how far the frame of a drawn box reaches beyond its inside, of its height
FRAME_SHARE = 0.15
#: longest side of the scan in the report, and of its thumbnail
REPORT_SIDE_PX, THUMBNAIL_SIDE_PX = 1800, 260


@dataclass
class _Stopwatch:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = self.seconds.get(name, 0.0) + time.perf_counter() - began
            self.seconds[name] = round(spent, 4)


def digitize_page(ref: doc.PageRef, settings: Settings) -> doc.PageResult:
    """Read one page.

    Args:
        ref: which page of which file.
        settings: how to read it.

    Returns:
        The page's record; with status "failed" and a problem when it could not be read.

    Raises:
        HwdigitizeError: a network or gallery cannot be loaded; no page could be read.
    """
    watch = _Stopwatch()
    try:
        return _digitize(ref, settings, watch)
    except HwdigitizeError:
        raise
    except PageError as error:
        return _failed(
            ref, doc.Problem(stage=error.stage, code=error.code, message=error.message)
        )
    except MemoryError:
        message = "The page needs more memory than there is; scan it at a lower resolution."
        return _failed(ref, doc.Problem(stage="page", code="out_of_memory", message=message))
    except Exception as error:  # the one place where a bug costs its page only
        message = f"A bug stopped this page, please report it: {type(error).__name__}: {error}"
        return _failed(ref, doc.Problem(stage="page", code="bug", message=message))


def digitize_file(path: Path, file: str, settings: Settings) -> doc.Document:
    """Read all pages of one file, in this process; see :func:`digitize_page`."""
    sha256 = hash_file(path)
    try:
        count = count_pages(path, settings)
    except PageError:
        count = 1  # reading the first page says what is wrong
    refs = [
        doc.PageRef(path=str(path), file=file, sha256=sha256, index=i) for i in range(count)
    ]
    pages = tuple(digitize_page(ref, settings).page for ref in refs)
    return doc.Document(file=file, sha256=sha256, pages=pages)


def _failed(ref: doc.PageRef, problem: doc.Problem) -> doc.PageResult:
    page = doc.Page(index=ref.index, status="failed", problems=(problem,))
    return doc.PageResult(ref=ref, page=page)


def _digitize(ref: doc.PageRef, settings: Settings, watch: _Stopwatch) -> doc.PageResult:
    with watch.stage("load"):
        scan = load_page(ref, settings)
    with watch.stage("preprocess"):
        upright = preprocess(scan.image, settings, scan.dpi)
    with watch.stage("segment"):
        layout = _find_layout(upright.grey)
    if settings.orient and upright.orientation_confidence < SURE_ORIENTATION and layout.lines:
        with watch.stage("orient"):
            upright, layout = _settle_orientation(upright, layout, settings)
    with watch.stage("words"):
        lines = _read_lines(layout.lines, upright, settings)
    with watch.stage("boxes"):
        boxes = _read_boxes(layout.boxes, upright, settings)
    with watch.stage("writer"):
        embedding, writer = _find_writer(layout.lines, upright.grey, settings)
    with watch.stage("images"):
        picture, scale, thumbnail = _report_images(scan, settings)
    height, width = scan.image.shape[:2]
    page = doc.Page(
        index=ref.index,
        status="partial" if scan.problems else "ok",
        size_px=(width, height),
        dpi=scan.dpi,
        rotation_degrees=upright.rotation_degrees,
        skew_degrees=round(upright.skew_degrees, 3),
        lines=lines,
        boxes=boxes,
        writer=writer,
        problems=scan.problems,
        seconds=watch.seconds,
    )
    return doc.PageResult(
        ref=ref,
        page=page,
        embedding=embedding,
        thumbnail=thumbnail,
        scan=picture,
        scan_scale=scale,
    )


@dataclass(frozen=True)
class _Layout:
    lines: tuple[TextLine, ...]
    boxes: tuple[DrawnBox, ...]


def _find_layout(grey: Grey) -> _Layout:
    """Drawn boxes first: what stands in them is read by box, not as a line."""
    boxes = find_boxes(grey)
    if boxes:
        grey = grey.copy()
        for drawn in boxes:
            left, top, right, bottom = drawn.box
            frame = max(round((bottom - top) * FRAME_SHARE), 3)
            grey[max(top - frame, 0) : bottom + frame, max(left - frame, 0) : right + frame] = (
                255
            )
    return _Layout(find_lines(grey), boxes)


def _settle_orientation(
    upright: Upright, layout: _Layout, settings: Settings
) -> tuple[Upright, _Layout]:
    """Read some words both ways up and keep the way that reads better."""
    turned = upright.turned()
    turned_layout = _find_layout(turned.grey)
    better = _legibility(turned_layout, turned.grey, settings)
    if better > _legibility(layout, upright.grey, settings):
        return turned, turned_layout
    return upright, layout


def _legibility(layout: _Layout, grey: Grey, settings: Settings) -> float:
    """Mean confidence of some of the page's longer words, 0 to 1."""
    boxes = [box for line in layout.lines for box in line.words]
    boxes.sort(key=lambda box: box[0] - box[2])
    step = max(len(boxes) // 2 // ORIENTATION_WORDS, 1)
    crops = [_crop(grey, box) for box in boxes[: ORIENTATION_WORDS * step : step]]
    readings = read_words(crops, decoder="greedy", models=settings.models)
    return float(np.mean([reading.confidence for reading in readings])) if readings else 0.0


def _crop(grey: Grey, box: doc.Box) -> Grey:
    left, top, right, bottom = box
    return grey[top:bottom, left:right]


def _read_lines(
    lines: Sequence[TextLine], upright: Upright, settings: Settings
) -> tuple[doc.Line, ...]:
    boxes = [box for line in lines for box in line.words]
    readings = iter(_read_both_ways(boxes, upright, settings))
    return tuple(
        _line(line, [next(readings) for _ in line.words], upright, settings) for line in lines
    )


def _read_both_ways(
    boxes: Sequence[doc.Box], upright: Upright, settings: Settings
) -> list[Reading]:
    """Read words without the page's rules, and doubtful ones with them too."""

    def read(page: Grey, wanted: Sequence[doc.Box]) -> list[Reading]:
        return read_words(
            [_crop(page, box) for box in wanted],
            decoder=settings.decoder,
            beam_width=settings.beam_width,
            language=settings.language,
            models=settings.models,
        )

    readings = read(upright.grey, boxes)
    if upright.ruled is upright.grey:
        return readings
    doubtful = [
        i
        for i, (box, reading) in enumerate(zip(boxes, readings, strict=True))
        if reading.confidence < SURE_WORD
        and not np.array_equal(_crop(upright.grey, box), _crop(upright.ruled, box))
    ]
    again = read(upright.ruled, [boxes[i] for i in doubtful])
    for i, reading in zip(doubtful, again, strict=True):
        if reading.confidence > readings[i].confidence:
            readings[i] = reading
    return readings


def _line(
    line: TextLine, readings: Sequence[Reading], upright: Upright, settings: Settings
) -> doc.Line:
    words = tuple(
        _word(box, reading, upright, settings)
        for box, reading in zip(line.words, readings, strict=True)
        if reading.text
    )
    return doc.Line(
        box=upright.box_to_scan(line.box),
        baseline=_points(upright, line.baseline),
        polygon=_points(upright, line.polygon),
        ink=line.ink,
        text=" ".join(word.text for word in words),
        confidence=_rounded(float(np.prod([word.confidence for word in words]))),
        words=words,
    )


def _points(upright: Upright, points: Sequence[doc.Point]) -> tuple[doc.Point, ...]:
    return tuple((round(float(x)), round(float(y))) for x, y in upright.to_scan(points))


def _rounded(confidence: float) -> float:
    """Four digits: more would only make equal readings differ between machines."""
    return round(confidence, 4)


def _word(box: doc.Box, reading: Reading, upright: Upright, settings: Settings) -> doc.Word:
    left, top, right, bottom = box
    width = right - left
    characters = tuple(
        doc.Character(
            text=glyph.text,
            confidence=_rounded(glyph.confidence),
            box=upright.box_to_scan(
                (
                    left + int(glyph.start * width),
                    top,
                    left + int(np.ceil(glyph.end * width)),
                    bottom,
                )
            ),
        )
        for glyph in reading.glyphs
    )
    return doc.Word(
        box=upright.box_to_scan(box),
        text=reading.text,
        confidence=_rounded(reading.confidence),
        flagged=reading.confidence < settings.flag_below,
        characters=characters,
        alternatives=_alternatives(reading),
    )


def _alternatives(reading: Reading) -> tuple[doc.Alternative, ...]:
    return tuple(
        doc.Alternative(text=text, confidence=_rounded(confidence))
        for text, confidence in reading.alternatives
        if confidence >= 0.0001
    )


def _read_boxes(
    boxes: Sequence[DrawnBox], upright: Upright, settings: Settings
) -> tuple[doc.IsolatedBox, ...]:
    """Characters of the character boxes, marks of the check boxes, in their order."""
    cells = [box for box in boxes if box.kind == "character"]
    checks = [box for box in boxes if box.kind == "check"]
    readings = dict(
        zip(
            [*cells, *checks],
            [
                *read_characters(
                    [_crop(upright.grey, box.box) for box in cells], models=settings.models
                ),
                *read_marks([_crop(upright.grey, box.box) for box in checks]),
            ],
            strict=True,
        )
    )
    return tuple(
        doc.IsolatedBox(
            box=upright.box_to_scan(box.box),
            kind=box.kind,
            text=readings[box].text,
            confidence=_rounded(readings[box].confidence),
            flagged=readings[box].confidence < settings.flag_below,
        )
        for box in boxes
    )


def _find_writer(
    lines: Sequence[TextLine], grey: Grey, settings: Settings
) -> tuple[tuple[float, ...], doc.Writer]:
    crops = [_crop(grey, line.box) for line in lines if line.ink != "print"]
    if not crops:
        return (), doc.Writer(note="no handwriting")
    vector = embed_page(crops, models=settings.models)
    embedding = tuple(round(float(value), 6) for value in vector)
    if settings.gallery is None:
        return embedding, doc.Writer(note="no gallery")
    return embedding, identify(
        vector, load_gallery(settings.gallery, settings.models), models=settings.models
    )


def _report_images(scan: Scan, settings: Settings) -> tuple[bytes, float, bytes]:
    """The scan for the report as JPEG, its scale, and a thumbnail."""
    if not settings.report_images:
        return b"", 1.0, b""
    picture, scale = _shrunk(scan.image, REPORT_SIDE_PX)
    thumbnail, _ = _shrunk(picture, THUMBNAIL_SIDE_PX)
    return _jpeg(picture, 60), scale, _jpeg(thumbnail, 70)


def _shrunk(image: Grey, side_px: int) -> tuple[Grey, float]:
    height, width = image.shape[:2]
    scale = min(side_px / max(height, width), 1.0)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), scale


def _jpeg(image: Grey, quality: int) -> bytes:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()
