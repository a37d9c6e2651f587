"""Token embeddings, learned from scratch or initialised from pretrained vectors."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfnlp.errors import UsageError
from tfnlp.layers.validation import Shape, check_size, penalty


@keras.saving.register_keras_serializable(package="tfnlp", name="Embedding")
class Embedding(keras.layers.Embedding):
    """Keras' Embedding that gathers only the rows it needs, not the whole matrix.

    Once rows of a variable were updated alone, TensorFlow copies all of it whenever it
    is read as a tensor, as Keras does to look ids up: 31 MB a batch for 120,000 words
    of 64 numbers, twice the work of the batch.

    Example:
    >>> Embedding(3, 2)(tf.constant([[2]])).shape
    TensorShape([1, 1, 2])
    """

    def call(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Looks up ids int32 [...]: [..., D]."""
        vectors = gather_rows(self.embeddings, token_ids)
        return ops.cast(vectors, self.compute_dtype)


def gather_rows(table: Any, rows: tf.Tensor) -> tf.Tensor:
    """Gathers rows, int [...], of a variable or tensor [V, ...]: [..., ...]."""
    # TensorFlow gathers from a variable of its own without reading all of it.
    return tf.gather(getattr(table, "value", table), rows)


def embed(
    vocabulary_size: int,
    embedding_dim: int | None = None,
    *,
    vectors: np.ndarray | None = None,
    trainable: bool = True,
    initializer_range: float = 0.05,
    l1: float = 0.0,
    l2: float = 0.0,
    name: str = "embedding",
) -> keras.layers.Embedding:
    """An embedding layer, optionally initialised from a matrix of word vectors.

    Args:
        vocabulary_size: number of ids, padding (0) and unknown (1) included.
        embedding_dim: size of a vector; by default that of `vectors`.
        vectors: float [V, D] start values, row i for id i.
        trainable: whether the vectors are trained; False freezes them.
        initializer_range: without start values, weights are uniform between
            -initializer_range and initializer_range.
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
    if embedding_dim is None and vectors is not None and vectors.ndim == 2:
        embedding_dim = int(vectors.shape[1])
    check_size("vocabulary_size", vocabulary_size)
    check_size("embedding_dim", embedding_dim)
    if vectors is not None and vectors.shape != (vocabulary_size, embedding_dim):
        raise UsageError(
            f"Word vectors must have the shape ({vocabulary_size}, {embedding_dim}): "
            f"one row for each entry of the vocabulary. Received: {vectors.shape}. "
            "Look the vectors up with the vocabulary that the vectorizer uses."
        )
    return Embedding(
        input_dim=vocabulary_size,
        output_dim=embedding_dim,
        embeddings_initializer=keras.initializers.RandomUniform(
            -initializer_range, initializer_range
        ),
        weights=None if vectors is None else [np.asarray(vectors, "float32")],
        embeddings_regularizer=penalty(l1, l2),
        trainable=trainable,
        name=name,
    )


@keras.saving.register_keras_serializable(package="tfnlp", name="TokenWeights")
class TokenWeights(keras.layers.Layer):
    """Multiplies the vector of each token with a learned weight of that token.

    Weights start at 1. A bag of words learns with them which words matter,
    independent of their meaning: like tf-idf, but trained.

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
        weights = gather_rows(self.weight, token_ids)  # [B, T, 1]
        return vectors * ops.cast(weights, vectors.dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size}
