"""Rows of different lengths in ONNX, also where all of them are empty.

tf2onnx lays rows out as wide as the longest one and divides by its length. That fails
where no row has anything (a text without words, tags without spans), and takes the
memory of a thousand words of a million characters where one has as many. Knows no task.
"""

from typing import Any, Protocol

import numpy as np
import tensorflow as tf


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


def places(context: Any, lengths: str) -> tuple[str, str, str, str]:
    """Takes the place of `ragged_lengths_to_sparse_indices` of tf2onnx.

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


def boolean_mask(data: tf.RaggedTensor, mask: tf.RaggedTensor) -> tf.RaggedTensor:
    """Does what `tf.ragged.boolean_mask` does, by sums that rows may be empty for.

    Args:
        data: [B, (T)].
        mask: bool of the same shape.

    Example:
    >>> rows = tf.ragged.constant([[1, 2], [], [3]])
    >>> boolean_mask(rows, rows > 1).to_list()
    [[2], [], [3]]
    """
    kept = mask.flat_values
    running = tf.concat([[0], tf.cumsum(tf.cast(kept, tf.int64))], axis=0)
    flat = tf.gather(data.flat_values, tf.where(kept)[:, 0])
    splits = tf.gather(running, data.row_splits)
    return tf.RaggedTensor.from_row_splits(flat, splits, validate=False)


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
