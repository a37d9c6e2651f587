"""Fits a network to a task: the only place that calls Keras' training loop."""

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfnlp.data.batching import SHUFFLE, batches
from tfnlp.data.rows import settled
from tfnlp.errors import DataError
from tfnlp.specs import Rows, check_rows, text_fields
from tfnlp.task import Task
from tfnlp.training import strategy
from tfnlp.training.callbacks import (
    AnswerScores,
    AveragedWeights,
    EpochLines,
    NanGuard,
)
from tfnlp.training.config import TrainConfig
from tfnlp.training.defaults import Defaults
from tfnlp.training.optimizers import LAZY, already_summed
from tfnlp.training.schedules import WarmUpThenFall
from tfnlp.training.step import Trainable

LOG = logging.getLogger("tfnlp")
KEPT = 20_000
"""Validation rows that stay encoded in memory from one epoch to the next."""
Build = Callable[[Any], keras.Model]
"""Builds a network from hyperparameters: ``Defaults`` or KerasTuner's."""


def fit(
    task: Task,
    build: Build,
    train: Rows,
    valid: Rows,
    config: TrainConfig | None = None,
    *,
    callbacks: tuple[keras.callbacks.Callback, ...] = (),
) -> keras.Model:
    """Trains the network that ``build`` makes and returns it with its best weights.

    Weights do not depend on the number of devices or micro-batches, apart from
    dropout and batch normalisation, which draw and count per device.

    Args:
        task: what the rows mean.
        build: called once, inside the scope of the strategy.
        train: rows with the inputs and targets of the task, not batched.
        valid: held-out rows; early stopping watches ``task.monitor`` on them, which
            is `val_loss`, a metric of the task or a score of its answers.
        config: see `TrainConfig`.

    Returns:
        The network; its ``history`` holds the logs of every epoch.

    Raises:
        SchemaError: rows lack a field of the task.
        DataError: there are no rows to train on.
        TrainingError: the loss became NaN or infinite.
    """
    config = config or TrainConfig()
    keras.utils.set_random_seed(config.seed)
    train, valid = counted(train), counted(valid)
    updates = -(-int(train.cardinality()) // config.batch_size)  # of an epoch
    epochs = config.passes(updates)
    trainable = compiled(task, build, config, steps=epochs * updates)
    monitor = keras.callbacks.EarlyStopping(
        monitor=task.monitor,
        mode="min" if "loss" in task.monitor else "max",
        patience=config.patience,
        restore_best_weights=True,
    )
    scores: tuple[keras.callbacks.Callback, ...] = ()
    logged = {f"val_{metric.name}" for metric in trainable.metrics}
    if task.monitor not in logged:
        scores = (AnswerScores(task, trainable.network, valid),)
    averaged: tuple[keras.callbacks.Callback, ...] = ()
    if config.average:
        averaged = (AveragedWeights(trainable.network, config.average),)
    between = (*averaged, NanGuard(), *scores, EpochLines(epochs), monitor)
    with _progress() as verbose:
        # One iterator for all epochs: TensorFlow takes 0.3 s to make one.
        history = trainable.fit(
            batched(task, train, config, shuffle=True).repeat(),
            steps_per_epoch=updates,
            validation_data=batched(task, valid, config, shuffle=False),
            epochs=epochs,
            verbose=verbose,
            shuffle=False,  # the rows are shuffled already
            callbacks=[*between, *callbacks],
        )
    trainable.network.history = history
    return trainable.network


def compiled(task: Task, build: Build, config: TrainConfig, *, steps: int) -> Trainable:
    """Builds network and optimizer inside the strategy's scope."""
    with _precision(config.precision), strategy.create(config.strategy).scope():
        trainable = Trainable(
            task,
            build(Defaults()),
            micro_batches=config.micro_batches,
            clip=config.clip,
        )
        trainable.compile(optimizer=optimizer(config, steps=steps), jit_compile=False)
        already_summed(trainable.optimizer)
        trainable.built = True
        trainable.optimizer.build(trainable.trainable_variables)
    return trainable


def optimizer(config: TrainConfig, *, steps: int) -> keras.optimizers.Optimizer:
    """The optimizer that a configuration names, with its schedule."""
    rate: Any = config.rate
    if config.schedule != "constant" or config.warm_up:
        rate = WarmUpThenFall(
            rate,
            steps=steps,
            warm_up=int(config.warm_up * steps),
            fall=config.schedule,
        )
    options = {"weight_decay": config.weight_decay} if config.weight_decay else {}
    kind = LAZY.get(config.optimizer) or type(keras.optimizers.get(config.optimizer))
    return kind(learning_rate=rate, **options)


def batched(
    task: Task, rows: Rows, config: TrainConfig, *, shuffle: bool
) -> tf.data.Dataset:
    """Rows as the training step takes them: (features, y, weight) by batches."""
    rows = check_rows(rows, {**task.inputs, **task.targets})
    encoded = task.dataset(
        batches(
            rows,
            batch_size=config.batch_size,
            fields=text_fields(task.inputs),
            shuffle=SHUFFLE if shuffle and not task.ordered else None,
            seed=config.seed,
            bucket=not task.ordered,
        )
    )
    if not shuffle and 0 <= rows.cardinality() <= KEPT:
        encoded = encoded.cache()
    return settled(encoded.prefetch(2))


def counted(rows: Rows) -> Rows:
    """The rows with their number known, which takes a pass where it was not.

    Schedules need it, and Keras warns of data that "ran out" without it.

    Raises:
        DataError: there are no rows.
    """
    count = int(rows.cardinality())
    if count < 0:
        ones = rows.map(lambda row: tf.constant(1, tf.int64))
        count = int(ones.batch(1024).map(tf.reduce_sum).reduce(np.int64(0), tf.add))
        rows = rows.apply(tf.data.experimental.assert_cardinality(count))
    if count == 0:
        raise DataError(
            "Training needs at least one row on each side. Received: none. "
            "Look at the file, and at the shares of the split."
        )
    return rows


@contextlib.contextmanager
def _precision(policy: str) -> Iterator[None]:
    """Builds layers with a precision and puts the global policy back."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def _progress() -> Iterator[int]:
    """Keras' progress bar on a terminal's stderr; silence elsewhere."""
    if not (sys.stderr.isatty() and LOG.isEnabledFor(logging.INFO)):
        yield 0
        return
    with contextlib.redirect_stdout(sys.stderr):
        yield 1
