"""ONNX models with string inputs, called like a SavedModel: tensors in, columns out.

Each request is answered in a process of its own, see
`tfnlp.export.onnx.subprocess_runner`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.export.format_parity import OUTPUT
from tfnlp.export.onnx.subprocess_runner import ask
from tfnlp.task import Tensors

MODEL = "model.onnx"


def model_file(signature: str) -> str:
    """The file that answers what a signature of the SavedModel does, strings in.

    Example:
    >>> model_file("serving_default"), model_file("from_tokens")
    ('model.onnx', 'model.from_tokens.onnx')
    """
    return MODEL if signature == "serving_default" else f"model.{signature}.onnx"


def answered(file: Path, requests: Sequence[Tensors]) -> list[dict[str, np.ndarray]]:
    """Answers of a model, with the names that a task gives their columns.

    Args:
        file: the model.
        requests: columns of valid UTF-8, and numbers.

    Raises:
        RuntimeError: the model cannot be loaded or run; the message says why.
    """
    columns = [{name: _plain(each) for name, each in r.items()} for r in requests]
    found = zip(ask(file, columns), requests, strict=True)
    return [_as_served(answer, request) for answer, request in found]


def _plain(values: tf.Tensor) -> list[Any]:
    """A column as Python values."""
    return [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        for value in values.numpy().tolist()
    ]


def _as_served(
    answer: Mapping[str, np.ndarray], request: Tensors
) -> dict[str, np.ndarray]:
    own = {OUTPUT + name: name for name in request}
    return {own.get(name, name): _bytes(each) for name, each in answer.items()}


def _bytes(column: np.ndarray) -> np.ndarray:
    """A column with bytes in place of strings; NULs at their ends stay."""
    if column.dtype != object:
        return column
    return np.asarray(np.frompyfunc(str.encode, 1, 1)(column), object)
