"""Each format on a miniature as its users have it."""

from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hwdigitize.errors import DataError
from hwdigitize.training.datasets import Dataset, open_dataset
from tests.training.datasets.miniatures import ink, put_image, put_text


def texts(dataset: Dataset) -> dict[str, str]:
    return {sample.id: sample.text for sample in dataset.samples}


def broken(dataset: Dataset) -> dict[str, str]:
    return {item.id: item.reason for item in dataset.broken}


IAM_WORDS = """#--- words.txt ---
# a01-000u-00-00 ok 154 1 408 768 27 51 AT A
a01-000u-00-00 ok 154 408 768 27 51 AT A
a01-000u-00-01 ok 154 507 766 213 48 NN MOVE
a01-000u-00-02 err 154 796 764 70 50 TO to
a01-000u-00-03 ok 154 919 757 166 78 NP B B C
a01-003-00-00 ok 160 1 2 3 4 VB gone
"""
IAM_LINES = "a01-000u-00 ok 154 19 408 746 1661 89 A|MOVE|to|stop|Mr.|Gaitskell\n"
IAM_FORMS = "# forms\na01-000u 000 2 prt 7 5 52 36\na01-003 012 3 prt 7 5 52 36\n"


@pytest.fixture
def iam(tmp_path: Path) -> Path:
    put_text(tmp_path / "ascii/words.txt", IAM_WORDS)
    put_text(tmp_path / "ascii/lines.txt", IAM_LINES)
    put_text(tmp_path / "ascii/forms.txt", IAM_FORMS)
    put_text(tmp_path / "task/testset.txt", "a01-000u-00\n")
    for number in range(4):
        put_image(tmp_path / f"words/a01/a01-000u/a01-000u-00-0{number}.png")
    put_image(tmp_path / "lines/a01/a01-000u/a01-000u-00.png")
    put_image(tmp_path / "formsA-D/a01-000u.png")
    return tmp_path


def test_iam_words_lines_and_forms(iam: Path) -> None:
    dataset = open_dataset(iam)
    assert texts(dataset) == {
        "a01-000u-00-00": "A",
        "a01-000u-00-01": "MOVE",
        "a01-000u-00-03": "B B C",
        "a01-000u-00": "A MOVE to stop Mr. Gaitskell",
        "a01-000u": "",
    }
    word = dataset.of_kind("word").samples[0]
    assert (word.writer, word.page, word.split) == ("000", "a01-000u", "test")
    assert dataset.of_kind("page").samples[0].writer == "000"
    assert broken(dataset) == {
        "a01-000u-00-02": "marked as badly segmented by its makers",
        "a01-003-00-00": "its image is missing",
    }


def test_iam_without_its_images_stops_with_the_remedy(tmp_path: Path) -> None:
    put_text(tmp_path / "words.txt", IAM_WORDS)
    with pytest.raises(DataError, match="unpack the archive of words"):
        open_dataset(tmp_path)


def test_kaggle_names_with_the_same_image_names_in_each_split(tmp_path: Path) -> None:
    for split, width in (("train", 40), ("validation", 60)):
        put_text(
            tmp_path / f"written_name_{split}_v2.csv",
            f"FILENAME,IDENTITY\nX_1.jpg,BALTHAZAR {split}\nX_2.jpg,UNREADABLE\nX_3.jpg,\n",
        )
        for number in (1, 2, 3):
            put_image(tmp_path / f"{split}_v2/{split}/X_{number}.jpg", width)
    dataset = open_dataset(tmp_path)
    assert [(s.text, s.split, s.image().shape[1]) for s in dataset.samples] == [
        ("BALTHAZAR train", "train", 40),
        ("BALTHAZAR validation", "valid", 60),
    ]
    assert [item.reason for item in dataset.broken[:2]] == [
        "its label is UNREADABLE",
        "its label is empty",
    ]


def test_english_csv(tmp_path: Path) -> None:
    put_text(tmp_path / "english.csv", "image,label\nImg/a.png,0\nImg/b.png,Z\n")
    put_image(tmp_path / "Img/a.png")
    put_image(tmp_path / "Img/b.png")
    dataset = open_dataset(tmp_path / "english.csv")
    assert [(s.kind, s.text) for s in dataset.samples] == [
        ("character", "0"),
        ("character", "Z"),
    ]


def test_csv_without_its_images_stops_with_the_remedy(tmp_path: Path) -> None:
    path = put_text(tmp_path / "english.csv", "image,label\nImg/a.png,0\n")
    with pytest.raises(DataError, match="put the image folder beside"):
        open_dataset(path)


@pytest.mark.parametrize(
    ("folders", "characters"),
    [
        (("A", "b", "7"), "Ab7"),
        (("A_upper", "a_lower", "7"), "Aa7"),
        (("upper_a", "lower_A"), "Aa"),
        (("Sample001", "Sample011", "Sample062"), "0Az"),
        (("30", "41", "7a"), "0Az"),
    ],
)
def test_a_folder_for_each_class(
    tmp_path: Path, folders: tuple[str, ...], characters: str
) -> None:
    for folder in folders:
        put_image(tmp_path / folder / "1.png")
    dataset = open_dataset(tmp_path)
    found = {Path(s.id).parent.name: s.text for s in dataset.samples}
    assert found == dict(zip(folders, characters, strict=True))
    assert dataset.formats == ("folder for each character",)


