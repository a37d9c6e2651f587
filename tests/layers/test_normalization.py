"""Normalisation by name; batch normalisation and padding."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.layers.normalization import TokenBatchNormalization, normalization

REAL = np.array([[[1.0], [3.0]]], "float32")
PADDED = np.array([[[1.0], [3.0], [1e3]]], "float32")
MASK = np.array([[1, 1, 0]], "int32")


def test_batch_normalisation_ignores_padding_while_training():
    normal = normalization("batch")(PADDED, MASK, training=True)

    np.testing.assert_allclose(normal[0, :2, 0], [-1, 1], atol=1e-3)


def test_batch_normalisation_averages_real_tokens_only():
    layer = normalization("batch")
    layer(PADDED, MASK, training=True)

    np.testing.assert_allclose(layer.running_mean, [0.2], rtol=1e-5)  # 0.1 · 2
    np.testing.assert_allclose(layer.running_variance, [1.0], rtol=1e-5)


def test_layer_normalisation_is_per_token():
    normal = normalization("layer")(np.array([[[1.0, 3.0], [0.0, 9.0]]]))

    np.testing.assert_allclose(normal, [[[-1, 1], [-1, 1]]], atol=1e-5)


def test_batch_normalisation_returns_from_its_config():
    layer = TokenBatchNormalization.from_config(normalization("batch").get_config())

    assert (layer.momentum, layer.epsilon) == (0.9, 1e-3)


def test_two_devices_share_the_statistics_of_a_batch():
    strategy = tf.distribute.MirroredStrategy(  # no collectives: they outlive a test
        ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        layer = normalization("batch")
        layer.build((None, None, 1), (None, None))
    parts = [tf.constant([[[1.0], [3.0]]]), tf.constant([[[5.0], [7.0]]])]
    both = strategy.experimental_distribute_values_from_function(
        lambda context: parts[context.replica_id_in_sync_group]
    )

    @tf.function
    def step(vectors):
        return strategy.run(
            lambda x: layer(x, tf.ones([1, 2], tf.int32), training=True),
            args=(vectors,),
        )

    step(both)

    np.testing.assert_allclose(layer.running_mean, [0.4], rtol=1e-5)  # 0.1 · 4
    np.testing.assert_allclose(layer.running_variance, [1.4], rtol=1e-5)  # 0.9 + 0.5


def test_unknown_normalisation_names_the_nearest():
    with pytest.raises(UsageError, match=r"'bach'\. Did you mean 'batch'"):
        normalization("bach")


def test_normalisation_is_a_keras_layer():
    assert isinstance(normalization("layer"), keras.layers.LayerNormalization)
