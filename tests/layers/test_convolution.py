"""Outputs and sparse gradients of the convolution equal those of Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.layers import convolution
from tfnlp.layers.convolution import Convolution


def _layers(**options):
    """Ours and Keras', with the same weights."""
    options = {"padding": "same", "bias_initializer": "ones", **options}
    ours, theirs = (kind(5, **options) for kind in (Convolution, keras.layers.Conv1D))
    for layer in (ours, theirs):
        layer.build([None, None, 3])
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def _gradients(layer, vectors, slope):
    weights = [vectors, *(weight.value for weight in layer.weights)]
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        found = layer(vectors, training=True)
        total = tf.reduce_sum(found * slope)
    return found, tape.gradient(total, weights)


def _slope(length, *, share, seed=0):
    numbers = np.random.default_rng(seed)
    kept = numbers.random([4, length, 5]) < share
    return tf.constant(kept * numbers.normal(size=kept.shape), tf.float32)


@pytest.mark.parametrize("share", [0.0, 0.01, 1.0])
@pytest.mark.parametrize("window", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("length", [1, 3, 40])
def test_gradient_is_that_of_keras(window, length, share):
    ours, theirs = _layers(kernel_size=window, activation="tanh")
    vectors = tf.random.stateless_normal([4, length, 3], seed=[1, window])
    slope = _slope(length, share=share)

    found, gradients = _gradients(ours, vectors, slope)

    expected, expected_gradients = _gradients(theirs, vectors, slope)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    for gradient, other in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, other, atol=1e-5)


@pytest.mark.parametrize(("share", "taken"), [(0.005, "_of_few"), (0.5, "_of_all")])
def test_a_sparse_gradient_is_computed_from_its_nonzero_numbers(
    monkeypatch, share, taken
):
    called = []
    for name in ("_of_few", "_of_all"):
        kept = getattr(convolution, name)
        monkeypatch.setattr(
            convolution, name, lambda *a, n=name, k=kept: (called.append(n), k(*a))[1]
        )
    ours, _ = _layers(kernel_size=3)

    _gradients(ours, tf.ones([4, 40, 3]), _slope(40, share=share))

    assert called == [taken]


@pytest.mark.parametrize(
    "options",
    [{"padding": "valid"}, {"padding": "causal"}, {"strides": 2}, {"dilation_rate": 2}],
)
def test_other_options_use_keras(options):
    ours, theirs = _layers(kernel_size=3, **options)
    vectors = tf.random.stateless_normal([2, 9, 3], seed=[1, 2])

    np.testing.assert_array_equal(
        ours(vectors, training=True), theirs(vectors, training=True)
    )


def test_inference_is_the_plain_convolution():
    ours, _ = _layers(kernel_size=3)

    graph = tf.function(ours).get_concrete_function(tf.TensorSpec([2, 9, 3])).graph

    kinds = {operation.type for operation in graph.get_operations()}
    assert "Conv2D" in kinds
    assert kinds.isdisjoint({"IdentityN", "PartitionedCall"})
