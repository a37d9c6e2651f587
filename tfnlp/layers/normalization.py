"""Layer and batch normalisation by name, aware of padding."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tfnlp.layers.validation import Shape, check_choice

KINDS = ("batch", "layer")


@keras.saving.register_keras_serializable(
    package="tfnlp", name="TokenBatchNormalization"
)
class TokenBatchNormalization(keras.layers.Layer):
    """Batch normalisation over the real tokens of a batch, without padding.

    Statistics are synchronized over devices, so the number of devices changes
    nothing, but not over the micro-batches of gradient accumulation: it is the one
    layer whose training depends on them. (The masked statistics of Keras' own layer
    stay on the device.)

    Args:
        momentum: momentum of the moving averages.
        epsilon: added to the variance, which may be zero.

    Example:
    >>> import numpy as np
    >>> row, mask = np.array([[[1.0], [3.0], [9.0]]]), np.array([[1, 1, 0]])
    >>> normal = TokenBatchNormalization()(row, mask, training=True)
    >>> normal.numpy().round(1).ravel().tolist()[:2]
    [-1.0, 1.0]
    """

    def __init__(
        self, *, momentum: float = 0.9, epsilon: float = 1e-3, **options: Any
    ) -> None:
        super().__init__(**options)
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, vectors_shape: Shape, padding_mask_shape: Shape) -> None:
        """Makes scale, shift and the two running averages, each [D]."""
        shape = [vectors_shape[-1]]
        self.scale = self._weight("scale", shape, "ones", trainable=True)
        self.shift = self._weight("shift", shape, "zeros", trainable=True)
        self.running_mean = self._weight("running_mean", shape, "zeros")
        self.running_variance = self._weight("running_variance", shape, "ones")

    def call(
        self, vectors: tf.Tensor, padding_mask: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Normalises vectors [B, T, D] under an int32 mask [B, T]."""
        wide = ops.cast(vectors, "float32")
        mean, variance = self.running_mean, self.running_variance
        if training:
            real = ops.cast(padding_mask, "float32")[..., None]  # [B, T, 1]
            mean = _mean_of_real(wide, real)
            variance = _mean_of_real(ops.square(wide - mean), real)
            self._average(self.running_mean, mean)
            self._average(self.running_variance, variance)
        factor = self.scale * ops.rsqrt(variance + self.epsilon)  # [D]
        return ops.cast((wide - mean) * factor + self.shift, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {"momentum": self.momentum, "epsilon": self.epsilon}
        return {**super().get_config(), **own}

    def _weight(
        self, name: str, shape: list[int], start: str, *, trainable: bool = False
    ) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=start,
            trainable=trainable,
            autocast=False,  # statistics need all of float32
        )

    def _average(self, running: keras.Variable, batch: tf.Tensor) -> None:
        kept = running * self.momentum
        running.assign(kept + ops.stop_gradient(batch) * (1.0 - self.momentum))


def _mean_of_real(values: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
    """The mean of float [B, T, D] over the real tokens of every device: [D]."""
    total = ops.sum(values * real, axis=[0, 1])
    count = ops.sum(real)
    replica = tf.distribute.get_replica_context()
    if replica is not None:
        total = replica.all_reduce(tf.distribute.ReduceOp.SUM, total)
        count = replica.all_reduce(tf.distribute.ReduceOp.SUM, count)
    return total / ops.maximum(count, 1.0)


def normalization(kind: str, *, name: str | None = None) -> keras.layers.Layer:
    """A new normalisation layer for `[B, T, D]`.

    Args:
        kind: `layer`: layer normalisation of each token. `batch`: batch
            normalisation over all real tokens, with moving averages in inference;
            see `TokenBatchNormalization`, which is called with the mask too.
        name: of the layer.

    Raises:
        UsageError: there is no such kind.

    Example:
    >>> import numpy as np
    >>> normalization("layer")(np.array([[[1.0, 3.0]]])).numpy().round(2).tolist()
    [[[-1.0, 1.0]]]
    """
    check_choice("normalization", kind, KINDS)
    if kind == "layer":
        return keras.layers.LayerNormalization(epsilon=1e-6, name=name)
    return TokenBatchNormalization(name=name)


def normalize(
    vectors: keras.KerasTensor, padding_mask: keras.KerasTensor, kind: str | None
) -> keras.KerasTensor:
    """Applies `normalization(kind)` to [B, T, D] in a network; None does nothing."""
    if kind is None:
        return vectors
    layer = normalization(kind)
    return layer(vectors) if kind == "layer" else layer(vectors, padding_mask)
