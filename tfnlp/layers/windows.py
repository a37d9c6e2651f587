"""Sliding windows: long rows in overlapping windows of a fixed number of tokens.

A row of T tokens is cut into windows of `window_size` tokens that overlap by half. The
vector of a token comes from the window in which it is nearest to the middle, so that
it was read with context on both sides. No token is left out. Rows that fit are not
changed, and the windows of a row depend on that row alone.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfnlp.layers.compatibility import renamed
from tfnlp.layers.validation import check_size

Reader = Callable[[dict[str, keras.KerasTensor]], keras.KerasTensor]


def in_windows(
    read: Reader, features: Mapping[str, keras.KerasTensor], *, window_size: int
) -> keras.KerasTensor:
    """Applies an encoder to rows of any length in overlapping windows.

    Args:
        read: an encoder, or any function from features to [B, T, D].
        features: [B, T, …] each, `padding_mask` (int32 [B, T]) among them.
        window_size: tokens of a window; time and memory of attention grow with it.

    Returns:
        [B, T, D]; zero at the padding of rows that were cut.

    Raises:
        UsageError: `window_size` is not positive.

    Example:
    >>> from tfnlp.networks import transformer
    >>> encoder = transformer.encoder(9, hidden_dim=4, num_heads=1, positions="learned")
    >>> inputs = {name: keras.Input([None], dtype="int32") for name in encoder.input}
    >>> in_windows(encoder, inputs, window_size=512).shape
    (None, None, 4)
    """
    cut, mask = CutWindows(window_size), features["padding_mask"]
    windows = {name: cut(values, mask) for name, values in features.items()}
    return JoinWindows(window_size)(read(windows), mask)


class _Windows(NamedTuple):
    """Positions of the windows of a batch, N in all."""

    counts: tf.Tensor
    """Int32 [B]: how many windows each row has, 1 or more."""
    firsts: tf.Tensor
    """Int32 [B]: the number of a row's first window."""
    step: int
    """Tokens between the beginnings of two windows of a row."""

    @classmethod
    def of(cls, padding_mask: tf.Tensor, window_size: int) -> "_Windows":
        step = (window_size + 1) // 2
        sizes = tf.reduce_sum(padding_mask, axis=1)
        # Of positive numbers only: ONNX rounds the quotient of others towards zero.
        counts = 1 + (tf.maximum(sizes - window_size, 0) + step - 1) // step
        return cls(counts, tf.cumsum(counts, exclusive=True), step)


class _Windowed(keras.layers.Layer):
    """A layer with windows of `window_size` tokens."""

    def __init__(self, window_size: int, **options: Any) -> None:
        check_size("window_size", window_size)
        super().__init__(**options)
        self.window_size = window_size
        self.built = True

    def compute_output_spec(
        self, values: keras.KerasTensor, padding_mask: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Numbers keep their type; how many rows come out is known at run time."""
        kept = "int" in values.dtype
        dtype = values.dtype if kept else self.compute_dtype
        return keras.KerasTensor((None, None, *values.shape[2:]), dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "window_size": self.window_size}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "_Windowed":
        """The layer that `get_config` described, of this version or an older one."""
        return super().from_config(renamed(config, {"length": "window_size"}))


@keras.saving.register_keras_serializable(package="tfnlp", name="CutWindows")
class CutWindows(_Windowed):
    """Splits rows into overlapping windows if one of them is longer than a window.

    A window that reaches past the end of the batch is padded with zeros.

    Args:
        window_size: tokens of a window.

    Raises:
        UsageError: `window_size` is not positive.

    Example:
    >>> import numpy as np
    >>> rows, mask = np.array([[1, 2, 3, 4, 5], [6, 7, 0, 0, 0]]), np.ones([2, 5], int)
    >>> mask[1, 2:] = 0
    >>> CutWindows(4)(rows, mask).numpy().tolist()
    [[1, 2, 3, 4], [3, 4, 5, 0], [6, 7, 0, 0]]
    """

    def call(self, values: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
        """Maps values [B, T, …] under an int32 mask [B, T] to [N, L, …]."""
        fits = tf.shape(values)[1] <= self.window_size
        cut = tf.cond(fits, lambda: values, lambda: self._cut(values, padding_mask))
        return _tall(cut, values)

    def _cut(self, values: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
        windows = _Windows.of(tf.cast(padding_mask, tf.int32), self.window_size)
        size = tf.shape(values)[1]
        rows = tf.repeat(tf.range(tf.shape(values)[0]), windows.counts)  # [N]
        numbers = tf.range(tf.shape(rows)[0]) - tf.gather(windows.firsts, rows)
        places = (numbers * windows.step)[:, None] + tf.range(
            self.window_size
        )  # [N, L]
        found = tf.gather(
            _tokens(values), rows[:, None] * size + tf.minimum(places, size - 1)
        )
        return found * _like(places < size, found)


@keras.saving.register_keras_serializable(package="tfnlp", name="JoinWindows")
class JoinWindows(_Windowed):
    """Joins windows: each token gets its vector from the window where it is central.

    Args:
        window_size: tokens of a window, as rows were cut.

    Raises:
        UsageError: `window_size` is not positive.

    Example:
    >>> import numpy as np
    >>> mask = np.ones([1, 5], "int32")
    >>> windows = np.array([[1.0, 2.0, 3.0, 4.0], [13.0, 14.0, 15.0, 0.0]])
    >>> JoinWindows(4)(windows[..., None], mask).numpy().ravel()
    array([ 1.,  2.,  3., 14., 15.], dtype=float32)
    """

    def call(self, vectors: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
        """Maps vectors [N, L, D] and the rows' int32 mask [B, T] to [B, T, D]."""
        fits = tf.shape(padding_mask)[1] <= self.window_size
        joined = tf.cond(
            fits, lambda: vectors, lambda: self._join(vectors, padding_mask)
        )
        return _tall(joined, vectors)

    def _join(self, vectors: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
        windows = _Windows.of(tf.cast(padding_mask, tf.int32), self.window_size)
        places = tf.range(tf.shape(padding_mask)[1])[None]  # [1, T]
        margin = (self.window_size - windows.step) // 2
        best = tf.maximum((places - margin) // windows.step, 0)
        best = tf.minimum(best, windows.counts[:, None] - 1)  # [B, T]
        inner = tf.minimum(places - best * windows.step, self.window_size - 1)
        numbers = windows.firsts[:, None] + best
        found = tf.gather(_tokens(vectors), numbers * self.window_size + inner)
        return found * _like(padding_mask > 0, found)


def _tokens(values: tf.Tensor) -> tf.Tensor:
    """Flattens rows [B, T, …] to tokens: [B · T, …]."""
    return tf.reshape(values, [-1, *_inner(values)])


def _inner(values: tf.Tensor) -> list[int | tf.Tensor]:
    """The sizes of a token's own axes."""
    sizes = tf.shape(values)
    return [sizes[axis] if n is None else n for axis, n in enumerate(values.shape)][2:]


def _tall(found: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """The result of a tf.cond with the rank of values: LiteRT forgets the rank."""
    return tf.reshape(found, [-1, tf.shape(found)[1], *_inner(values)])


def _like(kept: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """0 and 1, of the type and with the axes of values: [B, T, 1, …]."""
    ones = [1] * (len(values.shape) - 2)
    shape = tf.concat([tf.shape(kept), tf.constant(ones, tf.int32)], axis=0)
    return tf.reshape(tf.cast(kept, values.dtype), shape)
