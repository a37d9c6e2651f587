"""Masking layers: zero the padding, or reverse the real tokens of a row."""

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="tfnlp", name="ZeroPadding")
class ZeroPadding(keras.layers.Layer):
    """Sets the vectors of padding to zero.

    A convolution that reads past the end of a row then reads zeros, as past the end
    of the batch, so its output does not depend on the other rows.

    Example:
    >>> import numpy as np
    >>> ZeroPadding()(np.ones([1, 3, 1]), np.array([[1, 1, 0]])).numpy().ravel()
    array([1., 1., 0.], dtype=float32)
    """

    def call(self, vectors: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
        """Multiplies vectors [B, T, D] with an int32 mask [B, T]."""
        # Not [..., None], for which LiteRT has no operation.
        return vectors * ops.expand_dims(ops.cast(padding_mask, vectors.dtype), -1)


@keras.saving.register_keras_serializable(package="tfnlp", name="ReverseTokens")
class ReverseTokens(keras.layers.Layer):
    """Reverses the real tokens of each row and leaves its padding at the end.

    A recurrent layer that reads a reversed row starts at the last real token and
    needs no mask: outputs at the padding come last, and are not used. That is exact,
    faster than a masked loop, and the same on every device.

    Example:
    >>> import numpy as np
    >>> row = np.array([[[1.0], [2.0], [3.0], [0.0]]])
    >>> ReverseTokens()(row, np.array([[1, 1, 1, 0]])).numpy().ravel()
    array([3., 2., 1., 0.], dtype=float32)
    """

    def call(self, vectors: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
        """Reverses vectors [B, T, D] within the lengths of an int32 mask [B, T]."""
        lengths = ops.sum(ops.cast(padding_mask, "int32"), axis=1)
        # keras.ops can only gather, which costs several times this one kernel.
        return tf.reverse_sequence(vectors, lengths, seq_axis=1, batch_axis=0)

    def compute_output_spec(
        self, vectors: keras.KerasTensor, padding_mask: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Vectors keep shape and type."""
        return keras.KerasTensor(vectors.shape, dtype=self.compute_dtype)
