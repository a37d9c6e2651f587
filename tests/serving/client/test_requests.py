"""Columns of a request: what a field holds, alone or in lists."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.errors import RequestError
from tfnlp.serving.client.requests import tensor

TEXTS = tf.TensorSpec([None, None], tf.string)
GRID = tf.TensorSpec([None, 2, None], tf.float32)


@pytest.mark.parametrize("name", ["words", "tokens"])
def test_lists_of_texts_stay_lists(name):
    found = tensor(name, [["é", b"\xff"], ("a b", "")], TEXTS)
    assert found.numpy().tolist() == [["é".encode(), b"\xff"], [b"a b", b""]]


def test_lists_lie_in_one_another_as_deep_as_the_field_has_them():
    found = tensor("grid", [[[1, 2], (3, 4)], np.ones((2, 2))], GRID)
    assert found.numpy().tolist() == [[[1, 2], [3, 4]], [[1, 1], [1, 1]]]


@pytest.mark.parametrize(
    ("value", "spec", "message"),
    [
        (
            [[1], [2, 3]],
            GRID,
            "of the shape [2, any] in a row. Received: [[1], [2, 3]]",
        ),
        ([[1], 2], GRID, "holds lists of numbers, of the shape [2, any]"),
        (["a", 5], TEXTS, "holds lists of text, of the shape [any] in a row."),
        ("a", TEXTS, "Received: 'a'."),
        (["a"], tf.TensorSpec([None], tf.string), "holds text. Received: ['a']."),
        ([1], tf.TensorSpec([None], tf.bool), "holds true or false. Received: [1]."),
    ],
    ids=str,
)
def test_what_does_not_fit_is_reported(value, spec, message):
    with pytest.raises(RequestError) as caught:
        tensor("field", [value], spec)
    assert message in str(caught.value)
