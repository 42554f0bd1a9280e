"""Many different forms drawn at random, filled in and scanned badly, with known truth.

Designs come in houses: the forms of one house share their typeface, layout and heading, as
those of one office do. Everything is grey, (H, W) uint8; the truth is where
each template point is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from hwdigitize.document import Box

Grey = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
A4_PX = (2480, 3508)
FORMS_A_HOUSE = 8
VOCABULARY = """
name first surname date birth place street number town country telephone mobile e-mail
signature account amount total paid received member society order item quantity price
tax reference department office section applicant guardian school class year month day
hour start end reason remarks details please write capitals inside boxes only yes no
unknown married single insurance policy vehicle owner registration weight height colour
sample site station depth temperature operator weather observer species count left right
approved rejected returned copy original page form request permit licence declaration
income household rent heating water meter reading visit patient doctor ward medicine
dose
"""


@dataclass(frozen=True)
class House:
    """What the forms of one office share."""

    serial: int
    size_px: int
    thick: int
    left: int
    tone: int
    framed: bool
    marked: bool
    heading: tuple[str, ...]
    typeface: ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Design:
    """A blank and the boxes where it is filled in."""

    name: str
    blank: Grey
    boxes: tuple[Box, ...]


def words(rng: np.random.Generator, count: int) -> str:
    known = VOCABULARY.split()
    chosen = [known[i] for i in rng.integers(0, len(known), count)]
    return " ".join(chosen).capitalize()


def draw_house(serial: int) -> House:
    rng = np.random.default_rng([1, serial])
    size_px = int(rng.integers(30, 46))
    heading = tuple(words(rng, int(rng.integers(2, 5))) for _ in range(2))
    return House(
        serial=serial,
        size_px=size_px,
        thick=int(rng.integers(2, 6)),
        left=int(rng.integers(120, 260)),
        tone=int(rng.choice([0, 0, 60, 110])),
        framed=bool(rng.random() < 0.3),
        marked=bool(rng.random() < 0.4),
        heading=heading,
        typeface=ImageFont.load_default(size_px),
    )


class Drawing:
    """A blank while it is drawn."""

    def __init__(self, house: House, rng: np.random.Generator) -> None:
        self.house, self.rng = house, rng
        self.image = Image.new("L", A4_PX, 255)
        self.pen = ImageDraw.Draw(self.image)
        self.boxes: list[Box] = []

    def text(self, x: int, y: int, what: str, larger: float = 1.0) -> int:
        face = self.house.typeface
        if larger != 1:
            face = ImageFont.load_default(round(larger * self.house.size_px))
        self.pen.text((x, y), what, fill=self.house.tone, font=face)
        return int(x + self.pen.textlength(what, font=face))

    def frame(self, box: Box) -> None:
        self.pen.rectangle(box, outline=self.house.tone, width=self.house.thick)

    def heading(self) -> int:
        house = self.house
        self.text(house.left, 150, house.heading[0], 1.8)
        self.text(house.left, 250, house.heading[1])
        self.text(1800, 150, words(self.rng, 2))
        if house.framed:
            self.frame((80, 80, A4_PX[0] - 80, A4_PX[1] - 80))
        if house.marked:
            for x in (90, A4_PX[0] - 140):
                for y in (90, A4_PX[1] - 140):
                    self.pen.rectangle((x, y, x + 47, y + 47), fill=0)
        return 360

    def row(self, y: int) -> int:
        kinds = (self.cells, self.comb, self.line, self.checks, self.table, self.paragraph)
        return kinds[self.rng.choice(6, p=[0.25, 0.1, 0.25, 0.25, 0.05, 0.1])](y)

    def labelled(self, y: int) -> int:
        end = self.text(self.house.left, y + 15, words(self.rng, int(self.rng.integers(1, 4))))
        return max(end + 40, self.house.left + 500)

    def cells(self, y: int) -> int:
        x, side = self.labelled(y), int(self.rng.integers(60, 85))
        for i in range(int(self.rng.integers(3, 21))):
            box = (x + i * side, y, x + (i + 1) * side, y + side + 10)
            if box[2] < A4_PX[0] - 140:
                self.frame(box)
                self.boxes.append(box)
        return y + side + 50

    def comb(self, y: int) -> int:
        x, side, count = self.labelled(y), 65, int(self.rng.integers(5, 20))
        for i in range(count + 1):
            self.pen.line((x + i * side, y + 45, x + i * side, y + 75), self.house.tone, 3)
        self.pen.line((x, y + 75, x + count * side, y + 75), self.house.tone, 3)
        self.boxes += [(x + i * side, y, x + (i + 1) * side, y + 75) for i in range(count)]
        return y + 125

    def line(self, y: int) -> int:
        x, right = self.labelled(y), A4_PX[0] - int(self.rng.integers(150, 900))
        self.pen.line((x, y + 70, right, y + 70), self.house.tone, max(2, self.house.thick - 1))
        self.boxes.append((x, y, right, y + 70))
        return y + 110

    def checks(self, y: int) -> int:
        x = self.labelled(y)
        for _ in range(int(self.rng.integers(2, 5))):
            box = (x, y + 8, x + 50, y + 58)
            if x > A4_PX[0] - 450:
                break
            self.frame(box)
            self.boxes.append(box)
            x = self.text(x + 70, y + 12, words(self.rng, 1)) + 90
        return y + 100

    def table(self, y: int) -> int:
        columns, rows = int(self.rng.integers(3, 6)), int(self.rng.integers(3, 7))
        wide = (A4_PX[0] - 2 * self.house.left) // columns
        for row in range(rows + 1):
            for column in range(columns):
                x, top = self.house.left + column * wide, y + row * 80
                box = (x, top, x + wide, top + 80)
                self.frame(box)
                if row:
                    self.boxes.append(box)
                else:
                    self.text(x + 12, top + 14, words(self.rng, 1))
        return y + 80 * (rows + 1) + 50

    def paragraph(self, y: int) -> int:
        for _ in range(int(self.rng.integers(1, 4))):
            self.text(self.house.left, y, words(self.rng, int(self.rng.integers(5, 11))))
            y += round(1.4 * self.house.size_px)
        return y + 40


def draw_form(serial: int) -> Design:
    """One of any number of designs; the same every time."""
    house, rng = draw_house(serial // FORMS_A_HOUSE), np.random.default_rng([2, serial])
    drawing = Drawing(house, rng)
    y, end = drawing.heading(), int(rng.integers(1500, 3300))
    while y < end:
        y = drawing.row(y + int(rng.integers(0, 60)))
    drawing.text(house.left, A4_PX[1] - 170, words(rng, 3), 0.8)
    return Design(f"form-{serial}", np.asarray(drawing.image).copy(), tuple(drawing.boxes))


def fill(design: Design, rng: np.random.Generator, share: float) -> Grey:
    """Scribble into a share of the boxes, now and then over their edges; stamp some pages."""
    page = design.blank.copy()
    ink = int(rng.integers(20, 150))
    for left, top, right, bottom in design.boxes:
        if rng.random() < share:
            for x in range(left, right - 25, int(rng.integers(45, 70))):
                _scribble(page, rng, x, top, min(70, right - x), bottom - top, ink)
    if rng.random() < 0.25:
        at = (int(rng.integers(500, 2000)), int(rng.integers(500, 3000)))
        level = int(rng.integers(60, 160))
        cv2.circle(page, at, 220, level, 12)
        cv2.circle(page, at, 160, level, 6)
        cv2.putText(page, "RECEIVED", (at[0] - 150, at[1] + 20), 0, 2.0, level, 8)
    return page


def _scribble(
    page: Grey, rng: np.random.Generator, x: int, y: int, wide: int, high: int, ink: int
) -> None:
    points = rng.uniform(-0.05, 1.05, (4, 2)) * (wide, high) + (x, y)
    t = np.linspace(0, 1, 16)[:, None]
    a, b, c, d = points
    curve = a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t * t * (1 - t) + d * t**3
    cv2.polylines(page, [np.round(curve).astype(np.int32)], False, ink, 6, cv2.LINE_AA)


@dataclass(frozen=True)
class Warp:
    """From template px to scan px: a curl in template px, then a homography."""

    matrix: Floats
    curl_px: float
    phase: tuple[float, float, float]
    size_px: tuple[int, int]

    def to_scan(self, points: Floats) -> Floats:
        return _moved(points + self._curl(points), self.matrix)

    def to_template(self, points: Floats) -> Floats:
        flat = _moved(points, np.linalg.inv(self.matrix))
        found = flat
        for _ in range(6):
            found = flat - self._curl(found)
        return found

    def _curl(self, points: Floats) -> Floats:
        x, y = points[:, 0] / A4_PX[0], points[:, 1] / A4_PX[1]
        one, two, three = self.phase
        across = np.sin(2 * np.pi * (0.6 * y + one)) + 0.5 * np.sin(2 * np.pi * (x + y + two))
        down = np.sin(2 * np.pi * (0.5 * x + 0.4 * y + three))
        return self.curl_px * np.stack([across, down], axis=1)


def _moved(points: Floats, matrix: Floats) -> Floats:
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(moved[:, :2] / moved[:, 2:])


def draw_warp(
    rng: np.random.Generator, scale: float, quarters: int, tilt: float, curl_px: float
) -> Warp:
    """Skew to 15 degrees, stretch to 2 %, perspective of ``tilt``, quarter turns."""
    width, height = A4_PX
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    tilted = corners + rng.uniform(-tilt, tilt, (4, 2)) * width
    lens = cv2.getPerspectiveTransform(corners.astype("f4"), tilted.astype("f4"))
    skew = rng.uniform(-15, 15) if rng.random() < 0.3 else rng.normal(0, 2)
    angle = np.radians(90 * quarters + skew)
    stretch = np.diag([1 + rng.uniform(-0.02, 0.02), 1 + rng.uniform(-0.02, 0.02)])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = np.eye(3)
    linear[:2, :2] = scale * turn @ stretch
    matrix = linear @ lens
    reached = _moved(corners, matrix)
    low, high = reached.min(axis=0) - 20 * scale, reached.max(axis=0) + 20 * scale
    shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]])
    size_px = int(high[0] - low[0]), int(high[1] - low[1])
    return Warp(shift @ matrix, curl_px, tuple(rng.random(3)), size_px)


def scan(page: Grey, warp: Warp, rng: np.random.Generator, fault: str) -> Grey:
    """The page as it was scanned; ``fault`` is plain, fax, copy, tinted or photo."""
    page = FAULTS[fault](page, rng)
    scale = float(np.sqrt(abs(np.linalg.det(warp.matrix[:2, :2]))))
    if scale < 0.9:
        page = cv2.GaussianBlur(page, (0, 0), 0.45 / scale)
    step = 16
    nodes = [np.arange(0, side + 2 * step, step) for side in warp.size_px]
    x, y = np.meshgrid(*nodes)
    back = warp.to_template(np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float64))
    maps = []
    for part in back.T.astype(np.float32):
        grid = part.reshape(x.shape)
        fine = np.float32([[1 / step, 0, 0], [0, 1 / step, 0]])
        maps.append(
            cv2.warpAffine(
                grid, fine, warp.size_px, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            )
        )
    border = 40 if rng.random() < 0.4 else 235
    taken = cv2.remap(page, *maps, cv2.INTER_LINEAR, borderValue=border)
    if fault in ("fax", "copy"):
        taken = np.where(taken > (200 if fault == "fax" else 150), 255, 0).astype(np.uint8)
    noise = rng.normal(0, rng.uniform(0.5, 5), taken.shape[:2]).astype(np.float32)
    return np.clip(taken + noise, 0, 255).astype(np.uint8)


def _fax(page: Grey, rng: np.random.Generator) -> Grey:
    """Lines thin and broken."""
    thin = cv2.dilate(page, np.ones((2, 2), np.uint8))
    gaps = rng.random((page.shape[0] // 4 + 1, page.shape[1] // 4 + 1)) < 0.06
    gaps = cv2.resize(gaps.astype(np.uint8), page.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.where(gaps > 0, 255, thin).astype(np.uint8)


def _copy(page: Grey, rng: np.random.Generator) -> Grey:
    """Lines thick, specks everywhere."""
    thick = cv2.erode(page, np.ones((5, 5), np.uint8))
    thick[rng.random(page.shape) < 0.0008] = 0
    return cv2.erode(thick, np.ones((2, 2), np.uint8))


def _tint(page: Grey, rng: np.random.Generator) -> Grey:
    paper = rng.uniform(0.55, 0.95)
    return (page * paper).astype(np.uint8)


def _photo(page: Grey, rng: np.random.Generator) -> Grey:
    angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.5)
    y, x = np.mgrid[-1:1:32j, -1:1:24j]
    edge = 1 / (1 + np.exp(-(x * np.cos(angle) + y * np.sin(angle)) / 0.1))
    light = cv2.resize((1 - depth * edge).astype(np.float32), A4_PX)
    return (cv2.GaussianBlur(page, (0, 0), 1.2) * light).astype(np.uint8)


FAULTS: dict[str, Callable[[Grey, np.random.Generator], Grey]] = {
    "plain": lambda page, rng: page,
    "fax": _fax,
    "copy": _copy,
    "tinted": _tint,
    "photo": _photo,
}