def test_classes_below_folders_of_splits(tmp_path: Path) -> None:
    put_image(tmp_path / "train/A/1.png")
    put_image(tmp_path / "val/A/2.png")
    found = {(s.text, s.split) for s in open_dataset(tmp_path).samples}
    assert found == {("A", "train"), ("A", "valid")}


def test_a_folder_for_each_writer(tmp_path: Path) -> None:
    for writer in ("anna", "Jörg"):
        for page in (1, 2):
            put_image(tmp_path / writer / f"{page}.png")
    dataset = open_dataset(tmp_path)
    assert {(s.writer, s.kind) for s in dataset.samples} == {("anna", "page"), ("Jörg", "page")}
    assert len({s.page for s in dataset.samples}) == 4


def idx(array: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()


@pytest.mark.parametrize("packed", [False, True])
def test_mnist(tmp_path: Path, packed: bool) -> None:
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 2, 20] = 200  # row 2, column 20
    for name, array in (("images-idx3", image), ("labels-idx1", np.array([7], np.uint8))):
        data = idx(array)
        path = tmp_path / f"t10k-{name}-ubyte{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(data) if packed else data)
    (sample,) = open_dataset(tmp_path).samples
    assert (sample.text, sample.split, sample.source) == ("7", "test", "MNIST")
    assert sample.image()[2, 20] == 55  # ink dark, not transposed


def test_emnist_is_put_upright_and_mapped(tmp_path: Path) -> None:
    image = np.zeros((2, 28, 28), np.uint8)
    image[0, 20, 2] = 200
    base = tmp_path / "gzip/emnist-letters-train"
    base.parent.mkdir()
    Path(f"{base}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(image)))
    Path(f"{base}-labels-idx1-ubyte.gz").write_bytes(
        gzip.compress(idx(np.array([1, 26], np.uint8)))
    )
    put_text(tmp_path / "gzip/emnist-letters-mapping.txt", "1 65 97\n26 90 122\n")
    first, second = open_dataset(tmp_path).samples
    assert (first.text, second.text, first.split) == ("a", "z", "train")
    assert first.image()[2, 20] == 55


def test_a_truncated_idx_file_says_download_again(tmp_path: Path) -> None:
    data = idx(np.zeros((3, 28, 28), np.uint8))
    (tmp_path / "train-images-idx3-ubyte").write_bytes(data[:500])
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(3, np.uint8)))
    with pytest.raises(DataError, match="download it again"):
        open_dataset(tmp_path)


def test_pairs_of_image_and_text(tmp_path: Path) -> None:
    put_image(tmp_path / "book/0001.bin.png")
    put_text(tmp_path / "book/0001.gt.txt", "e\u0301te\u0301 a\u0300 Paris\n")
    put_image(tmp_path / "book/0002.png")
    put_text(tmp_path / "book/0003.gt.txt", "no image")
    dataset = open_dataset(tmp_path)
    assert texts(dataset) == {"book/0001": "été à Paris"}
    assert broken(dataset) == {
        "book/0003": "its image is missing",
        "book/0002.png": "has no 0002.gt.txt beside it",
    }


def encoded() -> bytes:
    buffer = io.BytesIO()
    ink().save(buffer, "PNG")
    return buffer.getvalue()


def test_tables_of_crops_and_of_pages(tmp_path: Path) -> None:
    crops = {"image": [encoded()] * 2, "text": ["one", "two"], "source": ["S", "S"]}
    pl.DataFrame(crops | {"writer": ["w", "w"], "split": ["train", "val"]}).write_parquet(
        tmp_path / "words.parquet"
    )
    lines = [[{"box": [0, 0, 20, 20], "text": "one"}]]
    pl.DataFrame(
        {"image": [encoded()], "writer": ["w"], "page": ["p"], "lines": lines}
    ).write_parquet(tmp_path / "pages.parquet")
    dataset = open_dataset(tmp_path)
    assert texts(dataset) == {"words/0": "one", "words/1": "two", "pages/0": ""}
    assert [s.split for s in dataset.of_kind("word").samples] == ["train", "valid"]
    assert dataset.of_kind("page").samples[0].lines == ((0, 0, 20, 20),)


def test_strokes_are_answered_with_how_to_draw_them(tmp_path: Path) -> None:
    columns = {"text": ["a"], "dx": [[1]], "dy": [[1]], "stroke_lengths": [[1]]}
    pl.DataFrame(columns).write_parquet(tmp_path / "strokes.parquet")
    with pytest.raises(DataError, match=r"hwdigitize\.training\.synthetic"):
        open_dataset(tmp_path / "strokes.parquet")


def test_glyph_arrays(tmp_path: Path) -> None:
    images = np.zeros((2, 64, 64), np.uint8)
    images[:, 20:40, 20:40] = 255
    np.savez(
        tmp_path / "characters.npz",
        images=images,
        labels=np.array([1, 0], np.uint8),
        classes=np.array(["0", "A"]),
        split=np.array(["train", "val"]),
    )
    dataset = open_dataset(tmp_path)
    assert [(s.text, s.split) for s in dataset.samples] == [("A", "train"), ("0", "valid")]
    assert dataset.samples[0].image()[0, 0] == 255
    assert dataset.samples[0].image()[30, 30] == 0
