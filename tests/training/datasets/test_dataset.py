"""What holds for data sets of any format."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from hwdigitize.errors import DataError
from hwdigitize.training.datasets import Broken, Dataset, Sample, join_datasets, open_dataset
from hwdigitize.training.datasets.pictures import FilePicture
from tests.training.datasets.miniatures import put_image, put_text


def make(count: int, writers: int = 0, split: str = "", source: str = "S") -> list[Sample]:
    picture = FilePicture(Path("none.png"))
    return [
        Sample(
            id=f"{source}{n}",
            picture=picture,
            kind="word",
            text="x",
            source=source,
            writer=f"w{n % writers}" if writers else "",
            split=split,
        )
        for n in range(count)
    ]


def dataset_of(samples: list[Sample]) -> Dataset:
    return Dataset(Path("set"), ("made up",), tuple(samples))


def test_a_damaged_sample_is_reported_and_left_out(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        put_image(tmp_path / f"{name}.png")
        put_text(tmp_path / f"{name}.gt.txt", name)
    whole = (tmp_path / "b.png").read_bytes()
    (tmp_path / "b.png").write_bytes(whole[:60])
    (tmp_path / "c.png").write_bytes(b"")
    reported: list[Broken] = []
    read = [s.text for s, _ in open_dataset(tmp_path).images(reported.append)]
    assert read == ["a"]
    assert [item.id for item in reported] == ["b", "c"]


def test_images_without_labels_stop_with_the_remedy(tmp_path: Path) -> None:
    put_image(tmp_path / "1.png")
    with pytest.raises(DataError, match=r"images without labels.*gt\.txt"):
        open_dataset(tmp_path)


def test_an_empty_split_stops_with_what_there_is() -> None:
    with pytest.raises(DataError, match=r"'test'; it has train \(3\)"):
        dataset_of(make(3, split="train")).split("test")


def test_no_data_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data set that is known"):
        open_dataset(tmp_path)
    with pytest.raises(DataError, match="no such data"):
        open_dataset(tmp_path / "absent")


def test_splits_are_drawn_where_there_are_none_and_last() -> None:
    drawn = dataset_of(make(500)).with_splits()
    counts = Counter(sample.split for sample in drawn.samples)
    assert 90 <= counts["valid"] <= 160
    assert 30 <= counts["test"] <= 75
    more = dataset_of(make(700)).with_splits()
    assert more.samples[:500] == drawn.samples


def test_large_sets_hold_back_less_and_never_what_was_trained_on() -> None:
    few = dataset_of(make(500)).with_splits().samples
    many = dataset_of(make(1500)).with_splits().samples
    assert 110 <= sum(sample.split == "valid" for sample in many) <= 190
    moved = {(a.split, b.split) for a, b in zip(few, many, strict=False) if a != b}
    assert moved == {("valid", "train")}


def test_one_hand_alone_is_split_too() -> None:
    drawn = dataset_of(make(50, writers=1)).with_splits()
    assert {sample.split for sample in drawn.samples} == {"train", "valid", "test"}


def test_splits_are_drawn_by_writer() -> None:
    drawn = dataset_of(make(200, writers=40)).with_splits()
    splits: dict[str, set[str]] = {}
    for sample in drawn.samples:
        splits.setdefault(sample.writer, set()).add(sample.split)
    assert all(len(found) == 1 for found in splits.values())


def test_few_samples_still_fill_all_splits() -> None:
    drawn = dataset_of(make(4)).with_splits()
    assert {sample.split for sample in drawn.samples} == {"train", "valid", "test"}


def test_test_data_stays_test_data() -> None:
    samples = make(100, split="train") + make(120, split="test")[100:]
    drawn = dataset_of(samples).with_splits()
    assert {s.split for s in drawn.samples[:100]} == {"train", "valid"}
    assert {s.split for s in drawn.samples[100:]} == {"test"}


def test_excluding_a_source_that_is_not_there() -> None:
    both = dataset_of(make(2) + make(2, source="T"))
    assert {s.source for s in both.without(["T"]).samples} == {"S"}
    with pytest.raises(DataError, match="no source X"):
        both.without(["X"])


def test_ids_of_joined_sets_differ() -> None:
    first = Dataset(Path("one"), ("f",), tuple(make(2)))
    second = Dataset(Path("two"), ("f",), tuple(make(2)))
    ids = [sample.id for sample in join_datasets([first, second]).samples]
    assert ids == ["one/S0", "one/S1", "two/S0", "two/S1"]
