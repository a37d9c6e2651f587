"""Rows and columns in ONNX: what the nodes for words and characters have in common."""

import onnx

from tfnlp.export.onnx.placeholders import Graph

END = 2**62
"""The end of a slice that goes on to the end."""


def with_extra_row(graph: Graph, strings: str) -> str:
    """Strings [B] and one more: some operations fail, or err, where there is none."""
    return graph.node("Concat", strings, graph.constant(["x"]), axis=0)


def without_last_row(graph: Graph, rows: str) -> str:
    """All rows but the last one."""
    return graph.node("Slice", rows, *limits(graph, 0, -1))


def compress(graph: Graph, kept: str, *columns: str) -> list[str]:
    """Of columns [B, T] what is kept, by a bool of the same shape: [N]."""
    line = graph.constant([-1])
    kept = graph.node("Reshape", kept, line)
    return [
        graph.node("Compress", graph.node("Reshape", each, line), kept, axis=0)
        for each in columns
    ]


def inside_rows(graph: Graph, rows: str, counts: str) -> str:
    """Which columns of [B, T] are before a number: bool [B, T]."""
    width = graph.node("Gather", graph.node("Shape", rows), graph.constant(1))
    numbers = graph.node("Range", graph.constant(0), width, graph.constant(1))
    ends = graph.node("Unsqueeze", counts, graph.constant([1]))
    return graph.node("Less", numbers, ends)


def row_starts(graph: Graph, lengths: str) -> str:
    """Where rows of some lengths begin, one behind the other: int64 [B]."""
    return graph.node("CumSum", lengths, graph.constant(0), exclusive=1)


def row_lengths(graph: Graph, begins: str) -> str:
    """The lengths of rows [B] that begin at int64 [B + 1]."""
    behind = graph.node("Slice", begins, *limits(graph, 1, END))
    return graph.node("Sub", behind, without_last_row(graph, begins))


def cumulative_sum(graph: Graph, sizes: str) -> str:
    """The running sum of [B, T] along every row."""
    return graph.node("CumSum", sizes, graph.constant(1))


def reduce_sum(graph: Graph, numbers: str) -> str:
    """The sum over the last axis."""
    return graph.node("ReduceSum", numbers, graph.constant([-1]), keepdims=0)


def int32(graph: Graph, numbers: str) -> str:
    """Numbers, or bools, as int32."""
    return graph.node("Cast", numbers, to=onnx.TensorProto.INT32)


def int64(graph: Graph, numbers: str) -> str:
    """Numbers, or bools, as int64."""
    return graph.node("Cast", numbers, to=onnx.TensorProto.INT64)


def limits(graph: Graph, start: int, end: int) -> tuple[str, str]:
    """What `Slice` takes to cut the first axis."""
    return graph.constant([start]), graph.constant([end])
