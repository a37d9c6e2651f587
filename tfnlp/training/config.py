"""Training configuration: one frozen dataclass, the one place of the defaults."""

import dataclasses
import importlib.util
import sys
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from tfnlp.errors import UsageError
from tfnlp.scores.directions import Direction, direction

Optimizer = Literal[
    "adam", "adamw", "adagrad", "rmsprop", "sgd", "lion", "muon", "schedule_free"
]
Schedule = Literal["constant", "linear", "cosine", "polynomial", "inverse_sqrt"]
Kept = Literal["best", "last", "both"]
Tracker = Literal["tensorboard", "mlflow", "wandb"]
Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]
Strategy = Literal["auto", "one_device", "mirrored", "multi_worker", "tpu"]


@dataclass(frozen=True)
class TrainConfig:
    """Training arguments: epochs, learning rate, optimizer, early stopping and so on.

    The same for every task. Names are those of Keras where it has one. Hugging Face
    calls `global_clipnorm` `max_grad_norm`, and `batch_size` is its
    `per_device_train_batch_size` times devices times `gradient_accumulation_steps`:
    here accumulation cuts a batch into parts, and does not make it larger.

    Raises:
        UsageError: a value is outside its range.

    Example:
    >>> TrainConfig(epochs=3).batch_size
    64
    """

    epochs: int = 5  # passes over the training rows, at most
    max_steps: int = 0  # limit on optimizer steps; ends with an epoch; 0 is no limit
    batch_size: int = 64  # rows per optimizer step, over all devices
    learning_rate: float = 1e-3  # the highest one: after warmup
    optimizer: Optimizer = "adam"  # the update rule
    schedule: Schedule = "constant"  # learning rate schedule after warmup
    warmup_ratio: float = 0.0  # share of the steps of the linear learning rate warmup
    learning_rate_multipliers: tuple[str, ...] = ()  # by layer, as in embedding=0.1
    weight_decay: float = 0.0  # decoupled, as in AdamW; of matrices and tables only
    ema_momentum: float = 0.0  # moving average of the weights, e.g. 0.999; 0 is off
    global_clipnorm: float = 0.0  # gradient clipping by global norm; 0 is off
    cache: bool = True  # keep encoded rows in memory, if they fit
    gradient_accumulation_steps: int = 1  # parts of a batch, computed one after another
    precision: Precision = "float32"  # of computation; mixed_bfloat16 for GPUs
    monitor: str = ""  # score of early stopping, as in val_f1; default: the task's
    patience: int = 2  # epochs without a better score before early stopping
    keep_weights: Kept = "best"  # of which epoch; both saves the last beside the best
    strategy: Strategy = "auto"  # auto takes every GPU of this machine
    report_to: tuple[Tracker, ...] = ()  # experiment trackers
    checkpoint_seconds: float = 60.0  # between two checkpoints
    seed: int = 0  # of weights, dropout and the order of rows

    def max_epochs(self, steps_per_epoch: int) -> int:
        """The number of epochs, at most: `epochs`, or fewer because of `max_steps`.

        Example:
        >>> TrainConfig(epochs=20, max_steps=9_000).max_epochs(steps_per_epoch=2_000)
        5
        """
        if not self.max_steps:
            return self.epochs
        return min(self.epochs, -(-self.max_steps // steps_per_epoch))

    def monitor_and_mode(self, monitor: str) -> tuple[str, Direction]:
        """The score of early stopping, and its mode: what Keras' `EarlyStopping` takes.

        Args:
            monitor: the task's own, where the configuration names none.

        Example:
        >>> TrainConfig().monitor_and_mode("val_loss")
        ('val_loss', 'min')
        >>> TrainConfig(monitor="val_f1").monitor_and_mode("val_loss")
        ('val_f1', 'max')
        """
        name = self.monitor or monitor
        return name, direction(name)

    def __post_init__(self) -> None:
        for name, lowest in _LOWEST.items():
            _check_at_least(name, getattr(self, name), lowest)
        for name in _NOT_NEGATIVE:
            _check_at_least(name, getattr(self, name), 0.0)
        if not 0.0 <= self.ema_momentum < 1.0:
            raise UsageError(
                "ema_momentum must be at least 0 and below 1. Received: "
                f"{self.ema_momentum}. 0.999 averages over about 1,000 steps."
            )
        if not 0.0 <= self.warmup_ratio < 1.0:
            raise UsageError(
                "warmup_ratio is a share of all steps, at least 0 and below 1. "
                f"Received: {self.warmup_ratio}. 0.1 warms up in the first tenth."
            )
        if self.gradient_accumulation_steps > self.batch_size:
            raise UsageError(
                "gradient_accumulation_steps must be at most batch_size, as each part "
                f"of a batch has a row or more. Received: "
                f"{self.gradient_accumulation_steps} of batch_size={self.batch_size}."
            )
        for name in self.report_to:
            _check_installed(name)
        for field in dataclasses.fields(self):
            _check_choice(field.name, getattr(self, field.name), field.type)


_NOT_NEGATIVE = (
    "learning_rate",
    "weight_decay",
    "global_clipnorm",
    "checkpoint_seconds",
)
_LOWEST = {
    "epochs": 1,
    "max_steps": 0,
    "batch_size": 1,
    "gradient_accumulation_steps": 1,
    "patience": 1,
    "seed": 0,
}


def _check_at_least(name: str, value: float, lowest: float) -> None:
    if not value >= lowest or value == float("inf"):
        raise UsageError(
            f"{name} must be a number, {lowest} or more. Received: {value}. "
            "Leave it out to take the default."
        )


def _check_installed(tracker: str) -> None:
    if tracker not in ("mlflow", "wandb") or sys.modules.get(tracker):
        return
    if importlib.util.find_spec(tracker) is None:
        raise UsageError(
            f"report_to needs its packages installed. Received: {tracker}, which "
            f"is not installed. pip install {tracker}, or leave it out."
        )


def _check_choice(name: str, value: Any, kind: Any) -> None:
    if get_origin(kind) is tuple:
        for each in value:
            _check_choice(name, each, get_args(kind)[0])
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    if choices and value not in choices:
        raise UsageError(
            f"{name} must be one of {', '.join(choices)}. Received: {value!r}."
        )
