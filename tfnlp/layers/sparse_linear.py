"""A linear layer over the terms of a text: each has a number a class, and they add up.

Terms that dropout takes away are never looked up: half the terms are half the work of
a step, most of which goes into finding the rows of the table that a batch has met.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfnlp.layers.embedding import looked_up
from tfnlp.layers.pooling import summed
from tfnlp.layers.validation import check_rate


@keras.saving.register_keras_serializable(package="tfnlp", name="TermSums")
class TermSums(keras.layers.Layer):
    """Adds up numbers of a row's terms, a number a class, in float32.

    Args:
        size: entries of the vocabulary.
        classes: numbers of each.
        start: float [size, classes] start values; None for zeros.
        dropout: share of the terms that is left out while training; the others then
            count the more.

    Raises:
        UsageError: the share is negative, or 1 and more.

    Example:
    >>> start = np.array([[0.0], [0.0], [3.0], [4.0]])
    >>> layer = TermSums(4, 1, start=start)
    >>> layer(np.array([[2, 3, 0]]), np.array([[1, 1, 0]])).numpy().tolist()
    [[7.0]]
    """

    def __init__(
        self,
        size: int,
        classes: int,
        *,
        start: np.ndarray | None = None,
        dropout: float = 0.0,
        **options: Any,
    ) -> None:
        check_rate("dropout", dropout)
        super().__init__(**{**options, "dtype": "float32"})
        self.size, self.classes, self.dropout = size, classes, dropout
        self.seed_generator = keras.random.SeedGenerator()
        self.embeddings = self.add_weight(
            name="embeddings", shape=[size, classes], initializer="zeros"
        )
        self.built = True
        if start is not None:
            self.embeddings.assign(start)

    def call(
        self, token_ids: tf.Tensor, padding_mask: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Adds up the terms int32 [B, T] that are no padding: float32 [B, C]."""
        if not training:
            return summed(looked_up(self.embeddings, token_ids), padding_mask)
        kept = padding_mask > 0
        if self.dropout:
            dice = keras.random.uniform(tf.shape(kept), seed=self.seed_generator)
            kept &= dice >= self.dropout
        places = tf.where(kept)  # [N, 2], row by row
        terms = looked_up(self.embeddings, tf.gather_nd(token_ids, places))  # [N, C]
        sums = tf.math.segment_sum(terms, places[:, 0])
        behind = tf.shape(token_ids)[0] - tf.shape(sums)[0]  # rows that kept none
        return tf.pad(sums, [[0, behind], [0, 0]]) / (1.0 - self.dropout)

    def compute_output_spec(
        self, token_ids: Any, padding_mask: Any, training: bool = False
    ) -> keras.KerasTensor:
        """[B, T] becomes [B, C]."""
        return keras.KerasTensor((token_ids.shape[0], self.classes), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments but the start values."""
        own = {"size": self.size, "classes": self.classes, "dropout": self.dropout}
        return {**super().get_config(), **own}
