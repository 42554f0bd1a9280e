"""How straight, how upright, how fast: preprocessing measured on real pages.

``python benchmarks/preprocess.py [--pages N] [--split SPLIT ...] [--table pages|ruled_pages]``
reads the real handwriting at ``HWDIGITIZE_DATA`` (default: shared/data beside the checkout).

Deskew: every page is turned by a known angle within 10 degrees. The first error is against that
angle, and holds the slope that the page's own writing has; the second is against the angle and
the slope found on the untouched page; the third against the angle and the slope of the page's
true word boxes.
"""

from __future__ import annotations

import argparse
import io
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
from PIL import Image

from hwdigitize.pages.preprocess import preprocess
from hwdigitize.pages.rules import remove_rules
from hwdigitize.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("HWDIGITIZE_DATA", ROOT.parent / "shared" / "data"))
A4_300_DPI = (2480, 3508)


def read_pages(
    table: str, count: int, splits: list[str]
) -> Iterator[tuple[dict[str, Any], Any]]:
    pages = pl.read_parquet(DATA / f"{table}.parquet")
    if splits:
        pages = pages.filter(pl.col("split").is_in(splits))
    for row in pages.sample(min(count, len(pages)), seed=0).iter_rows(named=True):
        yield row, np.asarray(Image.open(io.BytesIO(row["image"])).convert("L"))


def turn(page: Any, degrees: float) -> Any:
    """The page turned clockwise on a larger sheet."""
    height, width = page.shape
    angle = np.radians(degrees)
    cosine, sine = abs(np.cos(angle)), abs(np.sin(angle))
    size = (round(width * cosine + height * sine), round(width * sine + height * cosine))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    return cv2.warpAffine(page, matrix, size, flags=cv2.INTER_LINEAR, borderValue=255)


def own_slope(row: dict[str, Any]) -> float:
    """Slope in degrees of the feet of the true word boxes, the median over lines."""
    lines: dict[str, list[list[int]]] = {}
    for word in row.get("words", ()):
        lines.setdefault(word["id"].rpartition("-")[0], []).append(word["box"])
    slopes = []
    for boxes in (np.array(words) for words in lines.values() if len(words) >= 4):
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]
        one, other = np.triu_indices(len(x), 1)
        apart = x[other] != x[one]
        slopes.append(np.median((y[other] - y[one])[apart] / (x[other] - x[one])[apart]))
    return float(np.degrees(np.arctan(np.median(slopes)))) if slopes else float("nan")


def show(name: str, errors: list[float]) -> None:
    size = np.abs([error for error in errors if not np.isnan(error)])
    if len(size):
        median, most, worst = np.percentile(size, [50, 90, 100])
        print(f"  {name}: median {median:.3f}, 90 % {most:.3f}, worst {worst:.3f} degrees")


def measure_deskew(table: str, count: int, splits: list[str]) -> None:
    rng = np.random.default_rng(0)
    settings = Settings(orient=False, unrule=False)
    known, untouched, boxes = [], [], []
    for row, page in read_pages(table, count, splits):
        degrees = float(rng.uniform(-10, 10))
        found = preprocess(turn(page, degrees), settings).skew_degrees
        known.append(found - degrees)
        untouched.append(found - degrees - preprocess(page, settings).skew_degrees)
        boxes.append(found - degrees - own_slope(row))
    print(f"deskew, {len(known)} pages turned by up to 10 degrees")
    show("against the known angle", known)
    show("less the slope found on the untouched page", untouched)
    show("less the slope of the true word boxes", boxes)


def measure_orientation(table: str, count: int, splits: list[str]) -> None:
    rng = np.random.default_rng(0)
    right, sure = [], []
    for _, page in read_pages(table, count, splits):
        for quarters in range(4):
            turned = np.rot90(turn(page, float(rng.uniform(-3, 3))), -quarters)
            found = preprocess(np.ascontiguousarray(turned), Settings(unrule=False))
            right.append(found.rotation_degrees == 90 * quarters)
            sure.append(found.orientation_confidence)
    hits, confidence = np.array(right), np.array(sure)
    print(f"orientation, {len(hits)} turned pages: {100 * hits.mean():.2f} % right")
    for least in (0.8, 0.9, 0.98, 0.995):
        kept = confidence >= least
        share = 100 * hits[kept].mean() if kept.any() else float("nan")
        print(f"  confidence {least} and more: {100 * kept.mean():.1f} %, {share:.2f} % right")


