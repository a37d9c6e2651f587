"""Attention of a recurrent decoder to its source."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfnlp.layers.decoder_block import Memory
from tfnlp.layers.validation import Shape, check_size


@keras.saving.register_keras_serializable(package="tfnlp", name="Look")
class Look(keras.layers.Layer):
    """Finds for each query what of a source it is about.

    Args:
        width: of queries, keys and what is found.
        additive: keys and queries are added and bent, `v · tanh(q + k)`, as by
            Bahdanau et al. (2015); else multiplied, as by Luong et al. (2015).

    Example:
    >>> look = Look(4)
    >>> look.build((None, 4), (None, None, 6))
    >>> memory = Memory(tf.ones([1, 3, 6]), tf.constant([[1, 1, 0]]))
    >>> found, weights = look(tf.ones([1, 2, 4]), look.source(memory))
    >>> found.shape, weights.numpy().round(1).tolist()
    (TensorShape([1, 2, 4]), [[[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]]])
    """

    def __init__(self, width: int, *, additive: bool = False, **options: Any) -> None:
        check_size("width", width)
        super().__init__(**options)
        self.width, self.additive = width, additive
        self.supports_masking = True  # the rows of queries say where they end

    def build(self, query_shape: Shape, memory_shape: Shape) -> None:
        """Makes the parts for queries [..., D] and a source [B, S, E]."""
        policy = {"dtype": self.dtype_policy, "use_bias": False}
        self.keys = keras.layers.Dense(self.width, name="keys", **policy)
        self.keys.build(memory_shape)
        self.values = keras.layers.Dense(self.width, name="values", **policy)
        self.values.build(memory_shape)
        if self.additive:
            self.query = keras.layers.Dense(self.width, name="query", **policy)
            self.query.build(query_shape)
            self.weigh = keras.layers.Dense(1, name="weigh", **policy)
            self.weigh.build(query_shape)
        self.built = True

    def source(self, memory: Memory) -> Mapping[str, tf.Tensor]:
        """What every look needs of a source: keys and values [B, S, D], bias [B, S]."""
        return {
            "keys": self.keys(memory.vectors),
            "values": self.values(memory.vectors),
            "bias": tf.where(memory.padding_mask > 0, 0.0, -1e9),
        }

    def call(
        self, query: tf.Tensor, source: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """What queries [B, T, D] find, alike, and where they look: [B, T, S]."""
        keys = source["keys"]
        if self.additive:
            both = tf.tanh(self.query(query)[:, :, None] + keys[:, None])
            scores = self.weigh(both)[..., 0]
        else:
            scores = tf.matmul(query, keys, transpose_b=True)
        scores = tf.cast(scores, tf.float32) + source["bias"][:, None]
        weights = tf.nn.softmax(scores)
        return tf.matmul(tf.cast(weights, query.dtype), source["values"]), weights

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {"width": self.width, "additive": self.additive}
        return {**super().get_config(), **own}
