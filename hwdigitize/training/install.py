"""The gate: no network takes the place of one that reads the user's own data better."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import msgspec

from hwdigitize.errors import ModelError, OutputError
from hwdigitize.recognition.probe import load_probe
from hwdigitize.recognition.runtime import Name, load_card, load_network, models_folder
from hwdigitize.training.datasets import Dataset, Sample
from hwdigitize.training.datasets.pictures import ArrayPicture
from hwdigitize.training.export import save_card
from hwdigitize.training.runs import Start

#: samples that two networks are compared on, at most, chosen by seed
MOST_COMPARED = 1000
SUFFIXES = (".onnx", ".keras", ".json", ".log.jsonl")


@dataclass(frozen=True)
class Comparison:
    """Two networks on the same samples.

    Attributes:
        data: what was read.
        samples: how many.
        measure: CER (lower is better), accuracy or top-1 (higher is better).
        before: of the network in place, a share.
        now: of the other.
    """

    data: str
    samples: int
    measure: str
    before: float
    now: float

    @property
    def gain(self) -> float:
        """How much better the other is; negative if it is worse."""
        return self.before - self.now if self.measure == "CER" else self.now - self.before

    def __str__(self) -> str:
        verdict = "the same" if not self.gain else "better" if self.gain > 0 else "worse"
        return (
            f"{self.measure} {100 * self.before:.1f} % before, {100 * self.now:.1f} % now on "
            f"{self.samples} samples of {self.data}: {verdict}"
        )


def drawn_words() -> Dataset:
    """The words of the package's own sample, in hands that no network was trained on."""
    probe = load_probe()
    samples = tuple(
        Sample(f"{hand}/{number}", ArrayPicture(crop), "word", text, "drawn", split="valid")
        for number, (crop, text, hand) in enumerate(
            zip(probe.words, probe.texts, probe.hands, strict=True)
        )
    )
    return Dataset(Path("drawn words"), ("drawn",), samples)


def compare(
    name: Name, dataset: Dataset, split: str, before: Path, now: Path, data: str
) -> Comparison:
    """Read the same samples with the networks of two folders.

    Raises:
        DataError: nothing of that split, or nothing that the network reads.
        ModelError: a network cannot be loaded.
    """
    if name != "writers":
        dataset = dataset.with_splits().split(split).fewer(MOST_COMPARED)
    one, two = (_measured(name, dataset, split, folder) for folder in (before, now))
    return Comparison(data, one[0], *one[1:], two[2])


def _measured(name: Name, dataset: Dataset, split: str, folder: Path) -> tuple[int, str, float]:
    """Samples, measure and figure of one network."""
    if name == "words":
        from hwdigitize.training.measure_words import measure_words

        scores = measure_words(dataset, split, folder).scores["all"]
        return scores["samples"], "CER", scores["cer"]
    if name == "characters":
        from hwdigitize.training.measure_characters import measure_characters

        scores = measure_characters(dataset, split, folder).scores
        return scores["samples"], "accuracy", scores["accuracy"]
    from hwdigitize.training.measure_writers import measure_writers

    scores = measure_writers(dataset, split, folder).scores["all"]
    return scores["queries"], "top-1", scores["top1"]


def finish(
    name: Name,
    start: Start,
    dataset: Dataset,
    export: Callable[[Path, Dataset, Path], None],
    others: Dataset | None,
    tell: Callable[[str], None],
) -> list[Comparison]:
    """Export a run's network, compare it with the one in place, and install it.

    Args:
        name: words, characters or writers.
        start: what the run was told; its network goes to ``out/models`` by way of ``out/new``.
        dataset: what was trained on; its valid split was held back.
        export: run, data set and folder to the network's files, calibrated.
        others: other hands, whose valid split is read; by default drawn words, for words.
        tell: told of each comparison.

    Raises:
        ModelError: the network reads the held-back part worse; see :func:`install`.
    """
    new, folder = start.out / "new", beside_shipped(start.out / "models")
    export(start.out, dataset, new)
    own = compare(name, dataset, "valid", folder, new, "your own data, held back")
    tell(str(own))
    comparisons = [own]
    if others is None and name == "words":
        others = drawn_words()
    if others is not None:
        data = f"other hands ({others.path.name})"
        comparisons.append(compare(name, others, "valid", folder, new, data))
        tell(str(comparisons[-1]))
    card = load_card(name, str(new))
    save_card(msgspec.structs.replace(card, scores={"valid": as_scores(comparisons)}), new)
    install(name, new, folder, own, start.force)
    return comparisons


def differing(source: Path, folder: Path) -> list[Name]:
    """The networks of one folder that another does not have.

    Raises:
        ModelError: the folder has no network, or a card that cannot be read.
    """
    names: tuple[Name, ...] = get_args(Name)
    there = [name for name in names if (source / f"{name}.json").exists()]
    if not there:
        raise ModelError(f"no network in {source}; name the folder models of a training run")

    def same(name: Name) -> bool:
        if not (folder / f"{name}.json").exists():
            return False
        cards = [load_card(name, str(place)) for place in (source, folder)]
        return cards[0].sha256 == cards[1].sha256

    return [name for name in there if not same(name)]


def install(
    name: Name, source: Path, into: Path, comparison: Comparison | None, force: bool = False
) -> None:
    """Copy a network's files from one models folder to another.

    Raises:
        ModelError: it reads worse than the one in place, and ``force`` is not given.
        OutputError: the folder cannot be written.
    """
    if comparison is not None and comparison.gain < 0 and not force:
        raise ModelError(
            f"{name} network not installed: {comparison}. It is kept in {source}; --force "
            f"installs it all the same"
        )
    try:
        into.mkdir(parents=True, exist_ok=True)
        for suffix in SUFFIXES:
            if (path := source / f"{name}{suffix}").exists():
                part = into / f"part-{path.name}"
                shutil.copyfile(path, part)
                part.replace(into / path.name)
    except OSError as error:
        raise OutputError(
            f"cannot write {into}: {error.strerror}; name another folder with --into"
        ) from error
    forget_networks()


def beside_shipped(folder: Path) -> Path:
    """A models folder, filled with the shipped networks where it has none of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(models_folder().glob("*")):
        if path.suffix in (".onnx", ".json") and not (folder / path.name).exists():
            shutil.copyfile(path, folder / path.name)
    return folder


def forget_networks() -> None:
    """Networks are cached for the life of a process; files have changed."""
    load_card.cache_clear()
    load_network.cache_clear()


def as_scores(comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """For a card: figures by data."""
    return {
        c.data: {key: value for key, value in asdict(c).items() if key != "data"}
        for c in comparisons
    }
