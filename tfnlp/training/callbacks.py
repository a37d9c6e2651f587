"""What happens between steps: a guard against NaN, scores and a line an epoch."""

import logging
import math
import time
from collections.abc import Mapping
from typing import TypeAlias

import keras

from tfnlp.answering import Answering
from tfnlp.errors import TrainingError
from tfnlp.specs import Rows
from tfnlp.task import Task

LOG = logging.getLogger("tfnlp")
Logs: TypeAlias = Mapping[str, float] | None
"""What Keras has measured so far: name → value."""


class NanGuard(keras.callbacks.Callback):
    """Stops a run whose loss is not a number, and says where it happened."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            raise TrainingError(
                "The loss of every batch must be a finite number. "
                f"Received: {loss} in epoch {self.epoch + 1}, batch {batch + 1}. "
                "Lower --training.rate, or set --training.clip 1."
            )

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        loss = float((logs or {}).get("val_loss", 0.0))
        if not math.isfinite(loss):
            raise TrainingError(
                "The loss of held-out rows must be a finite number. "
                f"Received: {loss} after epoch {epoch + 1}. "
                "Lower --training.rate, or set --training.clip 1."
            )


class AnswerScores(keras.callbacks.Callback):
    """Logs the scores of answers to held-out rows: `val_f1` and its like.

    A loss can rise while answers still get better; these are the scores that are
    reported.
    """

    def __init__(self, task: Task, network: keras.Model, rows: Rows):
        super().__init__()
        self.task, self.rows = task, rows
        self.answering = Answering(task, network)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        scores = self.task.headline(*self.answering(self.rows))
        if isinstance(logs, dict):  # the one that later callbacks see, too
            logs |= {f"val_{name}": score for name, score in scores.items()}


class EpochLines(keras.callbacks.Callback):
    """Logs one line an epoch: every score, the rate and the seconds."""

    def __init__(self, epochs: int):
        super().__init__()
        self.epochs = epochs
        self.started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        scores = "  ".join(
            f"{name} {value:.4f}" for name, value in (logs or {}).items()
        )
        seconds = time.perf_counter() - self.started
        LOG.info("epoch %d/%d  %s  %.1f s", epoch + 1, self.epochs, scores, seconds)
