"""Learning rates that change over a run: a linear warm-up, then a fall or none."""

import math
from typing import Any

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="tfnlp", name="WarmUpThenFall")
class WarmUpThenFall(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly to ``rate``, then falls, mostly to zero at the last update.

    Args:
        rate: the highest rate.
        steps: updates of the whole run.
        warm_up: updates of the rise.
        fall: ``constant``; ``linear``; ``cosine``; ``polynomial``, the square of
            what is left; or ``inverse_sqrt``, which halves the rate at four times
            the warm-up and whenever there are four times as many updates again
            (Vaswani et al. 2017, 5.3).

    Example:
    >>> schedule = WarmUpThenFall(1.0, steps=10, warm_up=2, fall="linear")
    >>> [round(float(schedule(step)), 3) for step in (0, 1, 2, 6, 10)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """

    def __init__(self, rate: float, *, steps: int, warm_up: int = 0, fall: str):
        self.rate, self.steps, self.warm_up, self.fall = rate, steps, warm_up, fall

    def __call__(self, step: tf.Tensor | int) -> tf.Tensor:
        step = ops.cast(step, "float32")
        rise = ops.minimum(1.0, (step + 1.0) / max(1, self.warm_up))
        left = max(1, self.steps - self.warm_up)
        done = ops.clip((step - self.warm_up) / left, 0.0, 1.0)
        return self.rate * rise * self._fallen(done, step)

    def _fallen(self, done: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        if self.fall == "inverse_sqrt":
            risen = float(max(1, self.warm_up))
            return ops.rsqrt(ops.maximum(step / risen, 1.0))
        if self.fall == "polynomial":
            return (1.0 - done) ** 2
        if self.fall == "linear":
            return 1.0 - done
        if self.fall == "cosine":
            return 0.5 * (1.0 + ops.cos(math.pi * done))
        return ops.ones_like(done)

    def get_config(self) -> dict[str, Any]:
        return {
            "rate": self.rate,
            "steps": self.steps,
            "warm_up": self.warm_up,
            "fall": self.fall,
        }
