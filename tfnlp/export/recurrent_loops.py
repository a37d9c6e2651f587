"""Other loops for the recurrent layers of a network, while one thread traces it.

The layers of `tfnlp.layers.recurrent` take them from a context variable. Keras' own
layers cannot: a network that has some is copied, so that other threads do not see it.
"""

import contextlib
from collections.abc import Callable, Iterator

import keras

from tfnlp.export.network_copy import network_copy
from tfnlp.layers.recurrent import GRU, LSTM, Loop, replaced_loops

Replacement = Callable[[keras.layers.RNN], Loop | None]
"""Layer → its loop, or None for the usual one."""


@contextlib.contextmanager
def with_loops(model: keras.Model, replacement: Replacement) -> Iterator[keras.Model]:
    """Yields the network, or a copy, whose layers loop otherwise in the `with` block.

    Args:
        replacement: called for LSTM, GRU and SimpleRNN layers.
    """
    if _keras_layers(model, replacement):
        model = network_copy(model)
        for layer, loop in _keras_layers(model, replacement):
            layer.inner_loop = loop
    with replaced_loops(replacement):
        yield model


def _keras_layers(
    model: keras.Model, replacement: Replacement
) -> list[tuple[keras.layers.RNN, Loop]]:
    """Keras' own layers that have a replacement, and the replacement."""
    kinds = (keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN)
    layers = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, kinds) and not isinstance(layer, LSTM | GRU)
    ]
    loops = [(layer, replacement(layer)) for layer in layers]
    return [(layer, loop) for layer, loop in loops if loop is not None]
