"""Truncated back-propagation through time: states kept from batch to batch."""

from typing import Any

import keras
import tensorflow as tf

from tfnlp.layers.compatibility import weights_saved_as
from tfnlp.layers.validation import Shape, check_size
from tfnlp.networks.recurrent_decoder import RecurrentDecoder


@keras.saving.register_keras_serializable(package="tfnlp", name="Carried")
@weights_saved_as("Carried")
class TruncatedBPTT(keras.layers.Layer):
    """Stateful decoder for truncated back-propagation through time (BPTT).

    A text is cut into `slots` equal parts that are read side by side, a segment of
    each in every batch. The final state of a segment is the initial state of the next
    one of its slot, as in a stateful RNN of Keras; the gradient stops there (Zaremba
    et al. 2014). States belong to slots and not to positions in a batch, so gradient
    accumulation and devices change nothing as long as a slot stays on its device.
    They are no weights, and are not saved.

    Args:
        decoder: reads the segments; another network may share it.
        slots: parts of the text.

    Example:
    >>> carried = TruncatedBPTT(RecurrentDecoder(9, hidden_dim=4), slots=2)
    >>> one = tf.constant([[1, 2], [3, 4]])
    >>> carried(one, tf.constant([0, 1]), tf.constant([0, 0])).shape
    TensorShape([2, 2, 9])
    """

    def __init__(self, decoder: RecurrentDecoder, *, slots: int, **options: Any):
        check_size("slots", slots)
        super().__init__(**options)
        self.decoder, self.slots = decoder, slots

    def build(self, token_ids_shape: Shape) -> None:
        """Makes the decoder, and a state for every slot."""
        if not self.decoder.built:
            self.decoder.build(token_ids_shape)
            self.decoder.built = True
        self.states = [
            [
                tf.Variable(
                    tf.zeros([self.slots, self.decoder.hidden_dim]),
                    trainable=False,
                    synchronization=tf.VariableSynchronization.ON_READ,
                    aggregation=tf.VariableAggregation.SUM,
                    name=f"state{layer}_{part}",
                )
                for part in range(len(states))
            ]
            for layer, states in enumerate(self.decoder.first_states(1))
        ]

    def call(
        self,
        token_ids: tf.Tensor,
        slot: tf.Tensor,
        place: tf.Tensor,
        training: bool = False,
    ) -> tf.Tensor:
        """Logits [B, T, V] of segments; their final states are kept.

        Args:
            token_ids: int32 [B, T].
            slot: int32 [B], the slot of each segment.
            place: int32 [B], 0 for the first segment of a slot, which starts from a
                state of zeros; all others start from the kept state.
        """
        goes_on = tf.cast(place > 0, tf.float32)[:, None]
        states = tf.nest.map_structure(
            lambda kept: tf.cast(tf.gather(kept, slot) * goes_on, self.compute_dtype),
            self.states,
        )
        lengths = tf.reduce_sum(tf.cast(token_ids > 0, tf.int32), axis=1)
        vectors, after = self.decoder.read(
            token_ids, lengths=lengths, states=states, training=training
        )
        for kept, new in zip(
            tf.nest.flatten(self.states), tf.nest.flatten(after), strict=True
        ):
            rows = tf.tensor_scatter_nd_update(
                kept, slot[:, None], tf.stop_gradient(tf.cast(new, tf.float32))
            )
            kept.assign(rows)
        return self.decoder.table.logits(vectors)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        decoder = keras.saving.serialize_keras_object(self.decoder)
        return {**super().get_config(), "decoder": decoder, "slots": self.slots}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "TruncatedBPTT":
        """The layer that `get_config` described."""
        decoder = keras.saving.deserialize_keras_object(config["decoder"])
        return cls(**config | {"decoder": decoder})
