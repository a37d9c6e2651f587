"""Outputs and gradients of LSTM and GRU equal those of Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.layers.recurrent import GRU, LSTM

RANDOM = np.random.default_rng(0)
TOKENS = RANDOM.normal(size=[4, 7, 5]).astype("float32")
STATES = RANDOM.normal(size=[2, 4, 3]).astype("float32")
PULL = RANDOM.normal(size=[4, 7, 3]).astype("float32")
MASKS = (
    np.arange(7) < np.array([[7], [1], [3], [6]]),
    np.arange(7) % np.array([[1], [2], [3], [4]]) == 0,  # the first token is real
)


def built(layer_class, **options):
    layer = layer_class(
        3,
        return_sequences=True,
        return_state=True,
        bias_initializer=keras.initializers.RandomNormal(seed=1),
        **options,
    )
    layer.build((None, None, 5))
    return layer


def read(layer, *, training, tokens=TOKENS, mask=None):
    """Outputs and states, and the gradient of tokens, first states and weights."""

    @tf.function
    def step(tokens, states):
        with tf.GradientTape() as tape:
            tape.watch([tokens, *states])
            outputs, *after = layer(
                tokens, initial_state=states, mask=mask, training=training
            )
            total = tf.reduce_sum(outputs * PULL[: len(tokens)])
            total += tf.add_n([tf.reduce_sum(tf.sin(3.0 * state)) for state in after])
        weights = [variable.value for variable in layer.trainable_variables]
        return outputs, after, tape.gradient(total, [tokens, *states, *weights])

    count = 2 if isinstance(layer, keras.layers.LSTM) else 1
    states = [tf.constant(state[: len(tokens)]) for state in STATES[:count]]
    return tf.nest.flatten(step(tf.constant(tokens), states))


@pytest.mark.parametrize("layer_class", [LSTM, GRU])
@pytest.mark.parametrize("mask", [None, *MASKS], ids=["none", "right", "anywhere"])
def test_outputs_and_gradients_equal_keras(layer_class, mask):
    layer = built(layer_class)
    ours = read(layer, training=True, mask=mask)
    plain = read(layer, training=False, mask=mask)  # Keras' own loop
    for found, expected in zip(ours, plain, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("layer_class", [LSTM, GRU])
def test_a_row_of_one_token_and_no_row_can_be_trained(layer_class):
    layer = built(layer_class)
    assert np.isfinite(read(layer, training=True, tokens=TOKENS[:, :1])[0]).all()
    outputs = layer(TOKENS[:0], training=True)[0]
    assert outputs.shape == (0, 7, 3)


@pytest.mark.parametrize("layer_class", [LSTM, GRU])
def test_a_row_of_padding_keeps_its_state(layer_class):
    mask = np.array([[False] * 7] + [[True] * 7] * 3)
    layer = built(layer_class)
    outputs, *after = read(layer, training=True, mask=mask)
    np.testing.assert_allclose(outputs[0], np.tile(STATES[0, 0], [7, 1]))
    np.testing.assert_allclose(after[0][0], STATES[0, 0])


@pytest.mark.parametrize("layer_class", [LSTM, GRU])
@pytest.mark.parametrize(
    "options",
    [
        {"activation": "relu"},
        {"recurrent_activation": "relu"},
        {"use_bias": False},
        {"recurrent_dropout": 0.5},
        {"dropout": 0.5},
        {"go_backwards": True},
    ],
    ids=str,
)
def test_other_options_of_rnns_use_keras(layer_class, options):
    layer = built(layer_class, **options)
    keras.utils.set_random_seed(0)
    ours = layer(TOKENS, training=True)[0]
    plain = getattr(keras.layers, layer_class.__name__).from_config(layer.get_config())
    plain.build((None, None, 5))
    plain.set_weights(layer.get_weights())
    keras.utils.set_random_seed(0)
    if not (layer.dropout or layer.recurrent_dropout):
        np.testing.assert_allclose(ours, plain(TOKENS, training=True)[0], atol=1e-6)
    assert np.abs(ours - built(layer_class)(TOKENS, training=True)[0]).max() > 1e-3


@pytest.mark.parametrize("layer_class", [LSTM, GRU])
def test_half_precision_trains(layer_class):
    layer = built(layer_class, dtype="mixed_bfloat16")
    outputs = read_half(layer)
    expected = layer(TOKENS, training=False)[0]
    np.testing.assert_allclose(
        tf.cast(outputs, tf.float32), tf.cast(expected, tf.float32), atol=0.03
    )


def read_half(layer):
    """The outputs; every gradient is a number."""
    with tf.GradientTape() as tape:
        outputs = layer(TOKENS, training=True)[0]
        total = tf.reduce_sum(tf.cast(outputs, tf.float32) * PULL)
    weights = [variable.value for variable in layer.trainable_variables]
    gradients = tape.gradient(total, weights)
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    return outputs


@pytest.mark.parametrize("layer_class", [LSTM, GRU])
def test_layers_return_from_a_file(layer_class, tmp_path):
    inputs = keras.Input([None, 5])
    model = keras.Model(inputs, layer_class(3)(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.layers[-1], layer_class)
    np.testing.assert_allclose(loaded(TOKENS), model(TOKENS))
