"""Experiment tracking: TensorBoard, MLflow and Weights & Biases."""

import importlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from tfnlp.training.callbacks import Logs
from tfnlp.training.step import Trainable

Write = Callable[[Mapping[str, float], int], None]
"""Takes values by name, and the number of the step."""


class Tracking(keras.callbacks.Callback):
    """Logs metrics to experiment trackers: every few steps, and every epoch.

    Of a step: `loss` (the mean of the epoch so far), `learning_rate`, `gradient_norm`
    (before clipping), `tokens_per_second` and `padding_share` (the share of padding in
    a batch), of this process. Of an epoch: what Keras logs, as `epoch_loss`,
    `epoch_val_loss` and so on.

    Args:
        names: of `TRACKERS`.
        trainable: the network in training, which counts tokens.
        folder: of TensorBoard's files.
        done: steps before this process.
    """

    EVERY = 10

    def __init__(
        self, names: Sequence[str], trainable: Trainable, folder: Path, *, done: int = 0
    ):
        super().__init__()
        self.writers = [TRACKERS[name](folder) for name in names]
        self.trainable, self.done = trainable, done
        self.trainable.measures_norm = True
        self.since, self.tokens, self.places = time.perf_counter(), 0, 0

    def on_train_begin(self, logs: Logs = None) -> None:
        self.since = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self.trainable.is_skipping:
            return
        self.done += 1
        if self.done % self.EVERY == 0:
            self._write(dict(self._state(logs or {})))

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._write({f"epoch_{name}": value for name, value in (logs or {}).items()})
        self.since = time.perf_counter()  # validation does not count
        self.tokens, self.places = self.trainable.token_counts()

    def _state(self, logs: Mapping[str, float]) -> Iterator[tuple[str, float]]:
        now, (tokens, places) = time.perf_counter(), self.trainable.token_counts()
        yield "loss", float(logs.get("loss", 0.0))
        yield "learning_rate", float(self.trainable.optimizer.learning_rate)
        yield "gradient_norm", float(self.trainable.norm.numpy())
        if places > self.places:
            new, room = tokens - self.tokens, places - self.places
            yield "tokens_per_second", new / max(now - self.since, 1e-9)
            yield "padding_share", 1.0 - new / room
        self.since, self.tokens, self.places = now, tokens, places

    def _write(self, values: Mapping[str, float]) -> None:
        for write in self.writers:
            write(values, self.done)


def _tensorboard(folder: Path) -> Write:
    writer = tf.summary.create_file_writer(str(folder))

    def write(values: Mapping[str, float], step: int) -> None:
        with writer.as_default():
            for name, value in values.items():
                tf.summary.scalar(name, value, step=step)
        writer.flush()

    return write


def _mlflow(folder: Path) -> Write:
    mlflow = importlib.import_module("mlflow")
    return lambda values, step: mlflow.log_metrics(dict(values), step=step)


def _wandb(folder: Path) -> Write:
    wandb = importlib.import_module("wandb")
    run = wandb.run or wandb.init(name=folder.parent.name)
    return lambda values, step: run.log(dict(values), step=step)


TRACKERS: dict[str, Callable[[Path], Write]] = {
    "tensorboard": _tensorboard,
    "mlflow": _mlflow,
    "wandb": _wandb,
}
"""Name of a tracker → makes its writer for the folder of a run."""
