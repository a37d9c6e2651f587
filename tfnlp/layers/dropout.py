"""Word dropout: random tokens become unknown while training.

Keras' SpatialDropout1D drops features of all tokens at once.
"""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tfnlp.layers.validation import check_rate


@keras.saving.register_keras_serializable(package="tfnlp", name="WordDropout")
class WordDropout(keras.layers.Layer):
    """Word dropout: replaces random real tokens by the unknown token while training.

    The network learns not to rely on single words, and a vector of unknown words,
    which never occur in training otherwise.

    Args:
        rate: share of the real tokens that is replaced.
        unknown: id of the unknown token.

    Raises:
        UsageError: the rate is negative, or 1 and more.

    Example:
    >>> import numpy as np
    >>> WordDropout(0.5)(np.array([[7, 8, 0]])).numpy().tolist()
    [[7, 8, 0]]
    """

    def __init__(self, rate: float, *, unknown: int = 1, **options: Any) -> None:
        check_rate("word_dropout", rate)
        super().__init__(**options)
        self.rate = rate
        self.unknown = unknown
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def call(self, token_ids: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Replaces ids in int32 [B, T]; padding (id 0) stays padding."""
        if not training or self.rate == 0.0:
            return token_ids
        dice = keras.random.uniform(ops.shape(token_ids), seed=self.seed_generator)
        dropped = ops.logical_and(dice < self.rate, token_ids > 0)
        return ops.where(dropped, ops.cast(self.unknown, token_ids.dtype), token_ids)

    def compute_output_spec(
        self, token_ids: keras.KerasTensor, training: bool = False
    ) -> keras.KerasTensor:
        """Ids keep shape and type."""
        return keras.KerasTensor(token_ids.shape, dtype=token_ids.dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "rate": self.rate, "unknown": self.unknown}
