"""Pooling over tokens: mean, max, sum, attention and others, aware of padding."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tfnlp.layers.validation import Shape, check_choice

KINDS = ("attention", "ends", "first", "last", "max", "mean", "sqrt", "sum")


@keras.saving.register_keras_serializable(package="tfnlp", name="Pooling")
class Pooling(keras.layers.Layer):
    """Pools the tokens of a row to one vector, without padding.

    Args:
        kind: `mean`, `max` or `sum` of the real tokens; `sqrt`, their sum over the
            square root of their number, between the two; `first` or `last` real
            token; `ends` for an encoder that reads both ways, which takes the
            forward half at the last real token and the backward half at the
            first; `attention`, a mean weighted by one learned query.

    Raises:
        UsageError: there is no such kind.

    Example:
    >>> import numpy as np
    >>> vectors = np.array([[[1.0], [3.0], [9.0]]])
    >>> Pooling("mean")(vectors, np.array([[1, 1, 0]])).numpy().tolist()
    [[2.0]]
    """

    def __init__(self, kind: str, **options: Any) -> None:
        check_choice("pooling", kind, KINDS)
        super().__init__(**options)
        self.kind = kind

    def build(self, vectors_shape: Shape, padding_mask_shape: Shape) -> None:
        """Makes the query of attention pooling; other kinds have no weights."""
        if self.kind == "attention":
            self.query = self.add_weight(
                name="query", shape=[vectors_shape[-1]], initializer="glorot_uniform"
            )

    def call(self, vectors: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
        """Pools vectors [B, T, D] under an int32 mask [B, T] to [B, D]."""
        if self.kind == "attention":
            return _attend(vectors, padding_mask, ops.convert_to_tensor(self.query))
        return _POOL[self.kind](vectors, padding_mask)

    def compute_output_shape(
        self, vectors_shape: Shape, padding_mask_shape: Shape
    ) -> Shape:
        """[B, T, D] becomes [B, D]."""
        return (vectors_shape[0], vectors_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "kind": self.kind}


def _sum(vectors: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
    return ops.cast(summed(vectors, padding_mask), vectors.dtype)


def _mean(vectors: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
    total = summed(vectors, padding_mask)
    return ops.cast(total / _count(padding_mask), vectors.dtype)


def _sqrt(vectors: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
    total = summed(vectors, padding_mask)
    return ops.cast(total / ops.sqrt(_count(padding_mask)), vectors.dtype)


def _count(padding_mask: tf.Tensor) -> tf.Tensor:
    real = ops.sum(ops.cast(padding_mask, "float32"), axis=1, keepdims=True)
    return ops.maximum(real, 1.0)


def summed(vectors: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Weighted sum of vectors [B, T, D] with weights [B, T]: float32 [B, D].

    In float32, because a float16 sum of some hundred tokens overflows. As a product of
    matrices, whose gradient takes a fifth of the time of that of an `einsum`.
    """
    weights = ops.expand_dims(ops.cast(weights, "float32"), 1)  # [B, 1, T]
    return ops.matmul(weights, ops.cast(vectors, "float32"))[:, 0]


def _max(vectors: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
    lowest = ops.cast(vectors.dtype.min, vectors.dtype)
    real = ops.expand_dims(ops.cast(padding_mask, "bool"), -1)
    return ops.max(ops.where(real, vectors, lowest), axis=1)


def _first(vectors: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
    return vectors[:, 0]


def _last(vectors: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
    last = ops.sum(ops.cast(padding_mask, "int32"), axis=1) - 1  # [B]
    last = ops.reshape(ops.maximum(last, 0), [-1, 1, 1])  # [B, 1, 1]
    return ops.take_along_axis(vectors, last, axis=1)[:, 0]


def _ends(vectors: tf.Tensor, padding_mask: tf.Tensor) -> tf.Tensor:
    half = vectors.shape[-1] // 2
    forward = _last(vectors[..., :half], padding_mask)
    return ops.concatenate([forward, vectors[:, 0, half:]], axis=-1)


def _attend(vectors: tf.Tensor, padding_mask: tf.Tensor, query: tf.Tensor) -> tf.Tensor:
    scores = ops.cast(ops.einsum("btd,d->bt", vectors, query), "float32")
    real = ops.cast(padding_mask, "bool")
    scores = ops.where(real, scores, tf.float32.min)  # exp() of it is exactly 0
    weights = ops.softmax(scores, axis=-1)  # [B, T]
    return ops.cast(summed(vectors, weights), vectors.dtype)


_POOL: dict[str, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "ends": _ends,
    "first": _first,
    "last": _last,
    "max": _max,
    "mean": _mean,
    "sqrt": _sqrt,
    "sum": _sum,
}
