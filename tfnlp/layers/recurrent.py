"""LSTM and GRU with a faster gradient on CPUs; otherwise Keras' own.

Keras differentiates the loop over tokens: each step multiplies and accumulates a
gradient of all weights. Here a step holds only what depends on the step before:
inputs are multiplied once for all tokens, and so are the gradients of the weights, as
in cuDNN. Results are the same, except that the outputs of a row that is masked from
its beginning are its initial state, where Keras has zeros.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeAlias

import keras
import tensorflow as tf

Loop: TypeAlias = Callable[..., Any]
"""What `inner_loop` of a layer does, with the same arguments and results."""
_REPLACED: ContextVar[Callable[[keras.layers.RNN], Loop | None]] = ContextVar(
    "tfnlp_recurrent_loop", default=lambda layer: None
)

States: TypeAlias = list[tf.Tensor]
Real: TypeAlias = tuple[tf.Tensor, ...]
"""Which tokens are no padding; empty where all are real."""


@keras.saving.register_keras_serializable(package="tfnlp", name="LSTM")
class LSTM(keras.layers.LSTM):
    """Keras' LSTM (Hochreiter & Schmidhuber 1997) with a faster gradient on CPUs.

    Example:
    >>> import numpy as np
    >>> LSTM(3, return_sequences=True)(np.ones([2, 5, 4]), training=True).shape
    TensorShape([2, 5, 3])
    """

    def inner_loop(
        self, sequences: tf.Tensor, initial_state: States, mask: Any, training: Any
    ) -> tuple[tf.Tensor, tf.Tensor, States]:
        """Outputs of the last token [B, U] and of all, [B, T, U]; the last states."""
        loop = _REPLACED.get()(self)
        if loop is not None:
            return loop(sequences, initial_state, mask, training)
        if not _is_ours(self, training):
            return super().inner_loop(sequences, initial_state, mask, training)
        fed = _fed(self.cell, sequences, self.cell.bias)
        recurrent = tf.cast(self.cell.recurrent_kernel, fed.dtype)
        hidden, carry = initial_state
        hidden, carry = _lstm(fed, recurrent, hidden, carry, _by_token(mask))
        return hidden[-1], tf.transpose(hidden, [1, 0, 2]), [hidden[-1], carry]


@keras.saving.register_keras_serializable(package="tfnlp", name="GRU")
class GRU(keras.layers.GRU):
    """Keras' GRU (Cho et al. 2014) with a faster gradient on CPUs.

    Example:
    >>> import numpy as np
    >>> GRU(3, return_sequences=True)(np.ones([2, 5, 4]), training=True).shape
    TensorShape([2, 5, 3])
    """

    def inner_loop(
        self, sequences: tf.Tensor, initial_state: Any, mask: Any, training: Any
    ) -> tuple[tf.Tensor, tf.Tensor, States]:
        """Outputs of the last token [B, U] and of all, [B, T, U]; the last state."""
        loop = _REPLACED.get()(self)
        if loop is not None:
            return loop(sequences, initial_state, mask, training)
        if not (self.cell.reset_after and _is_ours(self, training)):
            return super().inner_loop(sequences, initial_state, mask, training)
        bias = tf.cast(self.cell.bias, sequences.dtype)
        fed = _fed(self.cell, sequences, bias[0])
        recurrent = tf.cast(self.cell.recurrent_kernel, fed.dtype)
        (start,) = tf.nest.flatten(initial_state)
        hidden = _gru(fed, recurrent, bias[1], start, _by_token(mask))
        return hidden[-1], tf.transpose(hidden, [1, 0, 2]), [hidden[-1]]


@contextlib.contextmanager
def replaced_loops(
    replacement: Callable[[keras.layers.RNN], Loop | None],
) -> Iterator[None]:
    """Replaces the loops of `LSTM` and `GRU` in this thread, while a graph is traced.

    Exporters use it: ONNX and LiteRT have other loops than TensorFlow.

    Args:
        replacement: layer → its loop, or None for the usual one.
    """
    token = _REPLACED.set(replacement)
    try:
        yield
    finally:
        _REPLACED.reset(token)


def _is_ours(layer: keras.layers.RNN, training: Any) -> bool:
    """Whether the faster gradient applies: on CPUs, with default options."""
    cell = layer.cell
    return (
        training is True
        and not (layer.go_backwards or layer.unroll or layer.zero_output_for_mask)
        and not (cell.dropout or cell.recurrent_dropout)
        and cell.use_bias
        and cell.activation is keras.activations.tanh
        and cell.recurrent_activation is keras.activations.sigmoid
        and not tf.config.list_physical_devices("GPU")  # cuDNN does the same there
    )


def _fed(cell: keras.layers.Layer, sequences: tf.Tensor, bias: Any) -> tf.Tensor:
    """Input projections of tokens [B, T, E] for the gates of each step: [T, B, G]."""
    tokens = tf.transpose(sequences, [1, 0, 2])
    kernel = tf.cast(cell.kernel, tokens.dtype)
    flat = tf.matmul(tf.reshape(tokens, [-1, kernel.shape[0]]), kernel)
    flat = tf.nn.bias_add(flat, tf.cast(bias, tokens.dtype))
    shape = tf.concat([tf.shape(tokens)[:2], [kernel.shape[1]]], axis=0)
    return tf.reshape(flat, shape)


def _by_token(mask: Any) -> Real:
    """Which tokens are real: bool [B, T] as [T, B, 1]; nothing without a mask."""
    masks = [each for each in tf.nest.flatten(mask) if each is not None]
    return tuple(tf.transpose(tf.cast(each, tf.bool))[..., None] for each in masks)


def _unless(real: Real, new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
    """The new value where a token is real, and the old one where it is padding."""
    return tf.where(real[0], new, old) if real else new


def _lstm(
    fed: tf.Tensor,
    recurrent: tf.Tensor,
    hidden: tf.Tensor,
    carry: tf.Tensor,
    real: Real,
) -> tuple[tf.Tensor, tf.Tensor]:
    """States after each step [T, B, U], and the last carry [B, U]."""

    def advance(before: Any, now: Any) -> Any:
        (last, carry, *_), (fed, real) = before, now
        gates = fed + tf.matmul(last, recurrent)
        kept, forget, new, out = tf.split(gates, 4, axis=1)
        kept, forget, out = tf.sigmoid(kept), tf.sigmoid(forget), tf.sigmoid(out)
        new = tf.tanh(new)
        carry = _unless(real, forget * carry + kept * new, carry)
        return _unless(real, out * tf.tanh(carry), last), carry, kept, forget, new, out

    @tf.custom_gradient
    def read(
        fed: tf.Tensor, recurrent: tf.Tensor, hidden: tf.Tensor, carry: tf.Tensor
    ) -> Any:
        nothing = tf.zeros_like(hidden)
        turned = tf.transpose(recurrent)  # once: `transpose_b` takes twice as long
        hiddens, carries, *gates = tf.scan(
            advance, (fed, real), (hidden, carry, *[nothing] * 4), parallel_iterations=1
        )

        def retreat(after: Any, now: Any) -> Any:
            of_hidden, of_carry, _ = after
            of_output, (kept, forget, new, out), carry, before, real = now
            of_hidden += of_output
            bent = tf.tanh(carry)
            of_output = _unless(real, of_hidden, nothing)
            of_inside = _unless(real, of_carry, nothing)
            past = of_hidden - of_output, of_carry - of_inside  # of padding: all
            of_inside += of_output * out * (1.0 - bent * bent)
            slopes = (
                of_inside * new * kept * (1.0 - kept),
                of_inside * before * forget * (1.0 - forget),
                of_inside * kept * (1.0 - new * new),
                of_output * bent * out * (1.0 - out),
            )
            of_gates = tf.concat(slopes, axis=1)
            of_last = tf.matmul(of_gates, turned)
            return past[0] + of_last, past[1] + of_inside * forget, of_gates

        def gradient(of_hiddens: tf.Tensor, of_carry: tf.Tensor) -> Any:
            steps = (of_hiddens, tuple(gates), carries, _behind(carry, carries), real)
            end = (nothing, of_carry, tf.zeros_like(fed[0]))
            of_hidden, of_carry, of_gates = tf.scan(
                retreat, steps, end, reverse=True, parallel_iterations=1
            )
            of_recurrent = _summed(_behind(hidden, hiddens), of_gates)
            return of_gates, of_recurrent, of_hidden[0], of_carry[0]

        return (hiddens, carries[-1]), gradient

    return read(fed, recurrent, hidden, carry)


def _gru(
    fed: tf.Tensor,
    recurrent: tf.Tensor,
    bias: tf.Tensor,
    hidden: tf.Tensor,
    real: Real,
) -> tf.Tensor:
    """States after each step, [T, B, U]."""

    def advance(before: Any, now: Any) -> Any:
        (last, *_), (fed, real) = before, now
        own = tf.nn.bias_add(tf.matmul(last, recurrent), bias)
        kept, reset, new = tf.split(fed, 3, axis=1)
        own_kept, own_reset, own_new = tf.split(own, 3, axis=1)
        kept, reset = tf.sigmoid(kept + own_kept), tf.sigmoid(reset + own_reset)
        new = tf.tanh(new + reset * own_new)
        hidden = _unless(real, kept * last + (1.0 - kept) * new, last)
        return hidden, kept, reset, new, own_new

    @tf.custom_gradient
    def read(
        fed: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor, hidden: tf.Tensor
    ) -> Any:
        nothing = tf.zeros_like(hidden)
        turned = tf.transpose(recurrent)  # once: `transpose_b` takes twice as long
        hiddens, *gates = tf.scan(
            advance, (fed, real), (hidden, *[nothing] * 4), parallel_iterations=1
        )

        def retreat(after: Any, now: Any) -> Any:
            of_hidden, *_ = after
            of_output, (kept, reset, new, own_new), before, real = now
            of_hidden += of_output
            of_inside = _unless(real, of_hidden, nothing)
            of_new = of_inside * (1.0 - kept) * (1.0 - new * new)
            of_kept = of_inside * (before - new) * kept * (1.0 - kept)
            of_reset = of_new * own_new * reset * (1.0 - reset)
            of_own = tf.concat([of_kept, of_reset, of_new * reset], axis=1)
            of_fed = tf.concat([of_kept, of_reset, of_new], axis=1)
            back = tf.matmul(of_own, turned)
            return _unless(real, of_hidden * kept + back, of_hidden), of_fed, of_own

        def gradient(of_hiddens: tf.Tensor) -> Any:
            before = _behind(hidden, hiddens)
            empty = tf.zeros_like(fed[0])
            of_hidden, of_fed, of_own = tf.scan(
                retreat,
                (of_hiddens, tuple(gates), before, real),
                (nothing, empty, empty),
                reverse=True,
                parallel_iterations=1,
            )
            of_recurrent = _summed(before, of_own)
            of_bias = tf.reduce_sum(of_own, axis=[0, 1])
            return of_fed, of_recurrent, of_bias, of_hidden[0]

        return hiddens, gradient

    return read(fed, recurrent, bias, hidden)


def _behind(first: tf.Tensor, states: tf.Tensor) -> tf.Tensor:
    """The initial states of steps [T, B, U]."""
    return tf.concat([first[None], states[:-1]], axis=0)


def _summed(states: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """The gradient of recurrent weights [U, G], summed over all steps."""
    states = tf.reshape(states, [-1, states.shape[-1]])
    gradients = tf.reshape(gradients, [-1, gradients.shape[-1]])
    return tf.matmul(states, gradients, transpose_a=True)
