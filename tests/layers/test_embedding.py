"""Embeddings from a matrix, and weights of tokens."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.layers.embedding import Embedding, TokenWeights, embed

_KINDS = Embedding, keras.layers.Embedding
MATRIX = np.arange(6.0).reshape(3, 2)


def test_embedding_starts_from_the_matrix():
    vectors = embed(3, vectors=MATRIX)(np.array([[2, 0]]))

    np.testing.assert_array_equal(vectors, [[[4, 5], [0, 1]]])


@pytest.mark.parametrize(("trainable", "count"), [(True, 1), (False, 0)])
def test_embedding_is_trainable_or_frozen(trainable, count):
    layer = embed(3, vectors=MATRIX, trainable=trainable)

    assert len(layer.trainable_weights) == count


def test_matrix_must_have_one_row_for_each_id():
    with pytest.raises(UsageError, match=r"shape \(4, 2\).*Received: \(3, 2\)"):
        embed(4, 2, vectors=MATRIX)


def test_embedding_needs_an_embedding_dim():
    with pytest.raises(UsageError, match="embedding_dim must be a whole number"):
        embed(4)


def test_token_weights_belong_to_ids():
    layer = TokenWeights(3)
    layer.build((None, None, 2), (None, None))
    layer.weight.assign([[1.0], [2.0], [3.0]])

    weighed = layer(np.ones([1, 2, 2], "float32"), np.array([[2, 1]]))

    np.testing.assert_array_equal(weighed, [[[3, 3], [2, 2]]])
    assert TokenWeights.from_config(layer.get_config()).vocabulary_size == 3


@pytest.mark.parametrize("layer", [Embedding(3, 2), TokenWeights(3)])
def test_a_batch_gathers_only_its_rows(layer):
    ids = tf.constant([[2]])
    inputs = [ids] if isinstance(layer, Embedding) else [tf.ones([1, 1, 2]), ids]
    layer(*inputs)

    graph = tf.function(lambda: layer(*inputs)).get_concrete_function().graph

    kinds = {operation.type for operation in graph.get_operations()}
    assert "ResourceGather" in kinds
    assert "ReadVariableOp" not in kinds


def test_embedding_equals_keras():
    ids = np.array([[2, 0], [1, 1]])
    ours, theirs = (kind(3, 2, weights=[MATRIX]) for kind in _KINDS)

    np.testing.assert_array_equal(ours(ids), theirs(ids))
    assert ours.get_config() == {**theirs.get_config(), "name": ours.name}


def test_embedding_with_lora_equals_keras():
    ids = np.array([[2, 0]])
    layers = [kind(3, 2, weights=[MATRIX]) for kind in _KINDS]
    for layer in layers:
        layer.enable_lora(1, a_initializer="ones", b_initializer="ones")

    ours, theirs = (layer(ids) for layer in layers)

    np.testing.assert_array_equal(ours, theirs)
    assert np.max(ours) > MATRIX.max()
