"""A search tries settings, keeps the best and never answers without a trial."""

import os
import socket
import subprocess
import sys

import keras
import pytest
import tensorflow as tf

from tfnlp.data.readers import from_list
from tfnlp.errors import TrainingError, UsageError
from tfnlp.specs import NUMBER, TEXT
from tfnlp.task import Task
from tfnlp.training.config import TrainConfig
from tfnlp.training.defaults import Defaults
from tfnlp.tuning.search import explore, search

ROWS = from_list([{"text": "a" * n, "y": 2.0 * n} for n in range(1, 9)])
ONCE = TrainConfig(epochs=1, rate=1e-6, optimizer="sgd")


class Line(Task):
    """Learns a number from the length of a text."""

    inputs = {"text": TEXT}  # noqa: RUF012  (the contract declares it so)
    targets = {"y": NUMBER}  # noqa: RUF012

    def encode(self, inputs):
        size = tf.strings.length(inputs["text"])[:, None]
        return {"x": tf.cast(size, tf.float32)}

    def encode_targets(self, row):
        return row["y"], tf.ones_like(row["y"])

    def loss(self, y, outputs):
        return (y - outputs[:, 0]) ** 2

    def decode(self, outputs, inputs):
        return {"y": outputs[:, 0]}

    def score(self, rows, answers):
        return {}

    def config(self):
        return {}


def build(hp):
    """A line whose slope starts at a hyperparameter; 2 is right."""
    start = keras.initializers.Constant(hp.Choice("slope", [0.0, 2.0], default=0.0))
    x = keras.Input([1], name="x")
    return keras.Model(
        {"x": x}, keras.layers.Dense(1, kernel_initializer=start, use_bias=False)(x)
    )


def failing(hp):
    hp.Int("width", 1, 100)
    raise ZeroDivisionError("no network today")


def look(folder, *, build=build, **options):
    options = {"trials": 2, "method": "grid"} | options
    return search(Line(), build, ROWS, ROWS, ONCE, folder=folder, **options)


def test_the_best_trial_comes_first_and_can_be_built_again(tmp_path):
    found = look(tmp_path)
    assert found.values == {"slope": 2.0}
    assert [values["slope"] for values, _ in found.trials] == [2.0, 0.0]
    assert found.score == found.trials[0][1] == pytest.approx(0.0, abs=1e-3)
    (slope,) = build(Defaults(found.values)).get_weights()
    assert slope.tolist() == [[2.0]]


@pytest.mark.parametrize("method", ["random", "bayesian"])
def test_every_method_completes(method, tmp_path):
    assert len(look(tmp_path, method=method).trials) == 2


def test_a_second_call_goes_on_where_the_first_ended(tmp_path):
    first = look(tmp_path, trials=1, method="random")
    again = look(tmp_path, trials=2, method="random")
    assert len(again.trials) == 2
    assert first.trials[0] in again.trials


def test_a_grid_that_was_stopped_finds_its_place(tmp_path):
    """Trap: KerasTuner's grid would end, and say nothing."""

    def three(hp):
        hp.Choice("slope", [0.0, 1.0, 2.0], default=0.0)
        hp.Boolean("other")
        return build(hp)

    for trials in (1, 2, 5, 99):
        found = look(tmp_path, build=three, trials=trials)
        settings = [tuple(values.values()) for values, _ in found.trials]
        assert len(settings) == len(set(settings)) == min(trials, 6)


def test_hyperband_gives_few_settings_all_epochs(tmp_path):
    """A larger slope is better at once; most settings get 2 of 9 epochs."""
    seen = []

    def attempt(hp, epochs):
        slope = hp.Float("slope", 0.0, 1.0)
        seen.append((epochs, slope))
        return -slope

    options = {"direction": "min", "method": "hyperband", "epochs": 9}
    found = explore(
        attempt,
        space=lambda hp: hp.Float("slope", 0.0, 1.0),
        folder=tmp_path,
        **options,
    )
    epochs = [epochs for epochs, _ in seen]
    assert set(epochs) == {1, 3, 9} or (max(epochs) == 9 and min(epochs) < 4)
    assert epochs.count(max(epochs)) < epochs.count(min(epochs))
    assert found.values == {"slope": max(slope for _, slope in seen)}
    assert found.score == -found.values["slope"]


def test_the_table_has_the_best_first(tmp_path):
    lines = str(look(tmp_path)).splitlines()
    assert lines[0].split() == ["score", "slope"]
    assert [line.split()[1] for line in lines[1:]] == ["2", "0"]


def test_failed_trials_are_counted(tmp_path):
    def sometimes(hp):
        if hp.Choice("slope", [2.0, 0.0]) == 0.0:
            raise ZeroDivisionError
        return build(hp)

    found = look(tmp_path, build=sometimes)
    assert len(found.trials) == found.failed == 1


PARALLEL = """
import sys, time
from tfnlp.tuning.search import explore
def attempt(hp, epochs):
    x = hp.Float("x", -1.0, 1.0)
    time.sleep(0.2)
    return x * x
explore(attempt, direction="min", epochs=1, space=lambda hp: hp.Float("x", -1.0, 1.0),
        trials=6, folder=sys.argv[1])
"""


@pytest.mark.slow
def test_two_workers_share_a_search(tmp_path):
    """KerasTuner's chief gives out trials, two workers try them."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    common = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": port}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PARALLEL, str(tmp_path)],
            env={**os.environ, **common, "KERASTUNER_TUNER_ID": name},
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("chief", "tuner0", "tuner1")
    ]
    told = [process.communicate(timeout=200)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], told
    assert len(list(tmp_path.glob("trials/trial_*"))) == 6


@pytest.mark.parametrize("trials", [1, 5])
def test_a_search_without_a_completed_trial_raises(trials, tmp_path):
    """Trap M5: KerasTuner would return values that nobody tried."""
    with pytest.raises(TrainingError) as caught:
        look(tmp_path, build=failing, trials=trials, method="random")
    assert "at least one completed trial. Received: FAILED" in str(caught.value)
    assert "ZeroDivisionError: no network today" in str(caught.value)


def test_an_unknown_method_is_refused(tmp_path):
    message = (
        "method must be one of random, bayesian, hyperband, grid. Received: 'luck'"
    )
    with pytest.raises(UsageError, match=message):
        look(tmp_path, method="luck")


def test_nothing_goes_to_stdout(tmp_path, capfd):
    look(tmp_path, trials=1)
    look(tmp_path, trials=1)
    assert capfd.readouterr().out == ""
