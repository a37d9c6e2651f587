"""From token ids to vectors, learned from scratch or begun from a matrix."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfnlp.errors import UsageError
from tfnlp.layers.validation import Shape, check_size, penalty


@keras.saving.register_keras_serializable(package="tfnlp", name="Embedding")
class Embedding(keras.layers.Embedding):
    """Keras' embedding, which reads the rows it needs and not the whole table.

    Once rows of a variable were updated alone, TensorFlow copies all of it whenever it
    is read as a tensor, as Keras does to look ids up: 31 MB a batch for 120,000 words
    of 64 numbers, twice the work of the batch.

    Example:
    >>> Embedding(3, 2)(tf.constant([[2]])).shape
    TensorShape([1, 1, 2])
    """

    def call(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Looks up ids int32 [...]: [..., D]."""
        vectors = looked_up(self.embeddings, token_ids)
        return ops.cast(vectors, self.compute_dtype)


def looked_up(table: Any, rows: tf.Tensor) -> tf.Tensor:
    """Rows, int [...], of a variable or tensor [V, ...]: [..., ...]."""
    # TensorFlow gathers from a variable of its own without reading all of it.
    return tf.gather(getattr(table, "value", table), rows)


def embed(
    vocabulary_size: int,
    width: int | None = None,
    *,
    vectors: np.ndarray | None = None,
    trainable: bool = True,
    spread: float = 0.05,
    l1: float = 0.0,
    l2: float = 0.0,
    name: str = "embedding",
) -> keras.layers.Embedding:
    """An embedding, optionally begun from a matrix of word vectors.

    Args:
        vocabulary_size: number of ids, padding (0) and unknown (1) included.
        width: of a vector; by default that of `vectors`.
        vectors: float [V, D] start values, row i for id i.
        trainable: whether the vectors are tuned; False freezes them.
        spread: without start values, numbers are drawn from -spread to spread.
        l1: factor of the absolute penalty on the vectors.
        l2: factor of the squared penalty on the vectors.
        name: of the layer.

    Raises:
        UsageError: the matrix has another shape, or a size is not positive.

    Example:
    >>> import numpy as np
    >>> layer = embed(3, vectors=np.eye(3), trainable=False)
    >>> layer(np.array([[2]])).numpy().tolist()
    [[[0.0, 0.0, 1.0]]]
    """
    if width is None and vectors is not None and vectors.ndim == 2:
        width = int(vectors.shape[1])
    check_size("vocabulary_size", vocabulary_size)
    check_size("width", width)
    if vectors is not None and vectors.shape != (vocabulary_size, width):
        raise UsageError(
            f"Word vectors must have the shape ({vocabulary_size}, {width}): one row "
            f"an entry of the vocabulary. Received: {vectors.shape}. "
            "Look the vectors up with the vocabulary that the vectorizer uses."
        )
    return Embedding(
        input_dim=vocabulary_size,
        output_dim=width,
        embeddings_initializer=keras.initializers.RandomUniform(-spread, spread),
        weights=None if vectors is None else [np.asarray(vectors, "float32")],
        embeddings_regularizer=penalty(l1, l2),
        trainable=trainable,
        name=name,
    )


@keras.saving.register_keras_serializable(package="tfnlp", name="TokenWeights")
class TokenWeights(keras.layers.Layer):
    """Multiplies the vector of each token with a learned weight of that token.

    Weights start at 1. A bag of words learns with them which words matter,
    whatever they mean: the tf-idf of a network.

    Args:
        vocabulary_size: number of ids.

    Example:
    >>> import numpy as np
    >>> TokenWeights(9)(np.ones([1, 1, 2]), np.array([[4]])).numpy().tolist()
    [[[1.0, 1.0]]]
    """

    def __init__(self, vocabulary_size: int, **options: Any) -> None:
        check_size("vocabulary_size", vocabulary_size)
        super().__init__(**options)
        self.vocabulary_size = vocabulary_size

    def build(self, vectors_shape: Shape, token_ids_shape: Shape) -> None:
        """Makes one weight an entry of the vocabulary."""
        self.weight = self.add_weight(
            name="weight", shape=[self.vocabulary_size, 1], initializer="ones"
        )

    def call(self, vectors: tf.Tensor, token_ids: tf.Tensor) -> tf.Tensor:
        """Weighs vectors [B, T, D] by their ids, int32 [B, T]."""
        weights = looked_up(self.weight, token_ids)  # [B, T, 1]
        return vectors * ops.cast(weights, vectors.dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size}
