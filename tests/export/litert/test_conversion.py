"""Networks become operations that LiteRT has, with the numbers that Keras has."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.errors import ExportError
from tfnlp.export.litert.conversion import converted
from tfnlp.export.litert.frozen import frozen
from tfnlp.export.litert.runtime import LiteRTNetwork
from tfnlp.layers.crf import CRF
from tfnlp.layers.pooling import Pooling
from tfnlp.networks import bow, cnn, rnn, transformer, word_features

IDS = np.array([[1, 2, 3, 4, 5, 2, 1], [5, 4, 0, 0, 0, 0, 0]], np.int32)
FEATURES = {"token_ids": IDS, "padding_mask": (IDS > 0).astype(np.int32)}


def written(network, folder):
    file = folder / "network.tflite"
    file.write_bytes(converted(network)["float32"])
    return LiteRTNetwork(file)


def encoded(encoder, pooling):
    """An encoder and a layer that makes one vector of a row."""
    mask = encoder.input["padding_mask"]
    return keras.Model(encoder.input, Pooling(pooling)(encoder.output, mask))


@pytest.mark.slow
@pytest.mark.parametrize(
    "network",
    [
        lambda: encoded(bow.encoder(6, hidden_dim=4), "mean"),
        lambda: encoded(cnn.encoder(6, hidden_dim=6, activation="silu"), "attention"),
        lambda: rnn.encoder(6, hidden_dim=4, embedding_dim=4, num_layers=2),
        lambda: rnn.encoder(6, hidden_dim=4, embedding_dim=4, cell="gru"),
        lambda: transformer.encoder(6, hidden_dim=4, num_heads=2),
        lambda: transformer.encoder(
            6, hidden_dim=4, num_heads=2, sequence_length=4
        ),  # in windows
    ],
    ids=["bow", "cnn", "lstm", "gru", "transformer", "windows"],
)
def test_rows_of_any_number_and_length_are_as_in_keras(network, tmp_path, drawn):
    network = drawn(network())
    found = written(network, tmp_path)
    alone = {name: each[1:, :2] for name, each in FEATURES.items()}
    for features in (FEATURES, alone, FEATURES):
        expected = network(features)
        np.testing.assert_allclose(found(features), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_tagger_with_characters_and_a_crf_is_as_in_keras(tmp_path, drawn):
    start = word_features.embedding_inputs(
        {"token_ids": 6, "character_ids": 5}, embedding_dim=4
    )
    hidden = rnn.encoder(start, hidden_dim=4)
    emissions = keras.layers.Dense(3)(hidden.output)
    mask = hidden.input["padding_mask"]
    network = drawn(keras.Model(hidden.input, CRF()(emissions, mask)))
    characters = np.arange(2 * 7 * 3, dtype=np.int32).reshape(2, 7, 3) % 5
    features = {**FEATURES, "character_ids": characters}
    found = written(network, tmp_path)(features)
    for name, expected in network(features).items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_layers_of_keras_with_a_mask_are_as_in_keras(tmp_path, drawn):
    layers = keras.layers
    ids = keras.Input([None], dtype="int32", name="token_ids")
    hidden = layers.Embedding(6, 4, mask_zero=True)(ids)
    for kind in (layers.LSTM, layers.SimpleRNN):
        hidden = layers.Bidirectional(kind(3, return_sequences=True))(hidden)
    last = layers.GRU(3, reset_after=False, use_bias=False)(hidden)
    network = drawn(keras.Model({"token_ids": ids}, {"all": hidden, "last": last}))
    found = written(network, tmp_path)({"token_ids": IDS})
    for name, expected in network({"token_ids": IDS}).items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_states_go_in_and_come_out(tmp_path, drawn):
    tokens = keras.Input([None, 4], name="tokens")
    start = keras.Input([3], name="start")
    layer = keras.layers.LSTM(3, return_sequences=True, return_state=True)
    outputs = dict(zip("ahc", layer(tokens, [start, 2 * start]), strict=True))
    network = drawn(keras.Model({"tokens": tokens, "start": start}, outputs))
    random = np.random.default_rng(1)
    given = {
        "tokens": random.normal(size=[2, 5, 4]).astype(np.float32),
        "start": random.normal(size=[2, 3]).astype(np.float32),
    }
    for name, found in written(network, tmp_path)(given).items():
        np.testing.assert_allclose(found, network(given)[name], rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_a_layer_is_left_as_it_was(drawn):
    network = drawn(rnn.encoder(6, hidden_dim=4, embedding_dim=4))
    before = network(FEATURES)
    converted(network)
    np.testing.assert_array_equal(network(FEATURES), before)


def test_what_litert_has_not_is_named():
    inputs = keras.Input([3, 3], name="matrix")
    network = keras.Model({"matrix": inputs}, keras.ops.det(inputs))
    with pytest.raises(ExportError, match=r"Received: MatrixDeterminant\. Serve"):
        converted(network)


SPELLED_ANEW = {
    "within": lambda values: values[:, None, 1:],
    "first": lambda values: values[None, 0],
    "last": lambda values: values[..., None, 0, None],
    "rows": lambda values: tf.einsum("ab,a->b", values, values[:, 0]),
    "row": lambda values: tf.einsum("b,ab->a", values[0], values),
}


@pytest.mark.parametrize("name", SPELLED_ANEW)
def test_what_is_spelled_anew_is_the_same(name):
    values = tf.reshape(tf.range(6.0), [2, 3])
    constant = frozen(
        lambda values: {"found": SPELLED_ANEW[name](values)},
        [tf.TensorSpec([None, None], name="values")],
    )
    expected = SPELLED_ANEW[name](values)
    np.testing.assert_array_equal(constant(values)["found"], expected)
    graph = constant.get_concrete_function().graph.as_graph_def()
    nodes = [node for each in graph.library.function for node in each.node_def]
    assert any(node.op == "ExpandDims" for node in nodes)
    assert not any(node.attr["new_axis_mask"].i for node in nodes)


def test_an_input_that_nothing_reads_and_one_that_goes_through():
    specs = [tf.TensorSpec([None], name=name) for name in ("unread", "through")]
    constant = frozen(lambda unread, through: {"through": through}, specs)
    assert constant(tf.zeros([1]), tf.ones([1]))["through"].numpy().tolist() == [1.0]
