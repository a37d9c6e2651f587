"""Learning rate schedules: linear warmup, then a decay or none."""

import math
from typing import Any

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="tfnlp", name="WarmUpThenFall")
class WarmUpThenFall(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warmup to ``rate``, then a decay, mostly to zero at the last step.

    Args:
        rate: the highest learning rate.
        steps: steps of the whole run.
        warmup_steps: steps of the warmup.
        fall: the decay: ``constant``; ``linear``; ``cosine``; ``polynomial``, of power
            2; or ``inverse_sqrt``, which halves the rate at four times the warmup
            and again at four times as many steps (Vaswani et al. 2017, 5.3).

    Example:
    >>> schedule = WarmUpThenFall(1.0, steps=10, warmup_steps=2, fall="linear")
    >>> [round(float(schedule(step)), 3) for step in (0, 1, 2, 6, 10)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """

    def __init__(self, rate: float, *, steps: int, warmup_steps: int = 0, fall: str):
        self.rate, self.steps, self.warmup_steps, self.fall = (
            rate,
            steps,
            warmup_steps,
            fall,
        )

    def __call__(self, step: tf.Tensor | int) -> tf.Tensor:
        step = ops.cast(step, "float32")
        rise = ops.minimum(1.0, (step + 1.0) / max(1, self.warmup_steps))
        left = max(1, self.steps - self.warmup_steps)
        done = ops.clip((step - self.warmup_steps) / left, 0.0, 1.0)
        return self.rate * rise * self._fallen(done, step)

    def _fallen(self, done: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        if self.fall == "inverse_sqrt":
            risen = float(max(1, self.warmup_steps))
            return ops.rsqrt(ops.maximum(step / risen, 1.0))
        if self.fall == "polynomial":
            return (1.0 - done) ** 2
        if self.fall == "linear":
            return 1.0 - done
        if self.fall == "cosine":
            return 0.5 * (1.0 + ops.cos(math.pi * done))
        return ops.ones_like(done)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WarmUpThenFall":
        """Also reads configurations of earlier versions, with `warm_up`."""
        config = dict(config)
        if "warm_up" in config:
            config["warmup_steps"] = config.pop("warm_up")
        return cls(**config)

    def get_config(self) -> dict[str, Any]:
        return {
            "rate": self.rate,
            "steps": self.steps,
            "warmup_steps": self.warmup_steps,
            "fall": self.fall,
        }
