"""Linear layer on a sparse bag of terms: one weight for each term and class.

Terms that dropout removes are never looked up: half the terms are half the work of a
step, most of which goes into gathering the rows of the weight matrix.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfnlp.layers.compatibility import renamed, weights_saved_as
from tfnlp.layers.embedding import gather_rows
from tfnlp.layers.pooling import summed
from tfnlp.layers.validation import check_rate


@keras.saving.register_keras_serializable(package="tfnlp", name="TermSums")
@weights_saved_as("TermSums")
class SparseLinear(keras.layers.Layer):
    """Sums the weights of a row's terms, for each class, in float32.

    Args:
        vocabulary_size: number of ids.
        units: number of outputs, such as classes.
        initial_weights: float [vocabulary_size, units]; None for zeros.
        dropout: share of the terms that is dropped while training; the sum of the
            others is scaled up.

    Raises:
        UsageError: the share is negative, or 1 and more.

    Example:
    >>> weights = np.array([[0.0], [0.0], [3.0], [4.0]])
    >>> layer = SparseLinear(4, 1, initial_weights=weights)
    >>> layer(np.array([[2, 3, 0]]), np.array([[1, 1, 0]])).numpy().tolist()
    [[7.0]]
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        *,
        initial_weights: np.ndarray | None = None,
        dropout: float = 0.0,
        **options: Any,
    ) -> None:
        check_rate("dropout", dropout)
        super().__init__(**{**options, "dtype": "float32"})
        self.vocabulary_size, self.units = vocabulary_size, units
        self.dropout = dropout
        self.seed_generator = keras.random.SeedGenerator()
        self.embeddings = self.add_weight(
            name="embeddings", shape=[vocabulary_size, units], initializer="zeros"
        )
        self.built = True
        if initial_weights is not None:
            self.embeddings.assign(initial_weights)

    def call(
        self, token_ids: tf.Tensor, padding_mask: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Sums over terms int32 [B, T] that are no padding: float32 [B, C]."""
        if not training:
            return summed(gather_rows(self.embeddings, token_ids), padding_mask)
        kept = padding_mask > 0
        if self.dropout:
            dice = keras.random.uniform(tf.shape(kept), seed=self.seed_generator)
            kept &= dice >= self.dropout
        places = tf.where(kept)  # [N, 2], row by row
        terms = gather_rows(self.embeddings, tf.gather_nd(token_ids, places))  # [N, C]
        sums = tf.math.segment_sum(terms, places[:, 0])
        missing = tf.shape(token_ids)[0] - tf.shape(sums)[0]  # rows that kept none
        return tf.pad(sums, [[0, missing], [0, 0]]) / (1.0 - self.dropout)

    def compute_output_spec(
        self, token_ids: Any, padding_mask: Any, training: bool = False
    ) -> keras.KerasTensor:
        """[B, T] becomes [B, C]."""
        return keras.KerasTensor((token_ids.shape[0], self.units), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments without the initial weights."""
        own = {"vocabulary_size": self.vocabulary_size, "units": self.units}
        return {**super().get_config(), **own, "dropout": self.dropout}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SparseLinear":
        """The layer that `get_config` described, of this version or an older one."""
        names = {"size": "vocabulary_size", "classes": "units"}
        return super().from_config(renamed(config, names))
