"""What happens between steps: a guard against NaN and a line an epoch."""

import logging
import math
import time
from collections.abc import Mapping
from typing import TypeAlias

import keras

from tfnlp.errors import TrainingError

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
