"""Rows of different lengths in ONNX, also where all of them are empty.

tf2onnx lays rows out as wide as the longest one and divides by its length. That fails
where no row has anything (a text without words, tags without spans), and takes the
memory of a thousand words of a million characters where one has as many. Knows no task.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any, Protocol

import numpy as np
import onnx


class Growing(Protocol):
    """A graph of ONNX that nodes and constants are added to."""

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Adds a node and returns the name of its output."""

    def constant(self, value: Any) -> str:
        """Adds a constant of int64 and returns its name."""


def numbered(graph: Growing, lengths: str) -> tuple[str, str]:
    """Of each item of rows the number of its row, and its own in it: int64 [N] each.

    Args:
        graph: to add nodes to.
        lengths: of the rows, int64 [R].
    """
    zero, one = graph.constant([0]), graph.constant([1])
    rows = graph.node("Shape", lengths)
    running = graph.node("Concat", zero, lengths, axis=0)
    running = graph.node("CumSum", running, graph.constant(0))  # [R + 1]
    begins = graph.node("Slice", running, zero, rows)
    total = graph.node("Gather", running, rows)  # [1]
    none = graph.node("Expand", zero, graph.node("Add", total, one))
    ones = graph.node("Expand", one, rows)
    news = graph.node("ScatterElements", none, begins, ones, axis=0, reduction="add")
    news = graph.node("Slice", news, zero, total)
    row = graph.node("Sub", graph.node("CumSum", news, graph.constant(0)), one)
    number = graph.node("Expand", one, total)
    number = graph.node("Sub", graph.node("CumSum", number, graph.constant(0)), one)
    return row, graph.node("Sub", number, graph.node("Gather", begins, row))


def handlers() -> dict[str, Any]:
    """Handlers of tf2onnx for ragged operations, by operation: also for empty rows.

    tf2onnx's own, except that they call `_sparse_indices`; and sums over segments.
    """
    from tf2onnx.onnx_opset import tensor

    nested = _rebound(
        tensor.ragged_nested_splits_to_sparse_indices,
        ragged_lengths_to_sparse_indices=_sparse_indices,
    )
    names = {
        "ragged_lengths_to_sparse_indices": _sparse_indices,
        "ragged_nested_splits_to_sparse_indices": nested,
    }
    classes = (
        tensor.RaggedRange,
        tensor.RaggedTensorToSparse,
        tensor.RaggedTensorToTensor,
    )
    found: dict[str, Any] = {
        each.__name__: (_handler(_rebound(each.version_11.__func__, **names)), [])
        for each in classes
    }
    return {**found, "UnsortedSegmentSum": (_unsorted_segment_sum, [])}


def _rebound(function: Any, **names: Any) -> Callable:
    """A copy of a function that reads other globals; the original stays as it is."""
    return FunctionType(function.__code__, {**function.__globals__, **names})


def _handler(version: Callable) -> Callable:
    """A class method of tf2onnx as a function that `custom_op_handlers` takes."""
    return lambda context, node, name, options: version(None, context, node)


def _sparse_indices(context: Any, lengths: str) -> tuple[str, str, str, str]:
    """tf2onnx's `ragged_lengths_to_sparse_indices`, also where all rows are empty.

    Args:
        context: the graph of tf2onnx.
        lengths: of rows, int64 [R].

    Returns:
        The number of rows and of columns, int64 [1] each, and of each item the number
        of its row and of its column, int64 [N] each.
    """
    graph = _Converting(context)
    filled = graph.node("Concat", lengths, graph.constant([0]), axis=0)
    columns = graph.node("ReduceMax", filled, keepdims=1)
    return graph.node("Shape", lengths), columns, *numbered(graph, lengths)


def _unsorted_segment_sum(context: Any, node: Any, name: str, options: Any) -> None:
    """`tf.math.unsorted_segment_sum`, also of no items; negative segments are dropped.

    Args:
        context: the graph of tf2onnx.
        node: data [N, …], segments [N], number of segments [].
    """
    data, segments, count = node.input
    graph = _Converting(context)
    kind, dtype = context.get_dtype(node.output[0]), onnx.TensorProto.INT64
    one, axis = graph.constant([1]), graph.constant([-1])
    count = graph.node("Reshape", graph.node("Cast", count, to=dtype), one)
    segments = graph.node("Cast", segments, to=dtype)
    inside = graph.node("Less", segments, graph.constant([0]))
    segments = graph.node("Where", inside, count, segments)
    rest = graph.node("Slice", graph.node("Shape", data), one, graph.constant([2**62]))
    shape = graph.node("Concat", graph.node("Add", count, one), rest, axis=0)
    zero = graph.node("Cast", graph.constant(0), to=kind)
    sums = graph.node("Expand", zero, shape)
    index = graph.node("Unsqueeze", segments, axis)
    sums = graph.node("ScatterND", sums, index, data, reduction="add")
    outputs = list(node.output)
    shapes = [context.get_shape(each) for each in outputs]
    context.remove_node(node.name)
    context.make_node(
        "Slice",
        [sums, graph.constant([0]), count],
        name=node.name,
        outputs=outputs,
        shapes=shapes,
        dtypes=[kind],
    )


class _Converting:
    """A graph of tf2onnx as one that grows."""

    def __init__(self, context: Any):
        self._context = context

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        made = self._context.make_node(kind, list(inputs), attr=attributes)
        return str(made.output[0])

    def constant(self, value: Any) -> str:
        from tf2onnx import utils

        name = utils.make_name("tfnlp_rows")
        array = np.array(value, np.int64)
        return str(self._context.make_const(name, array).output[0])
