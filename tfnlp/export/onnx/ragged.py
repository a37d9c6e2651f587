"""Rows of different lengths in ONNX, also where all of them are empty.

tf2onnx divides by the length of the longest row, which fails where that is 0: a text
without words, words without characters, tags without spans. Knows no task.
"""

from typing import Any

import numpy as np
import tensorflow as tf


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


def places(context: Any, lengths: str) -> tuple[str, str, str, str]:
    """Takes the place of `ragged_lengths_to_sparse_indices` of tf2onnx.

    Args:
        context: the graph of tf2onnx.
        lengths: of rows, int64 [R].

    Returns:
        The number of rows and of columns, int64 [1] each, and of each item the number
        of its row and of its column, int64 [N] each.
    """

    def node(kind: str, *inputs: str, **attributes: Any) -> str:
        made = context.make_node(kind, list(inputs), attr=attributes)
        return made.output[0]  # type: ignore[no-any-return]

    def constant(value: Any) -> str:
        name = node_name()
        return context.make_const(name, np.array(value, np.int64)).output[0]  # type: ignore[no-any-return]

    def node_name() -> str:
        from tf2onnx import utils

        return utils.make_name("tfnlp_rows")  # type: ignore[no-any-return]

    rows = node("Shape", lengths)
    columns = node("ReduceMax", node("Concat", lengths, constant([0]), axis=0))
    columns = node("Reshape", columns, constant([1]))
    width = node("Max", columns, constant([1]))
    every = node("Expand", constant(1), node("Mul", width, rows))
    number = node("Sub", node("CumSum", every, constant(0)), constant(1))
    row, column = node("Div", number, width), node("Mod", number, width)
    kept = node("Less", column, node("Gather", lengths, row))
    found = (node("Compress", each, kept) for each in (row, column))
    return rows, columns, *found
