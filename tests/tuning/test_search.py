"""Hyperparameter search: the best trial first, resumed, and never without a trial."""

import dataclasses
import os
import socket
import subprocess
import sys

import keras
import pytest
import tensorflow as tf

from tfnlp.data.readers import from_list
from tfnlp.data.rows import without_autotune
from tfnlp.errors import TrainingError, UsageError
from tfnlp.specs import NUMBER, TEXT
from tfnlp.task import Task
from tfnlp.training.config import TrainConfig
from tfnlp.training.defaults import Defaults
from tfnlp.tuning.search import search, tune

ROWS = from_list([{"text": "a" * n, "y": 2.0 * n} for n in range(1, 9)])
ONCE = TrainConfig(epochs=1, learning_rate=1e-6, optimizer="sgd")


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


def tuned(folder, *, build=build, **options):
    options = {"max_trials": 2, "method": "grid"} | options
    return tune(Line(), build, ROWS, ROWS, ONCE, folder=folder, **options)


def test_the_best_trial_comes_first_and_can_be_built_again(tmp_path):
    found = tuned(tmp_path)
    assert found.values == {"slope": 2.0}
    assert [values["slope"] for values, _ in found.trials] == [2.0, 0.0]
    assert found.score == found.trials[0][1] == pytest.approx(0.0, abs=1e-3)
    (slope,) = build(Defaults(found.values)).get_weights()
    assert slope.tolist() == [[2.0]]


@pytest.mark.parametrize("method", ["random", "bayesian"])
def test_every_method_completes(method, tmp_path):
    assert len(tuned(tmp_path, method=method).trials) == 2


def test_a_second_call_resumes_where_the_first_ended(tmp_path):
    first = tuned(tmp_path, max_trials=1, method="random")
    again = tuned(tmp_path, max_trials=2, method="random")
    assert len(again.trials) == 2
    assert first.trials[0] in again.trials


