"""Cross-entropy against its definition, values and gradients."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.layers.cross_entropy import cross_entropy

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(0, 3, [2, 5, 7]).astype("float32")
Y = RANDOM.integers(0, 7, [2, 5]).astype("int32")


def by_definition(y, logits, smoothing):
    target = tf.one_hot(y, 7) * (1 - smoothing) + smoothing / 7
    return -tf.reduce_sum(target * tf.nn.log_softmax(logits), axis=-1)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_values_and_gradients_are_those_of_the_definition(smoothing, jit):
    weight = tf.constant(RANDOM.uniform(0, 1, [2, 5]), tf.float32)

    @tf.function(jit_compile=jit)
    def both(logits):
        found = []
        for loss in (
            cross_entropy(Y, logits, smoothing=smoothing),
            by_definition(Y, logits, smoothing),
        ):
            found += [loss, tf.gradients(loss * weight, logits)[0]]
        return found

    loss, slope, true_loss, true_slope = both(tf.constant(LOGITS))
    np.testing.assert_allclose(loss, true_loss, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(slope, true_slope, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_a_probability_too_small_for_a_float_has_an_exact_loss(shift):
    logits = tf.constant([[0.0, 500.0, 0.0]]) + shift
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = cross_entropy(tf.constant([0]), logits)
    np.testing.assert_allclose(loss, [500.0])
    np.testing.assert_allclose(tape.gradient(loss, logits), [[-1.0, 1.0, 0.0]])
