"""Answers many rows: what training watches and an evaluation scores.

Strings and numbers leave TensorFlow here, as columns of numpy arrays.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.data.batching import numbered
from tfnlp.errors import DataError
from tfnlp.specs import Rows, check_rows, text_fields
from tfnlp.task import Columns, Task, Tensors


class Answering:
    """Answers rows, and traces the graph of it once: for every epoch of a training.

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

    def __call__(self, rows: Rows, *, batch_size: int = 256) -> tuple[Columns, Columns]:
        """The rows and their answers, in order; see `answers`."""
        places, read, answered = [], [], []
        for numbers, batch in batches(self.task, rows, batch_size):
            request = {name: batch[name] for name in self.task.inputs}
            answered.append(arrays(self._answer(request)))
            read.append(arrays(batch))
            places.append(numbers.numpy())
        return joined(read, places), joined(answered, places)


def answers(
    task: Task, model: Callable, rows: Rows, *, batch_size: int = 256
) -> tuple[Columns, Columns]:
    """Answers every row, in order, and returns the rows and the answers as columns.

    Strings become numpy object arrays of `str`; bytes that are no UTF-8 become
    U+FFFD. All rows are held in memory.

    Args:
        task: what strings mean to the network.
        model: the network, or any callable from features to outputs.
        rows: rows with the fields of `task.inputs` and `task.targets`.
        batch_size: how many rows are answered at once.

    Raises:
        SchemaError: the rows lack a field.
        DataError: there are no rows.

    Example:
    >>> rows, answered = answers(task, model, valid)  # doctest: +SKIP
    >>> task = task.calibrate(rows, answered)  # doctest: +SKIP
    """
    return Answering(task, model)(rows, batch_size=batch_size)


def batches(task: Task, rows: Rows, batch_size: int) -> tf.data.Dataset:
    """The places of rows, and the fields of the task, by batches; see `numbered`.

    Raises:
        SchemaError: the rows lack a field.
    """
    return numbered(
        check_rows(rows, {**task.inputs, **task.targets}),
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
) -> Columns:
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
