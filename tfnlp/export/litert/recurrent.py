"""Recurrent layers as while loops of built-in LiteRT operations.

The loop of Keras collects outputs in a TensorList, for which LiteRT needs the Flex
delegate, a large part of TensorFlow (docs/traps.md#t10). Here each step writes into
one tensor for all steps. The writing operation is XLA's `dynamic_update_slice`, which
LiteRT has without XLA.
"""

import contextlib
from typing import Any

import keras
import tensorflow as tf
from tensorflow.compiler.tf2xla.python import xla

from tfnlp.export.recurrent_loops import with_loops
from tfnlp.layers.recurrent import Loop


def with_plain_loops(
    model: keras.Model,
) -> contextlib.AbstractContextManager[keras.Model]:
    """Yields a network whose LSTM, GRU and SimpleRNN layers need no TensorLists."""
    return with_loops(model, _looping)


def _looping(layer: keras.layers.RNN) -> Loop:
    """The replacement of `RNN.inner_loop`."""

    def inner_loop(
        sequences: tf.Tensor, initial_state: Any, mask: Any, training: Any = False
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        states = tf.nest.flatten(initial_state)
        masks = [each for each in tf.nest.flatten(mask) if each is not None]
        steps = tf.transpose(sequences, [1, 0, 2])  # [T, B, E]
        real = tf.transpose(tf.cast(masks[0], tf.int32)) if masks else None  # [T, B]
        if layer.go_backwards:
            steps = tf.reverse(steps, [0])
            real = None if real is None else tf.reverse(real, [0])
        outputs, states = _loop(layer, steps, real, states)
        last = states[0]
        if real is not None and layer.zero_output_for_mask:
            outputs *= tf.expand_dims(tf.cast(real, outputs.dtype), -1)
            last = outputs[-1]
        return last, tf.transpose(outputs, [1, 0, 2]), states

    return inner_loop


def _loop(
    layer: keras.layers.RNN,
    steps: tf.Tensor,
    real: tf.Tensor | None,
    states: list[tf.Tensor],
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """States after every step [T, B, U], and the last ones [B, U]."""
    count, width = tf.shape(steps)[0], layer.units
    outputs = tf.zeros(tf.stack([count, tf.shape(steps)[1], width]), steps.dtype)

    def advance(place: tf.Tensor, outputs: tf.Tensor, *before: tf.Tensor) -> Any:
        _, after = layer.cell(tf.gather(steps, place), list(before), training=False)
        if real is not None:
            kept = tf.expand_dims(tf.gather(real, place), -1) > 0
            pairs = zip(after, before, strict=True)
            after = [tf.where(kept, new, old) for new, old in pairs]
        outputs = xla.dynamic_update_slice(
            outputs, tf.expand_dims(after[0], 0), tf.stack([place, 0, 0])
        )
        return place + 1, outputs, *after

    _, outputs, *states = tf.while_loop(
        lambda place, *_: place < count,
        advance,
        [tf.constant(0), outputs, *states],
        shape_invariants=[
            tf.TensorShape([]),
            tf.TensorShape([None, None, width]),
            *[tf.TensorShape([None, width])] * len(states),
        ],
    )
    return outputs, states
