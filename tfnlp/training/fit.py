"""Fits a network to a task: the only place that calls Keras' training loop."""

import contextlib
import functools
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfnlp.data.batching import SHUFFLE, batches
from tfnlp.data.cache import Encoded, encode_once
from tfnlp.data.rows import settled
from tfnlp.errors import DataError, TrainingError, UsageError
from tfnlp.specs import Rows, check_rows, text_fields
from tfnlp.task import Task
from tfnlp.training import strategy
from tfnlp.training.callbacks import (
    AnswerScores,
    AveragedWeights,
    EpochLines,
    FoundWeights,
    KeepBest,
    NanGuard,
)
from tfnlp.training.checkpoints import Checkpoints, Position, Remembers
from tfnlp.training.config import TrainConfig
from tfnlp.training.defaults import Defaults
from tfnlp.training.optimizers import KINDS, already_summed, averages
from tfnlp.training.parameter_groups import grouped, learning_rate_multipliers
from tfnlp.training.run_fingerprint import depends_on, numbers
from tfnlp.training.schedules import WarmUpThenFall
from tfnlp.training.step import Trainable
from tfnlp.training.tracking import Tracking

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
    run: str | Path | None = None,
    resume: bool = False,
    settings: Mapping[str, Any] | None = None,
    encoded: Encoded | None = None,
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
        callbacks: more of Keras' callbacks, called last.
        run: folder of the run; its `checkpoints/` has what a killed one goes on from,
            and at the end the network, until `tfnlp.training.checkpoints.remove(run)`
            is called: when the network is saved. None for no checkpoints.
        resume: whether to go on from there, if there is something: the network is
            then the one of an undisturbed run, bit for bit on CPUs. A run that has
            ended is not trained again.
        settings: what else the run depends on, by name. It goes on only with the same
            settings, rows, task and network.
        encoded: what `tfnlp.encoded(task, train)` gave, where that was needed before;
            None has the rows encoded here.

    Returns:
        The network; its ``history`` holds the logs of every epoch,
        ``history.tokens`` how many tokens this process trained on, and
        ``history.last_weights`` what `set_weights` takes to have those of the last
        epoch: None unless `config.keep_weights` is "both".

    Raises:
        SchemaError: rows lack a field of the task.
        DataError: there are no rows to train on.
        TrainingError: the loss became NaN or infinite, or another worker was lost.
        UsageError: the run to resume had other settings, rows or another network,
            workers do not have the same ones, nothing of the name of `monitor` is
            measured, there is no layer of a name in `learning_rate_multipliers`, or
            `encoded` are other rows.
        KeyboardInterrupt: SIGTERM or Ctrl-C; what `resume` goes on from is written.
    """
    config = config or TrainConfig()
    if encoded is not None:
        encoded.check(task, train)
    keras.utils.set_random_seed(config.seed)
    train, valid = counted(train), counted(valid)
    updates = -(-int(train.cardinality()) // config.batch_size)  # of an epoch
    epochs = config.max_epochs(updates)
    trainable = compiled(task, build, config, steps=epochs * updates)
    between = [*_watchers(task, trainable, valid, config, epochs), *callbacks]
    worker = strategy.worker(trainable.distribute_strategy)
    _tell(trainable, config, updates)
    start, checkpoints = Position(), None
    if run is not None:
        checkpoints = Checkpoints(
            run,
            trainable,
            {type(c).__name__: c for c in between if isinstance(c, Remembers)},
            depends_on(task, trainable.network, config, train, valid, settings or {}),
            every=config.checkpoint_seconds,
            worker=worker,
        )
        start = _start(checkpoints, resume=resume)
        if start.ended:
            return _with_history(trainable, *checkpoints.ended())
        between.append(checkpoints)
    if config.report_to and worker.is_chief:
        between.append(_tracking(config, trainable, run, start, updates))
    ending = contextlib.nullcontext() if checkpoints is None else closing(checkpoints)
    with _progress() as verbose, ending, _peers(trainable):
        # One iterator for all epochs: TensorFlow takes 0.3 s to make one.
        history = trainable.fit(
            batched(
                task,
                train,
                config,
                from_update=start.epoch * updates + start.done,
                kept=encoded,
            ),
            steps_per_epoch=updates,
            validation_data=batched(task, valid, config),
            initial_epoch=start.epoch,
            epochs=epochs,
            verbose=verbose,
            shuffle=False,  # the rows are shuffled already
            callbacks=between,
        )
        if checkpoints is not None:
            checkpoints.end(_last_weights(between))
    if checkpoints is not None and checkpoints.asked_to_stop:
        raise KeyboardInterrupt  # it came too late to be seen before
    return _with_history(trainable, history, _last_weights(between))


def _tell(trainable: Trainable, config: TrainConfig, updates: int) -> None:
    """Says what a run trains on."""
    LOG.info(
        "trains on %s in %s, %d rows an update, %s updates an epoch",
        strategy.described(trainable.distribute_strategy),
        config.precision,
        config.batch_size,
        f"{updates:,}",
    )


def _with_history(
    trainable: Trainable,
    history: keras.callbacks.History,
    last: list[np.ndarray] | None,
) -> keras.Model:
    history.tokens = trainable.counted()[0]
    history.last_weights = last
    history.set_model(trainable.network)  # else the optimizer stays in memory
    trainable.network.history = history
    return trainable.network


def _last_weights(
    between: Iterable[keras.callbacks.Callback],
) -> list[np.ndarray] | None:
    """What a run kept besides the best; see `KeepBest`."""
    return next(each.last_weights for each in between if isinstance(each, KeepBest))


def _watchers(
    task: Task, trainable: Trainable, valid: Rows, config: TrainConfig, epochs: int
) -> Iterator[keras.callbacks.Callback]:
    """What happens around epochs, in order: held-out scores, a line, the best kept."""
    if config.ema_momentum:
        yield AveragedWeights(trainable.network, config.ema_momentum)
    elif averages(trainable.optimizer):
        found = functools.partial(averages, trainable.optimizer)
        yield FoundWeights(trainable.network, found)
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
    """The optimizer that a configuration names, with its schedule.

    It knows no weight decay: that is in the update, see
    `tfnlp.training.parameter_groups`.
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
    from_update: int | None = None,
    kept: Encoded | None = None,
) -> tf.data.Dataset:
    """Rows as the training step takes them: (features, y, weight) by batches.

    Args:
        from_update: for training: rows are shuffled, again and again, and so many
            batches are passed over before any is encoded. None for one pass in order.
        kept: the rows as `encoded` gave them, for training.
    """
    rows = check_rows(rows, {**task.inputs, **task.targets})
    train = from_update is not None
    fields, encode = list(text_fields(task.inputs)), task.dataset
    if train and config.cache and not task.ordered:
        kept = kept or encoded(task, rows)
        if kept is not None:
            rows, fields, encode = kept.rows(), ["length"], kept.examples
    cut = batches(
        rows,
        batch_size=config.batch_size,
        fields=fields,
        shuffle=SHUFFLE if train and not task.ordered else None,
        seed=config.seed,
        bucket=not task.ordered,
    )
    if train:
        return settled(encode(cut.repeat().skip(from_update)).prefetch(2))
    examples = task.dataset(cut)
    if 0 <= rows.cardinality() <= KEPT:
        examples = examples.cache()
    return settled(examples.prefetch(2))


