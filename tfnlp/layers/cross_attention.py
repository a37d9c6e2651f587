"""Cross-attention of a recurrent decoder: Luong (dot) and Bahdanau (additive)."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfnlp.layers.compatibility import renamed
from tfnlp.layers.decoder_block import Memory
from tfnlp.layers.validation import Shape, check_size


@keras.saving.register_keras_serializable(package="tfnlp", name="Look")
class CrossAttention(keras.layers.Layer):
    """Attention of queries to an encoder's output, with learned keys and values.

    Args:
        units: size of queries, keys and values.
        additive: additive attention, `v · tanh(q + k)` (Bahdanau et al. 2015; Keras'
            AdditiveAttention); else dot-product attention (Luong et al. 2015).

    Example:
    >>> attention = CrossAttention(4)
    >>> attention.build((None, 4), (None, None, 6))
    >>> memory = Memory(tf.ones([1, 3, 6]), tf.constant([[1, 1, 0]]))
    >>> keys_and_values = attention.project(memory)
    >>> context, weights = attention(tf.ones([1, 2, 4]), keys_and_values)
    >>> context.shape, weights.numpy().round(1).tolist()
    (TensorShape([1, 2, 4]), [[[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]]])
    """

    def __init__(self, units: int, *, additive: bool = False, **options: Any) -> None:
        check_size("units", units)
        super().__init__(**options)
        self.units, self.additive = units, additive
        self.supports_masking = True  # queries may carry Keras' mask

    def build(self, query_shape: Shape, memory_shape: Shape) -> None:
        """Makes the weights for queries [..., D] and a memory [B, S, E]."""
        policy = {"dtype": self.dtype_policy, "use_bias": False}
        self.keys = keras.layers.Dense(self.units, name="keys", **policy)
        self.keys.build(memory_shape)
        self.values = keras.layers.Dense(self.units, name="values", **policy)
        self.values.build(memory_shape)
        if self.additive:
            self.query = keras.layers.Dense(self.units, name="query", **policy)
            self.query.build(query_shape)
            self.weigh = keras.layers.Dense(1, name="weigh", **policy)
            self.weigh.build(query_shape)
        self.built = True

    def project(self, memory: Memory) -> Mapping[str, tf.Tensor]:
        """Keys and values [B, S, D] of an encoder's output, and its bias [B, S]."""
        return {
            "keys": self.keys(memory.vectors),
            "values": self.values(memory.vectors),
            "bias": tf.where(memory.padding_mask > 0, 0.0, -1e9),
        }

    def call(
        self, query: tf.Tensor, projected: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Context vectors of queries [B, T, D], and attention weights [B, T, S]."""
        keys = projected["keys"]
        if self.additive:
            both = tf.tanh(self.query(query)[:, :, None] + keys[:, None])
            scores = self.weigh(both)[..., 0]
        else:
            scores = tf.matmul(query, keys, transpose_b=True)
        bias = tf.cast(projected["bias"], tf.float32)  # Keras casts arguments
        weights = tf.nn.softmax(tf.cast(scores, tf.float32) + bias[:, None])
        return tf.matmul(tf.cast(weights, query.dtype), projected["values"]), weights

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {"units": self.units, "additive": self.additive}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "CrossAttention":
        """The layer that `get_config` described, of this version or an older one."""
        return super().from_config(renamed(config, {"width": "units"}))
