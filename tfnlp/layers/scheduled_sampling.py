"""Scheduled sampling: a decoder that trains on some of its own predictions."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tfnlp.layers.compatibility import renamed
from tfnlp.layers.validation import Shape, check_rate, check_size


@keras.saving.register_keras_serializable(package="tfnlp", name="ScheduledSampling")
class ScheduledSampling(keras.layers.Layer):
    """Replaces some gold tokens that a decoder reads by samples of its own.

    With teacher forcing alone a decoder never reads its own mistakes. With scheduled
    sampling (Bengio et al. 2015; in parallel as in Mihaylova and Martins 2019) it
    reads a row twice while training: tokens are sampled from its predictions of the
    first pass, and replace some gold tokens in the second. Outside of training rows
    do not change.

    Args:
        rate: share of the tokens that are replaced at the end of the ramp.
        ramp_steps: number of batches in which the share grows from 0 to `rate`;
            micro-batches of gradient accumulation count as one each.

    Raises:
        UsageError: rate is negative, or 1 and more; ramp_steps is below 1.

    Example:
    >>> layer = ScheduledSampling(0.3)
    >>> layer(tf.constant([[2, 7]]), tf.zeros([1, 2, 9])).numpy().tolist()
    [[2, 7]]
    """

    def __init__(self, rate: float, *, ramp_steps: int = 2_000, **options: Any) -> None:
        check_rate("rate", rate)
        check_size("ramp_steps", ramp_steps)
        super().__init__(**options)
        self.rate, self.ramp_steps = rate, ramp_steps
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, token_ids_shape: Shape, logits_shape: Shape) -> None:
        """Makes the counter of updates, which is no weight and is not saved."""
        self.updates = tf.Variable(
            0.0,
            trainable=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            name="updates",
        )

    def call(
        self, token_ids: tf.Tensor, logits: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Mixes int32 [B, T] with tokens sampled from the logits [B, T, V] before each.

        The first token of a row, and padding (id 0), stay.
        """
        if not training:
            return token_ids
        rate = self.rate * tf.minimum(self.updates / self.ramp_steps, 1.0)
        self.updates.assign_add(1.0)
        fixed = tf.stop_gradient(tf.reshape(logits, [-1, logits.shape[-1]]))
        drawn = keras.random.categorical(
            fixed, 1, dtype="int32", seed=self.seed_generator
        )
        drawn = tf.reshape(drawn, tf.shape(token_ids))
        before = tf.concat([token_ids[:, :1], drawn[:, :-1]], axis=1)
        dice = keras.random.uniform(ops.shape(token_ids), seed=self.seed_generator)
        replaced = (dice < rate) & (token_ids > 0)
        return tf.where(replaced, before, token_ids)

    def compute_output_spec(
        self,
        token_ids: keras.KerasTensor,
        logits: keras.KerasTensor,
        training: bool = False,
    ) -> keras.KerasTensor:
        """Ids keep shape and type."""
        return keras.KerasTensor(token_ids.shape, dtype=token_ids.dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {"rate": self.rate, "ramp_steps": self.ramp_steps}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ScheduledSampling":
        """The layer that `get_config` described, of this version or an older one."""
        names = {"share": "rate", "rise": "ramp_steps"}
        return super().from_config(renamed(config, names))
