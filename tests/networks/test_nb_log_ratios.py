"""Naive Bayes log-count ratios, by hand."""

import numpy as np
import pytest

from tfnlp.networks import nb_log_ratios
from tfnlp.networks.nb_log_ratios import log_ratios


def ratios(ids, y, *, size=4, classes=2, **options):
    """The table of one batch."""
    batch = np.array(ids), np.array(y)
    return log_ratios([batch], vocabulary_size=size, classes=classes, **options)


def test_ratios_by_hand():
    # Term 2 is in both rows of class 0; term 3 in one of class 0, one of class 1.
    # One is added to each of the four ids: 7 = 1 + 1 + 3 + 2 and 5 = 1 + 1 + 1 + 2.
    table = ratios([[2, 3], [2, 0], [3, 0]], [0, 0, 1])
    likelier = np.log((3 / 7) / (1 / 5)), np.log((2 / 7) / (2 / 5))
    assert table.dtype == np.float32
    assert table[2:] == pytest.approx(np.array([[r, -r] for r in likelier]), rel=1e-5)


def test_a_third_class_is_compared_with_all_others():
    # Counts + 1 of ids 0, 1 and 2: class 0 has 1, 1, 2, the others together 1, 1, 3.
    table = ratios([[2], [2], [2]], [0, 1, 2], size=3, classes=3)
    assert table[2] == pytest.approx([np.log((2 / 4) / (3 / 5))] * 3, rel=1e-5)


def test_a_term_counts_once_a_row():
    once = ratios([[2, 0, 0], [3, 0, 0]], [0, 1])
    often = ratios([[2, 2, 2], [3, 3, 0]], [0, 1])
    assert often.tolist() == once.tolist()


def test_padding_and_unknown_terms_have_zero_ratios():
    table = ratios([[2, 1], [2, 1], [3, 0]], [0, 0, 1])
    assert table[:2].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert table[2:].tolist() == ratios([[2], [2], [3]], [0, 0, 1])[2:].tolist()


def test_a_row_of_several_labels_counts_for_each():
    one_by_one = ratios([[2], [2], [3]], [0, 1, 1])
    several = ratios([[2], [3], [3]], [[1, 1], [0, 1], [0, 0]])
    assert several.tolist() == one_by_one.tolist()


def test_ratios_do_not_depend_on_batches():
    whole = ratios([[2, 3], [2, 0], [3, 0]], [0, 0, 1])
    batches = [
        (np.array([[2, 3], [2, 0]]), np.array([0, 0])),
        (np.array([[3]]), np.array([1])),
    ]
    parts = log_ratios(batches, vocabulary_size=4, classes=2)
    assert parts.tolist() == whole.tolist()


def test_more_smoothing_shrinks_ratios():
    rows = [[2], [3]], [0, 1]
    assert 0.0 < ratios(*rows, smoothing=9.0)[2, 0] < ratios(*rows)[2, 0]


def test_a_matrix_that_is_too_large_is_not_made(monkeypatch):
    monkeypatch.setattr(nb_log_ratios, "LARGEST", 7)
    assert ratios([[2], [3]], [0, 1]) is None
