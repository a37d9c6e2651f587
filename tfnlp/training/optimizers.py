"""Lazy optimizers: sparse updates of only the embedding rows in a batch.

Keras makes the sparse gradient of an embedding dense, so that every step updates every
entry of the vocabulary (keras#19992). The lazy form, once `LazyAdam` of TensorFlow
Addons (addons#2807), leaves the vectors and moments of all other entries unchanged.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import tensorflow as tf
from keras import ops

Gradient: TypeAlias = Any
"""A `tf.Tensor`, or `tf.IndexedSlices` where a gradient is sparse."""


def merged(gradient: Gradient) -> Gradient:
    """Sums duplicate indices of a sparse gradient.

    Example:
    >>> slices = tf.IndexedSlices(tf.constant([[1.0], [2.0], [3.0]]), [5, 0, 5], [9, 1])
    >>> merged(slices).indices.numpy(), merged(slices).values.numpy().ravel()
    (array([5, 0], dtype=int32), array([4., 2.], dtype=float32))
    """
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    indices, places = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(indices))
    return tf.IndexedSlices(values, indices, gradient.dense_shape)


def already_summed(optimizer: keras.optimizers.Optimizer) -> None:
    """Stops an optimizer from summing gradients over replicas a second time.

    Keras would sum once more, after clipping (docs/traps.md#t3).
    """
    for each in (optimizer, getattr(optimizer, "inner_optimizer", None)):
        if each is not None:
            each._all_reduce_sum_gradients = list


@keras.saving.register_keras_serializable(package="tfnlp", name="LazyAdam")
class LazyAdam(keras.optimizers.Adam):
    """Adam (Kingma & Ba 2015) whose sparse gradients touch only their rows.

    A sparse gradient must hold each row once, as `merged` makes it.
    The bias correction counts all steps of the run, as in TensorFlow Addons.
    Dense gradients take TensorFlow's fused operation, where Keras has twelve, each of
    which reads and writes all weights.
    """

    def update_step(
        self, gradient: Gradient, variable: keras.Variable, learning_rate: Any
    ) -> None:
        """Updates one variable; sparse gradients only in the rows they hold."""
        first = self._momentums[self._get_variable_index(variable)].value
        second = self._velocities[self._get_variable_index(variable)].value
        updates = ops.cast(self.iterations + 1, variable.dtype)
        powers = self.beta_1**updates, self.beta_2**updates
        rate = ops.cast(learning_rate, variable.dtype)
        if not isinstance(gradient, tf.IndexedSlices):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=powers[0],
                beta2_power=powers[1],
                lr=rate,
                beta1=self.beta_1,
                beta2=self.beta_2,
                epsilon=self.epsilon,
                grad=tf.cast(gradient, variable.dtype),
            )
            return
        rows, slope = gradient.indices, tf.cast(gradient.values, variable.dtype)
        rate *= ops.sqrt(1.0 - powers[1]) / (1.0 - powers[0])
        mean = tf.gather(first, rows) * self.beta_1 + slope * (1.0 - self.beta_1)
        square = tf.gather(second, rows) * self.beta_2
        square += slope * slope * (1.0 - self.beta_2)
        first.scatter_update(tf.IndexedSlices(mean, rows))
        second.scatter_update(tf.IndexedSlices(square, rows))
        step = rate * mean / (ops.sqrt(square) + self.epsilon)
        variable.scatter_sub(tf.IndexedSlices(step, rows))


@keras.saving.register_keras_serializable(package="tfnlp", name="LazyAdagrad")
class LazyAdagrad(keras.optimizers.Adagrad):
    """AdaGrad (Duchi et al. 2011) whose sparse gradients touch only their rows.

    A sparse gradient must hold each row once, as `merged` makes it. Rows that are not
    in the batch would not change in any case: this is the same, but faster.
    """

    def update_step(
        self, gradient: Gradient, variable: tf.Variable, learning_rate: Any
    ) -> None:
        """Updates one variable; sparse gradients only in the rows they hold."""
        if not isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        rows, slope = gradient.indices, tf.cast(gradient.values, variable.dtype)
        sums = self._accumulators[self._get_variable_index(variable)].value
        sums.scatter_add(tf.IndexedSlices(slope * slope, rows))
        spread = tf.sqrt(tf.gather(sums, rows) + self.epsilon)
        step = tf.cast(learning_rate, variable.dtype) * slope / spread
        variable.scatter_sub(tf.IndexedSlices(step, rows))


@keras.saving.register_keras_serializable(package="tfnlp", name="ScheduleFree")
class ScheduleFree(keras.optimizers.ScheduleFreeAdamW):
    """Schedule-free AdamW: averaged iterates, no learning rate schedule.

    Defazio et al.: The Road Less Scheduled (2024). Keras 3.15 reads the old value of a
    variable after it has assigned the new one, since on TensorFlow a variable's value
    is the variable itself, and so averages something else.
    """

    def update_step(
        self, gradient: Gradient, variable: tf.Variable, learning_rate: Any
    ) -> None:
        """Updates one variable, which lies between the average and the iterate."""
        place = self._get_variable_index(variable)
        going, square = self._momentums[place], self._velocities[place]
        slope = tf.convert_to_tensor(gradient)
        updates = tf.cast(self.iterations + 1, variable.dtype)
        before = tf.identity(going)
        average = (variable - (1.0 - self.beta_1) * before) / self.beta_1
        self.assign_add(square, (tf.square(slope) - square) * (1.0 - self.beta_2))
        spread = tf.sqrt(square / (1.0 - self.beta_2**updates)) + self.epsilon
        after = before - tf.cast(learning_rate, variable.dtype) * slope / spread
        self.assign(going, after)
        average += (after - average) / updates
        self.assign(variable, self.beta_1 * average + (1.0 - self.beta_1) * after)


def averages(optimizer: keras.optimizers.Optimizer) -> list[tf.Tensor]:
    """The averaged weights of `ScheduleFree`; none for other optimizers.

    `ScheduleFree` takes gradients between its average and its iterate, and leaves the
    network there: its result is the average, which Keras never puts into the network.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if not isinstance(inner, ScheduleFree):
        return []
    beta = inner.beta_1
    pairs = zip(inner._trainable_variables, inner._momentums, strict=True)
    return [
        (tf.convert_to_tensor(between) - (1.0 - beta) * tf.convert_to_tensor(going))
        / beta
        for between, going in pairs
    ]


KINDS: dict[str, Callable[..., keras.optimizers.Optimizer]] = {
    "adam": LazyAdam,
    "adamw": LazyAdam,  # weight decay is the engine's, see parameter_groups
    "adagrad": LazyAdagrad,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
    "lion": keras.optimizers.Lion,
    "muon": functools.partial(
        keras.optimizers.Muon,
        weight_decay=None,
        adam_weight_decay=0.0,
        exclude_layers=[
            "embeddings$",
            "table$",
            "positions$",
        ],  # not matrices that multiply
    ),
    "schedule_free": ScheduleFree,
}
"""Optimizers by the names of `TrainConfig`, without weight decay."""
