"""Training configurations that are refused."""

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
        ("max_steps", -1, "max_steps must be a number, 0 or more"),
        ("batch_size", 0, "batch_size must be a number, 1 or more"),
        (
            "gradient_accumulation_steps",
            0,
            "gradient_accumulation_steps must be a number, 1 or more",
        ),
        (
            "gradient_accumulation_steps",
            65,
            "gradient_accumulation_steps must be at most batch",
        ),
        ("patience", 0, "patience must be a number, 1 or more"),
        ("seed", -1, "seed must be a number, 0 or more"),
        ("learning_rate", -0.1, "learning_rate must be a number, 0.0 or more"),
        ("learning_rate", float("nan"), "learning_rate must be a number, 0.0 or more"),
        ("learning_rate", float("inf"), "learning_rate must be a number, 0.0 or more"),
        ("weight_decay", -1.0, "weight_decay must be a number, 0.0 or more"),
        ("global_clipnorm", -1.0, "global_clipnorm must be a number, 0.0 or more"),
        ("ema_momentum", 1.0, "ema_momentum must be at least 0 and below 1"),
        ("ema_momentum", -0.1, "ema_momentum must be at least 0 and below 1"),
        ("warmup_ratio", -0.1, "warmup_ratio is a share of all steps"),
        ("warmup_ratio", 1.0, "warmup_ratio is a share of all steps"),
        ("warmup_ratio", float("nan"), "warmup_ratio is a share of all steps"),
        ("optimizer", "adamm", "optimizer must be one of adam, adamw"),
        ("schedule", "step", "schedule must be one of constant, linear, cosine"),
        ("precision", "float16", "precision must be one of float32, mixed_bfloat16"),
        (
            "report_to",
            ("tensorbored",),
            "report_to must be one of tensorboard, mlflow, wandb",
        ),
        ("strategy", "two", "strategy must be one of auto, one_device, mirrored"),
    ],
)
def test_a_wrong_value_is_refused(name, value, rule):
    with pytest.raises(UsageError) as caught:
        TrainConfig(**{name: value})
    assert str(caught.value).startswith(rule)
    received = value[0] if isinstance(value, tuple) else value
    assert f"Received: {received!r}" in str(caught.value)


def test_the_defaults_are_valid():
    assert TrainConfig() == TrainConfig(**dataclasses.asdict(TrainConfig()))


def test_a_configuration_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig().epochs = 3  # type: ignore[misc]


def test_a_tracker_that_is_not_installed_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UsageError, match="Received: wandb, which is not installed"):
        TrainConfig(report_to=("wandb",))
