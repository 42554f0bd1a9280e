"""Crops of fields as other people's forms give them: handwriting somewhere in much paper.

Half of what such a crop shows is not what it says: a printed label before or above, numbers
along the edge, boxes and rules, the lines above and below cut by the crop's edge. The truth
is the handwriting alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from hwdigitize.training.synthetic import printed
from hwdigitize.training.synthetic.ink import Drawn, Ink, to_height
from hwdigitize.training.synthetic.lettering import Lettered, Writer, write_apart
from hwdigitize.training.synthetic.printed import paste

PLAIN = 0.35
"""Share of crops with nothing but handwriting."""

LOWEST, HIGHEST = 0.35, 0.9
"""Height of the handwriting in heights of the crop."""


@dataclass
class Scene:
    """A crop in the making, at the resolution of its scan."""

    canvas: Ink
    left: int
    top: int
    right: int
    bottom: int
    pitch: float
    """Where the handwriting lies, and the width of its cells (0: none); px."""


@dataclass
class FieldDrawer:
    """Draws texts as fields; all it draws follows from its generator."""

    writers: Sequence[Writer]
    faces: Sequence[Path]
    rng: np.random.Generator
    neighbour: Ink | None = None
    """Handwriting of the field drawn before, whose rim may show at an edge of the next."""

    def draw(self, text: str) -> Drawn | None:
        """One field; None when no writer has all characters."""
        first = int(self.rng.integers(len(self.writers)))
        for writer in (*self.writers[first:], *self.writers[:first]):
            lettered = write_apart(writer, text, self.rng)
            if lettered is not None:
                ink = _scanned(self._composed(lettered), self.rng)
                self.neighbour = lettered.ink
                return Drawn(to_height(ink), text, lettered.hand)
        return None

    def _composed(self, lettered: Lettered) -> Ink:
        """Lay the handwriting on paper, and about it what a form may have there."""
        plain = self.rng.random() < PLAIN
        high = round(self.rng.uniform(26, 58))
        if plain:
            return self._laid(lettered, high, before=0, above=0).canvas
        kind = self.rng.random()
        size = high * self.rng.uniform(0.2, 0.36)
        words = printed.print_text(printed.label(self.rng), self._face(), size)
        if kind < 0.38:
            scene = self._labelled_before(lettered, high, words)
        elif kind < 0.6:
            scene = self._labelled_above(lettered, high, words)
        else:
            scene = self._laid(lettered, high, before=0, above=0)
        self._clutter(scene)
        return scene.canvas

    def _face(self) -> Path:
        return self.faces[int(self.rng.integers(len(self.faces)))]

    def _labelled_before(self, lettered: Lettered, high: int, words: Ink) -> Scene:
        gap = round(high * (0.15 + 2.0 * self.rng.beta(1, 3)))
        start = round(high * self.rng.exponential(0.3)) - round(0.3 * high)
        start = max(start, -words.shape[1] // 3)
        scene = self._laid(lettered, high, before=start + words.shape[1] + gap, above=0)
        rise = self.rng.normal(0, 0.08) * high
        middle = (scene.top + scene.bottom - words.shape[0]) / 2
        paste(scene.canvas, words, start, round(middle + rise))
        return scene

    def _labelled_above(self, lettered: Lettered, high: int, words: Ink) -> Scene:
        gap = round(high * self.rng.uniform(0.05, 0.2))
        scene = self._laid(lettered, high, before=0, above=words.shape[0] + gap)
        shift = self.rng.normal(0, 0.6) * high
        paste(scene.canvas, words, round(scene.left + shift), scene.top - gap - words.shape[0])
        return scene

    def _laid(self, lettered: Lettered, high: int, before: int, above: int) -> Scene:
        """Scale the handwriting and lay it down, clear of what is before and above it."""
        rng = self.rng
        share = LOWEST + (HIGHEST - LOWEST) * rng.beta(1.2, 2.2)
        tall = max(8, round(min(share, 0.55 if above else HIGHEST) * high))
        wide = max(2, round(lettered.ink.shape[1] * tall / lettered.ink.shape[0]))
        ink = _dark(cv2.resize(lettered.ink, (wide, tall), interpolation=cv2.INTER_AREA))
        free = high - tall
        top = round(free * rng.beta(2.5, 2.5)) if not above else min(free, above)
        if rng.random() < (0.3 if above else 0.05):  # the crop's edge cuts the writing
            top = free + round(tall * rng.uniform(0.05, 0.3))
        elif rng.random() < 0.03:
            top = -round(tall * rng.uniform(0.03, 0.2))
        left, after = (self._margin(high) for _ in range(2))
        left = before or left
        canvas = np.zeros((high, max(8, left + wide + after)), dtype=np.uint8)
        paste(canvas, ink, left, top)
        pitch = lettered.pitch * tall / lettered.ink.shape[0]
        return Scene(canvas, left, top, left + wide, top + tall, pitch)

    def _margin(self, high: int) -> int:
        """Empty paper beside the writing: next to none, or up to several heights."""
        if self.rng.random() < 0.3:
            return int(self.rng.integers(0, 5))
        return round(high * min(6.0, self.rng.gamma(1.4, 1.1)))

    def _clutter(self, scene: Scene) -> None:
        """Some of what is not the writing."""
        canvas, rng = scene.canvas, self.rng
        if scene.pitch and rng.random() < 0.75:
            self._cells(scene)
        elif rng.random() < 0.25:
            self._frame(scene)
        if rng.random() < 0.42:
            self._line_above(scene)
        if rng.random() < 0.22:
            self._line_below(scene)
        if rng.random() < 0.28 and scene.left > 4:
            self._edge_print(scene)
        if rng.random() < 0.12:
            x = int(rng.choice((rng.integers(0, 4), canvas.shape[1] - rng.integers(1, 6))))
            cv2.line(canvas, (x, 0), (x, canvas.shape[0]), 255, 1)
        if rng.random() < 0.35:
            printed.specks(canvas, rng)

    def _cells(self, scene: Scene) -> None:
        spare = (scene.bottom - scene.top) * self.rng.uniform(0.0, 0.3, 2)
        rows = (round(scene.top - spare[0]), round(scene.bottom + spare[1]))
        count = round((scene.right - scene.left) / scene.pitch)
        printed.comb(scene.canvas, scene.left, scene.pitch, count, rows, self.rng)

    def _frame(self, scene: Scene) -> None:
        rng, tall = self.rng, scene.bottom - scene.top
        before, after = (round(tall * rng.uniform(0.1, 1.5)) for _ in range(2))
        if rng.random() < 0.55:
            y = scene.bottom + tall * rng.uniform(-0.12, 0.3)
            printed.rule(scene.canvas, y, scene.left - before, scene.right + after, rng)
            return
        above, below = (max(2, round(tall * rng.uniform(0.1, 0.5))) for _ in range(2))
        corners = (
            scene.left - before,
            scene.top - above,
            scene.right + after,
            scene.bottom + below,
        )
        printed.box(scene.canvas, corners, rng)

    def _line_above(self, scene: Scene) -> None:
        for ink, x in self._other_line(scene):
            shown = min(int(self.rng.integers(2, 9)), max(0, scene.top - 2))
            paste(scene.canvas, ink, x, shown - ink.shape[0])

    def _line_below(self, scene: Scene) -> None:
        for ink, x in self._other_line(scene):
            high = scene.canvas.shape[0]
            shown = min(int(self.rng.integers(2, 9)), max(0, high - scene.bottom - 2))
            paste(scene.canvas, ink, x, high - shown)

    def _other_line(self, scene: Scene) -> Iterator[tuple[Ink, int]]:
        """Another label, or another person's writing, or both, and where they begin (px)."""
        rng, (high, width) = self.rng, scene.canvas.shape
        kind, x = rng.random(), int(rng.integers(-high, max(1, width // 2)))
        if kind < 0.7:
            words = printed.print_text(
                printed.label(rng), self._face(), high * rng.uniform(0.2, 0.35)
            )
            yield words, x
            x += words.shape[1] + int(rng.integers(3, high * 2))
        if kind > 0.4 and self.neighbour is not None:
            tall = round(high * rng.uniform(0.35, 0.6))
            wide = max(2, round(self.neighbour.shape[1] * tall / self.neighbour.shape[0]))
            size = (wide, tall)
            yield cv2.resize(self.neighbour, size, interpolation=cv2.INTER_AREA), x

    def _edge_print(self, scene: Scene) -> None:
        """A code printed upwards along the left edge, mostly cut by it."""
        rng, high = self.rng, scene.canvas.shape[0]
        ink = printed.print_text(printed.code(rng), self._face(), high * rng.uniform(0.2, 0.35))
        turned = np.rot90(ink)
        shown = int(min(rng.integers(2, turned.shape[1] + 2), scene.left - 2))
        paste(
            scene.canvas,
            turned,
            shown - turned.shape[1],
            int(rng.integers(-turned.shape[0] // 2, max(1, high - turned.shape[0] // 3))),
        )


def _dark(ink: Ink) -> Ink:
    """Bring strokes that shrinking made faint back to black, as a pen leaves them."""
    marked = ink[ink > 40]
    peak = float(np.percentile(marked, 75)) if marked.size else 255.0
    return np.asarray(np.clip(ink * (255.0 / max(peak, 60.0)), 0, 255), dtype=np.uint8)


def _scanned(ink: Ink, rng: np.random.Generator) -> Ink:
    """Grey or bilevel, sharp or soft, perhaps through JPEG; never without any ink."""
    if rng.random() < 0.55:
        noise = rng.standard_normal(ink.shape, np.float32) * rng.uniform(0, 40)
        bilevel = (ink + noise * (ink > 0) > rng.uniform(60, 150)).astype(np.uint8) * 255
        ink = bilevel if bilevel.any() else ink
        if rng.random() < 0.5:
            ink = np.asarray(cv2.GaussianBlur(ink, (3, 3), rng.uniform(0.3, 0.7)), np.uint8)
    else:
        soft = cv2.GaussianBlur(ink, (3, 3), rng.uniform(0.3, 1.0)).astype(np.float32)
        faint = rng.uniform(0.55, 1.3)
        grain = rng.standard_normal(ink.shape, np.float32) * rng.uniform(0, 9)
        ink = np.clip(soft * faint + grain, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        quality = int(rng.integers(35, 90))
        packed = cv2.imencode(".jpg", 255 - ink, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        ink = 255 - np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
    return ink


def draw_fields(
    texts: Iterable[str], writers: Sequence[Writer], faces: Sequence[Path], seed: int
) -> Iterator[Drawn]:
    """Each text that a writer can write, as a field (HEIGHT_PX, W)."""
    drawer = FieldDrawer(writers, faces, np.random.default_rng(seed))
    for text in texts:
        drawn = drawer.draw(text)
        if drawn is not None:
            yield drawn
