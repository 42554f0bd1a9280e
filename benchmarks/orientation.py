"""Orientation of pages turned on purpose, through the whole pipeline.

    python benchmarks/orientation.py --split test --pages 54

Each page is turned by 90, 180 and 270 degrees and read; a page counts as right when the
pipeline says it was turned by just that. Pages of val and train are for tuning.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import tempfile
from collections import Counter
from pathlib import Path

import polars as pl
from PIL import Image

from hwdigitize.document import PageRef
from hwdigitize.pipeline import digitize_page
from hwdigitize.settings import Settings

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("HWDIGITIZE_DATA", HERE.parents[1] / "shared" / "data"))
#: clockwise turns, as Pillow calls them
TURNS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180}
TURNS[270] = Image.Transpose.ROTATE_90


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", default="pages.parquet")
    parser.add_argument("--split", default="test")
    parser.add_argument("--pages", type=int, default=54)
    args = parser.parse_args()
    table = pl.read_parquet(DATA / args.table, columns=["page", "image", "split"])
    table = table.filter(pl.col("split") == args.split)
    table = table[:: max(len(table) // args.pages, 1)][: args.pages]
    right: Counter[int] = Counter()
    settings = Settings(report_images=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.png"
        for row in table.iter_rows(named=True):
            page = Image.open(io.BytesIO(row["image"]))
            for degrees, turn in TURNS.items():
                page.transpose(turn).save(path, compress_level=1)
                ref = PageRef(path=str(path), file=path.name, sha256="", index=0)
                found = -digitize_page(ref, settings).page.rotation_degrees % 360
                right[degrees] += found == degrees
                if found != degrees:
                    print(f"{row['page']} turned by {degrees} was taken for {found}")
    shares = {degrees: right[degrees] / len(table) for degrees in TURNS}
    overall = sum(shares.values()) / len(shares)
    print(json.dumps({"pages": len(table), "right": shares, "overall": round(overall, 4)}))


if __name__ == "__main__":
    main()
