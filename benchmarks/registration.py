"""Matching and registration of drawn forms against truth, and of pages of no known form.

    OMP_NUM_THREADS=1 python benchmarks/registration.py --designs 240 --pages 200
    OMP_NUM_THREADS=1 python benchmarks/registration.py --designs 240 --strangers 100

Times are CPU seconds of one thread. A page is lost when a field's corner comes to lie more than
half its box's shorter side from where it is, and the page was not refused.
"""

from __future__ import annotations

import argparse
import io
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from drawn_forms import FAULTS, Design, Grey, Warp, draw_form, draw_warp, fill, scan

from hwdigitize.forms.matching import (
    LEAST_SCORE,
    Index,
    index_pages,
    know_page,
    look_at,
    match_look,
)
from hwdigitize.forms.registration import Registration, align, weakness
from hwdigitize.forms.structure import find_structure

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("HWDIGITIZE_DATA", HERE.parents[1] / "shared" / "data"))
SCALES = (0.25, 0.35, 0.5, 0.67, 1.0, 1.0, 1.0, 1.0, 1.33, 2.0, 4.0)
#: a scan of 1200 dpi takes this machine many seconds to draw; few are enough
RARE_SCALE = 4.0


@dataclass(frozen=True)
class Outcome:
    """One page: the way it was scanned, what was said of it, and how far off that was."""

    fault: str
    scale: float
    right: bool
    score: float
    refused: str
    residual_px: float = np.nan
    errors_px: tuple[float, ...] = ()
    lost: bool = False
    match_ms: float = 0.0
    register_ms: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--designs", type=int, default=240)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="seed of the first page")
    parser.add_argument("--strangers", type=int, default=0)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    if args.strangers:
        return measure_strangers(args.designs, args.strangers)
    index = build(range(args.designs))
    outcomes = []
    for seed in range(args.first, args.first + args.pages):
        outcomes.append(one_page(seed, index, args.designs))
        if not outcomes[-1].right or outcomes[-1].refused or outcomes[-1].lost:
            print(seed, brief(outcomes[-1]), flush=True)
    report(outcomes)


def build(serials: range) -> Index:
    designs = (draw_form(serial) for serial in serials)
    return index_pages([know_page(design.blank, design.name, 0) for design in designs])


def one_page(seed: int, index: Index, designs: int) -> Outcome:
    rng = np.random.default_rng([3, seed])
    design = draw_form(int(rng.integers(designs)))
    grey, warp, fault, scale = take(design, rng)
    began = time.process_time()
    candidates = match_look(look_at(grey), index, least_score=0.0)
    matched = time.process_time()
    best = candidates[0] if candidates else None
    right = best is not None and best.template_id == design.name
    score = best.score if best else 0.0
    match_ms = 1000 * (matched - began)
    if not right or best is None:
        return Outcome(fault, scale, right, score, "", match_ms=match_ms)
    structure = find_structure(design.blank)
    began = time.process_time()
    registration = align(grey, structure, best.matrix)
    register_ms = 1000 * (time.process_time() - began)
    errors, lost = compare(design, warp, registration)
    refused = weakness(registration, structure.dpi)
    return Outcome(
        fault,
        scale,
        right,
        score,
        refused,
        registration.residual_px,
        errors,
        lost and not refused,
        match_ms,
        register_ms,
    )


def take(design: Design, rng: np.random.Generator) -> tuple[Grey, Warp, str, float]:
    """Fill a form in and scan it badly."""
    fault = str(rng.choice(list(FAULTS)))
    scale = float(rng.choice(SCALES))
    if scale == RARE_SCALE and rng.random() < 0.7:
        scale = 1.0
    tilt = rng.uniform(0, 0.05) if fault == "photo" else 0.0
    quarters = int(rng.choice([0, 0, 0, 1, 2, 3]))
    warp = draw_warp(rng, scale, quarters, tilt, rng.uniform(0, 8))
    page = fill(design, rng, rng.uniform(0.2, 1.0))
    return scan(page, warp, rng, fault), warp, fault, scale


