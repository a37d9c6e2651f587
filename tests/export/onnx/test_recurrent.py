"""Recurrent layers are one fused node each, with the numbers that Keras has."""

import keras
import numpy as np
import onnx
import pytest

from tfnlp.export.onnx import conversion
from tfnlp.export.onnx.describe import described
from tfnlp.export.onnx.runtime import OnnxNetwork
from tfnlp.networks import rnn

pytestmark = pytest.mark.slow  # each conversion takes a second or two

IDS = np.array([[1, 2, 3, 4, 5], [5, 4, 0, 0, 0]], np.int32)
FEATURES = {"token_ids": IDS, "padding_mask": (IDS > 0).astype(np.int32)}


def written(network, folder):
    file = folder / "network.onnx"
    onnx.save(conversion.network(network), str(file))
    return OnnxNetwork(file), described(file)["operations"]


@pytest.mark.parametrize(
    ("options", "nodes"),
    [
        ({"cell": "lstm", "num_layers": 2}, {"LSTM": 2}),
        ({"cell": "gru"}, {"GRU": 1}),
        ({"cell": "lstm", "bidirectional": False, "activation": "relu"}, {"LSTM": 1}),
    ],
)
def test_an_encoder_is_a_fused_node_a_layer(options, nodes, tmp_path, drawn):
    network = drawn(rnn.encoder(6, hidden_dim=8, embedding_dim=4, **options))
    converted, operations = written(network, tmp_path)
    kinds = {name: operations.get(name) for name in nodes}
    assert kinds == nodes and not {"Loop", "ReverseSequence"} & set(operations)
    expected = network(FEATURES)
    np.testing.assert_allclose(converted(FEATURES), expected, rtol=1e-5, atol=1e-5)


def test_a_row_alone_is_as_in_a_batch(tmp_path, drawn):
    network = drawn(rnn.encoder(6, hidden_dim=8, embedding_dim=4))
    converted, _ = written(network, tmp_path)
    together = converted(FEATURES)[1:, :2]
    alone = converted({name: each[1:, :2] for name, each in FEATURES.items()})
    np.testing.assert_allclose(alone, together, rtol=1e-5, atol=1e-5)


def test_layers_of_keras_with_a_mask_need_no_loop(tmp_path, drawn):
    layers = keras.layers
    ids = keras.Input([None], dtype="int32", name="token_ids")
    hidden = layers.Embedding(6, 4, mask_zero=True)(ids)
    for kind in (layers.LSTM, layers.GRU):
        hidden = layers.Bidirectional(kind(3, return_sequences=True))(hidden)
    last = layers.GRU(3, reset_after=False, use_bias=False)(hidden)
    network = drawn(keras.Model({"token_ids": ids}, {"all": hidden, "last": last}))
    converted, operations = written(network, tmp_path)
    assert (operations["LSTM"], operations["GRU"]) == (2, 3)
    assert "Loop" not in operations
    for name, found in converted({"token_ids": IDS}).items():
        expected = network({"token_ids": IDS})[name]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_states_go_in_and_come_out(tmp_path, drawn):
    tokens = keras.Input([None, 4], name="tokens")
    start = keras.Input([3], name="start")
    layer = keras.layers.LSTM(3, return_sequences=True, return_state=True)
    outputs = dict(zip("ahc", layer(tokens, [start, 2 * start]), strict=True))
    network = drawn(keras.Model({"tokens": tokens, "start": start}, outputs))
    converted, _ = written(network, tmp_path)
    random = np.random.default_rng(1)
    given = {
        "tokens": random.normal(size=[2, 5, 4]).astype(np.float32),
        "start": random.normal(size=[2, 3]).astype(np.float32),
    }
    for name, found in converted(given).items():
        np.testing.assert_allclose(found, network(given)[name], rtol=1e-5, atol=1e-5)


def test_a_layer_is_left_as_it_was(tmp_path, drawn):
    network = drawn(rnn.encoder(6, hidden_dim=8, embedding_dim=4))
    before = network(FEATURES)
    conversion.network(network)
    np.testing.assert_array_equal(network(FEATURES), before)


def test_a_cell_that_onnx_has_not_stays_a_loop(tmp_path, drawn):
    network = drawn(rnn.encoder(6, hidden_dim=8, embedding_dim=4, activation="gelu"))
    converted, operations = written(network, tmp_path)
    assert operations["Loop"] == 2
    expected = network(FEATURES)
    np.testing.assert_allclose(converted(FEATURES), expected, rtol=1e-5, atol=1e-5)
