"""Position embeddings: learned and sinusoidal."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tfnlp.layers.compatibility import renamed
from tfnlp.layers.validation import Shape, check_size


@keras.saving.register_keras_serializable(package="tfnlp", name="LearnedPositions")
class LearnedPositions(keras.layers.Layer):
    """Learned position embedding: adds a trained vector to each position.

    Args:
        sequence_length: number of positions that are learned. Tokens further on
            share the last of them, so choose at least the length of the vectorizer.

    Raises:
        UsageError: `sequence_length` is not positive.

    Example:
    >>> import numpy as np
    >>> LearnedPositions(4)(np.zeros([1, 6, 2])).shape
    TensorShape([1, 6, 2])
    """

    def __init__(self, sequence_length: int, **options: Any) -> None:
        check_size("sequence_length", sequence_length)
        super().__init__(**options)
        self.sequence_length = sequence_length

    def build(self, vectors_shape: Shape) -> None:
        """Makes one vector for each position."""
        self.positions = self.add_weight(
            name="positions",
            shape=[self.sequence_length, vectors_shape[-1]],
            initializer=keras.initializers.RandomNormal(stddev=0.02),
        )

    def call(self, vectors: tf.Tensor) -> tf.Tensor:
        """Adds to vectors [B, T, D]."""
        return vectors + self.at(ops.arange(ops.shape(vectors)[1]))

    def at(self, places: tf.Tensor) -> tf.Tensor:
        """The vectors of positions, int32 [...]: float [..., D]."""
        return ops.take(
            self.positions, ops.minimum(places, self.sequence_length - 1), axis=0
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "sequence_length": self.sequence_length}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LearnedPositions":
        """The layer that `get_config` described, of this version or an older one."""
        return super().from_config(renamed(config, {"length": "sequence_length"}))


@keras.saving.register_keras_serializable(package="tfnlp", name="SinusoidalPositions")
class SinusoidalPositions(keras.layers.Layer):
    """Sinusoidal position encoding; works for rows of any length.

    The first half of the features are sines, the second half cosines, with wave
    lengths from 2π to 10,000 · 2π (Vaswani et al., 2017).

    Example:
    >>> import numpy as np
    >>> SinusoidalPositions()(np.zeros([1, 2, 2])).numpy().round(2).tolist()
    [[[0.0, 1.0], [0.8399999737739563, 0.5400000214576721]]]
    """

    def call(self, vectors: tf.Tensor) -> tf.Tensor:
        """Adds to vectors [B, T, D]."""
        width = vectors.shape[-1]
        half = (width + 1) // 2
        places = ops.cast(ops.arange(ops.shape(vectors)[1]), "float32")[:, None]
        steps = ops.cast(ops.arange(half), "float32") / float(half)
        angles = places * ops.power(10_000.0, -steps)[None, :]  # [T, half]
        waves = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)
        return vectors + ops.cast(waves[:, :width], vectors.dtype)
