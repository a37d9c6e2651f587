"""Normalisation by name: over the features of a token, or over a batch."""

import keras
import tensorflow as tf
from keras import ops

from tfnlp.layers.options import check_choice

KINDS = ("batch", "layer")


@keras.saving.register_keras_serializable(package="tfnlp")
class TokenBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation over the real tokens of a batch; padding has no part.

    The one layer whose outputs depend on how a batch is cut: the statistics are
    those of the rows that go through it together, so micro-batches change the
    result, and so would devices if they did not share their sums. Prefer
    `normalization="layer"` where results must not depend on that.
    """

    def call(
        self,
        inputs: tf.Tensor,
        padding_mask: tf.Tensor | None = None,
        training: bool | None = None,
    ) -> tf.Tensor:
        """Normalises [B, T, D] under an int32 mask [B, T]."""
        mask = None if padding_mask is None else ops.cast(padding_mask, "bool")
        return super().call(inputs, training=training, mask=mask)


def normalization(kind: str, *, name: str | None = None) -> keras.layers.Layer:
    """A fresh layer that normalises `[B, T, D]`.

    Args:
        kind: `layer` looks at one token alone. `batch` looks at all real tokens
            of the batch while training and at running averages later; see
            `TokenBatchNormalization`, which is called with the mask too.
        name: of the layer.

    Raises:
        UsageError: there is no such kind.

    Example:
    >>> normalization("layer")(np.array([[[1.0, 3.0]]])).numpy().round(2).tolist()
    [[[-1.0, 1.0]]]
    """
    check_choice("normalization", kind, KINDS)
    if kind == "layer":
        return keras.layers.LayerNormalization(epsilon=1e-6, name=name)
    # 0.9: the averages must settle within the few hundred steps of a small set.
    return TokenBatchNormalization(momentum=0.9, synchronized=True, name=name)


def normalize(
    vectors: keras.KerasTensor, padding_mask: keras.KerasTensor, kind: str | None
) -> keras.KerasTensor:
    """Applies `normalization(kind)` to [B, T, D] in a network; None does nothing."""
    if kind is None:
        return vectors
    layer = normalization(kind)
    return layer(vectors) if kind == "layer" else layer(vectors, padding_mask)
