"""From a decoder's vectors to a score for every entry of the vocabulary."""

from typing import Any

import keras
import tensorflow as tf

from tfnlp.layers.validation import Shape, check_size


@keras.saving.register_keras_serializable(package="tfnlp", name="TokenTable")
class TokenTable(keras.layers.Layer):
    """One vector for each token, read both ways: ids to vectors, vectors to logits.

    With tied weights both ways share the table (Press & Wolf 2017): fewer numbers
    to learn, and a better language model. Read as vectors, they are multiplied with
    the root of the width (Vaswani et al. 2017, 3.4): small logits and vectors of
    usual size at the start, without which the layers behind hardly see their tokens.

    Args:
        vocabulary_size: number of ids.
        width: of a vector.
        tied: whether logits come from the table; else from a matrix of their own.

    Example:
    >>> table = TokenTable(5, 4)
    >>> table.logits(table(tf.constant([[1, 2]]))).shape
    TensorShape([1, 2, 5])
    """

    def __init__(
        self,
        vocabulary_size: int,
        width: int,
        *,
        tied: bool = True,
        **options: Any,
    ) -> None:
        check_size("vocabulary_size", vocabulary_size)
        check_size("width", width)
        super().__init__(**options)
        self.vocabulary_size, self.width = vocabulary_size, width
        self.tied = tied

    def build(self, token_ids_shape: Shape) -> None:
        """Makes the table [V, D], and what logits need besides."""
        shape = [self.vocabulary_size, self.width]
        small = keras.initializers.RandomNormal(stddev=self.width**-0.5)
        self.table = self.add_weight(name="table", shape=shape, initializer=small)
        self.output_table = self.table
        if not self.tied:
            self.output_table = self.add_weight(
                name="output_table", shape=shape, initializer=small
            )
        self.bias = self.add_weight(
            name="bias", shape=[self.vocabulary_size], initializer="zeros"
        )

    def call(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Vectors of ids int32 [...]: float [..., D]."""
        vectors = tf.gather(tf.convert_to_tensor(self.table), token_ids)
        return vectors * tf.cast(self.width**0.5, vectors.dtype)

    def logits(self, vectors: tf.Tensor) -> tf.Tensor:
        """Scores of vectors [..., D]: float32 [..., V]."""
        flat = tf.reshape(vectors, [-1, self.width])
        table = tf.cast(tf.convert_to_tensor(self.output_table), vectors.dtype)
        scores = tf.cast(tf.matmul(flat, table, transpose_b=True), tf.float32)
        bias = tf.cast(tf.convert_to_tensor(self.bias), tf.float32)
        scores = tf.nn.bias_add(scores, bias)  # its gradient is faster than that of +
        shape = tf.concat([tf.shape(vectors)[:-1], [self.vocabulary_size]], axis=0)
        return tf.ensure_shape(
            tf.reshape(scores, shape), [*vectors.shape[:-1], self.vocabulary_size]
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {
            "vocabulary_size": self.vocabulary_size,
            "width": self.width,
            "tied": self.tied,
        }
        return {**super().get_config(), **own}
