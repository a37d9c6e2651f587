"""Transformer encoder block: self-attention and a feed-forward network."""

from typing import Any

import keras
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.layers.activation import NAMES
from tfnlp.layers.activation import activation as make_activation
from tfnlp.layers.compatibility import renamed
from tfnlp.layers.normalization import normalization
from tfnlp.layers.validation import (
    Shape,
    check_choice,
    check_rate,
    check_size,
    penalty,
)

_OPTIONS = (
    "activation attention_dropout causal dropout intermediate_dim l1 l2 "
    "normalize_first num_heads"
)
_RENAMED = {
    "heads": "num_heads",
    "hidden": "intermediate_dim",
    "pre_norm": "normalize_first",
}


@keras.saving.register_keras_serializable(package="tfnlp", name="TransformerBlock")
class TransformerBlock(keras.layers.Layer):
    """Transformer block: self-attention, then a feed-forward network, with residuals.

    Args:
        num_heads: number of attention heads; must divide the size of the input vectors.
        intermediate_dim: size of the hidden layer of the feed-forward network.
        activation: of that hidden layer, see `tfnlp.layers.activation`.
        dropout: dropout rate on the output of either half.
        attention_dropout: share of the attention weights dropped; costs a random
            number for each pair of tokens.
        normalize_first: layer normalisation of the input of each half (pre-norm),
            which trains without warm-up; False normalises the sum after it
            (post-norm), as in the original paper.
        causal: causal mask: a token sees only itself and earlier ones.
        l1: factor of the absolute penalty on the kernels.
        l2: factor of the squared penalty on the kernels.

    Raises:
        UsageError: an option is out of range, or `num_heads` does not divide the size.

    Example:
    >>> import numpy as np
    >>> block = TransformerBlock(num_heads=2, intermediate_dim=8)
    >>> block(np.ones([1, 3, 4]), np.array([[1, 1, 0]])).shape
    TensorShape([1, 3, 4])
    """

    def __init__(
        self,
        *,
        num_heads: int,
        intermediate_dim: int,
        activation: str = "gelu",
        dropout: float = 0.1,
        attention_dropout: float = 0.0,
        normalize_first: bool = True,
        causal: bool = False,
        l1: float = 0.0,
        l2: float = 0.0,
        **options: Any,
    ) -> None:
        check_choice("activation", activation, NAMES)
        check_size("num_heads", num_heads)
        check_size("intermediate_dim", intermediate_dim)
        check_rate("dropout", dropout)
        check_rate("attention_dropout", attention_dropout)
        super().__init__(**options)
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.activation = activation
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.normalize_first = normalize_first
        self.causal = causal
        self.l1 = l1
        self.l2 = l2

    def build(self, vectors_shape: Shape, padding_mask_shape: Shape) -> None:
        """Makes the weights for vectors [B, T, D]."""
        width = vectors_shape[-1]
        if width % self.num_heads:
            raise UsageError(
                "num_heads must divide the hidden_dim of a transformer. "
                f"Received: num_heads={self.num_heads}, hidden_dim={width}. "
                f"Pass a hidden_dim of {self.num_heads * -(-width // self.num_heads)}."
            )
        self._build_attention(vectors_shape)
        self._build_feed_forward(vectors_shape)
        self.drop = keras.layers.Dropout(self.dropout, dtype=self.dtype_policy)

    def call(
        self, vectors: tf.Tensor, padding_mask: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Maps vectors [B, T, D] under an int32 mask [B, T] to [B, T, D]."""
        if self.normalize_first:
            seen = self.attention_norm(vectors)
            vectors += self._attend(seen, padding_mask, training)
            return vectors + self._feed(self.feed_norm(vectors), training)
        vectors = self.attention_norm(
            vectors + self._attend(vectors, padding_mask, training)
        )
        return self.feed_norm(vectors + self._feed(vectors, training))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {name: getattr(self, name) for name in _OPTIONS.split()}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "TransformerBlock":
        """The layer that `get_config` described, of this version or an older one."""
        return super().from_config(renamed(config, _RENAMED))

    def _build_attention(self, shape: Shape) -> None:
        self.attention_norm = self._norm("attention_norm", shape)
        self.attention = keras.layers.MultiHeadAttention(
            num_heads=self.num_heads,
            key_dim=shape[-1] // self.num_heads,
            dropout=self.attention_dropout,
            kernel_regularizer=penalty(self.l1, self.l2),
            dtype=self.dtype_policy,
            name="attention",
        )
        self.attention.build(shape, shape)
        # A softmax does not see what all keys have in common: the gradient of this
        # bias is rounding, which Adam would scale up to whole steps.
        self.attention.key_dense.bias.trainable = False

    def _build_feed_forward(self, shape: Shape) -> None:
        self.feed_norm = self._norm("feed_norm", shape)
        self.widen = self._dense(self.intermediate_dim, "widen", shape)
        middle = (*shape[:-1], self.intermediate_dim)
        self.bend = make_activation(self.activation, per_token=True)
        self.bend.dtype_policy = self.dtype_policy
        self.bend.build(middle)
        self.narrow = self._dense(shape[-1], "narrow", middle)

    def _norm(self, name: str, shape: Shape) -> keras.layers.Layer:
        layer = normalization("layer", name=name)
        layer.dtype_policy = self.dtype_policy
        layer.build(shape)
        return layer

    def _dense(self, width: int, name: str, shape: Shape) -> keras.layers.Layer:
        layer = keras.layers.Dense(
            width,
            kernel_regularizer=penalty(self.l1, self.l2),
            dtype=self.dtype_policy,
            name=name,
        )
        layer.build(shape)
        return layer

    def _attend(
        self, vectors: tf.Tensor, padding_mask: tf.Tensor, training: bool
    ) -> tf.Tensor:
        mixed = self.attention(
            vectors,
            vectors,
            attention_mask=padding_mask[:, None, :],  # [B, 1, T]
            use_causal_mask=self.causal,
            training=training,
        )
        return self.drop(mixed, training=training)

    def _feed(self, vectors: tf.Tensor, training: bool) -> tf.Tensor:
        middle = self.bend(self.widen(vectors))  # [B, T, hidden]
        return self.drop(self.narrow(middle), training=training)
