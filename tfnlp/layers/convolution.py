"""1D convolution with a sparse gradient, fast before max pooling."""

from collections.abc import Callable

import keras
import tensorflow as tf

RARE = 64
"""A gradient is sparse if at most one number in 64 is not zero."""
_STRIDES = [1, 1, 1, 1]
_Gradients = tuple[tf.Tensor, tf.Tensor]
"""Of the vectors [B, T, E] and of the kernel [W, E, F]."""


@keras.saving.register_keras_serializable(package="tfnlp", name="Convolution")
class Convolution(keras.layers.Conv1D):
    """Keras' Conv1D, whose gradient skips zeros.

    Max pooling often follows: of T positions in a row one has a gradient, and
    TensorFlow multiplies zeros for the others. That is two thirds of the work of a
    CNN. On CPUs, where `padding` is "same" and at most one number in `RARE` of the
    gradient is not zero, only their windows are read. The sum is the same.

    Example:
    >>> Convolution(4, 3, padding="same")(tf.zeros([1, 5, 2])).shape
    TensorShape([1, 5, 4])
    """

    def call(self, vectors: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Convolves vectors [B, T, E]: [B, T, F]."""
        if not (training and self._is_plain() and vectors.dtype == "float32"):
            return super().call(vectors)
        found = convolved(vectors, tf.convert_to_tensor(self.kernel))
        if self.use_bias:
            found = tf.nn.bias_add(found, tf.convert_to_tensor(self.bias))
        return self.activation(found)

    def _is_plain(self) -> bool:
        sizes = {*self.strides, *self.dilation_rate, self.groups}
        return (
            (self.padding, self.data_format) == ("same", "channels_last")
            and sizes == {1}
            and {each.device_type for each in tf.config.list_logical_devices()}
            == {"CPU"}
        )


@tf.custom_gradient
def convolved(
    vectors: tf.Tensor, kernel: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], _Gradients]]:
    """Vectors [B, T, E] under a kernel [W, E, F], padded to the same T: [B, T, F]."""

    def gradients(slope: tf.Tensor) -> _Gradients:
        met = tf.math.count_nonzero(slope)
        return tf.cond(
            met * RARE <= tf.size(slope, tf.int64),
            lambda: _of_few(vectors, kernel, slope),
            lambda: _of_all(vectors, kernel, slope),
        )

    return tf.nn.conv1d(vectors, kernel, stride=1, padding="SAME"), gradients


def _of_all(vectors: tf.Tensor, kernel: tf.Tensor, slope: tf.Tensor) -> _Gradients:
    """The dense gradient of TensorFlow."""
    vectors, kernel, slope = (
        tf.expand_dims(each, axis)
        for each, axis in ((vectors, 1), (kernel, 0), (slope, 1))
    )
    of_vectors = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=tf.shape(vectors),
        filter=kernel,
        out_backprop=slope,
        strides=_STRIDES,
        padding="SAME",
    )
    of_kernel = tf.raw_ops.Conv2DBackpropFilter(
        input=vectors,
        filter_sizes=tf.shape(kernel),
        out_backprop=slope,
        strides=_STRIDES,
        padding="SAME",
    )
    return tf.squeeze(of_vectors, 1), tf.squeeze(of_kernel, 0)


def _of_few(vectors: tf.Tensor, kernel: tf.Tensor, slope: tf.Tensor) -> _Gradients:
    """The sparse gradient: the sum over N nonzero numbers, each with its window."""
    window, size, filters = kernel.shape
    before = (window - 1) // 2
    rows, length = tf.unstack(tf.shape(vectors)[:2])
    padded = tf.pad(vectors, [[0, 0], [before, window - 1 - before], [0, 0]])
    stride = length + window - 1  # places of a padded row
    met = tf.where(slope != 0.0)  # [N, 3]
    row, place, feature = tf.unstack(tf.cast(met, tf.int32), axis=1)
    slopes = tf.gather_nd(slope, met)[:, None, None]
    places = (row * stride + place)[:, None] + tf.range(window)  # [N, W]
    read = tf.gather(tf.reshape(padded, [-1, size]), places)  # [N, W, E]
    of_kernel = tf.math.unsorted_segment_sum(read * slopes, feature, filters)
    detectors = tf.gather(tf.transpose(kernel, [2, 0, 1]), feature)  # [N, W, E]
    of_padded = tf.math.unsorted_segment_sum(
        tf.reshape(detectors * slopes, [-1, size]),
        tf.reshape(places, [-1]),
        rows * stride,
    )
    of_vectors = tf.reshape(of_padded, [rows, stride, size])
    return (
        of_vectors[:, before : before + length],
        tf.transpose(of_kernel, [1, 2, 0]),
    )
