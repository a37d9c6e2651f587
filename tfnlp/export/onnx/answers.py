"""A whole endpoint as an ONNX model: strings in, answer out.

The endpoint is traced with placeholders for string primitives and recurrent layers.
The rest must be numbers, and labels that are looked up by number. Knows no task.
"""

from collections.abc import Iterator
from typing import Any

import keras
import onnx
import tensorflow as tf

from tfnlp.errors import ExportError
from tfnlp.export.format_parity import OUTPUT
from tfnlp.export.onnx import conversion, fused_rnn, recurrent, text, words
from tfnlp.export.onnx.backend import OnnxBackend
from tfnlp.export.onnx.placeholders import Placeholders
from tfnlp.task import Endpoint
from tfnlp.text import ops

_CONVERTIBLE = frozenset(
    (
        "Assert ConcatV2 Const EnsureShape ExpandDims Fill GatherNd GatherV2 Identity "
        "IdentityN Pack Placeholder PyFunc RaggedTensorToTensor Reshape SelectV2 Shape "
        "Squeeze StridedSlice Transpose"
    ).split()
)
"""Operations that may take or give strings: placeholders, and what only moves them."""


def model(endpoint: Endpoint, network: keras.Model) -> onnx.ModelProto:
    """Converts an endpoint: its fields go in, and its answer comes out.

    A column of the answer that has the name of a field begins with `OUTPUT`.

    Raises:
        ExportError: it does something to strings that has no exact counterpart.
    """
    specs = [
        tf.TensorSpec(spec.shape, spec.dtype, name=name)
        for name, spec in endpoint.inputs.items()
    ]

    def answer(*values: tf.Tensor) -> dict[str, tf.Tensor]:
        inputs = {s.name: v for s, v in zip(specs, values, strict=True)}
        outputs = endpoint.function(network, inputs)
        return {
            OUTPUT * (name in inputs) + name: tf.identity(tensor)
            for name, tensor in outputs.items()
        }

    placeholders = Placeholders()
    with (
        recurrent.with_placeholders(network, placeholders) as network,
        ops.using(OnnxBackend(placeholders)),
    ):
        _check_strings(conversion.traceable(answer, specs))
        placeholders.calls.clear()
        return conversion.converted(
            answer,
            specs,
            placeholders,
            [text.expand, words.expand, fused_rnn.expand],
            conversion.STRING_OPSETS,
        )


def _check_strings(function: Any) -> None:
    graph = function.get_concrete_function().graph
    odd = sorted(
        {
            op.type
            for op in _operations(graph)
            if op.type not in _CONVERTIBLE and _has_strings(op)
        }
    )
    if odd:
        raise ExportError(
            "A model with strings in does exactly what the SavedModel does to them. "
            f"Received: {', '.join(odd)}, for which onnxruntime-extensions has no "
            "operations. Feed network.onnx with ids, or serve the SavedModel."
        )


def _operations(graph: Any) -> Iterator[Any]:
    """The operations of a graph and of the functions that it calls."""
    yield from graph.get_operations()
    for name in graph.as_graph_def().library.function:
        inner = graph._get_function(name.signature.name)
        if inner is not None and hasattr(inner, "graph"):
            yield from inner.graph.get_operations()


def _has_strings(op: Any) -> bool:
    return any(tensor.dtype == tf.string for tensor in (*op.inputs, *op.outputs))
