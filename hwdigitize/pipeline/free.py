"""A page of no known form: its lines, words and drawn boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwdigitize import document as doc
from hwdigitize.forms.marks import read_marks
from hwdigitize.pages.ingest import Scan
from hwdigitize.pages.preprocess import Upright, preprocess
from hwdigitize.pages.segmentation import DrawnBox, TextLine, find_boxes, find_lines
from hwdigitize.pipeline.sheet import Sheet, Stopwatch
from hwdigitize.recognition.characters import read_characters
from hwdigitize.recognition.reading import Reading
from hwdigitize.recognition.words import read_words
from hwdigitize.settings import Settings

Grey = NDArray[np.uint8]

#: below this the words network is asked which way up the page is
SURE_ORIENTATION = 0.98
#: words read both ways up to settle a doubtful orientation
ORIENTATION_WORDS = 24
#: words read upside down are less sure than this, 0.16 at most on 80 pages
LEGIBLE = 0.25
#: a word surer than this is not read again on the page with its rules
SURE_WORD = 0.9
#: how far the frame of a drawn box reaches beyond its inside, of its height
FRAME_SHARE = 0.15


def read_free(scan: Scan, settings: Settings, watch: Stopwatch) -> Sheet:
    """Read a page by what is found on it."""
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
    page = doc.Page(
        index=0,
        status="ok",
        rotation_degrees=-upright.rotation_degrees % 360,
        skew_degrees=round(upright.skew_degrees, 3),
        lines=lines,
        boxes=boxes,
    )
    hands = [_crop(upright.grey, line.box) for line in layout.lines if line.ink != "print"]
    return Sheet(page, tuple(hands))


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
    """Read some words as the page stands, and upside down too where that reads badly."""
    standing = _legibility(layout, upright.grey, settings)
    if standing >= LEGIBLE:
        return upright, layout
    turned = upright.turned()
    turned_layout = _find_layout(turned.grey)
    if _legibility(turned_layout, turned.grey, settings) > standing:
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

    def read(page: Grey, wanted: Sequence[doc.Box], connected: bool) -> list[Reading]:
        return read_words(
            [_crop(page, box) for box in wanted],
            decoder=settings.decoder,
            beam_width=settings.beam_width,
            language=settings.language,
            connected=connected,
            models=settings.models,
        )

    readings = read(upright.grey, boxes, connected=True)
    if upright.ruled is upright.grey:
        return readings
    doubtful = [
        i
        for i, (box, reading) in enumerate(zip(boxes, readings, strict=True))
        if reading.confidence < SURE_WORD
        and not np.array_equal(_crop(upright.grey, box), _crop(upright.ruled, box))
    ]
    again = read(upright.ruled, [boxes[i] for i in doubtful], connected=False)
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
