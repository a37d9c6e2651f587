"""What a run depends on, and what it does not."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.data.readers import from_list
from tfnlp.tasks.classification import Classification
from tfnlp.training import run_fingerprint
from tfnlp.training.run_fingerprint import as_json, network_digest, rows_digest

ROWS = from_list([{"text": "good", "label": "yes"}, {"text": "bad", "label": "no"}])


@pytest.fixture(scope="module")
def task():
    return Classification.from_rows(ROWS)


def network(*, dropout=0.1, start=0.0, units=60):
    matrix = np.full([2, units], start, "float32")
    layers = [
        keras.layers.Input([2]),
        keras.layers.Dense(
            units, kernel_initializer=keras.initializers.Constant(matrix)
        ),
        keras.layers.Dropout(dropout),
    ]
    return keras.Sequential(layers)


def test_counted_names_and_initial_weights_do_not_change_the_digest():
    assert network_digest(network()) == network_digest(network(start=1.0))


@pytest.mark.parametrize("options", [{"dropout": 0.2}, {"units": 61}])
def test_options_change_the_digest(options):
    assert network_digest(network()) != network_digest(network(**options))


def test_the_digest_of_a_network_without_configuration_is_its_class():
    class Own(keras.Model):
        def __init__(self, path):
            super().__init__()

    assert network_digest(Own(object())) == "Own"


def test_the_digest_of_rows_is_of_their_number_and_the_first_ones(task, monkeypatch):
    monkeypatch.setattr(run_fingerprint, "FIRST", 1)
    many = ROWS.repeat(600)
    assert rows_digest(task, many) == rows_digest(
        task, ROWS.concatenate(many).take(1200)
    )
    assert rows_digest(task, many) != rows_digest(task, many.take(1199))
    assert rows_digest(task, many) != rows_digest(
        task, many.skip(1).concatenate(ROWS.take(1))
    )
    assert rows_digest(task, many).startswith("1,200 (")


def test_fields_that_the_task_does_not_read_do_not_count(task):
    rows = ROWS.enumerate().map(lambda place, row: row | {"id": place})
    assert rows_digest(task, rows) == rows_digest(task, ROWS)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (np.float32(0.5), "0.5"),
        (np.int64(3), "3"),
        (np.array([True, False]), "[true, false]"),
        (tf.constant([1.0, 2.0]), "[1.0, 2.0]"),
        (Path("a/b"), '"a/b"'),
        (object(), '"<object>"'),
        (np.array(["a"], object), '"<ndarray>"'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_json_of_what_is_not_json(value, written):
    assert as_json(value) == written
