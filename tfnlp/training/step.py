"""The training step: gradient accumulation and loss reduction over real tokens.

Keras gets this arithmetic wrong for text: docs/traps.md#t1 to #t4. Only the engine
knows the number of replicas and of accumulation steps, so only the engine divides: the
losses of all items are summed, and the sum is divided by the total weight of the whole
batch, all-reduced over the replicas before any forward pass. Gradients are clipped
after they were summed. The weights of a run therefore do not depend on how a batch is
split.
"""

import itertools
from typing import Any, TypeAlias

import keras
import tensorflow as tf
from keras.src.backend.tensorflow.trainer import reduce_per_replica

from tfnlp.task import Task, Tensors
from tfnlp.training.optimizers import Gradient, merged
from tfnlp.training.strategy import worker

Batch: TypeAlias = tuple[Tensors, tf.Tensor, tf.Tensor]
"""Features, y and weight, as `Task.dataset` gives them."""


class Trainable(keras.Model):
    """A Keras model with the training step of any task.

    Args:
        task: gives loss and metrics of single items.
        network: features → outputs.
        gradient_accumulation_steps: parts of each replica's batch; their gradients are
            summed before the optimizer step.
        global_clipnorm: gradient clipping by the global norm; 0 is off.
    """

    train_function: Any  # Keras makes it

    def __init__(
        self,
        task: Task,
        network: keras.Model,
        *,
        gradient_accumulation_steps: int = 1,
        global_clipnorm: float = 0.0,
    ):
        super().__init__()
        self.task, self.network = task, network
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.global_clipnorm = global_clipnorm
        self.mean_loss = keras.metrics.Mean(name="loss")
        self.progress = task.metrics()
        self.skipped = 0
        """Steps of the next epoch that a resumed run has done: they are skipped."""
        self.is_skipping = False
        self.vote = tf.Variable(0.0, trainable=False, name="vote")
        self.votes = tf.Variable(0.0, trainable=False, name="votes")
        """The sum of what each worker had assigned to `vote` before the last step:
        how workers agree on what to do after it."""
        self.tokens, self.places = _counter("tokens"), _counter("places")
        """Tokens trained on, and tokens with padding."""
        self.measures_norm = False
        """Whether `norm` is computed: of the last gradient, before clipping."""
        self.norm = tf.Variable(0.0, trainable=False, name="norm")

    def call(self, features: Tensors, training: bool | None = None) -> Any:
        return self.network(features, training=training)

    def _maybe_symbolic_build(
        self, iterator: Any = None, data_batch: Batch | None = None
    ) -> None:
        """Everything is built; Keras would average a batch over replicas (M1)."""

    def get_metrics_result(self) -> dict[str, Any]:
        """Loss and metrics; among workers, with an axis for Keras to average (M1)."""
        results = super().get_metrics_result()
        if worker(tf.distribute.get_strategy()).total == 1:
            return results
        return tf.nest.map_structure(lambda result: result[None], results)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Fresh at the start of every epoch, like every Keras metric."""
        return [self.mean_loss, *self.progress]

    def make_train_function(self, force: bool = False) -> None:
        """A step as one graph, which skips the steps that a resumed run has done.

        Keras' own wraps its results, and unwrapping them takes half a millisecond.
        """
        if self.train_function is not None and not force:
            return
        update = tf.function(self._update, autograph=False, reduce_retracing=True)

        def skip_or_update(iterator: Any) -> dict[str, Any]:
            self.is_skipping = self.skipped > 0
            if self.is_skipping:  # the input pipeline skips their rows, too
                self.skipped -= 1
                return self.get_metrics_result()
            return update(iterator)

        self.train_function = skip_or_update

    def _update(self, batches: Any) -> dict[str, Any]:
        """Trains on the next batch of an iterator, on every replica."""
        strategy = self.distribute_strategy
        results = strategy.run(self.train_step, args=(next(batches),))
        return reduce_per_replica(results, strategy, reduction="auto")

    def train_step(self, data: Batch) -> dict[str, Any]:
        """One optimizer step; runs on each replica with its part of the batch."""
        weight = tf.reduce_sum(data[2])
        total, votes = tf.unstack(_all_reduce(tf.stack([weight, self.vote])))
        self.votes.assign(votes)
        parts = [self._gradients(part, total) for part in self._parts(data)]
        gradients = [_sum(of_one) for of_one in zip(*parts, strict=True)]
        gradients = self._clipped([merged(g) for g in _all_reduce(gradients)])
        self._count(data[0])
        self.optimizer.apply_gradients(
            zip(gradients, self.trainable_weights, strict=True)
        )
        return self.get_metrics_result()

    def test_step(self, data: Batch) -> dict[str, Any]:
        """The loss and the metrics of a batch, without dropout."""
        features, y, weight = data
        outputs = self(features, training=False)
        self._record(y, outputs, self.task.loss(y, outputs), weight)
        return self.get_metrics_result()

    def _gradients(self, part: Batch, total: tf.Tensor) -> list[Gradient]:
        """The part's share of the whole batch's gradient."""
        features, y, weight = part
        weights = [variable.value for variable in self.trainable_weights]
        with tf.GradientTape() as tape:
            outputs = self(features, training=True)
            loss = self.task.loss(y, outputs)
            share = tf.reduce_sum(loss * weight) / tf.maximum(total, 1e-12)
            scaled = self.optimizer.scale_loss(share + self._penalty())
        self._record(y, outputs, loss, weight)
        return tape.gradient(
            scaled, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )

    def _penalty(self) -> tf.Tensor:
        """L1 and L2 terms, divided so that they count once per step."""
        return tf.add_n([tf.zeros([]), *self.network.losses]) / (
            _replicas() * self.gradient_accumulation_steps
        )

    def _record(
        self, y: tf.Tensor, outputs: Any, loss: tf.Tensor, weight: tf.Tensor
    ) -> None:
        self.mean_loss.update_state(loss, sample_weight=weight)
        for metric in self.progress:
            metric.update_state(y, outputs, sample_weight=weight)

    def _parts(self, data: Batch) -> list[Batch]:
        """The parts of the batch for gradient accumulation, of about equal size."""
        if self.gradient_accumulation_steps == 1:
            return [data]
        rows = tf.shape(data[2])[0]
        parts = self.gradient_accumulation_steps
        edges = [rows * part // parts for part in range(parts + 1)]
        return [
            tf.nest.map_structure(lambda tensor, a=a, b=b: tensor[a:b], data)
            for a, b in itertools.pairwise(edges)
        ]

    def _clipped(self, gradients: list[Gradient]) -> list[Gradient]:
        """Gradient clipping by global norm."""
        if not (self.global_clipnorm or self.measures_norm):
            return gradients
        norm = tf.linalg.global_norm(gradients) / self._scale()
        self.norm.assign(norm)
        if not self.global_clipnorm:
            return gradients
        factor = self.global_clipnorm / tf.maximum(norm, self.global_clipnorm)
        return [_times(gradient, factor) for gradient in gradients]

    def token_counts(self) -> tuple[int, int]:
        """Tokens that this process trained on, without and with padding."""
        local = self.distribute_strategy.experimental_local_results

        def total(counter: tf.Variable) -> int:
            return sum(int(count.numpy()) for count in local(counter))

        return total(self.tokens), total(self.places)

    def _count(self, features: Tensors) -> None:
        for name, ids in features.items():
            if name.endswith(("token_ids", "target_ids")):
                real = tf.cast(ids != 0, tf.float32)  # exact up to 16 million
                self.tokens.assign_add(tf.cast(tf.reduce_sum(real), tf.int64))
                self.places.assign_add(tf.size(ids, out_type=tf.int64))

    def _scale(self) -> tf.Tensor:
        """The loss scale: 1 unless the optimizer scales losses (float16)."""
        return self.optimizer.scale_loss(tf.ones([]))


def _counter(name: str) -> tf.Variable:
    """A counter on each device; see `Trainable.token_counts`."""
    return tf.Variable(
        0,
        trainable=False,
        dtype=tf.int64,
        name=name,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.SUM,
    )


def _sum(gradients: tuple[Gradient, ...]) -> Gradient:
    """Sums accumulated gradients; sparse ones are concatenated."""
    if len(gradients) == 1:
        return gradients[0]
    if not isinstance(gradients[0], tf.IndexedSlices):
        return tf.add_n(gradients)
    return tf.IndexedSlices(
        tf.concat([gradient.values for gradient in gradients], axis=0),
        tf.concat([gradient.indices for gradient in gradients], axis=0),
        gradients[0].dense_shape,
    )


def _times(gradient: Gradient, factor: tf.Tensor) -> Gradient:
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient * factor
    values = gradient.values * factor
    return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)


def _replicas() -> int:
    return tf.distribute.get_strategy().num_replicas_in_sync


def _all_reduce(tensors: Any) -> Any:
    """Sums a tensor, or a structure of tensors, over the replicas."""
    if _replicas() == 1:
        return tensors
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tensors)