def draw_rules(page: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """The page with rules drawn across it, as dark as they come, and where they are."""
    drawn, where = page.copy(), np.zeros(page.shape, bool)
    height, width = page.shape
    thickness, level = int(rng.integers(2, 6)), int(rng.choice([0, 90, 160, 210]))
    fall = rng.uniform(-0.004, 0.004)
    for top in range(int(rng.integers(60, 120)), height - 20, int(rng.integers(90, 130))):
        line = np.zeros(page.shape, np.uint8)
        ends = (0, top), (width - 1, round(top + fall * width))
        cv2.line(line, *ends, 1, thickness)
        where |= line > 0
    drawn[where] = np.minimum(drawn[where], level)
    return drawn, where


def measure_rules(table: str, count: int, splits: list[str]) -> None:
    """Ink kept and rule left over, of rules drawn over pages that have none."""
    rng = np.random.default_rng(0)
    kept, near, left, eaten = [], [], [], []
    for _, page in read_pages(table, count, splits):
        ruled, where = draw_rules(page, rng)
        cleaned, ink = remove_rules(ruled) < 128, page < 128
        kept.append((cleaned & ink).sum() / ink.sum())
        near.append((cleaned & ink & where).sum() / max(1, (ink & where).sum()))
        left.append((cleaned & where & ~ink).sum() / (where & ~ink).sum())
        eaten.append((ink & (remove_rules(page) >= 128)).sum() / ink.sum())
    print(f"rules drawn over {len(kept)} pages without")
    print(f"  ink kept: {100 * np.mean(kept):.2f} %, {100 * np.mean(near):.1f} % under rules")
    print(f"  rule left: {100 * np.mean(left):.2f} %; worst {100 * np.max(left):.1f} %")
    print(f"  ink lost where no rule is: {100 * np.mean(eaten):.4f} %")


def measure_speed(table: str, count: int, splits: list[str]) -> None:
    """CPU milliseconds of one thread for a page of 2480 x 3508 pixels."""
    straight, skewed = [], []
    for _, page in read_pages(table, min(count, 10), splits):
        scale = A4_300_DPI[0] / page.shape[1] * 1.0
        size = (A4_300_DPI[0], min(A4_300_DPI[1], round(page.shape[0] * scale)))
        sized = cv2.resize(page, size, interpolation=cv2.INTER_LINEAR)
        below = A4_300_DPI[1] - size[1]
        scan = cv2.copyMakeBorder(sized, 0, below, 0, 0, cv2.BORDER_CONSTANT, value=255)
        for image, times in ((scan, straight), (turn(scan, 2.0), skewed)):
            start = time.process_time()
            preprocess(image, Settings())
            times.append(1000 * (time.process_time() - start))
    print(f"speed, one thread, {len(straight)} pages of 2480 x 3508 pixels")
    print(
        f"  straight {np.median(straight):.0f} ms, skewed {np.median(skewed):.0f} ms (median)"
    )


MEASURES = {
    "deskew": measure_deskew,
    "orientation": measure_orientation,
    "rules": measure_rules,
    "speed": measure_speed,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--split", nargs="*", default=[])
    parser.add_argument("--table", choices=["pages", "ruled_pages"], default="pages")
    parser.add_argument("--only", nargs="*", choices=list(MEASURES), default=list(MEASURES))
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    print(f"{chosen.table}.parquet, splits {' '.join(chosen.split) or 'all'}")
    for name in chosen.only:
        MEASURES[name](chosen.table, chosen.pages, chosen.split)


if __name__ == "__main__":
    main()
