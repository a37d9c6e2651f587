"""LSTM and GRU layers as placeholders; `fused_rnn` replaces them by fused ONNX nodes.

Left alone, tf2onnx writes a masked layer as a loop (docs/traps.md#t8), and one that
reads a reversed row as if the padding belonged to it: it drops the lengths, and the
numbers of shorter rows are wrong.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfnlp.export.onnx.placeholders import Placeholders
from tfnlp.export.recurrent_loops import with_loops
from tfnlp.layers.recurrent import Loop

ACTIVATIONS = {
    "elu": "Elu",
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "tanh": "Tanh",
}
"""Activations of a cell that ONNX has under a name of its own."""


@dataclass(frozen=True)
class Recurrent:
    """A call of a recurrent layer.

    Its placeholder reads vectors [B, T, E], the lengths [B] if it is masked, and the
    initial states [B, U] unless they are zero. It writes the states [B, T, U] after
    every token, 0 at masked ones, and the last states [B, U]. Masked tokens are at the
    end of a row.
    """

    layer: keras.layers.RNN
    masked: bool
    started: bool


def with_placeholders(
    model: keras.Model, placeholders: Placeholders
) -> contextlib.AbstractContextManager[keras.Model]:
    """Yields a network whose fusable layers add placeholders instead of their loops."""

    def replacement(layer: keras.layers.RNN) -> Loop | None:
        return _inner_loop(layer, placeholders) if is_fusable(layer) else None

    return with_loops(model, replacement)


def is_fusable(layer: keras.Layer) -> bool:
    """Whether ONNX has a node that computes a layer."""
    if not isinstance(layer, keras.layers.LSTM | keras.layers.GRU):
        return False
    names = {getattr(function, "__name__", "") for function in functions(layer)}
    return names <= ACTIVATIONS.keys() and not layer.stateful


def functions(layer: keras.layers.RNN) -> list[Callable]:
    """The activations of a cell's gates and of what they let through."""
    return [layer.cell.recurrent_activation, layer.cell.activation]


def _inner_loop(layer: keras.layers.RNN, placeholders: Placeholders) -> Loop:
    """The `RNN.inner_loop` that adds a placeholder."""

    def inner_loop(
        sequences: tf.Tensor, initial_state: Any, mask: Any, training: Any = False
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        states = tf.nest.flatten(initial_state)
        masks = [each for each in tf.nest.flatten(mask) if each is not None]
        real = tf.cast(masks[0], tf.bool) if masks else None
        lengths = _lengths(real)
        started = not all(map(_is_zero, states))
        outputs, *after = placeholders.add(
            Recurrent(layer, masked=bool(masks), started=started),
            [
                _turned(layer, sequences, lengths),
                *lengths,
                *(states if started else ()),
            ],
            [_spec(sequences, layer.units), *map(_state_spec, states)],
        )
        if layer.go_backwards and real is not None:
            outputs = tf.reverse(_turned(layer, outputs, lengths), [1])
        elif real is not None and not layer.zero_output_for_mask:
            outputs = tf.where(real[..., None], outputs, after[0][:, None])
        return after[0], outputs, after

    return inner_loop


def _lengths(real: tf.Tensor | None) -> list[tf.Tensor]:
    if real is None:
        return []
    return [tf.reduce_sum(tf.cast(real, tf.int32), axis=1)]


def _turned(
    layer: keras.layers.RNN, sequences: tf.Tensor, lengths: list[tf.Tensor]
) -> tf.Tensor:
    """The tokens [B, T, E] in the order in which the layer reads them."""
    if not layer.go_backwards:
        return sequences
    if not lengths:
        return tf.reverse(sequences, [1])
    return tf.reverse_sequence(sequences, lengths[0], seq_axis=1, batch_axis=0)


def _is_zero(state: tf.Tensor) -> bool:
    """Whether a tensor of a graph is filled with zeros when it is run."""
    if state.op.type == "Fill":
        state = state.op.inputs[1]
    value = tf.get_static_value(state)
    return value is not None and not np.any(value)


def _spec(sequences: tf.Tensor, units: int) -> tf.TensorSpec:
    return tf.TensorSpec([*sequences.shape[:2], units], tf.float32)


def _state_spec(state: tf.Tensor) -> tf.TensorSpec:
    return tf.TensorSpec(state.shape, tf.float32)
