"""The training loop: `fit` is the only place that calls Keras' own."""

import contextlib
import functools
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfnlp.data.batching import SHUFFLE, batches
from tfnlp.data.cache import Encoded, encode_once
from tfnlp.data.rows import without_autotune
from tfnlp.errors import DataError, TrainingError, UsageError
from tfnlp.specs import Rows, check_rows, text_fields
from tfnlp.task import Task
from tfnlp.training import strategy
from tfnlp.training.callbacks import (
    AnswerScores,
    AveragedWeights,
    EpochLines,
    EvaluationWeights,
    KeepBest,
    NanGuard,
)
from tfnlp.training.checkpoints import Checkpoints, Position, Stateful
from tfnlp.training.config import TrainConfig
from tfnlp.training.defaults import Defaults
from tfnlp.training.optimizers import KINDS, already_summed, averages
from tfnlp.training.parameter_groups import grouped, learning_rate_multipliers
from tfnlp.training.run_fingerprint import depends_on, numbers
from tfnlp.training.schedules import WarmUpThenFall
from tfnlp.training.step import Trainable
from tfnlp.training.tracking import Tracking
from tfnlp.training.trained_model import TrainedModel

LOG = logging.getLogger("tfnlp")
CACHED_VALIDATION_ROWS = 20_000
"""At most as many validation rows stay encoded in memory between epochs."""
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
    run: str | Path | None = None,
    resume: bool = False,
    settings: Mapping[str, Any] | None = None,
    encoded: Encoded | None = None,
) -> TrainedModel:
    """Trains the network that ``build`` makes, with early stopping and checkpoints.

    Weights do not depend on the number of devices or of gradient accumulation steps,
    except with dropout and batch normalisation, which draw and count per device.

    Args:
        task: what the rows mean.
        build: called once, inside the scope of the strategy.
        train: rows with the inputs and targets of the task, not batched.
        valid: validation rows. Early stopping monitors ``task.monitor`` on them:
            `val_loss`, a metric of the task or a score of its answers.
        config: see `TrainConfig`.
        callbacks: Keras callbacks, called last.
        run: folder of the run, for checkpoints in `checkpoints/`. At the end the
            network is there until `tfnlp.training.checkpoints.remove(run)` is called,
            once it is saved. None for no checkpoints.
        resume: whether to resume from the last checkpoint, if there is one. The
            network is then that of an uninterrupted run, bit for bit on CPUs. A run
            that has ended is not trained again.
        settings: what else the run depends on, by name. It resumes only with the same
            settings, rows, task and network.
        encoded: the cache that `tfnlp.training.encode_rows(task, train)` returned, if
            it was needed before; None encodes the rows here.

    Returns:
        The trained network with its task, history, tokens and last weights.

    Raises:
        SchemaError: rows lack a field of the task.
        DataError: there are no rows to train on.
        TrainingError: the loss became NaN or infinite, or another worker was lost.
        UsageError: the run to resume had other settings, rows or another network,
            workers differ in these, `monitor` names no score, or
            `learning_rate_multipliers` no layer, or `encoded` belongs to other rows.
        KeyboardInterrupt: SIGTERM or Ctrl-C; a checkpoint to resume from is written.
    """
    config = config or TrainConfig()
    if encoded is not None:
        encoded.check(task, train)
    keras.utils.set_random_seed(config.seed)
    train, valid = counted(train), counted(valid)
    steps_per_epoch = -(-int(train.cardinality()) // config.batch_size)
    epochs = config.max_epochs(steps_per_epoch)
    trainable = compiled(task, build, config, steps=epochs * steps_per_epoch)
    used = [*_callbacks(task, trainable, valid, config, epochs), *callbacks]
    worker = strategy.worker(trainable.distribute_strategy)
    _log_start(trainable, config, steps_per_epoch)
    start, checkpoints = Position(), None
    if run is not None:
        checkpoints = Checkpoints(
            run,
            trainable,
            {type(c).__name__: c for c in used if isinstance(c, Stateful)},
            depends_on(task, trainable.network, config, train, valid, settings or {}),
            every=config.checkpoint_seconds,
            worker=worker,
        )
        start = _start(checkpoints, resume=resume)
        if start.ended:
            return _trained(trainable, *checkpoints.ended())
        used.append(checkpoints)
    if config.report_to and worker.is_chief:
        used.append(_tracking(config, trainable, run, start, steps_per_epoch))
    ending = contextlib.nullcontext() if checkpoints is None else closing(checkpoints)
    with _progress() as verbose, ending, _lost_workers(trainable):
        # One iterator for all epochs: TensorFlow takes 0.3 s to make one.
        history = trainable.fit(
            batched(
                task,
                train,
                config,
                from_step=start.epoch * steps_per_epoch + start.done,
                encoded=encoded,
            ),
            steps_per_epoch=steps_per_epoch,
            validation_data=batched(task, valid, config),
            initial_epoch=start.epoch,
            epochs=epochs,
            verbose=verbose,
            shuffle=False,  # the rows are shuffled already
            callbacks=used,
        )
        if checkpoints is not None:
            checkpoints.end(_last_weights(used))
    if checkpoints is not None and checkpoints.stop_requested:
        raise KeyboardInterrupt  # the signal came after the last check
    return _trained(trainable, history.history, _last_weights(used))


def _log_start(trainable: Trainable, config: TrainConfig, steps_per_epoch: int) -> None:
    """Logs device, precision, batch size and steps per epoch."""
    LOG.info(
        "device %s · %s · batch size %d · %s steps/epoch",
        strategy.described(trainable.distribute_strategy),
        config.precision,
        config.batch_size,
        f"{steps_per_epoch:,}",
    )


def _trained(
    trainable: Trainable,
    history: Mapping[str, Sequence[float]],
    last: Sequence[np.ndarray] | None,
) -> TrainedModel:
    tokens = trainable.token_counts()[0]
    return TrainedModel(trainable.network, trainable.task, history, tokens, last)


def _last_weights(
    callbacks: Iterable[keras.callbacks.Callback],
) -> list[np.ndarray] | None:
    """The weights of the last epoch, if both are kept; see `KeepBest`."""
    return next(each.last_weights for each in callbacks if isinstance(each, KeepBest))


def _callbacks(
    task: Task, trainable: Trainable, valid: Rows, config: TrainConfig, epochs: int
) -> Iterator[keras.callbacks.Callback]:
    """Callbacks in order: EMA, NaN guard, scores, log line, early stopping."""
    if config.ema_momentum:
        yield AveragedWeights(trainable.network, config.ema_momentum)
    elif averages(trainable.optimizer):
        weights = functools.partial(averages, trainable.optimizer)
        yield EvaluationWeights(trainable.network, weights)
    yield NanGuard()
    monitor, mode = config.monitor_and_mode(task.monitor)
    logged = {f"val_{metric.name}" for metric in trainable.metrics}
    if monitor not in logged:
        answers = AnswerScores(task, trainable.network, valid)
        if config.monitor:  # Keras would only warn, after every epoch
            answers.check(monitor, logged)
        yield answers
    yield EpochLines(epochs)
    yield KeepBest(
        monitor=monitor,
        mode=mode,
        patience=config.patience,
        keep_weights=config.keep_weights,
    )


def compiled(task: Task, build: Build, config: TrainConfig, *, steps: int) -> Trainable:
    """Builds network and optimizer inside the strategy's scope."""
    with _precision(config.precision), strategy.create(config.strategy).scope():
        trainable = Trainable(
            task,
            build(Defaults()),
            gradient_accumulation_steps=config.gradient_accumulation_steps,
            global_clipnorm=config.global_clipnorm,
        )
        trainable.compile(optimizer=optimizer(config, steps=steps), jit_compile=False)
        already_summed(trainable.optimizer)
        grouped(
            trainable.optimizer,
            learning_rate_multipliers(
                config.learning_rate_multipliers, trainable.network
            ),
            weight_decay=config.weight_decay,
        )
        trainable.built = True
        trainable.optimizer.build(trainable.trainable_variables)
    return trainable


def optimizer(config: TrainConfig, *, steps: int) -> keras.optimizers.Optimizer:
    """The optimizer of a configuration, with its learning rate schedule.

    Weight decay is not its own: see `tfnlp.training.parameter_groups`.
    """
    rate: Any = config.learning_rate
    if config.schedule != "constant" or config.warmup_ratio:
        rate = WarmUpThenFall(
            rate,
            steps=steps,
            warmup_steps=int(config.warmup_ratio * steps),
            fall=config.schedule,
        )
    return KINDS[config.optimizer](learning_rate=rate)


def batched(
    task: Task,
    rows: Rows,
    config: TrainConfig,
    *,
    from_step: int | None = None,
    encoded: Encoded | None = None,
) -> tf.data.Dataset:
    """The input pipeline: batches of (features, y, weight) for the training step.

    Args:
        from_step: for training: rows are shuffled and repeated, and the first
            `from_step` batches are skipped before they are encoded. None for one pass
            in order.
        encoded: the cache of `encode_rows`, for training.
    """
    rows = check_rows(rows, {**task.inputs, **task.targets})
    train = from_step is not None
    fields, encode = list(text_fields(task.inputs)), task.dataset
    if train and config.cache and not task.ordered:
        encoded = encoded or encode_rows(task, rows)
        if encoded is not None:
            rows, fields, encode = encoded.rows(), ["length"], encoded.examples
    batched_rows = batches(
        rows,
        batch_size=config.batch_size,
        fields=fields,
        shuffle=SHUFFLE if train and not task.ordered else None,
        seed=config.seed,
        bucket=not task.ordered,
    )
    if train:
        steps = batched_rows.repeat().skip(from_step)
        return without_autotune(encode(steps).prefetch(2))
    examples = task.dataset(batched_rows)
    if 0 <= rows.cardinality() <= CACHED_VALIDATION_ROWS:
        examples = examples.cache()
    return without_autotune(examples.prefetch(2))


def encode_rows(task: Task, rows: Rows) -> Encoded | None:
    """Encodes training rows into a cache in memory, for `fit` and for statistics.

    Returns:
        None if they would take too much memory, if the task's rows are encoded in
        every epoch, or if their number is unknown.

    Raises:
        DataError: there are no rows.
        SchemaError: rows lack a field of the task.
    """
    start, origin = time.perf_counter(), (task, rows)
    rows = check_rows(rows, {**task.inputs, **task.targets})
    if rows.cardinality() < 0:  # a stream: `fit` counts it, which takes a whole pass
        return None
    rows, cached = counted(rows), None
    if not task.ordered:
        cached = encode_once(rows, task.dataset, origin=origin)
    if cached is None:
        LOG.info("not cached: rows are encoded in every epoch")
        return None
    LOG.info(
        "cached %s encoded rows in %.1f s, %.0f MB",
        f"{int(rows.cardinality()):,}",
        time.perf_counter() - start,
        cached.nbytes / 1e6,
    )
    return cached


def _tracking(
    config: TrainConfig,
    trainable: Trainable,
    run: str | Path | None,
    start: Position,
    steps_per_epoch: int,
) -> Tracking:
    """The trackers of `report_to`; TensorBoard's files are in the folder of the run."""
    if run is None:
        raise UsageError(
            "report_to needs the folder of a run. Received: run=None. "
            'Pass run="runs/NAME" to fit.'
        )
    done = start.epoch * steps_per_epoch + start.done
    return Tracking(config.report_to, trainable, Path(run) / "tensorboard", done=done)


def _start(checkpoints: Checkpoints, *, resume: bool) -> Position:
    """The position a run starts from: all workers at the same step of the same run.

    Raises:
        UsageError: workers differ in settings, rows, network or checkpoints; or the
            run to resume had other settings.
    """
    peers = checkpoints.trainable.distribute_strategy
    if not strategy.agree(peers, numbers(checkpoints.settings)):
        raise UsageError(
            "All workers train the same network on the same rows. Received: other "
            "settings, rows or another network on some worker. Start all of them with "
            "the same command, on copies of the same files."
        )
    start = checkpoints.load() if resume else Position()
    if not strategy.agree(peers, [int(number) for number in start]):
        raise UsageError(
            "All workers resume from the same checkpoint, so they share the folder of "
            f"the run. Received: {checkpoints.folder} with another one, or none, on "
            "some worker. Put it on a volume that all of them see."
        )
    checkpoints.check()
    return start


@contextlib.contextmanager
def _lost_workers(trainable: Trainable) -> Iterator[None]:
    """Distinguishes a lost worker from other errors.

    Raises:
        TrainingError: there are several workers, and one of them does not answer.
    """
    try:
        yield
    except (
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
        tf.errors.InternalError,
        tf.errors.UnavailableError,
    ) as error:
        worker = strategy.worker(trainable.distribute_strategy)
        if worker.total == 1:
            raise
        raise TrainingError(
            f"All {worker.total} workers train to the end together. Received: "
            f"{str(error).splitlines()[0]}. Start all of them again, and resume."
        ) from error


def counted(rows: Rows) -> Rows:
    """Rows of a known number; takes one pass if it was unknown.

    Schedules need the number, and Keras warns of data that "ran out" without it.

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
            "Check the file and the shares of the split."
        )
    return rows


@contextlib.contextmanager
def _precision(policy: str) -> Iterator[None]:
    """Sets the dtype policy, and restores the one before."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def _progress() -> Iterator[int]:
    """Keras' progress bar, if stderr is a terminal."""
    if not (sys.stderr.isatty() and LOG.isEnabledFor(logging.INFO)):
        yield 0
        return
    with contextlib.redirect_stdout(sys.stderr):
        yield 1
