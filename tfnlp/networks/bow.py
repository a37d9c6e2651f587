"""Bag-of-words encoder: token embeddings, without any interaction of tokens.

The fastest encoder, and a strong one when the vectorizer hands it word pairs or
character n-grams too (fastText; Joulin et al., 2016). Word order counts only within
those n-grams.
"""

import keras
import numpy as np

from tfnlp.errors import UsageError
from tfnlp.layers.activation import activation as make_activation
from tfnlp.layers.embedding import TokenWeights
from tfnlp.layers.normalization import normalize
from tfnlp.networks.embedding_inputs import dropped, embedding_inputs, encoder_model

POOLING = "mean"


def encoder(
    vocabulary_size: int,
    *,
    hidden_dim: int | None = None,
    initial_vectors: np.ndarray | None = None,
    vectors: np.ndarray | None = None,
    trainable_vectors: bool = True,
    token_weights: bool = False,
    activation: str = "linear",
    dropout: float = 0.0,
    word_dropout: float = 0.0,
    spatial_dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    normalization: str | None = None,
) -> keras.Model:
    """Bag-of-words encoder: int32 [B, T] to float32 [B, T, D].

    Vectors start between -1/D and 1/D as in fastText (Bojanowski et al. 2017): most
    terms are rare, and larger random start values would outweigh what they learn.

    Args:
        vocabulary_size: number of ids, n-grams included.
        hidden_dim: size D of a vector; by default that of the start values, else 64.
        initial_vectors: float [V, D] start values that are always trained, for
            example the log-ratios of naive Bayes.
        vectors: float [V, D] pretrained word vectors.
        trainable_vectors: False freezes the pretrained vectors.
        token_weights: learn one weight for each token besides its vector.
        activation: applied to each vector; see `tfnlp.layers.activation`.
        dropout: share of numbers dropped.
        word_dropout: share of tokens that become unknown while training.
        spatial_dropout: share of features dropped from all tokens of a row.
        l1: factor of the absolute penalty on the vectors.
        l2: factor of the squared penalty on the vectors.
        normalization: `batch`, `layer` or None.

    Raises:
        UsageError: an option has a value that it cannot have.

    Example:
    >>> encoder(100, hidden_dim=8).output_shape
    (None, None, 8)
    """
    if initial_vectors is not None and vectors is not None:
        raise UsageError(
            "A bag of words starts from one matrix. "
            "Received: initial_vectors and vectors. "
            "Pass either of them."
        )
    values = initial_vectors if vectors is None else vectors
    if hidden_dim is None and values is None:
        hidden_dim = 64
    start = embedding_inputs(
        vocabulary_size,
        hidden_dim,
        vectors=values,
        trainable_vectors=trainable_vectors or vectors is None,
        initializer_range=1.0 / hidden_dim if hidden_dim else 0.05,
        word_dropout=word_dropout,
        spatial_dropout=spatial_dropout,
        l1=l1,
        l2=l2,
    )
    hidden = start.vectors
    if token_weights:
        hidden = TokenWeights(vocabulary_size)(hidden, start.token_ids)
    hidden = normalize(hidden, start.padding_mask, normalization)
    if activation != "linear":
        hidden = make_activation(activation, per_token=True)(hidden)
    return encoder_model(start, dropped(hidden, dropout), name="bow")
