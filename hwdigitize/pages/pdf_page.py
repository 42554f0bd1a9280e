"""One open PDF page to an image.

A page that is nothing but one scanned image is that image, pixel for pixel. Other pages are
rendered: at the resolution of their scan where images fill the page, else at ``settings.dpi``.
"""

from __future__ import annotations

import ctypes
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from hwdigitize.pages.scan import (
    COLOUR_MEGAPIXELS,
    HIGHEST_DPI,
    LOWEST_DPI,
    Scan,
    check_size,
    damage,
    likely_dpi,
    megapixels,
)
from hwdigitize.settings import Settings

#: what pypdfium2 raises on broken files
PDFIUM_ERRORS = (pdfium.PdfiumError, OSError, ValueError, ctypes.ArgumentError)

#: objects of one page that are looked at; a page with more is a drawing, not a scan
MOST_OBJECTS = 5_000

#: part of the page that its images must cover to be called its scan
SCAN_COVERS = 0.9

#: side in pixels of the small rendering that looks for transparent parts
_SMALL = 64


@dataclass(frozen=True, slots=True)
class _Placed:
    """An image on a page: its pixels, its resolution and the part of the page it covers."""

    image: pdfium.PdfImage
    matrix: pdfium.PdfMatrix
    width: int
    height: int
    dpi: tuple[float, float]
    covers: float


def load_open_page(page: pdfium.PdfPage, settings: Settings) -> Scan:
    """Load a page as it would be seen, turned as the PDF says.

    Raises:
        PageError: the page, or an image on it, is too large.
    """
    return _Page(page, settings).load()


