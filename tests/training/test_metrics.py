from __future__ import annotations

import numpy as np
import pytest

from hwdigitize.training.metrics import (
    accuracy,
    auroc,
    class_scores,
    confusion_matrix,
    equal_error_rate,
    identification_scores,
    macro_f1,
    most_confused,
    nearest_by_writer,
    top_k_accuracy,
    writer_ranks,
)

TRUTH = np.array([0, 0, 0, 1, 1, 2])
READ = np.array([0, 0, 1, 1, 0, 0])


def test_accuracy_counts_the_right_ones() -> None:
    assert accuracy(TRUTH, READ) == 0.5
    assert accuracy(TRUTH[:0], READ[:0]) == 0.0


def test_confusion_has_truth_in_rows() -> None:
    assert confusion_matrix(TRUTH, READ, 3).tolist() == [[2, 1, 0], [1, 1, 0], [1, 0, 0]]


def test_precision_recall_and_f1_by_class() -> None:
    first, second, third = class_scores(confusion_matrix(TRUTH, READ, 3))
    assert (first.precision, first.recall, first.count) == (0.5, pytest.approx(2 / 3), 3)
    assert first.f1 == pytest.approx(4 / 7)
    assert (second.precision, second.recall, second.f1) == (0.5, 0.5, 0.5)
    assert (third.precision, third.recall, third.f1, third.count) == (0, 0, 0, 1)


def test_macro_f1_leaves_classes_without_samples_out() -> None:
    confusion = confusion_matrix(np.array([0, 0]), np.array([0, 0]), 5)
    assert macro_f1(confusion) == 1.0


def test_most_confused_counts_both_ways() -> None:
    assert most_confused(confusion_matrix(TRUTH, READ, 3)) == [(0, 1, 2), (0, 2, 1)]
    assert most_confused(np.eye(3, dtype=int)) == []


def test_top_k() -> None:
    scores = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
    truth = np.array([0, 2])
    assert [top_k_accuracy(truth, scores, k) for k in (1, 2, 3)] == [0.5, 0.5, 1.0]


def test_auroc_is_the_share_of_pairs_in_order() -> None:
    assert auroc(np.array([3.0, 2.0]), np.array([1.0])) == 1.0
    assert auroc(np.array([1.0]), np.array([2.0, 3.0])) == 0.0
    assert auroc(np.array([1.0]), np.array([1.0])) == 0.5
    assert auroc(np.array([3.0, 1.0]), np.array([2.0, 0.0])) == 0.75


def test_equal_error_rate() -> None:
    assert equal_error_rate(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 0.0
    positives, negatives = np.array([1.0, 3, 4, 5]), np.array([0.0, 0.5, 0.7, 2])
    assert equal_error_rate(positives, negatives) == 0.25


SIMILARITIES = np.array([[0.9, 0.2, 0.8], [0.4, 0.5, 0.6], [0.1, 0.2, 0.3]])
GALLERY = ["ann", "bob", "ann"]


def test_a_writer_is_as_near_as_their_nearest_page() -> None:
    writers, best = nearest_by_writer(SIMILARITIES, GALLERY)
    assert writers == ["ann", "bob"]
    assert best.tolist() == [[0.9, 0.2], [0.6, 0.5], [0.3, 0.2]]


def test_ranks_count_writers_not_pages() -> None:
    assert writer_ranks(SIMILARITIES, ["ann", "bob", "eve"], GALLERY).tolist() == [0, 1, -1]


def test_identification_with_a_stranger() -> None:
    scores = identification_scores(SIMILARITIES, ["ann", "bob", "eve"], GALLERY)
    assert (scores["top1"], scores["top5"]) == (0.5, 1.0)
    assert (scores["auroc"], scores["eer"]) == (1.0, 0.0)


def test_identification_without_strangers_hides_each_writer_in_turn() -> None:
    scores = identification_scores(SIMILARITIES[:2], ["ann", "bob"], GALLERY)
    # own pages: 0.9 and 0.6 nearest; hidden: bob's 0.2 and ann's 0.6
    assert scores["auroc"] == pytest.approx(3.5 / 4)
