"""Conversion of a TensorFlow graph to an ONNX model. Knows no task and no file."""

import contextlib
import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow as tf

from tfnlp.errors import ExportError, UsageError
from tfnlp.export.format_parity import OUTPUT, feature_specs, flatten_outputs
from tfnlp.export.onnx import placeholders as placeholder_nodes
from tfnlp.export.onnx import ragged
from tfnlp.export.onnx.fused_rnn import expand
from tfnlp.export.onnx.placeholders import CONTRIB, Graph, Placeholders
from tfnlp.export.onnx.recurrent import with_placeholders

OPSET = 18
"""The newest opset that tf2onnx writes."""
STRING_OPSETS = {"": 20, "ai.onnx.ml": 3, CONTRIB: 1}
"""Splitting strings came with opset 20; nothing that tf2onnx writes changed since."""
_IR_VERSION = 9  # goes with opset 20; every ONNX Runtime since 1.16 reads it
_READ = "tfnlp_read_"
_CONVERTING = threading.Lock()
"""tf2onnx keeps functions of a graph in a global table: one conversion at a time."""
Expansion = Callable[[Graph, Placeholders], None]


def network(model: keras.Model) -> onnx.ModelProto:
    """The numeric half: features in, outputs out, by name.

    Raises:
        ExportError: an operation has no counterpart in ONNX.
        UsageError: the packages of the extra `onnx` are not installed.
    """
    specs, placeholders = feature_specs(model), Placeholders()
    with with_placeholders(model, placeholders) as traced:

        def compute(*values: tf.Tensor) -> dict[str, tf.Tensor]:
            features = {s.name: v for s, v in zip(specs, values, strict=True)}
            found = flatten_outputs(traced(features, training=False))
            return {OUTPUT * (name in features) + name: v for name, v in found.items()}

        return converted(compute, specs, placeholders, [expand], {"": OPSET})


def converted(
    function: Callable,
    specs: Sequence[tf.TensorSpec],
    placeholders: Placeholders,
    expansions: Sequence[Expansion],
    opsets: Mapping[str, int],
) -> onnx.ModelProto:
    """Converts a function of tensors to a dictionary of tensors.

    Args:
        function: takes what `specs` describe, one argument each.
        placeholders: receives the calls that the function replaces while traced.
        expansions: replace the placeholders by nodes.
        opsets: that the finished model states.

    Raises:
        ExportError: an operation has no counterpart in ONNX.
        UsageError: the packages of the extra `onnx` are not installed.
    """
    tf2onnx = _tf2onnx()
    graph_function = traceable(_reading_all(function, specs), specs)
    with _CONVERTING, _hushed():
        try:
            model, _ = tf2onnx.convert.from_function(
                graph_function,
                input_signature=list(specs),
                opset=OPSET,
                custom_op_handlers={
                    **placeholder_nodes.handlers(),
                    **ragged.handlers(),
                    "Erfc": (_erfc, []),
                },
            )
        except (ValueError, RuntimeError, KeyError, AssertionError) as error:
            raise _unconvertible(str(error).strip().splitlines()[0]) from error
    graph = Graph(model)
    graph.drop_outputs(_READ)
    for expansion in expansions:
        expansion(graph, placeholders)
    finished = graph.finish(opsets)
    finished.ir_version = min(_IR_VERSION, finished.ir_version)
    if max(opsets.values()) > OPSET:
        finished.ir_version = _IR_VERSION
    finished.producer_name, finished.producer_version = "tfnlp", ""
    _check(finished)
    return finished


def _reading_all(function: Callable, specs: Sequence[tf.TensorSpec]) -> Callable:
    """The function with its inputs as outputs, too: tf2onnx fails on an unread one."""

    def read(*values: tf.Tensor) -> dict[str, tf.Tensor]:
        read = {f"{_READ}{s.name}": v for s, v in zip(specs, values, strict=True)}
        return {**function(*values), **{n: tf.identity(v) for n, v in read.items()}}

    return read


def traceable(function: Callable, specs: Sequence[tf.TensorSpec]) -> Any:
    """A graph function of what `specs` describe; without AutoGraph."""
    return tf.function(function, input_signature=list(specs), autograph=False)


def _erfc(context: Any, node: Any, name: str, options: Any) -> None:
    """1 - erf(x), of which the exact GELU is made; tf2onnx knows erf(x) only."""
    inputs, outputs = list(node.input), list(node.output)
    shapes = [context.get_shape(outputs[0])]
    types = [context.get_dtype(outputs[0])]
    context.remove_node(node.name)
    erf = context.make_node("Erf", inputs)
    one = context.make_const(f"{node.name}_one", np.array(1.0, np.float32))
    context.make_node(
        "Sub",
        [one.output[0], erf.output[0]],
        name=node.name,
        outputs=outputs,
        shapes=shapes,
        dtypes=types,
    )


def _check(model: onnx.ModelProto) -> None:
    """Every operation must be known: tf2onnx keeps unknown ones as they are."""
    known = {CONTRIB, "ai.onnx.ml"}
    odd = sorted(
        {
            node.op_type
            for node in model.graph.node
            if node.domain not in known
            and not (node.domain == "" and onnx.defs.has(node.op_type))
        }
    )
    if odd:
        raise _unconvertible(", ".join(odd))


def _unconvertible(reason: str) -> ExportError:
    return ExportError(
        "Every operation of a network must have a counterpart in ONNX. "
        f"Received: {reason.rstrip('.')}. "
        "Serve the SavedModel, or build the network of other layers."
    )


def _tf2onnx() -> ModuleType:
    """The converter tf2onnx, patched by Keras for NumPy 2.

    Raises:
        UsageError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of NumPy, about what is patched here
            import tf2onnx
            from keras.src.export.tf2onnx_lib import patch_tf2onnx

            patch_tf2onnx()
    except ImportError as error:
        raise UsageError(
            f"Export to ONNX needs tf2onnx. Received: {error}. "
            "Install it with: pip install 'tfnlp[onnx]'"
        ) from error
    return tf2onnx


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Without what the converter logs: failures are raised or found afterwards."""
    loggers = [tf.get_logger(), logging.getLogger("tf2onnx")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
