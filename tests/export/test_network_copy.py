"""A copy of a network computes the same and shares nothing."""

import random

import numpy as np
import pytest

import tfnlp
from tfnlp.export.format_parity import in_float32
from tfnlp.export.network_copy import network_copy

FEATURES = {
    "token_ids": np.array([[1, 2, 3], [4, 0, 0]], np.int32),
    "padding_mask": np.array([[1, 1, 1], [1, 0, 0]], np.int32),
}


@pytest.fixture
def network():
    network = tfnlp.rnn.encoder(6, hidden_dim=4)
    network.compile(loss=lambda y, z: z, optimizer="sgd")
    return network


def test_a_copy_computes_the_same(network):
    copy = network_copy(network)
    np.testing.assert_array_equal(copy(FEATURES), network(FEATURES))


def test_a_copy_shares_no_weights(network):
    copy = network_copy(network)
    before = copy.get_weights()
    network.set_weights([0 * each for each in before])
    assert all(map(np.array_equal, copy.get_weights(), before))


def test_a_copy_draws_no_random_numbers(network):
    before = random.getstate()
    network_copy(network)
    assert random.getstate() == before


def test_a_network_of_float32_is_not_copied(network):
    same, narrow = in_float32(network)
    assert same is network and not narrow


def test_the_precision_of_a_network_stays(network):
    for layer in network._flatten_layers():
        layer.dtype_policy = "mixed_bfloat16"
    copy, narrow = in_float32(network)
    assert narrow and {x.compute_dtype for x in copy._flatten_layers()} == {"float32"}
    assert {x.compute_dtype for x in network._flatten_layers()} == {"bfloat16"}
