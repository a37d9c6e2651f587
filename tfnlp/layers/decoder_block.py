"""Transformer decoder block with a key-value cache for incremental decoding.

Whole rows in training; one token at a time in generation, with the keys and values
of earlier tokens in a cache. Both are the same arithmetic.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfnlp.errors import UsageError
from tfnlp.layers.activation import FUNCTIONS, activation
from tfnlp.layers.compatibility import renamed
from tfnlp.layers.rotary import apply_rotary
from tfnlp.layers.validation import Shape, check_choice, check_rate, check_size

Cache = Mapping[str, tf.Tensor]
"""Keys and values [N, H, M, D / H]: of M earlier tokens, or of the memory."""

_OPTIONS = "activation cross_attention dropout intermediate_dim num_heads rotary"
_RENAMED = {
    "cross": "cross_attention",
    "heads": "num_heads",
    "hidden": "intermediate_dim",
}
_FAR = -1e9


class Memory(NamedTuple):
    """The output of an encoder, for cross-attention (PyTorch calls it memory, too)."""

    vectors: tf.Tensor
    """float [B, S, E]."""
    padding_mask: tf.Tensor
    """int32 [B, S]."""


@keras.saving.register_keras_serializable(package="tfnlp", name="DecoderBlock")
class DecoderBlock(keras.layers.Layer):
    """Causal self-attention, cross-attention if wanted, and a feed-forward network.

    Each is normalised first and added to its input (pre-norm), so that it trains
    without warm-up. Rows are padded at their end: a token does not see what comes
    after it, so it does not see padding, and no mask is needed.

    Args:
        num_heads: number of attention heads; must divide the size of the input vectors.
        intermediate_dim: size of the hidden layer of the feed-forward network.
        cross_attention: whether it attends to a memory, the output of an encoder.
        rotary: rotary position embedding of queries and keys (RoPE).
        activation: of the hidden layer, see `tfnlp.layers.activation`.
        dropout: share dropped of what each part adds.

    Raises:
        UsageError: an option is out of range, or `num_heads` does not divide the size.

    Example:
    >>> import numpy as np
    >>> block = DecoderBlock(num_heads=2, intermediate_dim=8)
    >>> block(np.ones([1, 3, 4])).shape
    TensorShape([1, 3, 4])
    """

    def __init__(
        self,
        *,
        num_heads: int,
        intermediate_dim: int,
        cross_attention: bool = False,
        rotary: bool = True,
        activation: str = "gelu",
        dropout: float = 0.1,
        **options: Any,
    ) -> None:
        check_choice("activation", activation, FUNCTIONS)
        check_size("num_heads", num_heads)
        check_size("intermediate_dim", intermediate_dim)
        check_rate("dropout", dropout)
        super().__init__(**options)
        self.num_heads, self.intermediate_dim = num_heads, intermediate_dim
        self.cross_attention, self.rotary = cross_attention, rotary
        self.activation, self.dropout = activation, dropout

    def build(self, vectors_shape: Shape, memory_shape: Shape | None = None) -> None:
        """Makes the weights for vectors [B, T, D] and a memory [B, S, E]."""
        width, even = vectors_shape[-1], 2 * self.num_heads
        if width % (even if self.rotary else self.num_heads):
            raise UsageError(
                "num_heads must divide the hidden_dim of a decoder, and with rotary "
                f"positions into even parts. Received: num_heads={self.num_heads}, "
                f"hidden_dim={width}. Pass a hidden_dim of {even * -(-width // even)}."
            )
        # Names of attributes that hold layers are paths of weights in files: they stay.
        self.own_norm = self._norm("own_norm", vectors_shape)
        self.own_inputs = self._parts("qkv", width, "own_inputs", vectors_shape)
        self.own_output = self._dense(width, "own_output", vectors_shape)
        if self.cross_attention:
            self.cross_norm = self._norm("cross_norm", vectors_shape)
            self.cross_query = self._dense(width, "cross_query", vectors_shape)
            self.cross_source = self._parts("kv", width, "cross_source", memory_shape)
            self.cross_output = self._dense(width, "cross_output", vectors_shape)
        self.feed_norm = self._norm("feed_norm", vectors_shape)
        self.widen = self._dense(self.intermediate_dim, "widen", vectors_shape)
        self.bend = activation(self.activation)
        middle = (*vectors_shape[:-1], self.intermediate_dim)
        self.narrow = self._dense(width, "narrow", middle)
        self.drop = keras.layers.Dropout(self.dropout, dtype=self.dtype_policy)

    def call(
        self,
        vectors: tf.Tensor,
        memory: tf.Tensor | None = None,
        padding_mask: tf.Tensor | None = None,
        training: bool = False,
    ) -> tf.Tensor:
        """Maps vectors [B, T, D] and a memory [B, S, E] with its mask to [B, T, D]."""
        source = None if memory is None else self.project(Memory(memory, padding_mask))
        return self._read(vectors, source, training)[0]

    def prefill(
        self, vectors: tf.Tensor, source: Cache | None, *, max_length: tf.Tensor | int
    ) -> tuple[tf.Tensor, Cache]:
        """Reads prompts, vectors [B, P, D] with P up to `max_length`.

        Returns:
            float [B, P, D], and the key-value cache for `step`, of `max_length` tokens.
        """
        vectors, keys, values = self._read(vectors, source, training=False)
        more = max_length - tf.shape(vectors)[1]
        wider = [[0, 0], [0, 0], [0, more], [0, 0]]
        return vectors, {"keys": tf.pad(keys, wider), "values": tf.pad(values, wider)}

    def step(
        self, vectors: tf.Tensor, places: tf.Tensor, cache: Cache, source: Cache | None
    ) -> tuple[tf.Tensor, Cache, tf.Tensor | None]:
        """Reads one more token of each row, vectors [N, D] at `places` int32 [N].

        A full cache drops its oldest token.

        Returns:
            float [N, D], the cache with the token in it, and the cross-attention
            weights, mean of the heads: float [N, S], or None without a memory.
        """
        size = tf.shape(cache["keys"])[2]
        query, key, value = self._queries_keys_values(vectors[:, None], places[:, None])
        cache = {
            "keys": _write(cache["keys"], key, places % size),
            "values": _write(cache["values"], value, places % size),
        }
        seen = tf.range(size) <= places[:, None]  # [N, M]; all of them when it is full
        bias = _bias(seen, self.compute_dtype)[:, None, None, :]
        mixed, _ = _attention(query, cache, bias)
        vectors = vectors[:, None] + self.own_output(_merge_heads(mixed))
        vectors, weights = self._attend_to_memory(vectors, source, training=False)
        attention = None if weights is None else tf.reduce_mean(weights, axis=1)[:, 0]
        return self._feed_forward(vectors, training=False)[:, 0], cache, attention

    def project(self, memory: Memory) -> Cache:
        """Keys and values [B, H, S, D / H] of a memory, and its attention bias."""
        keys, values = tf.split(self.cross_source(memory.vectors), 2, axis=-1)
        bias = _bias(memory.padding_mask > 0, self.compute_dtype)
        return {
            "keys": self._split_heads(keys),
            "values": self._split_heads(values),
            "bias": bias[:, None, None, :],
        }

    def with_attention(
        self, vectors: tf.Tensor, source: Cache
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Like `call`, with the attention weights, mean of the heads: [B, T, S]."""
        vectors = self._attend_to_itself(vectors, training=False)[0]
        vectors, weights = self._attend_to_memory(vectors, source, training=False)
        return self._feed_forward(vectors, training=False), tf.reduce_mean(
            weights, axis=1
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {name: getattr(self, name) for name in _OPTIONS.split()}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "DecoderBlock":
        """The layer that `get_config` described, of this version or an older one."""
        return super().from_config(renamed(config, _RENAMED))

    def _read(
        self, vectors: tf.Tensor, source: Cache | None, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Whole rows: vectors [B, T, D], keys and values [B, H, T, D / H]."""
        vectors, keys, values = self._attend_to_itself(vectors, training)
        vectors, _ = self._attend_to_memory(vectors, source, training)
        return self._feed_forward(vectors, training), keys, values

    def _attend_to_itself(
        self, vectors: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        length = tf.shape(vectors)[1]
        places = tf.range(length)
        query, key, value = self._queries_keys_values(vectors, places)
        bias = _bias(places[None, :] <= places[:, None], self.compute_dtype)  # [T, T]
        mixed, _ = _attention(query, {"keys": key, "values": value}, bias)
        added = self.drop(self.own_output(_merge_heads(mixed)), training=training)
        return vectors + added, key, value

    def _queries_keys_values(
        self, vectors: tf.Tensor, places: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Query, key and value of every token: [B, H, T, D / H]."""
        parts = tf.split(self.own_inputs(self.own_norm(vectors)), 3, axis=-1)
        query, key, value = (self._split_heads(part) for part in parts)
        if self.rotary:
            places = tf.expand_dims(places, -2)  # the same in every head
            query, key = apply_rotary(query, places), apply_rotary(key, places)
        return query, key, value

    def _attend_to_memory(
        self, vectors: tf.Tensor, source: Cache | None, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        if source is None:
            return vectors, None
        query = self._split_heads(self.cross_query(self.cross_norm(vectors)))
        mixed, weights = _attention(query, source, source["bias"])
        added = self.drop(self.cross_output(_merge_heads(mixed)), training=training)
        return vectors + added, weights

    def _feed_forward(self, vectors: tf.Tensor, training: bool) -> tf.Tensor:
        middle = self.bend(self.widen(self.feed_norm(vectors)))
        return vectors + self.drop(self.narrow(middle), training=training)

    def _split_heads(self, vectors: tf.Tensor) -> tf.Tensor:
        """[B, T, D] → [B, H, T, D / H]."""
        rows, length = tf.unstack(tf.shape(vectors)[:2])
        width = vectors.shape[-1] // self.num_heads
        split = tf.reshape(vectors, [rows, length, self.num_heads, width])
        return tf.transpose(split, [0, 2, 1, 3])

    def _norm(self, name: str, shape: Shape) -> keras.layers.Layer:
        layer = keras.layers.LayerNormalization(
            epsilon=1e-5, dtype=self.dtype_policy, name=name
        )
        layer.build(shape)
        return layer

    def _parts(
        self, parts: str, width: int, name: str, shape: Shape | None
    ) -> keras.layers.Layer:
        """Queries, keys and values in one layer; with RoPE the bias of keys matters."""
        fixed = "" if self.rotary and "q" in parts else "k"
        layer = _Parts(parts, width, fixed=fixed, dtype=self.dtype_policy, name=name)
        layer.build(shape)
        return layer

    def _dense(self, width: int, name: str, shape: Shape | None) -> keras.layers.Layer:
        layer = keras.layers.Dense(width, dtype=self.dtype_policy, name=name)
        layer.build(shape)
        return layer


class _Parts(keras.layers.Dense):
    """Several projections in one layer; the bias of `fixed` ones is not trained.

    A softmax does not see what all keys have in common: the gradient of their bias is
    rounding, which Adam would scale up to whole steps.
    """

    def __init__(self, parts: str, width: int, *, fixed: str, **options: Any) -> None:
        super().__init__(len(parts) * width, **options)
        self.learnt = np.repeat([part not in fixed for part in parts], width)

    def call(self, vectors: tf.Tensor) -> tf.Tensor:
        """Vectors [..., D] to [..., parts · width]."""
        bias = tf.convert_to_tensor(self.bias)
        bias = tf.where(self.learnt, bias, tf.stop_gradient(bias))
        return tf.nn.bias_add(ops.matmul(vectors, self.kernel), bias)


def _attention(
    query: tf.Tensor, cache: Cache, bias: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Context of queries [B, H, T, d], and attention weights: [B, H, T, S]."""
    query *= tf.cast(query.shape[-1], query.dtype) ** -0.5
    scores = tf.matmul(query, cache["keys"], transpose_b=True) + bias
    weights = tf.nn.softmax(tf.cast(scores, tf.float32))
    return tf.matmul(tf.cast(weights, query.dtype), cache["values"]), weights


def _merge_heads(heads: tf.Tensor) -> tf.Tensor:
    """[B, H, T, d] → [B, T, D]."""
    count, width = heads.shape[1], heads.shape[3]
    swapped = tf.transpose(heads, [0, 2, 1, 3])
    rows, length = tf.unstack(tf.shape(swapped)[:2])
    return tf.reshape(swapped, [rows, length, count * width])


def _bias(seen: tf.Tensor, dtype: str) -> tf.Tensor:
    """Attention bias: 0 where a token may attend, and a large negative elsewhere."""
    far = _FAR if dtype != "float16" else -6e4
    return tf.where(seen, tf.zeros([], dtype), tf.constant(far, dtype))


def _write(cache: tf.Tensor, one: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Writes vectors [N, H, 1, d] at positions [N] of a cache [N, H, M, d]."""
    rows, heads = tf.shape(cache)[0], cache.shape[1]
    indices = tf.stack(
        [
            tf.repeat(tf.range(rows), heads),
            tf.tile(tf.range(heads), [rows]),
            tf.repeat(places, heads),
        ],
        axis=1,
    )
    flat = tf.reshape(one, [rows * heads, one.shape[3]])
    return tf.tensor_scatter_nd_update(cache, indices, flat)
