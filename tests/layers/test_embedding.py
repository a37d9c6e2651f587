"""Embeddings from a matrix, and weights of tokens."""

import numpy as np
import pytest

from tfnlp.errors import UsageError
from tfnlp.layers.embedding import TokenWeights, embed

MATRIX = np.arange(6.0).reshape(3, 2)


def test_embedding_begins_from_the_matrix():
    vectors = embed(3, vectors=MATRIX)(np.array([[2, 0]]))

    np.testing.assert_array_equal(vectors, [[[4, 5], [0, 1]]])


@pytest.mark.parametrize(("trainable", "count"), [(True, 1), (False, 0)])
def test_embedding_is_tuned_or_frozen(trainable, count):
    layer = embed(3, vectors=MATRIX, trainable=trainable)

    assert len(layer.trainable_weights) == count


def test_matrix_must_have_one_row_an_entry():
    with pytest.raises(UsageError, match=r"shape \(4, 2\).*Received: \(3, 2\)"):
        embed(4, 2, vectors=MATRIX)


def test_embedding_needs_a_width():
    with pytest.raises(UsageError, match="width must be a whole number"):
        embed(4)


def test_token_weights_belong_to_ids():
    layer = TokenWeights(3)
    layer.build((None, None, 2), (None, None))
    layer.weight.assign([[1.0], [2.0], [3.0]])

    weighed = layer(np.ones([1, 2, 2], "float32"), np.array([[2, 1]]))

    np.testing.assert_array_equal(weighed, [[[3, 3], [2, 2]]])
    assert TokenWeights.from_config(layer.get_config()).vocabulary_size == 3