def tried(folder, *, least=0.0, **options):
    """Searches for a small number; returns the number of trials."""
    seen = []

    def run_trial(hp, epochs):
        seen.append(hp.Float("x", least, 1.0))
        return seen[-1]

    options = {"mode": "min", "epochs": 1, "max_trials": 2} | options
    search(
        run_trial, space=lambda hp: hp.Float("x", least, 1.0), folder=folder, **options
    )
    return len(seen)


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({"objective": "loss"}, 'of objective "score", not "loss"'),
        ({"mode": "max"}, 'of mode "min", not "max"'),
        ({"method": "bayesian"}, 'of method "random", not "bayesian"'),
        ({"epochs": 2}, "of epochs 1, not 2"),
        ({"seed": 7}, "of seed 0, not 7"),
        ({"least": 0.5}, "of space x {"),
        ({"fixed": {"rows": ROWS.take(7)}}, 'of rows "[0-9a-f]{16}", not "'),
        ({"fixed": {"rows": ROWS, "size": 3}}, "of size nothing, not 3"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_trials_of_another_search_are_refused(other, difference, tmp_path):
    """KerasTuner would read any trials that it finds."""
    same = {"fixed": {"rows": ROWS}}
    assert (tried(tmp_path, **same), tried(tmp_path, **same)) == (2, 0)
    with pytest.raises(UsageError, match=f"with trials {difference}") as caught:
        tried(tmp_path, max_trials=3, **same | other)
    assert "another name), or delete" in str(caught.value)
    assert tried(tmp_path, max_trials=3, **same) == 1


def test_trials_without_a_manifest_are_refused(tmp_path):
    tried(tmp_path)
    (tmp_path / "trials" / "common.json").unlink()
    with pytest.raises(UsageError, match="trials without a manifest"):
        tried(tmp_path)


class Curve(Line):
    """Another task."""


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({"train": ROWS.take(7)}, "of rows "),
        ({"valid": ROWS.take(7)}, "of validation rows "),
        ({"task": Curve()}, "of task "),
        (
            {"config": dataclasses.replace(ONCE, learning_rate=1.0)},
            "of training.learning_rate 1e-06",
        ),
        (
            {"build": lambda hp: build(Defaults({})) if hp.Boolean("b") else build(hp)},
            "",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_tuning_is_refused_for_other_rows_tasks_or_training(
    other, difference, tmp_path
):
    given = {"task": Line(), "build": build, "train": ROWS, "valid": ROWS}
    given |= {"config": ONCE, "folder": tmp_path, "max_trials": 1}
    tune(**given)
    with pytest.raises(UsageError, match=f"with trials {difference}"):
        tune(**given | other)


def test_what_changes_no_score_may_differ_when_a_search_resumes(tmp_path):
    config = dataclasses.replace(ONCE, checkpoint_seconds=1.0, strategy="one_device")
    for settings in (ONCE, config):
        tune(
            Line(),
            build,
            ROWS,
            without_autotune(ROWS),
            settings,
            folder=tmp_path,
            max_trials=1,
        )
    assert len(list(tmp_path.glob("trials/trial_*"))) == 1


def test_a_grid_search_resumes_at_its_place(tmp_path):
    """KerasTuner's grid search would end without a message."""

    def three(hp):
        hp.Choice("slope", [0.0, 1.0, 2.0], default=0.0)
        hp.Boolean("other")
        return build(hp)

    for trials in (1, 2, 5, 99):
        found = tuned(tmp_path, build=three, max_trials=trials)
        settings = [tuple(values.values()) for values, _ in found.trials]
        assert len(settings) == len(set(settings)) == min(trials, 6)


def test_hyperband_trains_few_trials_for_all_epochs(tmp_path):
    """A larger slope is better at once; most trials get 2 of 9 epochs."""
    seen = []

    def run_trial(hp, epochs):
        slope = hp.Float("slope", 0.0, 1.0)
        seen.append((epochs, slope))
        return -slope

    options = {"mode": "min", "method": "hyperband", "epochs": 9}
    found = search(
        run_trial,
        space=lambda hp: hp.Float("slope", 0.0, 1.0),
        folder=tmp_path,
        **options,
    )
    epochs = [epochs for epochs, _ in seen]
    assert set(epochs) == {1, 3, 9} or (max(epochs) == 9 and min(epochs) < 4)
    assert epochs.count(max(epochs)) < epochs.count(min(epochs))
    assert found.values == {"slope": max(slope for _, slope in seen)}
    assert found.score == -found.values["slope"]


def test_the_table_has_the_best_trial_first(tmp_path):
    lines = str(tuned(tmp_path)).splitlines()
    assert lines[0].split() == ["score", "slope"]
    assert [line.split()[1] for line in lines[1:]] == ["2", "0"]


def test_failed_trials_are_counted(tmp_path):
    def sometimes(hp):
        if hp.Choice("slope", [2.0, 0.0]) == 0.0:
            raise ZeroDivisionError
        return build(hp)

    found = tuned(tmp_path, build=sometimes)
    assert len(found.trials) == found.failed == 1


PARALLEL = """
import sys, time
from tfnlp.tuning.search import search
def run_trial(hp, epochs):
    x = hp.Float("x", -1.0, 1.0)
    time.sleep(0.2)
    return x * x
search(run_trial, mode="min", epochs=1, space=lambda hp: hp.Float("x", -1.0, 1.0),
       max_trials=6, folder=sys.argv[1], fixed={"rows": sys.argv[2]})
"""


@pytest.mark.slow
def test_two_workers_share_a_search(tmp_path):
    """KerasTuner's chief gives out trials, two workers run them; a third worker with
    other rows is refused."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    oracle = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": port}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PARALLEL, str(tmp_path), rows],
            env={**os.environ, **oracle, "KERASTUNER_TUNER_ID": name},
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, rows in zip(
            ("chief", "tuner0", "tuner1", "tuner2"), "aaab", strict=True
        )
    ]
    errors = [process.communicate(timeout=200)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 1], errors
    assert "UsageError" in errors[-1] and 'of rows "a", not "b"' in errors[-1]
    assert len(list(tmp_path.glob("trials/trial_*"))) == 6


@pytest.mark.parametrize("trials", [1, 5])
def test_a_search_without_a_completed_trial_raises(trials, tmp_path):
    """docs/traps.md#m5: KerasTuner would return values that were never tried."""

    def failing(hp, epochs):
        raise ZeroDivisionError("no network today")

    with pytest.raises(TrainingError) as caught:
        search(
            failing,
            mode="min",
            epochs=1,
            space=lambda hp: hp.Int("width", 1, 100),
            max_trials=trials,
            folder=tmp_path,
        )
    assert "at least one completed trial. Received: FAILED" in str(caught.value)
    assert "ZeroDivisionError: no network today" in str(caught.value)


@pytest.mark.parametrize(("objective", "best"), [("val_ter", 0.0), ("val_bleu", 1.0)])
def test_the_name_of_the_objective_decides_which_score_is_best(
    objective, best, tmp_path
):
    found = search(
        lambda hp, epochs: hp.Choice("x", [0.0, 1.0]),
        objective=objective,
        epochs=1,
        space=lambda hp: hp.Choice("x", [0.0, 1.0]),
        method="grid",
        folder=tmp_path,
    )
    assert found.score == best


def test_an_unknown_method_is_refused(tmp_path):
    message = (
        "method must be one of random, bayesian, hyperband, grid. Received: 'luck'"
    )
    with pytest.raises(UsageError, match=message):
        tuned(tmp_path, method="luck")


def test_nothing_goes_to_stdout(tmp_path, capfd):
    tuned(tmp_path, max_trials=1)
    tuned(tmp_path, max_trials=1)
    assert capfd.readouterr().out == ""
