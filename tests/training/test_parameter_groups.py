"""Rates by layer, and decay that spares biases: by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.training.optimizers import KINDS, already_summed
from tfnlp.training.parameter_groups import grouped, learning_rate_multipliers


def network():
    ids = keras.Input([2], dtype="int32")
    vectors = keras.layers.Embedding(4, 3, name="embedding")(ids)
    hidden = keras.layers.Dense(3, name="block0")(vectors)
    hidden = keras.layers.Dense(3, name="block1")(hidden)
    return keras.Model(ids, keras.layers.Dense(1, name="head")(hidden))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], [1, 1, 1, 1, 1, 1, 1]),
        (["embedding=0.1"], [0.1, 1, 1, 1, 1, 1, 1]),
        (["block*=0.5", "block1=0"], [1, 0.5, 0.5, 0, 0, 1, 1]),
        (["*=2"], [2, 2, 2, 2, 2, 2, 2]),
    ],
)
def test_the_last_word_that_matches_is_the_multiplier(words, expected):
    assert learning_rate_multipliers(words, network()) == expected


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("haed=0.1", r"block0, block1, embedding, head\. .*Did you mean 'head'"),
        ("head", "A multiplier must be a number, 0 or more"),
        ("head=-1", "A multiplier must be a number, 0 or more"),
        ("head=nan", "A multiplier must be a number, 0 or more"),
        ("=1", "learning_rate_multipliers name a layer"),
    ],
)
def test_a_word_without_layer_or_multiplier_is_refused(word, message):
    with pytest.raises(UsageError, match=message):
        learning_rate_multipliers([word], network())


def updated(kind, shares, *, decay=0.0, gradient=1.0):
    """Two weights of ones after a step at a learning rate of 0.1."""
    weights = [keras.Variable(np.ones([2, 2], "f")), keras.Variable(np.ones(2, "f"))]
    optimizer = KINDS[kind](learning_rate=0.1)
    already_summed(optimizer)
    grouped(optimizer, shares, weight_decay=decay)
    optimizer.build(weights)
    optimizer.apply([gradient * tf.ones(w.shape) for w in weights], weights)
    return [float(np.mean(weight.numpy())) for weight in weights]


@pytest.mark.parametrize("kind", ["sgd", "adam", "lion", "rmsprop"])
def test_each_weight_has_its_learning_rate(kind):
    whole, _ = updated(kind, [1.0, 1.0])
    half, none = updated(kind, [0.5, 0.0])
    assert whole < 1.0
    assert 1.0 - half == pytest.approx(0.5 * (1.0 - whole), rel=1e-5)
    assert none == 1.0


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_weight_decay_follows_the_learning_rate_and_spares_biases(kind):
    matrix, bias = updated(kind, [0.5, 0.5], decay=0.2, gradient=0.0)
    assert matrix == pytest.approx(1.0 - 0.1 * 0.5 * 0.2, abs=1e-6)
    assert bias == 1.0


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_optimizer_lowers_the_loss(kind):
    matrix, bias = updated(kind, [1.0, 1.0])
    assert matrix < 1.0 and bias < 1.0
