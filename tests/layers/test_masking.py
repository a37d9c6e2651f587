"""Masking layers: zeroed padding and reversed rows."""

import numpy as np

from tfnlp.layers.masking import ReverseTokens, ZeroPadding

VECTORS = np.arange(1.0, 9.0, dtype="float32").reshape(2, 4, 1)
MASK = np.array([[1, 1, 1, 0], [1, 1, 1, 1]], "int32")


def test_zero_padding_zeroes_padding_only():
    zeroed = ZeroPadding()(VECTORS, MASK)

    np.testing.assert_array_equal(zeroed[..., 0], [[1, 2, 3, 0], [5, 6, 7, 8]])


def test_reversed_rows_keep_their_padding_at_the_end():
    turned = ReverseTokens()(VECTORS, MASK)

    np.testing.assert_array_equal(turned[..., 0], [[3, 2, 1, 4], [8, 7, 6, 5]])


def test_reversing_twice_changes_nothing():
    turned = ReverseTokens()(ReverseTokens()(VECTORS, MASK), MASK)

    np.testing.assert_array_equal(turned, VECTORS)
