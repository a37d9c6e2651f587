"""What a training run is told: one frozen dataclass, one place for the defaults."""

import dataclasses
import importlib.util
import sys
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from tfnlp.errors import UsageError

Optimizer = Literal[
    "adam", "adamw", "adagrad", "rmsprop", "sgd", "lion", "muon", "schedule_free"
]
Schedule = Literal["constant", "linear", "cosine", "polynomial", "inverse_sqrt"]
Kept = Literal["best", "last", "both"]
Tracker = Literal["tensorboard", "mlflow", "wandb"]
Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]
Strategy = Literal["auto", "one", "mirrored", "multi_worker", "tpu"]


@dataclass(frozen=True)
class TrainConfig:
    """Settings of the training engine, the same for every task.

    Raises:
        UsageError: a value is outside its range.

    Example:
    >>> TrainConfig(epochs=3).batch_size
    64
    """

    epochs: int = 5  # passes over the training rows, at most
    updates: int = 0  # no more passes than these updates take; 0 is no limit
    batch_size: int = 64  # rows per update, over all devices
    rate: float = 1e-3  # learning rate, after warm-up
    optimizer: Optimizer = "adam"
    schedule: Schedule = "constant"  # how the rate falls over all epochs
    warm_up: float = 0.0  # share of the updates in which the rate rises
    layer_rates: tuple[str, ...] = ()  # share of the rate by layer: embedding=0.1
    weight_decay: float = 0.0  # decoupled, as in AdamW; of matrices and tables only
    average: float = 0.0  # momentum of averaged weights, e.g. 0.999; 0 is off
    clip: float = 0.0  # largest global norm of the gradient; 0 is off
    encode_once: bool = True  # keep encoded rows, if they fit into memory
    micro_batches: int = 1  # parts of a batch that are in memory one at a time
    precision: Precision = "float32"
    monitor: str = ""  # score that is watched, as in val_f1; default: the task's
    patience: int = 2  # epochs without a better score before training stops
    keep: Kept = "best"  # weights of which epoch; both saves the last beside the best
    strategy: Strategy = "auto"  # auto takes every GPU of this machine
    track: tuple[Tracker, ...] = ()  # who is told how training goes
    checkpoint_seconds: float = 60.0  # between two that --resume can go on from
    seed: int = 0

    def passes(self, updates: int) -> int:
        """How many epochs there are at most, if each has so many updates.

        Example:
        >>> TrainConfig(epochs=20, updates=9_000).passes(updates=2_000)
        5
        """
        if not self.updates:
            return self.epochs
        return min(self.epochs, -(-self.updates // updates))

    def watched(self, monitor: str) -> tuple[str, Literal["min", "max"]]:
        """What early stopping watches, and which of its values is the best.

        Args:
            monitor: what the task watches, if nothing else is asked for.

        Example:
        >>> TrainConfig().watched("val_loss"), TrainConfig(monitor="val_f1").watched("")
        (('val_loss', 'min'), ('val_f1', 'max'))
        """
        name = self.monitor or monitor
        return name, "max" if _FALLING.isdisjoint(name.split("_")) else "min"

    def __post_init__(self) -> None:
        for name, lowest in _LOWEST.items():
            _check_at_least(name, getattr(self, name), lowest)
        for name in ("rate", "weight_decay", "clip", "checkpoint_seconds"):
            _check_at_least(name, getattr(self, name), 0.0)
        if not 0.0 <= self.average < 1.0:
            raise UsageError(
                "average is a momentum, at least 0 and below 1. "
                f"Received: {self.average}. 0.999 averages over some 1,000 updates."
            )
        if not 0.0 <= self.warm_up < 1.0:
            raise UsageError(
                "warm_up is a share of the updates, at least 0 and below 1. "
                f"Received: {self.warm_up}. 0.1 warms up over the first tenth."
            )
        if self.micro_batches > self.batch_size:
            raise UsageError(
                "micro_batches are parts of a batch, each with a row or more. "
                f"Received: {self.micro_batches} of batch_size={self.batch_size}."
            )
        for name in self.track:
            _check_installed(name)
        for field in dataclasses.fields(self):
            _check_choice(field.name, getattr(self, field.name), field.type)


_FALLING = frozenset("loss error perplexity nats bits ter".split())
"""Words in the names of scores of which less is better."""
_LOWEST = {
    "epochs": 1,
    "updates": 0,
    "batch_size": 1,
    "micro_batches": 1,
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
            f"A run is tracked by packages that are there. Received: {tracker}, which "
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