def compare(
    design: Design, warp: Warp, registration: Registration
) -> tuple[tuple[float, ...], bool]:
    """Errors in template px at the corners of all boxes; whether one box was missed."""
    boxes = np.array(design.boxes, np.float64)
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)
    errors = np.linalg.norm(warp.to_template(registration.to_scan(corners)) - corners, axis=1)
    short = (boxes[:, 2:] - boxes[:, :2]).min(axis=1)
    lost = bool((errors.reshape(-1, 4).max(axis=1) > short / 2).any())
    return tuple(errors.tolist()), lost


def brief(outcome: Outcome) -> str:
    worst = max(outcome.errors_px, default=np.nan)
    return (
        f"{outcome.fault} x{outcome.scale} right={outcome.right} score={outcome.score:.2f} "
        f"residual={outcome.residual_px:.2f} worst={worst:.1f} lost={outcome.lost} "
        f"refused={outcome.refused!r}"
    )


def report(outcomes: list[Outcome]) -> None:
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups["all"].append(outcome)
        groups[outcome.fault].append(outcome)
        groups[f"x {outcome.scale}"].append(outcome)
    print("| pages | n | right | refused | median error px | p95 | worst page | lost |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, group in groups.items():
        kept = [o for o in group if o.errors_px and not o.refused]
        errors = np.concatenate([o.errors_px for o in kept]) if kept else np.array([np.nan])
        print(
            f"| {name} | {len(group)} | {np.mean([o.right for o in group]):.1%} "
            f"| {sum(bool(o.refused) for o in group)} | {np.median(errors):.2f} "
            f"| {np.quantile(errors, 0.95):.2f} | {errors.max():.1f} "
            f"| {sum(o.lost for o in group)} |"
        )
    kept = [o for o in outcomes if o.errors_px and not o.refused]
    said = np.array([o.residual_px for o in kept])
    true = np.array([np.median(o.errors_px) for o in kept])
    print(f"median residual {np.median(said):.2f} px; said against true: ", end="")
    print(f"correlation {np.corrcoef(said, true)[0, 1]:.2f}")
    print("lowest scores", np.round(sorted(o.score for o in outcomes if o.right)[:5], 2))
    for name in ("match_ms", "register_ms"):
        spent = [getattr(o, name) for o in kept if o.scale == 1.0]
        print(
            f"{name} at 300 dpi: median {np.median(spent):.0f}, p95 "
            f"{np.quantile(spent, 0.95):.0f}"
        )


def measure_strangers(designs: int, pages: int) -> None:
    """Scores of forms that are not in the index, and of handwritten pages."""
    index = build(range(designs))
    drawn = (stranger(seed, designs) for seed in range(pages))
    for name, greys in (("other forms", drawn), ("handwriting", handwriting(pages))):
        scores, taken = zip(*(taken_for_known(grey, index) for grey in greys), strict=True)
        highest = np.round(sorted(scores)[-6:], 2)
        matched = sum(score >= LEAST_SCORE for score in scores)
        print(f"{name}: {len(scores)}, highest scores {highest}, matched {matched}, ", end="")
        print(f"registered, too, {sum(taken)}", flush=True)


def taken_for_known(grey: Grey, index: Index) -> tuple[float, bool]:
    """The best score of a page of no known form, and whether it would be read as one."""
    found = match_look(look_at(grey), index, least_score=0.0)
    if not found or found[0].score < LEAST_SCORE:
        return (found[0].score if found else 0.0), False
    structure = find_structure(draw_form(int(found[0].template_id.split("-")[1])).blank)
    registration = align(grey, structure, found[0].matrix)
    return found[0].score, not weakness(registration, structure.dpi)


def stranger(seed: int, designs: int) -> Grey:
    """A form of a house that the index does not know, or another form of one it knows."""
    rng = np.random.default_rng([4, seed])
    return take(draw_form(designs + int(rng.integers(400))), rng)[0]


def handwriting(pages: int) -> Iterator[Grey]:
    import polars as pl
    from PIL import Image

    table = pl.read_parquet(DATA / "pages.parquet", columns=["image"]).sample(pages, seed=0)
    for data in table["image"]:
        yield np.asarray(Image.open(io.BytesIO(data)).convert("L"))


if __name__ == "__main__":
    main()
