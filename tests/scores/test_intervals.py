"""Intervals cover, draws are cheap, and the paired test tells systems apart."""

import numpy as np
import pytest

from tfnlp.scores import intervals


def accuracy(rows, answers) -> dict[str, float]:
    return {"accuracy": float(np.mean(rows["label"] == answers["label"]))}


def columns(share: float, rows: int) -> tuple[dict, dict]:
    """Gold labels, and answers of which a share is right."""
    gold = np.arange(rows) % 2
    right = np.random.default_rng(3).random(rows) < share
    return {"label": gold}, {"label": np.where(right, gold, 1 - gold)}


def test_interval_is_near_the_normal_one():
    low, high = intervals.bootstrap(accuracy, *columns(0.8, 2000))["accuracy"]
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.16 / 2000), rel=0.15)


def test_interval_depends_on_the_seed_alone():
    drawn = [intervals.bootstrap(accuracy, *columns(0.8, 50), seed=7) for _ in "ab"]
    assert drawn[0] == drawn[1]


def test_no_rows_have_no_interval():
    assert intervals.bootstrap(accuracy, *columns(0.8, 0)) == {}


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(
        ValueError, match=r"equally long. Received: .* Answer every row"
    ):
        intervals.bootstrap(accuracy, {"a": np.zeros(2)}, {"b": np.zeros(3)})


def test_columns_that_are_not_read_are_not_copied():
    rows, answers = columns(0.8, 20)
    intervals.bootstrap(accuracy, rows | {"text": _Untouchable(20)}, answers, repeats=3)


def test_a_better_system_differs():
    rows, worse = columns(0.7, 500)
    _, better = columns(0.9, 500)
    difference = intervals.paired(accuracy, rows, worse, better)["accuracy"]
    assert 0.1 < difference.low < difference.value < difference.high < 0.3
    assert difference.p < 0.01


def test_a_system_does_not_differ_from_itself():
    rows, answers = columns(0.7, 100)
    difference = intervals.paired(accuracy, rows, answers, answers, repeats=50)
    assert difference["accuracy"] == (0, 0, 0, 1)


def test_draws_are_the_same_however_they_are_scored():
    rows, answers = columns(0.8, 60)
    hits = rows["label"] == answers["label"]
    drawn = intervals.percentiles(lambda n: {"accuracy": float(hits[n].mean())}, 60)
    assert drawn == intervals.bootstrap(accuracy, rows, answers)


class _Untouchable:
    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return self._rows
