"""Character RNN: word vectors from a bidirectional LSTM over characters."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tfnlp.errors import UsageError
from tfnlp.layers.compatibility import renamed
from tfnlp.layers.masking import ReverseTokens
from tfnlp.layers.recurrent import LSTM
from tfnlp.layers.validation import Shape, check_size


@keras.saving.register_keras_serializable(package="tfnlp", name="CharacterRNN")
class CharacterRNN(keras.layers.Layer):
    """Bidirectional LSTM over the characters of a word; final states are its vector.

    As in Lample et al. (2016). No layer carries a mask: in both directions the padding
    of a word is read after its last character, so a vector does not depend on longer
    words in the batch, and cuDNN can be used (docs/traps.md#t7).

    Args:
        hidden_dim: size of a word's vector; each direction makes half of it.

    Raises:
        UsageError: `hidden_dim` is odd, or not positive.

    Example:
    >>> import numpy as np
    >>> letters, ids = np.ones([1, 2, 3, 5]), np.array([[[4, 4, 0], [0, 0, 0]]])
    >>> vectors = CharacterRNN(6)(letters, ids)
    >>> vectors.shape, np.any(vectors[0, 1])
    (TensorShape([1, 2, 6]), np.False_)
    """

    def __init__(self, hidden_dim: int, **options: Any) -> None:
        check_size("hidden_dim", hidden_dim, least=2)
        if hidden_dim % 2:
            raise UsageError(
                "Each direction that reads a word makes half of its vector. "
                f"Received: hidden_dim={hidden_dim}. Pass hidden_dim={hidden_dim + 1}."
            )
        super().__init__(**options)
        self.hidden_dim = hidden_dim
        self.turn = ReverseTokens(dtype=self.dtype_policy)

    def build(self, letters_shape: Shape, character_ids_shape: Shape) -> None:
        """Makes one LSTM for each direction."""
        self.forward = self._lstm("forward", letters_shape)
        self.backward = self._lstm("backward", letters_shape)

    def call(self, letters: tf.Tensor, character_ids: tf.Tensor) -> tf.Tensor:
        """Maps letters [B, T, L, E] and their ids int32 [B, T, L] to [B, T, D]."""
        batch, words, length = ops.shape(character_ids)
        letters = ops.reshape(letters, [-1, length, letters.shape[-1]])  # [N, L, E]
        mask = ops.cast(ops.reshape(character_ids, [-1, length]) > 0, "int32")
        ends = [
            _last(self.forward(letters), mask),
            _last(self.backward(self.turn(letters, mask)), mask),
        ]
        joined = ops.concatenate(ends, axis=-1)  # [N, D]
        return ops.reshape(joined, [batch, words, self.hidden_dim])

    def compute_output_spec(
        self, letters: keras.KerasTensor, character_ids: keras.KerasTensor
    ) -> keras.KerasTensor:
        """One vector a word."""
        shape = (*letters.shape[:2], self.hidden_dim)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "hidden_dim": self.hidden_dim}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "CharacterRNN":
        """The layer that `get_config` described, of this version or an older one."""
        return super().from_config(renamed(config, {"width": "hidden_dim"}))

    def _lstm(self, name: str, shape: Shape) -> keras.layers.Layer:
        layer = LSTM(
            self.hidden_dim // 2,
            return_sequences=True,
            dtype=self.dtype_policy,
            name=name,
        )
        layer.build((None, None, shape[-1]))
        return layer


def _last(states: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """The state at the last real character of [N, L, D]; zero if there is none."""
    sizes = ops.sum(mask, axis=1)
    states = tf.gather(states, tf.maximum(sizes - 1, 0), batch_dims=1)  # [N, D]
    return states * ops.expand_dims(ops.cast(sizes > 0, states.dtype), -1)
