"""Reversible embedding: token embedding and language-model head, tied or not."""

from typing import Any

import keras
import tensorflow as tf

from tfnlp.layers.compatibility import renamed
from tfnlp.layers.validation import Shape, check_size

_RENAMED = {
    "vocabulary_size": "input_dim",
    "width": "output_dim",
    "tied": "tie_weights",
}


@keras.saving.register_keras_serializable(package="tfnlp", name="TokenTable")
class ReversibleEmbedding(keras.layers.Layer):
    """Token embedding that also projects vectors back to logits.

    Like Keras' ReversibleEmbedding, with a bias and scaled vectors. With tied weights
    both directions share the matrix (Press & Wolf 2017): fewer parameters, and a
    better language model. Embeddings are multiplied with the square root of
    `output_dim` (Vaswani et al. 2017, 3.4): small logits and vectors of usual size at
    the start, without which the next layers hardly see their tokens.

    Args:
        input_dim: size of the vocabulary.
        output_dim: size of a vector.
        tie_weights: whether logits use the embedding matrix; else one of their own.

    Example:
    >>> table = ReversibleEmbedding(5, 4)
    >>> table.logits(table(tf.constant([[1, 2]]))).shape
    TensorShape([1, 2, 5])
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        *,
        tie_weights: bool = True,
        **options: Any,
    ) -> None:
        check_size("input_dim", input_dim)
        check_size("output_dim", output_dim)
        super().__init__(**options)
        self.input_dim, self.output_dim = input_dim, output_dim
        self.tie_weights = tie_weights

    def build(self, token_ids_shape: Shape) -> None:
        """Makes the embedding matrix [V, D], and the weights of logits."""
        shape = [self.input_dim, self.output_dim]
        small = keras.initializers.RandomNormal(stddev=self.output_dim**-0.5)
        self.table = self.add_weight(name="table", shape=shape, initializer=small)
        self.output_table = self.table
        if not self.tie_weights:
            self.output_table = self.add_weight(
                name="output_table", shape=shape, initializer=small
            )
        self.bias = self.add_weight(
            name="bias", shape=[self.input_dim], initializer="zeros"
        )

    def call(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Embeds ids int32 [...]: float [..., D]."""
        vectors = tf.gather(tf.convert_to_tensor(self.table), token_ids)
        return vectors * tf.cast(self.output_dim**0.5, vectors.dtype)

    def logits(self, vectors: tf.Tensor) -> tf.Tensor:
        """Logits of vectors [..., D]: float32 [..., V]."""
        flat = tf.reshape(vectors, [-1, self.output_dim])
        table = tf.cast(tf.convert_to_tensor(self.output_table), vectors.dtype)
        scores = tf.cast(tf.matmul(flat, table, transpose_b=True), tf.float32)
        bias = tf.cast(tf.convert_to_tensor(self.bias), tf.float32)
        scores = tf.nn.bias_add(scores, bias)  # its gradient is faster than that of +
        shape = tf.concat([tf.shape(vectors)[:-1], [self.input_dim]], axis=0)
        return tf.ensure_shape(
            tf.reshape(scores, shape), [*vectors.shape[:-1], self.input_dim]
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "tie_weights": self.tie_weights,
        }
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ReversibleEmbedding":
        """The layer that `get_config` described, of this version or an older one."""
        return super().from_config(renamed(config, _RENAMED))
