"""A data set of any known format, opened by what is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from hwdigitize.errors import DataError
from hwdigitize.training.datasets import (
    alto,
    corrections,
    csv_labels,
    drawn,
    folders,
    glyph_arrays,
    iam,
    idx,
    page_xml,
    text_pairs,
)
from hwdigitize.training.datasets.licences import terms_of
from hwdigitize.training.datasets.listing import Listing, Reader, list_files
from hwdigitize.training.datasets.pictures import DamagedSampleError, Grey
from hwdigitize.training.datasets.sample import (
    SMALL,
    SMALL_VALID_SHARE,
    SPLITS,
    VALID_SHARE,
    Broken,
    Kind,
    Sample,
    drawn_split,
)

FORMATS = (
    "IAM (words.txt, lines.txt, forms.txt), CSV with columns FILENAME, IDENTITY or image, "
    "label, tables (.parquet), glyphs (.npz), drawn words (.npz), MNIST and EMNIST files, "
    "PAGE XML, ALTO, images with .gt.txt files, a folder for each character, or a folder for "
    "each writer"
)

SPLIT_NAMES = ("train", "valid", "test")


@dataclass(frozen=True)
class Dataset:
    """Samples, what was left out when the set was opened, and the terms of its sources."""

    path: Path
    formats: tuple[str, ...]
    samples: tuple[Sample, ...]
    broken: tuple[Broken, ...] = ()
    terms: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.samples)

    def keep(self, wanted: Callable[[Sample], bool]) -> Dataset:
        """The samples for which ``wanted`` is true."""
        return replace(self, samples=tuple(s for s in self.samples if wanted(s)))

    def of_kind(self, *kinds: Kind) -> Dataset:
        """The samples of some kinds.

        Raises:
            DataError: there is none.
        """
        kept = self.keep(lambda sample: sample.kind in kinds)
        if not len(kept):
            there = ", ".join(sorted({f"{s.kind}s" for s in self.samples})) or "nothing"
            wanted = " or ".join(f"{kind}s" for kind in kinds)
            raise DataError(
                f"{self.path} holds {there}, not {wanted}; name data that holds {wanted}, "
                f"see hwdigitize data check"
            )
        return kept

    def without(self, sources: Sequence[str]) -> Dataset:
        """The samples of all other sources.

        Raises:
            DataError: a source that the set does not have, which may be a slip of the pen.
        """
        there = {sample.source for sample in self.samples}
        if unknown := sorted(set(sources) - there):
            raise DataError(
                f"no source {', '.join(unknown)} in {self.path} to exclude; "
                f"there are {', '.join(sorted(there))}"
            )
        return self.keep(lambda sample: sample.source not in sources)

    def split(self, name: str) -> Dataset:
        """The samples of a split.

        Raises:
            DataError: there is none.
        """
        wanted = SPLITS.get(name, name)
        kept = self.keep(lambda sample: sample.split == wanted)
        if not len(kept):
            counts = Counter(sample.split or "(none)" for sample in self.samples)
            there = ", ".join(f"{split} ({n})" for split, n in sorted(counts.items()))
            raise DataError(
                f"{self.path} has no samples of the split {wanted!r}; it has "
                f"{there or 'none'}. Name another split, add data, or put images into "
                f"folders train, valid, test"
            )
        return kept

    def with_splits(self, by_writer: bool = True) -> Dataset:
        """Splits drawn by checksum for sources that have none, by writer where all are known.

        Sources that say only what is test data keep it; part of the rest becomes valid.
        """
        sources = {sample.source for sample in self.samples}
        drawn = {
            source: _draw_splits([s for s in self.samples if s.source == source], by_writer)
            for source in sources
        }
        return replace(self, samples=tuple(drawn[s.source].get(s.id, s) for s in self.samples))

    def licences(self) -> dict[str, str]:
        """The terms of each source that has samples here."""
        return {s: self.terms.get(s, f"not stated: {self.path}") for s in self.sources()}

    def sources(self) -> list[str]:
        """The sources that have samples here."""
        return sorted({sample.source for sample in self.samples})

    def fewer(self, most: int, seed: int = 0) -> Dataset:
        """At most so many samples, chosen by seed."""
        if len(self) <= most:
            return self
        picked = np.sort(np.random.default_rng(seed).permutation(len(self))[:most])
        return replace(self, samples=tuple(self.samples[i] for i in picked))

    def images(self, report: Callable[[Broken], None]) -> Iterator[tuple[Sample, Grey]]:
        """Samples with their images; damaged ones are reported and left out."""
        for sample in self.samples:
            try:
                yield sample, sample.image()
            except DamagedSampleError as error:
                report(Broken(sample.id, str(error)))


def _draw_splits(samples: Sequence[Sample], by_writer: bool) -> dict[str, Sample]:
    splits = {sample.split for sample in samples}
    if "valid" in splits or splits - {"", "train", "test"}:
        return {}
    free = [sample for sample in samples if sample.split != "test"]
    writers = {sample.writer for sample in free}
    grouped = by_writer and "" not in writers and len(writers) >= len(SPLIT_NAMES)
    keys = {sample.id: sample.writer if grouped else sample.id for sample in free}
    valid = SMALL_VALID_SHARE if len(free) < SMALL else VALID_SHARE
    chosen = {key: drawn_split(key, valid) for key in sorted(set(keys.values()))}
    if "test" in splits or "train" in splits:
        chosen = {key: split.replace("test", "train") for key, split in chosen.items()}
    _leave_none_empty(chosen, set(SPLIT_NAMES) - splits)
    return {s.id: replace(s, split=chosen[keys[s.id]]) for s in free}


def _leave_none_empty(chosen: dict[str, str], wanted: set[str]) -> None:
    """Move groups of the largest split to those that chance left empty, in place."""
    for name in sorted(wanted - set(chosen.values())):
        most = Counter(chosen.values()).most_common(1)
        if most and most[0][1] > 1:
            chosen[max(key for key, split in chosen.items() if split == most[0][0])] = name


#: formats told by files; a folder may hold several of them
FILE_READERS: tuple[Reader, ...] = (
    iam.READER,
    corrections.READER,
    csv_labels.READER,
    glyph_arrays.READER,
    drawn.READER,
    idx.READER,
    page_xml.READER,
    alto.READER,
    text_pairs.READER,
)
#: formats told by the names of folders, tried when no file says more
FOLDER_READERS: tuple[Reader, ...] = (folders.BY_CLASS, folders.BY_WRITER)


def open_dataset(path: Path) -> Dataset:
    """Open a data set, recognised by its contents; no image is decoded yet.

    Raises:
        DataError: nothing there, no known format, images without labels, or a label file that
            cannot be used as a whole.
    """
    listing = list_files(path)
    found = list(_found(listing, _file_readers())) or list(_found(listing, FOLDER_READERS))[:1]
    if not found:
        raise DataError(_nothing_known(listing))
    samples: list[Sample] = []
    broken: list[Broken] = []
    terms: dict[str, str] = {}
    for reader, files in found:
        items = list(reader.read(listing, files))
        read = [item for item in items if isinstance(item, Sample)]
        samples += read
        broken += [item for item in items if isinstance(item, Broken)]
        for source in {sample.source for sample in read}:
            terms[source] = terms_of(source, path, files)
    if not samples:
        why = f", the first because {broken[0].id}: {broken[0].reason}" if broken else ""
        raise DataError(f"no usable sample in {path}: {len(broken)} were left out{why}")
    return Dataset(path, tuple(r.name for r, _ in found), tuple(samples), tuple(broken), terms)


def _file_readers() -> tuple[Reader, ...]:
    from hwdigitize.training.datasets import tables  # polars takes its time

    return (*FILE_READERS, tables.READER)


def _found(
    listing: Listing, readers: Iterable[Reader]
) -> Iterator[tuple[Reader, Sequence[Path]]]:
    for reader in readers:
        if files := reader.find(listing):
            yield reader, files


def _nothing_known(listing: Listing) -> str:
    if images := listing.images():
        return (
            f"{listing.root} holds {len(images)} images without labels, such as "
            f"{images[0].name}. Put a text file NAME.gt.txt beside each image, or a CSV with "
            f"columns image, label, or sort them into a folder for each character or writer"
        )
    return f"{listing.root} holds no data set that is known; known are {FORMATS}"


def join_datasets(datasets: Sequence[Dataset]) -> Dataset:
    """All samples of several sets; ids get the set's name where two would be the same."""
    if len(datasets) == 1:
        return datasets[0]
    counts = Counter(sample.id for dataset in datasets for sample in dataset.samples)
    samples = tuple(
        replace(sample, id=f"{dataset.path.name}/{sample.id}")
        if counts[sample.id] > 1
        else sample
        for dataset in datasets
        for sample in dataset.samples
    )
    formats = tuple(dict.fromkeys(name for dataset in datasets for name in dataset.formats))
    broken = tuple(item for dataset in datasets for item in dataset.broken)
    path = Path(", ".join(str(dataset.path) for dataset in datasets))
    terms = {name: text for dataset in datasets for name, text in dataset.terms.items()}
    return Dataset(path, formats, samples, broken, terms)