class _Page:
    """What is on one open page, and how to make an image of it."""

    def __init__(self, page: pdfium.PdfPage, settings: Settings) -> None:
        self.page = page
        self.settings = settings
        self.width, self.height = page.get_size()
        self.images, self.others = self._look()
        for placed in self.images:
            check_size(placed.width, placed.height, settings)

    def _look(self) -> tuple[list[_Placed], bool]:
        """The page's images, and whether anything else is to be seen on it."""
        images, others = [], pdfium_c.FPDFPage_GetAnnotCount(self.page) > 0
        try:
            found = list(itertools.islice(self.page.get_objects(), MOST_OBJECTS))
            for thing in found:
                if thing.type == pdfium_c.FPDF_PAGEOBJ_IMAGE:
                    images.append(self._placed(thing))
                elif _visible(thing):
                    others = True
        except PDFIUM_ERRORS:
            return images, True
        return images, others or len(found) == MOST_OBJECTS

    def _placed(self, image: pdfium.PdfImage) -> _Placed:
        matrix, container = image.get_matrix(), image.container
        while container is not None:
            matrix = matrix.multiply(container.get_matrix())
            container = container.container
        width, height = image.get_px_size()
        a, b, c, d = matrix.get()[:4]
        across, down = math.hypot(a, b), math.hypot(c, d)
        dpi = (72 * width / across, 72 * height / down) if across and down else (0.0, 0.0)
        return _Placed(image, matrix, width, height, dpi, self._covered(matrix))

    def _covered(self, matrix: pdfium.PdfMatrix) -> float:
        """Part of the page within the bounds of an image drawn by ``matrix``."""
        left, bottom, right, top = matrix.on_rect(0, 0, 1, 1)
        page_left, page_bottom, page_right, page_top = self._box()
        across = min(right, page_right) - max(left, page_left)
        down = min(top, page_top) - max(bottom, page_bottom)
        area = (page_right - page_left) * (page_top - page_bottom)
        return max(0.0, across) * max(0.0, down) / area if area > 0 else 0.0

    def _box(self) -> tuple[float, float, float, float]:
        """The page's visible box in PDF units, before it is turned: l, b, r, t."""
        box: tuple[float, float, float, float] = self.page.get_bbox()
        return box

    def load(self) -> Scan:
        """The page's own scan where it is nothing else, else a rendering."""
        try:
            turns = self._turns()
            if turns is not None:
                return self._extract(turns)
            broken = any(_undecodable(placed.image) for placed in self._big())
        except PDFIUM_ERRORS:
            broken = True
        return self._render(broken)

    def _big(self) -> Iterator[_Placed]:
        """The images that are a part of the scan rather than of its decoration."""
        return (placed for placed in self.images if placed.covers > 0.05)

    def _resolution(self) -> float:
        """Resolution to render at."""
        if sum(placed.covers for placed in self.images) < SCAN_COVERS:
            return float(self.settings.dpi)
        native = min(max((max(placed.dpi) for placed in self._big()), default=0.0), HIGHEST_DPI)
        if self.others or native < LOWEST_DPI:
            return max(native, float(self.settings.dpi))
        if all(self._inside(placed.matrix) for placed in self._big()):
            return native
        # Off its own grid of pixels a coarse scan blurs, and thin bars are lost: draw it finer.
        return max(native, min(2 * native, float(self.settings.dpi)))

    def _turns(self) -> int | None:
        """Quarter turns from the image to the page where the image is the page, else None."""
        if len(self.images) != 1 or self.others:
            return None
        placed = self.images[0]
        square = max(placed.dpi) <= 1.02 * min(placed.dpi)
        if not (square and placed.covers > 0.98 and self._inside(placed.matrix)):
            return None
        turns = _quarter_turns(placed.matrix)
        if turns is None or not _opaque(placed.image):
            return None
        return (turns + self.page.get_rotation() // 90) % 4

    def _inside(self, matrix: pdfium.PdfMatrix) -> bool:
        """Whether the page shows all of the image, to one part in a hundred."""
        left, bottom, right, top = matrix.on_rect(0, 0, 1, 1)
        page_left, page_bottom, page_right, page_top = self._box()
        slack = 0.01 * max(right - left, top - bottom)
        outside = (page_left - left, page_bottom - bottom, right - page_right, top - page_top)
        return max(outside) <= slack

    def _extract(self, turns: int) -> Scan:
        """The page's one image, turned clockwise by ``turns`` quarters."""
        placed = self.images[0]
        bitmap = placed.image.get_bitmap()
        pixels = _plain(bitmap.to_numpy(), megapixels(bitmap.width, bitmap.height))
        dpi = likely_dpi(round(max(placed.dpi), 1))
        return Scan(np.ascontiguousarray(np.rot90(pixels, -turns)), dpi)

    def _render(self, broken: bool = False) -> Scan:
        dpi = self._resolution()
        width, height = (max(1, round(side * dpi / 72)) for side in (self.width, self.height))
        check_size(width, height, self.settings, "render it with a lower --dpi")
        grey = megapixels(width, height) > COLOUR_MEGAPIXELS
        kind = pdfium_c.FPDFBitmap_Gray if grey else pdfium_c.FPDFBitmap_BGR
        bitmap = pdfium.PdfBitmap.new_native(width, height, kind)
        bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
        args = (bitmap, self.page, 0, 0, width, height, 0, pdfium_c.FPDF_ANNOT)
        pdfium_c.FPDF_RenderPageBitmap(*args)
        if self.page.formenv:
            pdfium_c.FPDF_FFLDraw(self.page.formenv, *args)
        problem = damage(
            "damaged",
            "The scan inside this PDF page is damaged; parts may be missing. Scan it again.",
        )
        image = np.array(bitmap.to_numpy())
        return Scan(image, round(dpi, 2), (problem,) if broken else ())


def _quarter_turns(matrix: pdfium.PdfMatrix) -> int | None:
    """Quarter turns clockwise by which an image is drawn; None where skewed or mirrored."""
    a, b, c, d = matrix.get()[:4]
    slack = 1e-3 * max(map(abs, (a, b, c, d)))
    if max(abs(b), abs(c)) < slack and a * d > 0:
        return 0 if a > 0 else 2
    if max(abs(a), abs(d)) < slack and b * c < 0:
        return 1 if b < 0 else 3
    return None


def _undecodable(image: pdfium.PdfImage) -> bool:
    """Whether PDFium would leave the image out without a word."""
    return bool(image.get_metadata().bits_per_pixel == 0)


def _opaque(image: pdfium.PdfImage) -> bool:
    """Whether the image's pixels are what is seen: no stencil, no mask, no key colour.

    PDFium tells of soft masks only by rendering, so it renders small; bilevel scans have none.
    """
    metadata = image.get_metadata()
    if metadata.colorspace == pdfium_c.FPDF_COLORSPACE_UNKNOWN:  # a stencil
        return False
    if metadata.bits_per_pixel == 1:
        return True
    matrix, (left, bottom, right, top) = image.get_matrix(), image.get_bounds()
    shrink = _SMALL / max(right - left, top - bottom)
    image.set_matrix(matrix.scale(shrink, shrink))
    try:
        small = image.get_bitmap(render=True, scale_to_original=False).to_numpy()
    finally:
        image.set_matrix(matrix)
    return small.ndim == 2 or small.shape[2] < 4 or bool((small[1:-1, 1:-1, 3] == 255).all())


def _visible(thing: pdfium.PdfObject) -> bool:
    """Whether an object other than an image leaves ink; the text of an OCR layer does not."""
    if thing.type == pdfium_c.FPDF_PAGEOBJ_TEXT:
        mode = pdfium_c.FPDFTextObj_GetTextRenderMode(thing)
        return bool(mode != pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE)
    if thing.type == pdfium_c.FPDF_PAGEOBJ_PATH:
        fill, stroke = ctypes.c_int(), ctypes.c_int()
        pdfium_c.FPDFPath_GetDrawMode(thing, fill, stroke)
        return bool(fill.value or stroke.value)
    return bool(thing.type != pdfium_c.FPDF_PAGEOBJ_FORM)


def _plain(pixels: NDArray[np.uint8], size: float) -> NDArray[np.uint8]:
    """A PDFium bitmap as grey or BGR, without the unused fourth channel."""
    if pixels.ndim == 2:
        return np.array(pixels)
    if size > COLOUR_MEGAPIXELS:
        code = cv2.COLOR_BGR2GRAY if pixels.shape[2] == 3 else cv2.COLOR_BGRA2GRAY
        return np.asarray(cv2.cvtColor(pixels, code), np.uint8)
    return np.array(pixels[..., :3])
