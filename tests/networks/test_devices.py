"""MirroredStrategy: two devices compute the same as one."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.networks import bow, cnn, rnn, transformer

MODULES = [bow, cnn, rnn, transformer]
IDS = np.array([[3, 4, 5, 0], [6, 7, 8, 2], [3, 0, 0, 0], [5, 5, 6, 0]], "int32")


def two_devices():
    """Mirrors without collectives: TensorFlow numbers those afresh for every
    strategy of a process, so a second one meets the shapes of the first."""
    return tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )


def build(module, **options):
    # Heads of a width of 1 are no good test: Keras 3.15 takes their bias, [heads, 1],
    # for one of the second axis where rows happen to have as many tokens as heads.
    return module.encoder(
        9, hidden_dim=8, dropout=0.0, normalization="batch", **options
    )


def slopes(encoder, ids):
    """The gradient of a sum over all tokens, one array a trainable weight."""
    values = [weight.value for weight in encoder.trainable_weights]
    features = {"token_ids": ids, "padding_mask": tf.cast(ids > 0, tf.int32)}
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.sin(encoder(features, training=True)))
    return [tf.convert_to_tensor(slope) for slope in tape.gradient(loss, values)]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_two_devices_have_the_gradient_of_one(module):
    alone = build(module)
    strategy = two_devices()
    with strategy.scope():
        shared = build(module)
        shared.set_weights(alone.get_weights())
    halves = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(IDS[context.replica_id_in_sync_group :: 2])
    )

    @tf.function
    def step(ids):
        parts = strategy.run(lambda ids: slopes(shared, ids), args=(ids,))
        return [strategy.reduce("SUM", part, axis=None) for part in parts]

    for two, one in zip(step(halves), slopes(alone, tf.constant(IDS)), strict=True):
        np.testing.assert_allclose(two, one, atol=1e-4)  # slopes are near 5
    for two, one in zip(shared.weights, alone.weights, strict=True):
        np.testing.assert_allclose(two, one, atol=1e-6)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_dropping_words_and_features_works_on_two_devices(module):
    strategy = two_devices()
    with strategy.scope():
        encoder = build(module, word_dropout=0.5, spatial_dropout=0.5)
    features = {"token_ids": tf.constant(IDS), "padding_mask": tf.ones([4, 4], "int32")}

    @tf.function
    def step():
        return strategy.run(lambda: encoder(features, training=True))

    assert all(np.isfinite(part).all() for part in step().values)
