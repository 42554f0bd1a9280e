"""The synthetic archive: draw filled forms, scanned badly, on which fields are measured.

    python -m benchmarks.fields generate --split valid --pages 200 --out ARCHIVE
    hwdigitize train fields --data ARCHIVE --out MODELS
    python -m benchmarks.fields generate --split test --pages 1000 --out ARCHIVE
    hwdigitize evaluate fields --data ARCHIVE --report DIR

Hands are those of the split alone: real glyphs, words and pen strokes, and handwriting fonts
that no network was trained on.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import cv2

from hwdigitize.training.archive.archive import draw_archive
from hwdigitize.training.synthetic.printed import load_faces

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("HWDIGITIZE_DATA", HERE.parents[1] / "shared" / "data"))
FONTS = HERE.parent / ".cache"


def generate(args: argparse.Namespace) -> None:
    """Draw an archive and say how long a page took."""
    cv2.setNumThreads(1)
    faces = [face for split in ("train", "valid") for face in load_faces(args.printed, split)]
    began, pages, fields = time.perf_counter(), 0, 0
    drawn = draw_archive(
        args.out, args.split, args.pages, args.fonts, args.data, sorted(faces), args.seed
    )
    for page in drawn:
        pages, fields = pages + 1, fields + len(page.fields)
    seconds = time.perf_counter() - began
    print(f"{pages} pages, {fields} fields, {seconds / pages:.2f} s a page: {args.out}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("generate")
    command.add_argument("--split", choices=("train", "valid", "test"), required=True)
    command.add_argument("--pages", type=int, default=1000)
    command.add_argument("--out", type=Path, required=True)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--data", type=Path, default=DATA)
    command.add_argument("--fonts", type=Path, default=FONTS / "fonts")
    command.add_argument("--printed", type=Path, default=FONTS / "printed")
    command.set_defaults(run=generate)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    sys.exit(main())
