"""How much of a form a draft finds: ``python benchmarks/draft.py``.

The places of drafted fields (boxes, cells, check boxes) are compared with the known ones at
IoU 0.5, and their grouping into fields: a field is found when it has just the known places.
Forms: the membership form of the samples (drawn, its labels read by the words network), the
survey and the logsheet of ``HWDIGITIZE_DATA`` (their PDFs, which hold text),
and the designs of the drawn archive.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "samples"))

from form import print_form  # noqa: E402

from hwdigitize.document import Box  # noqa: E402
from hwdigitize.drafting import load_blank_pages  # noqa: E402
from hwdigitize.forms.draft import BlankPage, draft_form  # noqa: E402
from hwdigitize.forms.template import load_blank, load_template  # noqa: E402
from hwdigitize.training.archive.designs import all_designs  # noqa: E402

DATA = Path(os.environ.get("HWDIGITIZE_DATA", ROOT.parent / "shared" / "data"))
Fields = list[tuple[int, tuple[Box, ...]]]


def share(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(width, 0) * max(height, 0)
    area = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other))
    return both / (area - both)


def same(one: tuple[Box, ...], other: tuple[Box, ...]) -> bool:
    alike = [max((share(a, b) for b in other), default=0) >= 0.5 for a in one]
    return len(one) == len(other) and all(alike)


def compare(name: str, pages: list[BlankPage], known: Fields) -> np.ndarray:
    """Print a row; gives its eight numbers."""
    fields = draft_form(pages).fields
    found: Fields = [(field.page, field.places) for field in fields]
    wanted = [(page, box) for page, boxes in known for box in boxes]
    drafted = [(page, box) for page, boxes in found for box in boxes]
    hit = sum(any(p == q and share(a, b) >= 0.5 for q, b in drafted) for p, a in wanted)
    right = sum(any(p == q and share(a, b) >= 0.5 for q, b in wanted) for p, a in drafted)
    grouped = sum(any(p == q and same(a, b) for q, b in found) for p, a in known)
    named = sum(not field.name.startswith("field_") for field in fields)
    pairs = (
        (hit, len(wanted)),
        (right, len(drafted)),
        (grouped, len(known)),
        (named, len(found)),
    )
    show(name, np.array(pairs))
    return np.array(pairs)


def show(name: str, pairs: np.ndarray) -> None:
    print(f"| {name} | " + " | ".join(f"{a}/{b}" for a, b in pairs) + " |", flush=True)


def archive() -> None:
    """The drawn archive's designs as bare images: no label is read, so nothing is named."""
    total = np.zeros((4, 2), int)
    with tempfile.TemporaryDirectory() as folder:
        for design in all_designs():
            design.save(Path(folder))
            template = load_template(Path(folder) / design.template.id)
            pages = [
                BlankPage(load_blank(template, number), page.dpi)
                for number, page in enumerate(template.pages)
            ]
            known = [(f.page, f.cell_boxes or f.places) for f in template.fields]
            total += compare(template.id, pages, known)
    show("all designs, without labels", total)


def survey() -> Fields:
    pages = ET.parse(DATA / "forms/survey/boxes.xml").getroot().iter("page")
    return [
        (number, tuple(quexf_boxes(group)))
        for number, page in enumerate(pages)
        for group in page.iter("boxgroup")
    ]


def quexf_boxes(group: ET.Element) -> Iterator[Box]:
    for box in group.iter("box"):
        left, top, right, bottom = (
            int(box.findtext(k, "0")) for k in ("tlx", "tly", "brx", "bry")
        )
        yield left, top, right, bottom


def logsheet() -> Fields:
    fields = json.loads((DATA / "forms/logsheet/front_fields.json").read_text("utf-8"))
    return [(0, (tuple(field["coords"]),)) for field in fields["content"]]


def main() -> None:
    cv2.setNumThreads(1)
    print(
        "| form | places found | places right | fields whole | named |\n|---|---|---|---|---|"
    )
    sheet, places = print_form(300, np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "blank.png"
        cv2.imwrite(str(path), sheet.page)
        compare(
            "membership, image", load_blank_pages(path), [(0, place.boxes) for place in places]
        )
    if DATA.is_dir():
        compare("survey, PDF", load_blank_pages(DATA / "forms/survey/original.pdf"), survey())
        compare(
            "logsheet, PDF",
            load_blank_pages(DATA / "forms/logsheet/front_template.pdf"),
            logsheet(),
        )
    archive()


if __name__ == "__main__":
    main()
