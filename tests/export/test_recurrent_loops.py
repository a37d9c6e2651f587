"""Loops of recurrent layers are replaced in one thread, and in no other."""

import threading

import keras
import numpy as np
import pytest

from tfnlp.export.recurrent_loops import with_loops
from tfnlp.layers.recurrent import GRU, LSTM

VECTORS = np.ones([2, 3, 4], np.float32)


def zeros(layer):
    """A loop whose outputs and states are zeros."""

    def loop(sequences, initial_state, mask, training=False):
        state = keras.ops.zeros([2, layer.units])
        return state, keras.ops.zeros([2, 3, layer.units]), [state]

    return loop


def network_of(kind):
    return keras.Sequential([keras.Input([None, 4]), kind(5, return_sequences=True)])


@pytest.mark.parametrize("kind", [LSTM, GRU, keras.layers.LSTM, keras.layers.SimpleRNN])
def test_a_loop_is_replaced_inside_the_block(kind):
    network = network_of(kind)
    before = network(VECTORS).numpy()
    with with_loops(network, zeros) as replaced:
        assert not replaced(VECTORS).numpy().any()
    np.testing.assert_array_equal(network(VECTORS), before)


@pytest.mark.parametrize("kind", [LSTM, keras.layers.GRU])
def test_another_thread_has_the_usual_loop(kind):
    network = network_of(kind)
    before, found = network(VECTORS).numpy(), []
    with with_loops(network, zeros):
        thread = threading.Thread(target=lambda: found.append(network(VECTORS)))
        thread.start()
        thread.join()
    np.testing.assert_array_equal(found[0], before)


def test_only_networks_with_layers_of_keras_are_copied():
    for kind, copied in ((LSTM, False), (keras.layers.LSTM, True)):
        network = network_of(kind)
        with with_loops(network, zeros) as replaced:
            assert (replaced is not network) == copied


def test_no_replacement_is_the_usual_loop():
    network = network_of(GRU)
    before = network(VECTORS).numpy()
    with with_loops(network, lambda layer: None) as same:
        np.testing.assert_array_equal(same(VECTORS), before)
