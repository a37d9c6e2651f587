"""Sparse linear layer: sums of weights, dropout and sparse gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.layers.sparse_linear import SparseLinear

START = np.array([[9, 9], [9, 9], [1, -1], [10, 0], [100, 5]], "float32")
IDS = np.array([[2, 3, 3, 0], [4, 0, 0, 0], [2, 3, 4, 2]], "int32")
MASK = (IDS > 0).astype("int32")
SUMS = [[21, -1], [100, 5], [112, 3]]


def layer(dropout=0.0):
    return SparseLinear(*START.shape, initial_weights=START, dropout=dropout)


@pytest.mark.parametrize("training", [False, True])
def test_weights_of_real_terms_add_up(training):
    assert layer()(IDS, MASK, training=training).numpy().tolist() == SUMS


def test_dropout_is_for_training_only():
    assert layer(0.9)(IDS, MASK).numpy().tolist() == SUMS


def test_dropout_keeps_the_expected_sum():
    keras.utils.set_random_seed(0)
    dropped = layer(0.5)
    sums = [dropped(IDS, MASK, training=True).numpy() for _ in range(2000)]
    assert np.mean(sums, axis=0) == pytest.approx(np.array(SUMS), abs=8.0)
    assert {tuple(row) for row in np.array(sums)[:, 1]} == {(0, 0), (200, 10)}


def test_rows_without_a_term_are_zeros():
    none = np.zeros([2, 3], "int32")
    assert layer()(none, none, training=True).numpy().tolist() == [[0, 0], [0, 0]]


def test_gradients_touch_the_terms_of_the_batch_only():
    sums = layer()
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(sums(IDS[:1], MASK[:1], training=True))
    gradient = tape.gradient(total, sums.embeddings.value)
    assert sorted(gradient.indices.numpy()) == [2, 3, 3]


def test_the_layer_is_read_back_with_its_weights(tmp_path):
    inputs = [keras.Input([None], dtype="int32") for _ in range(2)]
    model = keras.Model(inputs, layer(0.25)(*inputs))
    model.save(tmp_path / "sums.keras")
    found = keras.saving.load_model(tmp_path / "sums.keras")
    assert found([IDS, MASK]).numpy().tolist() == SUMS
    assert found.layers[-1].dropout == 0.25


def test_a_dropout_rate_of_one_is_an_error():
    with pytest.raises(UsageError, match="dropout"):
        layer(1.0)
