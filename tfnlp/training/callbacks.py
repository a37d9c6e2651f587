"""Keras callbacks: NaN guard, weight averaging, early stopping, scores, log lines."""

import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from tfnlp.errors import TrainingError, UsageError, nearest
from tfnlp.prediction import BatchPredictor
from tfnlp.specs import Rows
from tfnlp.task import Task
from tfnlp.training.config import Kept

LOG = logging.getLogger("tfnlp")
Logs: TypeAlias = Mapping[str, float] | None
"""The metrics that Keras passes to callbacks: name → value."""


class NanGuard(keras.callbacks.Callback):
    """Stops training when the loss is NaN or infinite, and names epoch and batch."""

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
                "Lower learning_rate, or set global_clipnorm to 1."
            )

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        loss = float((logs or {}).get("val_loss", 0.0))
        if not math.isfinite(loss):
            raise TrainingError(
                "The loss of validation rows must be a finite number. "
                f"Received: {loss} after epoch {epoch + 1}. "
                "Lower learning_rate, or set global_clipnorm to 1."
            )


class EvaluationWeights(keras.callbacks.Callback):
    """Validates with other weights than those in training, such as their average.

    The network has them from validation to the end of the epoch, so that early
    stopping keeps them.

    Args:
        network: whose weights are replaced.
        weights: computes them, see `tfnlp.training.optimizers.averages`.
    """

    def __init__(
        self, network: keras.Model, weights: Callable[[], Iterable[tf.Tensor]]
    ):
        super().__init__()
        self.network, self.weights = network, weights
        self.own: list[tf.Tensor] = []
        """The weights in training, while the network has the others."""

    def on_test_begin(self, logs: Logs = None) -> None:
        self.own = self._values()
        self._assign(self.weights())

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.own:
            self._assign(self.own)
            self.own = []

    def _values(self) -> list[tf.Tensor]:
        weights = self.network.trainable_variables
        return [tf.convert_to_tensor(weight) for weight in weights]

    def _assign(self, values: Iterable[tf.Tensor]) -> None:
        weights = self.network.trainable_variables
        for weight, value in zip(weights, values, strict=True):
            weight.assign(value)


class AveragedWeights(EvaluationWeights):
    """Exponential moving average (EMA) of the weights, for validation and saving.

    Training continues with the weights themselves (Polyak & Juditsky 1992). The
    average is updated every few steps: as good, and cheap for large tables. Keras
    calls the momentum `ema_momentum`.

    Args:
        network: whose weights are averaged.
        momentum: share of the average that stays at each step.
    """

    EVERY = 8

    def __init__(self, network: keras.Model, momentum: float):
        super().__init__(network, lambda: self.averages)
        self.momentum = momentum
        self.updates = 0
        self.averages: list[tf.Tensor] = []

    def state_dict(self) -> dict[str, np.ndarray]:
        """The averages so far, for a checkpoint."""
        averages = {f"average{n}": np.array(a) for n, a in enumerate(self.averages)}
        return {"updates": np.array(self.updates), **averages}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Restores what `state_dict` returned."""
        self.updates = int(state["updates"])
        count = len(state) - 1
        self.averages = [tf.constant(state[f"average{n}"]) for n in range(count)]

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self.model.is_skipping:
            return
        self.updates += 1
        if self.updates % self.EVERY == 0 or not self.averages:
            self._average()

    def _average(self) -> None:
        rounds = self.updates / self.EVERY
        kept = min(self.momentum**self.EVERY, (1.0 + rounds) / (10.0 + rounds))
        values = self._values()
        self.averages = [
            kept * average + (1.0 - kept) * value
            for average, value in zip(self.averages or values, values, strict=True)
        ]


class KeepBest(keras.callbacks.EarlyStopping):
    """Early stopping with the best weights, whose state goes into checkpoints.

    Args:
        keep_weights: which weights stay in the network: `best` or `last`; with `both`
            the best, and those of the last epoch are in `last_weights`.
        options: arguments of Keras' `EarlyStopping`.
    """

    _FACTS = ("best", "best_epoch", "wait")

    def __init__(self, *, keep_weights: Kept, **options: Any):
        super().__init__(restore_best_weights=keep_weights != "last", **options)
        self.keep_weights = keep_weights
        self.last_weights: list[np.ndarray] | None = None
        """Of the last epoch, once training has ended, if both are kept."""

    def on_train_end(self, logs: Logs = None) -> None:
        if self.keep_weights == "both":
            self.last_weights = self.model.network.get_weights()
        super().on_train_end(logs)

    def state_dict(self) -> dict[str, np.ndarray]:
        """The best score and weights so far, for a checkpoint."""
        if self.best_weights is None:
            return {}
        weights = {f"weight{n}": w for n, w in enumerate(self.best_weights)}
        facts = {name: np.array(getattr(self, name)) for name in self._FACTS}
        return facts | weights

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Restores what `state_dict` returned."""
        if not state:
            return
        for name in self._FACTS:
            setattr(self, name, state[name].item())
        count = len(state) - len(self._FACTS)
        self.best_weights = [state[f"weight{n}"] for n in range(count)]


class AnswerScores(keras.callbacks.Callback):
    """Logs the scores of answers to validation rows, such as `val_f1`.

    A loss can rise while answers still get better; these are the scores that reports
    have.
    """

    def __init__(self, task: Task, network: keras.Model, rows: Rows):
        super().__init__()
        self.task, self.rows = task, rows
        self.predictor = BatchPredictor(task, network)

    def check(self, monitor: str, logged: Collection[str]) -> None:
        """Checks that `monitor` names a score, with the answers to two rows.

        Raises:
            UsageError: it names neither a score nor a logged metric.
        """
        known = sorted({*logged, *self._scores(self.rows.take(2))})
        if monitor not in known:
            raise UsageError(
                f"monitor must be one of {', '.join(known)}. "
                f"Received: {monitor!r}.{nearest(monitor, known)}"
            )

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if isinstance(logs, dict):  # the same object that later callbacks receive
            logs |= self._scores(self.rows)

    def _scores(self, rows: Rows) -> dict[str, float]:
        scores = self.task.headline(*self.predictor.predict_with_targets(rows))
        return {f"val_{name}": score for name, score in scores.items()}


class EpochLines(keras.callbacks.Callback):
    """Logs one line per epoch: every metric, and the seconds."""

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
