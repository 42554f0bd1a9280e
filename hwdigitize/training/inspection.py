"""What is in a data set, what is broken in it, and what the networks could not write of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hwdigitize.errors import DataError
from hwdigitize.recognition.alphabet import Alphabet, normalise
from hwdigitize.recognition.characters import CLASSES
from hwdigitize.training.datasets import Broken, DamagedSampleError, Dataset, Sample


@dataclass(frozen=True)
class Check:
    """The findings of :func:`check_dataset`.

    Attributes:
        path: the set.
        formats: what it was recognised as.
        counts: samples by kind, source and split.
        writers: samples by writer, unknown ones left out.
        characters: how often each occurs in the texts.
        missing: those of them that the networks' classes lack, with a sample that has it.
        broken: samples that cannot be used.
        decoded: whether every image was decoded.
    """

    path: str
    formats: tuple[str, ...]
    counts: dict[tuple[str, str, str], int]
    writers: dict[str, int]
    characters: dict[str, int]
    missing: dict[str, str] = field(default_factory=dict)
    broken: tuple[Broken, ...] = ()
    decoded: bool = True

    @property
    def samples(self) -> int:
        """How many samples can be used."""
        return sum(self.counts.values())


def check_dataset(dataset: Dataset, alphabet: Alphabet, decode: bool = True) -> Check:
    """Look at every sample of a set.

    Args:
        dataset: the set.
        alphabet: of the words network.
        decode: also decode every image, which finds damaged ones and takes its time.
    """
    broken = list(dataset.broken)
    good = [s for s in dataset.samples if not decode or _decodes(s, broken)]
    return Check(
        path=str(dataset.path),
        formats=dataset.formats,
        counts=dict(sorted(Counter((s.kind, s.source, s.split) for s in good).items())),
        writers=dict(Counter(s.writer for s in good if s.writer).most_common()),
        characters=dict(Counter("".join(s.text for s in good)).most_common()),
        missing=missing_characters(good, alphabet),
        broken=tuple(broken),
        decoded=decode,
    )


def _decodes(sample: Sample, broken: list[Broken]) -> bool:
    try:
        sample.image()
    except DamagedSampleError as error:
        broken.append(Broken(sample.id, str(error)))
        return False
    return True


def missing_characters(samples: list[Sample], alphabet: Alphabet) -> dict[str, str]:
    """Characters that a sample's network lacks, each with the first sample that has it."""
    missing: dict[str, str] = {}
    for sample in samples:
        for character in sorted(unwritable(sample, alphabet)):
            missing.setdefault(character, sample.id)
    return missing


def unwritable(sample: Sample, alphabet: Alphabet) -> set[str]:
    """The characters of a sample's text that its network cannot give."""
    if sample.kind == "character":
        return {sample.text} - set(CLASSES)
    return alphabet.missing(normalise(sample.text))


def require_alphabet(dataset: Dataset, alphabet: Alphabet) -> None:
    """Stop at texts that no network of this alphabet can learn.

    Raises:
        DataError: there are such texts; says which and what to do.
    """
    missing = missing_characters(list(dataset.samples), alphabet)
    if missing:
        listed = ", ".join(f"{c!r} (in {name})" for c, name in list(missing.items())[:8])
        raise DataError(
            f"the alphabet lacks {len(missing)} characters of {dataset.path}: {listed}. "
            f"Correct these texts, or leave their samples out with --skip-unknown"
        )


def without_unwritable(dataset: Dataset, alphabet: Alphabet) -> Dataset:
    """The set without the samples that :func:`require_alphabet` would stop at."""
    return dataset.keep(lambda sample: not unwritable(sample, alphabet))


def writable(dataset: Dataset, skip_unknown: bool) -> Dataset:
    """The samples that the networks can learn.

    Raises:
        DataError: there are others, and they are not to be skipped.
    """
    if skip_unknown:
        return without_unwritable(dataset, Alphabet())
    require_alphabet(dataset, Alphabet())
    return dataset
