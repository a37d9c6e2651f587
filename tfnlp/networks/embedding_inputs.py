"""Inputs and outputs of all encoders: token embeddings, and zeroed padding."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import keras
import numpy as np

from tfnlp.errors import UsageError
from tfnlp.layers.dropout import WordDropout
from tfnlp.layers.embedding import embed
from tfnlp.layers.masking import ZeroPadding
from tfnlp.layers.validation import check_rate


class EmbeddingInputs(NamedTuple):
    """Keras inputs and token vectors, on which an encoder is stacked."""

    token_ids: keras.KerasTensor
    padding_mask: keras.KerasTensor
    vectors: keras.KerasTensor
    """[B, T, D]; padding may hold any values, which the next layer must not read."""
    more: Mapping[str, keras.KerasTensor] = MappingProxyType({})
    """Further inputs that the vectors are made of, by name."""


def embedding_inputs(
    vocabulary_size: int | EmbeddingInputs,
    embedding_dim: int | None,
    *,
    vectors: np.ndarray | None = None,
    trainable_vectors: bool = True,
    initializer_range: float = 0.05,
    word_dropout: float = 0.0,
    spatial_dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
) -> EmbeddingInputs:
    """Keras inputs of an encoder, and the embeddings of its tokens.

    Args:
        vocabulary_size: number of ids; or `EmbeddingInputs`, which are returned.
        embedding_dim: size of a vector; None for that of `vectors`.
        vectors: float [V, D] start values.
        trainable_vectors: False freezes the vectors.
        initializer_range: without start values, weights are uniform between
            -initializer_range and initializer_range.
        word_dropout: share of tokens that become unknown while training.
        spatial_dropout: share of features dropped from all tokens of a row.
        l1: factor of the absolute penalty on the vectors.
        l2: factor of the squared penalty on the vectors.

    Raises:
        UsageError: an option has a value that it cannot have.
    """
    check_rate("spatial_dropout", spatial_dropout)
    if isinstance(vocabulary_size, EmbeddingInputs):
        return vocabulary_size
    if vectors is not None and not isinstance(vectors, np.ndarray):
        raise UsageError(
            "Vectors of tokens start from a matrix, float [V, D]. "
            f"Received: {vectors!r}. Read a file of them with load_vectors."
        )
    token_ids = keras.Input([None], dtype="int32", name="token_ids")
    padding_mask = keras.Input([None], dtype="int32", name="padding_mask")
    kept = WordDropout(word_dropout)(token_ids) if word_dropout else token_ids
    embedding = embed(
        vocabulary_size,
        embedding_dim,
        vectors=vectors,
        trainable=trainable_vectors,
        initializer_range=initializer_range,
        l1=l1,
        l2=l2,
    )
    embedded = embedding(kept)  # [B, T, D]
    if spatial_dropout:
        embedded = keras.layers.SpatialDropout1D(spatial_dropout)(embedded)
    return EmbeddingInputs(token_ids, padding_mask, embedded)


def encoder_model(
    start: EmbeddingInputs, vectors: keras.KerasTensor, *, name: str
) -> keras.Model:
    """Builds the encoder model: padding to zero, float32 outputs, inputs by name."""
    ending = ZeroPadding(dtype="float32", name="vectors")
    ids = {"token_ids": start.token_ids, "padding_mask": start.padding_mask}
    return keras.Model(
        inputs={**ids, **start.more},
        outputs=ending(vectors, start.padding_mask),
        name=name,
    )


def dropped(
    vectors: keras.KerasTensor, rate: float, *, variational: bool = False
) -> keras.KerasTensor:
    """Applies dropout in a network; a rate of 0 adds no layer.

    Args:
        variational: variational dropout: the same mask for all tokens of a row (Gal &
            Ghahramani 2016).
    """
    check_rate("dropout", rate)
    if not rate:
        return vectors
    kind = keras.layers.SpatialDropout1D if variational else keras.layers.Dropout
    return kind(rate)(vectors)
