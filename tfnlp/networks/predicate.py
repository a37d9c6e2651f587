"""Predicate features for semantic role labelling: distance and context words.

Every word gets an embedding of its distance from the predicate, and a vector of the
predicate with its neighbours, as in Zhou and Xu (2015): without them, a shallow
network would have to carry both through the whole sentence.
"""

import keras
from keras import ops

from tfnlp.layers.embedding import embed
from tfnlp.layers.validation import check_size
from tfnlp.networks.embedding_inputs import EmbeddingInputs
from tfnlp.networks.word_features import feature

_PREDICATE = 2  # its id; other words have 1, padding 0


def add_predicate_features(
    start: EmbeddingInputs,
    *,
    distance_dim: int = 50,
    predicate_dim: int = 100,
    max_distance: int = 30,
    context: int = 1,
) -> EmbeddingInputs:
    """Adds predicate features to the vectors of words.

    Args:
        start: the vectors of words, and their inputs.
        distance_dim: size of the embedding of the distance from the predicate.
        predicate_dim: size of the vector of the predicate, the same at every word.
        max_distance: distances in words are clipped to it.
        context: neighbours on each side that the vector of the predicate includes.

    Returns:
        The same with a further input, ``predicate_ids``: int32 [B, T], 2 for the
        predicate, 1 for other words, 0 for padding. A row may have none.

    Raises:
        UsageError: a size is not positive.

    Example:
    >>> from tfnlp.networks import word_features
    >>> words = word_features.embedding_inputs({"token_ids": 9}, embedding_dim=6)
    >>> start = add_predicate_features(words)
    >>> start.vectors.shape, list(start.more)
    ((None, None, 156), ['predicate_ids'])
    """
    check_size("max_distance", max_distance)
    check_size("context", context, least=0)
    ids = feature("predicate_ids")
    steps = _steps(ids)  # [B, T]
    distances = embed(2 * max_distance + 1, distance_dim, name="distance")
    real = ops.cast(ops.expand_dims(ids > 0, -1), start.vectors.dtype)  # [B, T, 1]
    words = start.vectors * real
    near = [_taken(words, steps, k) for k in range(-context, context + 1)]
    joined = keras.layers.Concatenate()(near) if context else near[0]  # [B, 1, _]
    predicate = keras.layers.Dense(predicate_dim, activation="tanh", name="predicate")(
        joined
    )
    found = [
        start.vectors,
        distances(ops.clip(steps, -max_distance, max_distance) + max_distance),
        predicate * ops.ones_like(real),
    ]
    vectors = keras.layers.Concatenate()(found)  # [B, T, D]
    return start._replace(vectors=vectors, more={**start.more, "predicate_ids": ids})


def _steps(ids: keras.KerasTensor) -> keras.KerasTensor:
    """Signed distance from the predicate, int32 [B, T]; in a row without a predicate,
    the position from 1."""
    numbers = ops.cumsum(ops.ones_like(ids), axis=1)
    here = ops.cast(ops.equal(ids, _PREDICATE), "int32")
    return numbers - ops.sum(numbers * here, axis=1, keepdims=True)


def _taken(
    vectors: keras.KerasTensor, steps: keras.KerasTensor, step: int
) -> keras.KerasTensor:
    """The vector of the word at a distance from the predicate: [B, 1, D]."""
    here = ops.cast(ops.expand_dims(ops.equal(steps, step), -1), vectors.dtype)
    return ops.sum(vectors * here, axis=1, keepdims=True)
