"""Splitting strings into characters, and joining them again, as ONNX nodes.

The custom ops of onnxruntime-extensions end a string at NUL. So strings are split at
NUL first, and the NULs are put back among the characters.
"""

import numpy as np
import onnx

from tfnlp.export.onnx import ragged, string_ops
from tfnlp.export.onnx.columns import (
    END,
    compress,
    cumulative_sum,
    inside_rows,
    int32,
    int64,
    limits,
    reduce_sum,
    row_lengths,
    row_starts,
    with_extra_row,
    without_last_row,
)
from tfnlp.export.onnx.placeholders import CONTRIB, Graph

_CHARACTER = "((?s:.))"


def characters(graph: Graph, texts: str) -> tuple[str, ...]:
    """Strings [B] → their characters [N], and how many each has: int64 [B]."""
    rows = with_extra_row(graph, texts)
    parts, counts = graph.nodes("StringSplit", rows, outputs=2, delimiter=b"\x00")
    plain = string_ops.joined(graph, parts, " ")  # shorter rows end in more of them
    character = graph.constant([_CHARACTER])
    flat, _, _, begins = graph.nodes(
        "StringRegexSplitWithOffsets",
        plain,
        character,
        character,
        outputs=4,
        domain=CONTRIB,
    )
    flat = _with_nul(graph, flat, begins, parts, counts)
    sizes = without_last_row(graph, _characters(graph, parts, counts))
    end = graph.node("Slice", begins, *limits(graph, -2, -1))
    flat = graph.node("Slice", flat, graph.constant([0]), end)
    row, place = ragged.numbered(
        graph, row_lengths(graph, without_last_row(graph, begins))
    )
    kept = graph.node("Less", place, graph.node("Gather", sizes, row))
    return graph.node("Compress", flat, kept, axis=0), sizes


def split_characters(graph: Graph, texts: str) -> tuple[str, ...]:
    """Texts [B] → characters [N], counts [B], starts [N] and ends [N]."""
    flat, counts = characters(graph, texts)
    _, starts = ragged.numbered(graph, counts)
    ends = graph.node("Add", starts, graph.constant(1))
    return flat, counts, int32(graph, starts), int32(graph, ends)


def substrings(
    graph: Graph, texts: str, rows: str, starts: str, ends: str
) -> tuple[str, ...]:
    """What stands in texts [B] between characters: string [S]."""
    flat, counts = characters(graph, texts)
    starts, ends = int64(graph, starts), int64(graph, ends)
    first = graph.node("Gather", row_starts(graph, counts), rows)
    first = graph.node("Add", first, starts)
    sizes = graph.node("Sub", ends, starts)
    span, place = ragged.numbered(graph, sizes)
    here = graph.node("Add", graph.node("Gather", first, span), place)
    found, span = _concatenate_rows(
        graph, graph.node("Gather", flat, here), span, place, sizes
    )
    none = graph.node("Expand", graph.constant([""]), graph.node("Shape", sizes))
    index = graph.node("Unsqueeze", span, graph.constant([1]))
    return (graph.node("ScatterND", none, index, found),)


def character_counts(graph: Graph, strings: str) -> str:
    """How many characters strings [B, T] have: int64 [B, T]."""
    flat = graph.node("Reshape", strings, graph.constant([-1]))
    rows = with_extra_row(graph, flat)
    parts, counts = graph.nodes("StringSplit", rows, outputs=2, delimiter=b"\x00")
    found = _characters(graph, parts, counts)
    shape = graph.node("Shape", strings)
    return graph.node("Reshape", without_last_row(graph, found), shape, allowzero=1)


def _concatenate_rows(
    graph: Graph, parts: str, rows: str, places: str, sizes: str
) -> tuple[str, str]:
    """Joins the parts [N] of each row, two and two, until each is one.

    Not by StringJoin, which ends a string at NUL.

    Returns:
        A string for each row that has a part, and the number of the row.
    """
    one, two = graph.constant(1), graph.constant(2)
    rest = (graph.constant([1]), graph.constant([END]))

    def halved(parts: str, rows: str, places: str) -> list[str]:
        behind = graph.node("Slice", parts, *rest)
        behind = graph.node("Concat", behind, graph.constant([""]), axis=0)
        its_row = graph.node("Slice", rows, *rest)
        its_row = graph.node("Concat", its_row, graph.constant([-1]), axis=0)
        same = graph.node("Equal", rows, its_row)
        behind = graph.node("Where", same, behind, graph.constant([""]))
        both = graph.node("StringConcat", parts, behind)
        even = graph.node("Equal", graph.node("Mod", places, two), graph.constant(0))
        halves = graph.node("Div", places, two)
        return [
            graph.node("Compress", each, even, axis=0) for each in (both, rows, halves)
        ]

    most = graph.node("Concat", sizes, graph.constant([1]), axis=0)
    most = graph.node("ReduceMax", most, keepdims=0)
    most = graph.node("Cast", most, to=onnx.TensorProto.FLOAT)
    base = graph.constant(np.log(2.0), np.float32)
    times = graph.node("Ceil", graph.node("Div", graph.node("Log", most), base))
    times = graph.node("Add", int64(graph, times), one)  # once too often is no harm
    number, string = onnx.TensorProto.INT64, onnx.TensorProto.STRING
    starts = {parts: string, rows: number, places: number}
    found, rows, _ = graph.repeated(times, starts, halved)
    return found, rows


def _with_nul(graph: Graph, flat: str, begins: str, parts: str, counts: str) -> str:
    """Puts NUL between the parts [B, K] of rows, whose characters are flat [N]."""
    one = graph.constant(1)
    sizes = graph.node("StringLength", parts, domain=CONTRIB)
    ends = graph.node("Sub", cumulative_sum(graph, graph.node("Add", sizes, one)), one)
    begins = graph.node(
        "Unsqueeze", without_last_row(graph, begins), graph.constant([1])
    )
    between = inside_rows(graph, parts, graph.node("Sub", counts, one))
    (index,) = compress(graph, between, graph.node("Add", begins, ends))
    nul = graph.constant(np.array(["\x00"], object))  # else NumPy takes it away
    nul = graph.node("Expand", nul, graph.node("Shape", index))
    index = graph.node("Unsqueeze", index, graph.constant([1]))
    return graph.node("ScatterND", flat, index, nul)


def _characters(graph: Graph, parts: str, counts: str) -> str:
    """How many characters the parts between NULs have, those included: int64 [B]."""
    sizes = graph.node("StringLength", parts, domain=CONTRIB)
    nuls = graph.node("Sub", counts, graph.constant(1))
    nuls = graph.node("Max", nuls, graph.constant(0))
    return graph.node("Add", reduce_sum(graph, sizes), nuls)
