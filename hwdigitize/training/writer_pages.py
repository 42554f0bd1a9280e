"""Pages of known writers from any data set, as the writers network takes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from hwdigitize.errors import DataError
from hwdigitize.pages.preprocess import preprocess
from hwdigitize.pages.segmentation import find_lines
from hwdigitize.settings import Settings
from hwdigitize.training.datasets import Broken, DamagedSampleError, Dataset, Sample
from hwdigitize.training.datasets.pictures import Grey
from hwdigitize.training.datasets.sample import SPLITS, drawn_split
from hwdigitize.training.hands import Page
from hwdigitize.training.runs import Report

#: an image lower than this is one line, not a page whose lines are to be found
LINE_HEIGHT_PX = 200


def load_writer_pages(dataset: Dataset, report: Report) -> list[Page]:
    """Pages with their line crops, writers and splits.

    Pages come from images of pages, their lines found as a run finds them, whatever boxes the
    set has: those are the lines that will be asked. Where a source has no pages, its lines are
    put together by page.

    Args:
        dataset: pages or lines with writers.
        report: told of damaged samples and of pages without handwriting.

    Raises:
        DataError: nothing in the set has a writer, or no page has any handwriting.
    """
    known = dataset.of_kind("page", "line").keep(lambda sample: bool(sample.writer))
    if not len(known):
        raise DataError(
            f"no writer is named in {dataset.path}; put each writer's pages into a folder of "
            f"their name, or use a table with a column writer"
        )
    paged = {sample.source for sample in known.samples if sample.kind == "page"}
    groups: dict[tuple[str, str, str], list[Sample]] = defaultdict(list)
    for sample in known.samples:
        if sample.kind == "page" or sample.source not in paged:
            groups[(sample.source, sample.writer, sample.page or sample.id)].append(sample)
    pages = [page for group in groups.values() if (page := _page(group, report))]
    if not pages:
        raise DataError(f"no page of {dataset.path} shows handwriting that can be read")
    return with_page_splits(pages)


def _page(samples: Sequence[Sample], report: Report) -> Page | None:
    first = samples[0]
    crops: list[Grey] = []
    for sample in samples:
        try:
            crops += _lines(sample)
        except DamagedSampleError as error:
            report(Broken(sample.id, str(error)))
    if not crops:
        report(Broken(first.id, "no handwriting was found on it"))
        return None
    name = first.page or first.id
    named = first.writer.removeprefix(f"{first.source}:")
    return Page(name, f"{first.source}:{named}", first.split, tuple(crops))


def _lines(sample: Sample) -> list[Grey]:
    image = sample.image()
    if sample.kind != "page" or image.shape[0] <= LINE_HEIGHT_PX:
        return [image]
    image = preprocess(image, Settings()).grey
    boxes = [line.box for line in find_lines(image) if line.ink != "print"]
    crops = [image[top:bottom, left:right] for left, top, right, bottom in boxes]
    return [crop for crop in crops if crop.size]


def with_page_splits(pages: Sequence[Page]) -> list[Page]:
    """Splits for pages that have none: of each writer's, one is valid and, of three, one test.

    Which ones is told by a checksum of their names, so that they stay when others come.
    """
    free: dict[str, list[Page]] = defaultdict(list)
    for page in pages:
        if not page.split:
            free[page.writer].append(page)
    drawn: dict[int, str] = {}
    for own in free.values():
        ordered = sorted(own, key=lambda page: (drawn_split(page.name) == "train", page.name))
        wanted = ("valid", "test")[: max(len(ordered) - 1, 0)]
        drawn |= {id(page): split for page, split in zip(ordered, wanted, strict=False)}
    return [p if p.split else replace(p, split=drawn.get(id(p), "train")) for p in pages]


def pages_of(pages: Sequence[Page], *splits: str) -> list[Page]:
    """The pages of some splits.

    Raises:
        DataError: there is none.
    """
    found = [page for page in pages if page.split in splits]
    if not found:
        there = ", ".join(sorted({page.split for page in pages}))
        raise DataError(
            f"no pages of the split {' or '.join(splits)}, only of {there}; each writer needs "
            f"two pages or more, three to measure"
        )
    return found


def strangers(pages: Sequence[Page]) -> list[Page]:
    """Pages outside train, valid and test, of writers who are in none of these."""
    known = {page.writer for page in pages if page.split in SPLITS.values()}
    return [p for p in pages if p.split not in SPLITS.values() and p.writer not in known]
