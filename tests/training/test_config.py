"""What a training run cannot be told."""

import dataclasses
import sys

import pytest

from tfnlp.errors import UsageError
from tfnlp.training.config import TrainConfig


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("epochs", 0, "epochs must be a number, 1 or more"),
        ("epochs", -1, "epochs must be a number, 1 or more"),
        ("updates", -1, "updates must be a number, 0 or more"),
        ("batch_size", 0, "batch_size must be a number, 1 or more"),
        ("micro_batches", 0, "micro_batches must be a number, 1 or more"),
        ("micro_batches", 65, "micro_batches are parts of a batch"),
        ("patience", 0, "patience must be a number, 1 or more"),
        ("seed", -1, "seed must be a number, 0 or more"),
        ("rate", -0.1, "rate must be a number, 0.0 or more"),
        ("rate", float("nan"), "rate must be a number, 0.0 or more"),
        ("rate", float("inf"), "rate must be a number, 0.0 or more"),
        ("weight_decay", -1.0, "weight_decay must be a number, 0.0 or more"),
        ("clip", -1.0, "clip must be a number, 0.0 or more"),
        ("average", 1.0, "average is a momentum"),
        ("average", -0.1, "average is a momentum"),
        ("warm_up", -0.1, "warm_up is a share of the updates"),
        ("warm_up", 1.0, "warm_up is a share of the updates"),
        ("warm_up", float("nan"), "warm_up is a share of the updates"),
        ("optimizer", "adamm", "optimizer must be one of adam, adamw"),
        ("schedule", "step", "schedule must be one of constant, linear, cosine"),
        ("precision", "float16", "precision must be one of float32, mixed_bfloat16"),
        ("track", ("tensorbored",), "track must be one of tensorboard, mlflow, wandb"),
        ("strategy", "two", "strategy must be one of auto, one, mirrored, multi_wor"),
    ],
)
def test_a_value_that_cannot_be_is_refused(name, value, rule):
    with pytest.raises(UsageError) as caught:
        TrainConfig(**{name: value})
    assert str(caught.value).startswith(rule)
    received = value[0] if isinstance(value, tuple) else value
    assert f"Received: {received!r}" in str(caught.value)


def test_the_defaults_are_settings_too():
    assert TrainConfig() == TrainConfig(**dataclasses.asdict(TrainConfig()))


def test_a_configuration_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig().epochs = 3  # type: ignore[misc]


def test_a_tracker_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UsageError, match="Received: wandb, which is not installed"):
        TrainConfig(track=("wandb",))
