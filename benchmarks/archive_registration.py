"""Matching and registration of the synthetic archive's pages against truth.

    OMP_NUM_THREADS=1 python -m benchmarks.archive_registration --archive ARCHIVE --others 240

The forms of the archive stand in one index with ``--others`` drawn ones. Times are CPU seconds
of one thread. A box counts as wrong when a corner of it comes to lie further from where it is
than half the box's shorter side.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.drawn_forms import draw_form
from hwdigitize.forms.homography import move
from hwdigitize.forms.matching import Index, index_pages, know_page, match_page
from hwdigitize.forms.records import Template
from hwdigitize.forms.registration import Registration, align, weakness
from hwdigitize.forms.structure import Structure, find_structure
from hwdigitize.forms.template import load_blank, load_templates
from hwdigitize.training.archive.archive import PageTruth, load_truth

Floats = npt.NDArray[np.float64]
#: as many candidates are tried as by the pipeline
MOST_TRIED = 3


@dataclass(frozen=True)
class Outcome:
    """What became of a page, and how far off its boxes lie."""

    truth: PageTruth
    result: str
    match_ms: float
    register_ms: float = np.nan
    residual_px: float = np.nan
    errors_px: tuple[float, ...] = ()
    wrong_boxes: int = 0
    boxes: int = 0

    def __str__(self) -> str:
        return (
            f"{self.truth.file} {self.truth.notes} {self.result} residual "
            f"{self.residual_px:.2f} worst {max(self.errors_px, default=np.nan):.1f} "
            f"wrong boxes {self.wrong_boxes}/{self.boxes}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--others", type=int, default=240)
    parser.add_argument("--worst-px", type=float, default=6.0, help="name pages so far off")
    parser.add_argument("--every", type=int, default=1, help="take one page of so many")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    templates = {one.id: one for one in load_templates(args.archive / "templates")}
    index = build(tuple(templates.values()), args.others)
    structure = functools.lru_cache(functools.partial(structure_of, templates))
    outcomes = []
    for truth in load_truth(args.archive)[:: args.every]:
        grey = cv2.imread(str(args.archive / truth.file), cv2.IMREAD_GRAYSCALE)
        outcomes.append(
            one_page(np.asarray(grey, np.uint8), truth, index, templates, structure)
        )
        if outcomes[-1].result != "read" or max(outcomes[-1].errors_px) > args.worst_px:
            print(outcomes[-1], flush=True)
    report(outcomes)


def build(templates: Sequence[Template], others: int) -> Index:
    """Index the archive's forms among others."""
    known = [
        know_page(load_blank(template, page), template.id, page)
        for template in templates
        for page in range(len(template.pages))
    ]
    drawn = (draw_form(serial) for serial in range(others))
    return index_pages([*known, *(know_page(one.blank, one.name, 0) for one in drawn)])


def structure_of(templates: dict[str, Template], name: str, page: int) -> Structure:
    if name in templates:
        known = templates[name].pages[page]
        return find_structure(load_blank(templates[name], page), known.dpi, known.marks)
    return find_structure(draw_form(int(name.split("-")[1])).blank)


def one_page(
    grey: npt.NDArray[np.uint8],
    truth: PageTruth,
    index: Index,
    templates: dict[str, Template],
    structure: functools._lru_cache_wrapper[Structure],
) -> Outcome:
    began = time.process_time()
    candidates = match_page(grey, index)
    match_ms = 1000 * (time.process_time() - began)
    if not candidates:
        return Outcome(truth, "no template", match_ms)
    register_ms, refused = 0.0, ""
    for found in candidates[:MOST_TRIED]:
        known = structure(found.template_id, found.page)
        began = time.process_time()
        laid = align(grey, known, found.matrix)
        register_ms += 1000 * (time.process_time() - began)
        why = weakness(laid, known.dpi)
        if not why and (found.template_id, found.page) != (truth.template, truth.page):
            return Outcome(truth, f"taken for {found.template_id}", match_ms, register_ms)
        if not why:
            errors, wrong, boxes = compare(templates[truth.template], truth, laid)
            return Outcome(
                truth, "read", match_ms, register_ms, laid.residual_px, errors, wrong, boxes
            )
        refused = refused or f"refused as {found.template_id}: {why}"
    return Outcome(truth, refused, match_ms, register_ms)


def compare(
    template: Template, truth: PageTruth, laid: Registration
) -> tuple[tuple[float, ...], int, int]:
    """The furthest corner of each box, in px at 300 dpi; wrong boxes; and all boxes."""
    fields = template.on_page(truth.page)
    answers = [choice.box for field in fields for choice in field.choices]
    boxes = np.array([*answers, *(box for field in fields for box in field.boxes)])
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2).astype(np.float64)
    there = np.linalg.inv(np.array(truth.matrix).reshape(3, 3))
    off = np.linalg.norm(move(laid.to_scan(corners), there) - corners, axis=1)
    furthest = off.reshape(-1, 4).max(axis=1)
    short = (boxes[:, 2:] - boxes[:, :2]).min(axis=1)
    scale = 300 / template.pages[truth.page].dpi
    return tuple((scale * furthest).tolist()), int((furthest > short / 2).sum()), len(boxes)


def report(outcomes: Sequence[Outcome]) -> None:
    print("| pages | n | right | refused | no template | wrong form | median error px "
          "| p95 | worst | wrong boxes |")  # fmt: skip
    print("| --- " * 10 + "|")
    ways = sorted({one.truth.notes[0] for one in outcomes})
    print(row("all", outcomes))
    for way in ways:
        print(row(way, [one for one in outcomes if one.truth.notes[0] == way]))
    lost = Counter(one.truth.template for one in outcomes if one.result != "read")
    print("not read, by form:", dict(lost))
    read = [one for one in outcomes if one.result == "read"]
    print(f"median residual {np.median([one.residual_px for one in read]):.2f} px")
    for name in ("match_ms", "register_ms"):
        spent = [getattr(one, name) for one in outcomes if one.truth.dpi == 300]
        middle, much = np.nanquantile(spent, (0.5, 0.95))
        print(f"{name} at 300 dpi: median {middle:.0f}, p95 {much:.0f}")


def row(name: str, outcomes: Sequence[Outcome]) -> str:
    counts = Counter(one.result.split()[0] for one in outcomes)
    errors = np.concatenate([one.errors_px for one in outcomes] + [np.zeros(0)])
    middle, much, worst = (
        np.quantile(errors, (0.5, 0.95, 1.0)) if len(errors) else (np.nan,) * 3
    )
    wrong = sum(one.wrong_boxes for one in outcomes)
    right = 1 - (counts["no"] + counts["taken"]) / len(outcomes)
    return (
        f"| {name} | {len(outcomes)} | {right:.1%} | {counts['refused']} | {counts['no']} "
        f"| {counts['taken']} | {middle:.2f} | {much:.2f} | {worst:.1f} "
        f"| {wrong}/{sum(one.boxes for one in outcomes)} |"
    )


if __name__ == "__main__":
    main()