def encoded(task: Task, rows: Rows) -> Encoded | None:
    """Encodes training rows once, for `fit` and for what looks at them before.

    Returns:
        None where they would take too much memory, are of a kind that is encoded in
        every epoch, or nobody has counted them.

    Raises:
        DataError: there are no rows.
        SchemaError: rows lack a field of the task.
    """
    start, origin = time.perf_counter(), (task, rows)
    rows = check_rows(rows, {**task.inputs, **task.targets})
    if rows.cardinality() < 0:  # a stream: `fit` counts it, which takes a whole pass
        return None
    rows, kept = counted(rows), None
    if not task.ordered:
        kept = encode_once(rows, task.dataset, origin=origin)
    if kept is None:
        LOG.info("rows are encoded in every epoch")
        return None
    LOG.info(
        "encoded once: %s rows in %.1f s, %.0f MB",
        f"{int(rows.cardinality()):,}",
        time.perf_counter() - start,
        kept.nbytes / 1e6,
    )
    return kept


def _tracking(
    config: TrainConfig,
    trainable: Trainable,
    run: str | Path | None,
    start: Position,
    updates: int,
) -> Tracking:
    """What `report_to` asks for; TensorBoard's files are in the folder of the run."""
    if run is None:
        raise UsageError(
            "A run that is tracked has a folder. Received: run=None. "
            'Pass run="runs/NAME" to fit.'
        )
    done = start.epoch * updates + start.done
    return Tracking(config.report_to, trainable, Path(run) / "tensorboard", done=done)


def _start(checkpoints: Checkpoints, *, resume: bool) -> Position:
    """Where a run begins: all workers at the same update of the same run.

    Raises:
        UsageError: workers have other settings, rows or networks than others, or do
            not see the same checkpoints; or the run to go on with had other ones.
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
            "All workers go on from the same checkpoint, so they share the folder of "
            f"the run. Received: {checkpoints.folder} with another one, or none, on "
            "some worker. Put it on a volume that all of them see."
        )
    checkpoints.check()
    return start


@contextlib.contextmanager
def _peers(trainable: Trainable) -> Iterator[None]:
    """Tells a worker that was lost from other errors.

    Raises:
        TrainingError: there are others, and one of them no longer answers.
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
            f"{str(error).splitlines()[0]}. Start all of them again with --resume."
        ) from error


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
