"""Thresholds by hand, where probabilities tie, and where a class has no rows."""

import numpy as np
import pytest

from tfnlp.scores.thresholds import best_thresholds


def column(*values: str) -> np.ndarray:
    return np.array(values, object)


def threshold(gold, probabilities):
    """The threshold of one class, from gold marks such as "aa-"."""
    labels = column(*(mark.replace("-", "") for mark in gold))
    known = np.array(probabilities)[:, None]
    (found,) = best_thresholds(labels, known, labels=["a"], separator=",")
    return found


def f1(gold, chosen):
    return 2 * (gold & chosen).sum() / (gold.sum() + chosen.sum())


@pytest.mark.parametrize(
    ("gold", "probabilities", "expected"),
    [
        ("aa-", [0.9, 0.6, 0.2], 0.4),  # between the last right and the first wrong
        ("a-a-", [0.9, 0.8, 0.7, 0.1], 0.4),  # F1 0.8 beats 2/3 above the first error
        ("a--", [0.9, 0.8, 0.7], 0.85),
        ("aa", [0.4, 0.3], 0.15),  # all rows: halfway to zero
    ],
)
def test_thresholds_by_hand(gold, probabilities, expected):
    assert threshold(gold, probabilities) == pytest.approx(expected)


def test_equal_probabilities_are_not_told_apart():
    # Only the order of the rows would tell the first of the 0.8 from the second.
    assert threshold("aa-a", [0.9, 0.8, 0.8, 0.1]) == pytest.approx(0.05)
    assert threshold("a-", [0.5, 0.5]) == pytest.approx(0.25)


def test_a_class_without_gold_rows_keeps_the_default():
    found = best_thresholds(
        column("a", ""), np.array([[0.8, 0.9], [0.2, 0.1]]), labels="ab", separator=","
    )
    assert found == [0.5, 0.5]
    assert best_thresholds(
        column(""), np.array([[0.9]]), labels="a", separator=",", default=0.7
    ) == [0.7]


def test_no_rows_keep_the_default():
    found = best_thresholds(column(), np.zeros([0, 2]), labels="ab", separator=",")
    assert found == [0.5, 0.5]


def test_each_class_has_its_own():
    known = np.array([[0.9, 0.3], [0.8, 0.2], [0.1, 0.1]])
    found = best_thresholds(column("a,b", "a", ""), known, labels="ab", separator=",")
    assert found == pytest.approx([0.45, 0.25])


@pytest.mark.parametrize("seed", range(20))
def test_no_threshold_of_its_own_rows_is_worse_than_a_half(seed):
    random = np.random.default_rng(seed)
    gold = random.random(60) < 0.3
    known = np.clip(gold * 0.3 + random.random(60) * 0.6, 0, 1).round(2)
    found = threshold(np.where(gold, "a", "-"), known)
    assert f1(gold, known >= found) >= f1(gold, known >= 0.5)
