"""Batch prediction: the answers of a network for many rows, as numpy arrays.

Early stopping and evaluation score these; strings leave TensorFlow here.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.data.batching import numbered
from tfnlp.errors import DataError
from tfnlp.specs import Rows, check_rows, text_fields
from tfnlp.task import Arrays, Task, Tensors


class BatchPredictor:
    """Predicts with a graph that is traced once, for all epochs of a training.

    Args:
        task: what strings mean to the network.
        model: the network, or any callable from features to outputs.
    """

    def __init__(self, task: Task, model: Callable):
        self.task = task
        inputs = dict(task.inputs)

        @tf.function(input_signature=[inputs])
        def answer(request: Tensors) -> dict[str, tf.Tensor]:
            return dict(task.answer(model, request))

        self._answer = answer

    def predict(self, rows: Rows, *, batch_size: int = 256) -> Arrays:
        """The answers, in the order of the rows; see `predict`."""
        return self._predict(batches(self.task, rows, batch_size, targets=False))[1]

    def predict_with_targets(
        self, rows: Rows, *, batch_size: int = 256
    ) -> tuple[Arrays, Arrays]:
        """The rows and their answers, in order; see `predict_with_targets`."""
        return self._predict(batches(self.task, rows, batch_size))

    def _predict(self, batches: tf.data.Dataset) -> tuple[Arrays, Arrays]:
        places, read, answered = [], [], []
        for numbers, batch in batches:
            request = {name: batch[name] for name in self.task.inputs}
            answered.append(arrays(self._answer(request)))
            read.append(arrays(batch))
            places.append(numbers.numpy())
        return joined(read, places), joined(answered, places)


def predict(
    task: Task, model: Callable, rows: Rows, *, batch_size: int = 256
) -> Arrays:
    """Predicts the answer for every row, in order; targets are not needed.

    Strings become numpy object arrays of `str`; bytes that are no UTF-8 become
    U+FFFD. All answers are held in memory.

    Args:
        task: what strings mean to the network.
        model: the network, or any callable from features to outputs.
        rows: rows with the fields of `task.inputs`.
        batch_size: rows per call of the network.

    Returns:
        Name of the answer → array whose first axis is the row.

    Raises:
        SchemaError: the rows lack a field.
        DataError: there are no rows.

    Example:
    >>> predict(task, model, rows)["label"]  # doctest: +SKIP
    array(['fresh', 'rotten'], dtype=object)
    """
    return BatchPredictor(task, model).predict(rows, batch_size=batch_size)


def predict_with_targets(
    task: Task, model: Callable, rows: Rows, *, batch_size: int = 256
) -> tuple[Arrays, Arrays]:
    """Predicts the answer for every row, and returns the rows, too, for scores.

    Args:
        task: what strings mean to the network.
        model: the network, or any callable from features to outputs.
        rows: rows with the fields of `task.inputs` and `task.targets`.
        batch_size: rows per call of the network.

    Returns:
        The rows and the answers as arrays, in the same order; see `predict`.

    Raises:
        SchemaError: the rows lack a field.
        DataError: there are no rows.

    Example:
    >>> rows, answers = predict_with_targets(task, model, valid)  # doctest: +SKIP
    >>> task = task.calibrate(rows, answers)  # doctest: +SKIP
    """
    predictor = BatchPredictor(task, model)
    return predictor.predict_with_targets(rows, batch_size=batch_size)


def batches(
    task: Task, rows: Rows, batch_size: int, *, targets: bool = True
) -> tf.data.Dataset:
    """Batches of (place of each row, fields of the task); see `numbered`.

    Args:
        targets: whether the fields of `task.targets` are needed.

    Raises:
        SchemaError: the rows lack a field.
    """
    schema = {**task.inputs, **(task.targets if targets else {})}
    return numbered(
        check_rows(rows, schema),
        batch_size=batch_size,
        fields=text_fields(task.inputs),
        bucket=not task.ordered,
    )


def arrays(batch: Mapping[str, tf.Tensor]) -> dict[str, np.ndarray]:
    """Tensors as arrays: strings as objects, the rest as it is."""
    return {
        name: _decoded(tensor.numpy()) if tensor.dtype == tf.string else tensor.numpy()
        for name, tensor in batch.items()
    }


def _decoded(raw: np.ndarray) -> np.ndarray:
    """Bytes to str; equal strings share one object, so that scores count fast."""
    flat = raw.ravel().tolist()
    known = {each: sys.intern(each.decode("utf-8", "replace")) for each in set(flat)}
    decoded = np.empty(len(flat), object)
    decoded[:] = [known[each] for each in flat]
    return decoded.reshape(raw.shape)


def joined(
    parts: Sequence[dict[str, np.ndarray]], places: Sequence[np.ndarray]
) -> Arrays:
    """Puts the rows of all batches in their places; shorter rows end in "" or 0.

    Raises:
        DataError: there is no batch.
    """
    if not parts:
        raise DataError(
            "There must be at least one row to answer. Received: no rows. "
            "Check the file, its split and any filter on it."
        )
    return {name: _placed([part[name] for part in parts], places) for name in parts[0]}


def _placed(arrays: Sequence[np.ndarray], places: Sequence[np.ndarray]) -> np.ndarray:
    """Puts rows in their places; shorter ones are filled up with "" or 0."""
    inner = np.array([array.shape[1:] for array in arrays], int).max(axis=0)
    size = sum(map(len, arrays))
    empty = "" if arrays[0].dtype == object else 0
    placed = np.full((size, *inner), empty, arrays[0].dtype)
    for array, own in zip(arrays, places, strict=True):
        inside: list[Any] = [slice(size) for size in array.shape[1:]]
        placed[(own, *inside)] = array
    return placed
