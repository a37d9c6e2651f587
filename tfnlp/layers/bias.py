"""A trainable bias on its own, without a kernel."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tfnlp.layers.validation import Shape


@keras.saving.register_keras_serializable(package="tfnlp", name="Bias")
class Bias(keras.layers.Layer):
    """Adds a trainable bias to each feature: float [..., D] → [..., D].

    Example:
    >>> import numpy as np
    >>> Bias()(np.array([[1.0, 2.0]])).numpy().tolist()
    [[1.0, 2.0]]
    """

    def build(self, vectors_shape: Shape) -> None:
        """Makes the numbers [D], zero at the start."""
        self.bias = self.add_weight(
            name="bias", shape=[vectors_shape[-1]], initializer="zeros"
        )

    def call(self, vectors: tf.Tensor) -> Any:
        """Adds them."""
        return vectors + ops.convert_to_tensor(self.bias)
