"""SavedModel signatures as served: request validation, defaults and status errors.

A signature has fields, some with defaults, and outputs. Requests are checked before
they reach the graph; errors of the graph become a `StatusError`. Knows nothing of HTTP,
gRPC and versions.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from tfnlp.export.savedmodel.runner import SavedModelRunner
from tfnlp.serving.protocol.status import StatusError, invalid, name_of
from tfnlp.task import Arrays

DEFAULT = "serving_default"
_PLACES = ("Graph execution", "Detected at node", "<stack traces", "[[{{", "node ")


class Signature:
    """One signature of a loaded SavedModel.

    Args:
        name: of the signature.
        runner: the model, which it keeps alive.
    """

    def __init__(self, name: str, runner: SavedModelRunner):
        self.name, self.definition = name, runner.definitions[name]
        self._runner = runner

    @cached_property
    def fields(self) -> dict[str, tf.TensorSpec]:
        """Input specs, by name."""
        return specs(self.definition.inputs)

    @cached_property
    def outputs(self) -> dict[str, tf.TensorSpec]:
        """Output specs, by name."""
        return specs(self.definition.outputs)

    @cached_property
    def defaults(self) -> dict[str, np.ndarray]:
        """Default values of optional fields."""
        defaults = self.definition.defaults
        return {name: tf.make_ndarray(value) for name, value in defaults.items()}

    def complete(self, columns: Arrays) -> dict[str, np.ndarray]:
        """Validates a request and adds its defaults, one for each row.

        Raises:
            StatusError: a field is missing or unknown, or has another type or shape.
        """
        self._check_names(columns)
        rows = max((len(c) for c in columns.values() if c.ndim), default=1)
        whole = dict(columns)
        for name in self.defaults.keys() - columns.keys():
            value = self.defaults[name]
            whole[name] = np.repeat(value, rows) if value.shape == (1,) else value
        for name, column in whole.items():
            _check_field(name, column, self.fields[name])
        return whole

    def run(self, columns: Arrays) -> dict[str, np.ndarray]:
        """Runs a complete request.

        Raises:
            StatusError: the graph rejects it, with the code of TensorFlow.
        """
        try:
            request = {
                name: tf.constant(columns[name], spec.dtype)
                for name, spec in self.fields.items()
            }
            answer = self._runner.run(self.name, request)
            return {name: answer[name] for name in self.outputs}
        except tf.errors.OpError as error:
            raise status_error(error) from error
        except (TypeError, ValueError) as error:
            raise invalid(str(error).splitlines()[0]) from error

    def _check_names(self, columns: Iterable[str]) -> None:
        given, needed = set(columns), self.fields.keys() - self.defaults.keys()
        if needed <= given <= self.fields.keys():
            return
        raise invalid(
            f"input size does not match signature: {len(given)}!={len(self.fields)} "
            f"len({_set(given)}) != len({_set(self.fields)}). "
            f"Sent extra: {_set(given - self.fields.keys())}. "
            f"Missing but required: {_set(needed - given)}."
        )


def load(folder: Path) -> dict[str, Signature]:
    """Loads a SavedModel and returns its signatures by name.

    Raises:
        StatusError: the folder holds no loadable SavedModel.
    """
    try:
        runner = SavedModelRunner(folder)
    except (OSError, ValueError, LookupError, tf.errors.OpError) as error:
        lines = str(getattr(error, "message", error)).strip().splitlines() or [""]
        raise StatusError("NOT_FOUND", f"{folder}: {lines[0]}") from error
    return {name: Signature(name, runner) for name in runner.names}


def specs(infos: Mapping[str, meta_graph_pb2.TensorInfo]) -> dict[str, tf.TensorSpec]:
    """Shapes and types of the tensors of a signature."""
    return {
        name: tf.TensorSpec(tf.TensorShape(info.tensor_shape), info.dtype, name)
        for name, info in sorted(infos.items())
    }


def status_error(error: tf.errors.OpError) -> StatusError:
    """Converts an error of a graph: its code and message, without graph nodes."""
    message = error.message or type(error).__name__
    return StatusError(
        name_of(error.error_code), assertion_message(message) or _first(message)
    )


def assertion_message(message: str) -> str:
    """The message of a failed assertion in the graph, or "" without one.

    Example:
    >>> assertion_message("assertion failed: [temperature must be 0 or more] [-1]")
    'temperature must be 0 or more -1'
    """
    found = re.search(r"assertion failed: (\[.*\])", message)
    if found is None:
        return ""
    return found[1].replace("] [", " ").strip("[]").replace(" . ", ". ")


def _check_field(name: str, column: np.ndarray, spec: tf.TensorSpec) -> None:
    kind = np.dtype(object) if spec.dtype == tf.string else spec.dtype.as_numpy_dtype
    if column.dtype != kind:
        received = "string" if column.dtype == object else column.dtype.name
        raise invalid(
            f"input {name} must be of type {spec.dtype.name}, and is of type {received}"
        )
    if not spec.shape.is_compatible_with(column.shape):
        raise invalid(
            f"input {name} must have the shape {spec.shape}, "
            f"and has the shape {list(column.shape)}"
        )


def _set(names: Iterable[str]) -> str:
    return f"{{{','.join(sorted(names))}}}"


def _first(message: str) -> str:
    """The first line of a message that is not a location in the graph."""
    lines = [line.strip() for line in message.splitlines()]
    kept = [line for line in lines if line and not line.startswith(_PLACES)]
    return re.sub(r"\s*\[Op:\w*\]|\{\{.*?\}\}", "", (kept or lines or [""])[0])
