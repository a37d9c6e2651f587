"""What a SavedModel can be asked: its signatures, whoever made it.

A signature has fields, which may have defaults, and outputs; requests to it are checked
here before they reach the graph, and what the graph says against one becomes a
`Refusal`. Knows nothing of HTTP, of gRPC and of versions.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from tfnlp.serving.protocol.status import Refusal, invalid, name_of
from tfnlp.task import Columns

DEFAULT = "serving_default"
_PLACES = ("Graph execution", "Detected at node", "<stack traces", "[[{{", "node ")
Tensors = Mapping[str, tf.Tensor]


class Signature:
    """One signature of a loaded SavedModel.

    Args:
        name: of the signature.
        definition: what saved_model.pb says of it.
        function: tensors by name in, tensors by name out.
    """

    def __init__(
        self,
        name: str,
        definition: meta_graph_pb2.SignatureDef,
        function: Callable[..., Tensors],
    ):
        self.name, self.definition, self.function = name, definition, function

    @cached_property
    def fields(self) -> dict[str, tf.TensorSpec]:
        """What a request carries, by name."""
        return specs(self.definition.inputs)

    @cached_property
    def outputs(self) -> dict[str, tf.TensorSpec]:
        """What an answer carries, by name."""
        return specs(self.definition.outputs)

    @cached_property
    def defaults(self) -> dict[str, np.ndarray]:
        """Fields that a request may leave out, and what they then are."""
        defaults = self.definition.defaults
        return {name: tf.make_ndarray(value) for name, value in defaults.items()}

    def complete(self, columns: Columns) -> dict[str, np.ndarray]:
        """A request with its defaults, one for each row, checked against the fields.

        Raises:
            Refusal: a field is missing or is none, or has another type or shape.
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

    def run(self, columns: Columns) -> dict[str, np.ndarray]:
        """Answers a complete request.

        Raises:
            Refusal: the graph says no, with its code.
        """
        try:
            request = {
                name: tf.constant(columns[name], spec.dtype)
                for name, spec in self.fields.items()
            }
            answer = self.function(**request)
            return {name: answer[name].numpy() for name in self.outputs}
        except tf.errors.OpError as error:
            raise refused(error) from error
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
        Refusal: the folder holds none that can be loaded.
    """
    try:
        definitions = read_definitions(folder)
        model = tf.saved_model.load(str(folder))
    except (OSError, ValueError, LookupError, tf.errors.OpError) as error:
        said = str(getattr(error, "message", error)).strip().splitlines() or [""]
        raise Refusal("NOT_FOUND", f"{folder}: {said[0]}") from error
    return {
        name: Signature(name, definitions[name], Kept(model, function))
        for name, function in model.signatures.items()
    }


def read_definitions(folder: Path) -> dict[str, meta_graph_pb2.SignatureDef]:
    """The signatures that saved_model.pb names, without loading the model.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged, or has no graph for serving.
    """
    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString((folder / "saved_model.pb").read_bytes())
    except DecodeError as error:
        raise ValueError("saved_model.pb is damaged") from error
    for graph in saved.meta_graphs:
        if "serve" in graph.meta_info_def.tags:
            found = dict(graph.signature_def)
            found.pop("__saved_model_init_op", None)
            return found
    raise ValueError("saved_model.pb has no graph with the tag 'serve'")


def specs(infos: Mapping[str, meta_graph_pb2.TensorInfo]) -> dict[str, tf.TensorSpec]:
    """Shapes and types of the tensors that a signature names."""
    return {
        name: tf.TensorSpec(tf.TensorShape(info.tensor_shape), info.dtype, name)
        for name, info in sorted(infos.items())
    }


def refused(error: tf.errors.OpError) -> Refusal:
    """What a graph says, as a status: its code and a sentence, without its nodes."""
    message = error.message or type(error).__name__
    return Refusal(name_of(error.error_code), asserted(message) or _first(message))


def asserted(message: str) -> str:
    """What an assertion in the graph says, or "" if none did.

    Example:
    >>> asserted("assertion failed: [temperature must be 0 or more] [-1]")
    'temperature must be 0 or more -1'
    """
    said = re.search(r"assertion failed: (\[.*\])", message)
    if said is None:
        return ""
    return said[1].replace("] [", " ").strip("[]").replace(" . ", ". ")


class Kept:
    """A function of a model that keeps the whole model, and so its tables, alive."""

    def __init__(self, model: Any, function: Callable[..., Tensors]):
        self._model, self.function = model, function

    def __call__(self, **request: tf.Tensor) -> Tensors:
        return self.function(**request)


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
    """The line of a message that says what is wrong, without places in the graph."""
    lines = [line.strip() for line in message.splitlines()]
    said = [line for line in lines if line and not line.startswith(_PLACES)]
    return re.sub(r"\s*\[Op:\w*\]|\{\{.*?\}\}", "", (said or lines or [""])[0])
