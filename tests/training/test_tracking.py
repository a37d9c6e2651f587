"""Experiment tracking: the logged values, and what it needs."""

import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.data.readers import from_list
from tfnlp.errors import UsageError
from tfnlp.networks import bow
from tfnlp.tasks.classification import Classification
from tfnlp.training.checkpoints import remove
from tfnlp.training.config import TrainConfig
from tfnlp.training.fit import fit
from tfnlp.training.tracking import Tracking

ROWS = from_list([{"text": "a " * (1 + n % 4), "label": "np"[n % 2]} for n in range(8)])
TASK = Classification.from_rows(ROWS)


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(Tracking, "EVERY", 1)


def train(run, **options):
    config = TrainConfig(
        **{"epochs": 2, "batch_size": 8, "learning_rate": 0.05} | options
    )
    size = len(TASK.text.vocabulary)
    return fit(
        TASK,
        lambda hp: TASK.network(
            bow.encoder(size, hidden_dim=4, dropout=0.0), dropout=0.0
        ),
        ROWS,
        ROWS,
        config,
        run=run,
    )


def events(folder):
    """Name → values by step, of all files of TensorBoard in a folder."""
    found = {}
    for file in sorted(folder.glob("events.*")):
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                number = float(tf.make_ndarray(value.tensor))
                found.setdefault(value.tag, {})[event.step] = number
    return found


def test_tensorboard_has_the_state_of_training(tmp_path):
    trained = train(
        tmp_path / "run", report_to=("tensorboard",), schedule="linear", epochs=4
    )
    found = events(tmp_path / "run" / "tensorboard")
    remove(tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["tensorboard"]
    rates = [found["learning_rate"][step] for step in (1, 2, 3, 4)]
    assert rates == pytest.approx([0.0375, 0.025, 0.0125, 0.0], abs=1e-7)
    assert set(found["padding_share"].values()) == {1.0 - 20 / 32}  # 2 · (1+2+3+4)
    assert min(found["tokens_per_second"].values()) > 0.0
    history = trained.history
    assert list(found["epoch_val_loss"].values()) == pytest.approx(history["val_loss"])


@pytest.mark.parametrize("strategy", ["one_device", "mirrored"])
def test_tokens_of_all_devices_are_counted(strategy):
    assert train(None, strategy=strategy).tokens == 2 * 20


def test_the_norm_is_that_before_clipping(tmp_path):
    """Clipping does not change the norm of the first step."""
    norms = {}
    for clip in (0.0, 1e-3):
        train(
            tmp_path / str(clip),
            report_to=("tensorboard",),
            global_clipnorm=clip,
            epochs=1,
        )
        norms[clip] = events(tmp_path / str(clip) / "tensorboard")["gradient_norm"][1]
    assert norms[0.0] == pytest.approx(norms[1e-3], rel=1e-5)
    assert norms[0.0] > 1e-3


def test_tracking_does_not_change_training(tmp_path):
    plain, tracked = train(None), train(tmp_path / "run", report_to=("tensorboard",))
    weights = (each.network.get_weights() for each in (plain, tracked))
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_other_trackers_receive_the_same(tmp_path, monkeypatch, name):
    logged = []

    def log(values, step):
        logged.append((step, set(values)))

    run = types.SimpleNamespace(log=log)
    module = types.SimpleNamespace(log_metrics=log, run=None, init=lambda name: run)
    monkeypatch.setitem(sys.modules, name, module)
    train(tmp_path / "run", report_to=(name,), epochs=1)
    state = {"loss", "learning_rate", "gradient_norm", "tokens_per_second"}
    assert logged[0] == (1, state | {"padding_share"})
    assert logged[1][0] == 1 and "epoch_val_loss" in logged[1][1]


def test_report_to_needs_the_folder_of_a_run():
    with pytest.raises(UsageError, match="needs the folder of a run"):
        train(None, report_to=("tensorboard",))
