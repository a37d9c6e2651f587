"""Freezes a network: a graph without variables, rewritten for LiteRT's converter.

The converter fails on variables that are read in loops, on slices with new axes and on
Einstein sums over vectors. Knows no file.
"""

import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import graph_pb2
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2,
)

_NEW_AXES = "new_axis_mask"
_PREFIX = "frozen_"
_LABELS = string.ascii_letters


def frozen(
    function: Callable[..., Mapping[str, tf.Tensor]], specs: Sequence[tf.TensorSpec]
) -> Any:
    """Freezes a function of tensors: its variables become constants.

    Args:
        function: takes tensors of `specs`, returns tensors by name.
        specs: named input specs.
    """
    traced = tf.function(function, input_signature=list(specs), autograph=False)
    concrete = traced.get_concrete_function()
    names = sorted(concrete.structured_outputs)
    # Lowered control flow would be loops of several operations each.
    constant = convert_variables_to_constants_v2(concrete, lower_control_flow=False)
    graph = _renamed(_rewritten(constant.graph.as_graph_def()))
    wrapped = tf.compat.v1.wrap_function(
        lambda: tf.graph_util.import_graph_def(graph, name=""), []
    )
    by_name = {tensor.op.name: tensor.name for tensor in constant.inputs}
    pruned = wrapped.prune(
        [by_name[spec.name] for spec in specs], [t.name for t in constant.outputs]
    )

    def compute(*values: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(zip(names, pruned(*values), strict=True))

    return tf.function(compute, input_signature=list(specs), autograph=False)


def _rewritten(graph: graph_pb2.GraphDef) -> graph_pb2.GraphDef:
    """Rewrites operations that the converter does not support."""
    for nodes, inside in _bodies(graph):
        output = ":output:0" if inside else ""
        for node in list(nodes):
            if node.op == "StridedSlice" and node.attr[_NEW_AXES].i:
                _expand_before(node, nodes, output)
            elif node.op == "Einsum" and len(node.input) == 2:
                _multiply_matrices(node, nodes, output)
    return graph


def _renamed(graph: graph_pb2.GraphDef) -> graph_pb2.GraphDef:
    """Renames functions: the names of the traced ones are in use."""
    for function in graph.library.function:
        function.signature.name = _PREFIX + function.signature.name
    for nodes, _ in _bodies(graph):
        for value in (value for node in nodes for value in node.attr.values()):
            for called in (value.func, *value.list.func):
                if called.name:
                    called.name = _PREFIX + called.name
    return graph


def _bodies(graph: graph_pb2.GraphDef) -> Iterator[tuple[Any, bool]]:
    """Nodes of a graph and of its functions, and whether they are of a function."""
    yield graph.node, False
    for function in graph.library.function:
        yield function.node_def, True


def _expand_before(node: Any, nodes: Any, output: str) -> None:
    """Replaces new axes of a slice, such as ``[:, None]``, by ExpandDims before it."""
    masks = {name: f"{name}_mask" for name in ("new_axis", "ellipsis", "begin", "end")}
    bits = {name: node.attr[mask].i for name, mask in masks.items()}
    size = _length(node.input[1], nodes)
    if size is None:
        return
    for axis in _axes(bits["new_axis"], bits["ellipsis"], size):
        node.input[0] = _expanded(node, node.input[0], axis, nodes, output)
    for name in ("begin", "end"):  # the whole new axis
        node.attr[masks[name]].i = bits[name] | bits["new_axis"]
    node.attr[masks["new_axis"]].i = 0


def _multiply_matrices(node: Any, nodes: Any, output: str) -> None:
    """Replaces an Einstein sum over vectors by one over one-column matrices."""
    labels, _, result = node.attr["equation"].s.decode().partition("->")
    terms = labels.split(",")
    alone = [place for place in (0, 1) if set(terms[place]) <= set(terms[1 - place])]
    if not alone or "." in labels:
        return
    (place, *_), new = alone, next(each for each in _LABELS if each not in labels)
    node.input[place] = _expanded(node, node.input[place], -1, nodes, output)
    terms[place] += new
    node.attr["equation"].s = f"{','.join(terms)}->{result}{new}".encode()
    squeezed = nodes.add(name=node.name, op="Squeeze")
    node.name += "/matrices"
    squeezed.input.append(node.name + output)
    squeezed.attr["T"].CopyFrom(node.attr["T"])
    squeezed.attr["squeeze_dims"].list.i.append(-1)


def _expanded(node: Any, source: str, axis: int, nodes: Any, output: str) -> str:
    """The input of a node, expanded by an axis."""
    constant = nodes.add(name=f"{node.name}/axis{axis}", op="Const")
    constant.attr["dtype"].type = tf.int32.as_datatype_enum
    constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(axis, tf.int32))
    expanded = nodes.add(name=f"{node.name}/expanded{axis}", op="ExpandDims")
    expanded.input.extend([source, constant.name + output])
    expanded.attr["T"].CopyFrom(node.attr["T"])
    expanded.attr["Tdim"].type = tf.int32.as_datatype_enum
    return expanded.name + output


def _axes(new: int, ellipsis: int, size: int) -> list[int]:
    """Axes to expand, in order, before a slice of `size` parts is taken.

    Example:
    >>> _axes(0b001, 0, 2), _axes(0b1010, 0b0001, 4)  # [None, :], [..., None, 0, None]
    ([0], [-1, -3])
    """
    end = ellipsis.bit_length() - 1 if ellipsis else size
    places = [place for place in range(size) if new >> place & 1]
    before = [place for place in places if place < end]
    return before + [place - size for place in reversed(places) if place > end]


def _length(name: str, nodes: Any) -> int | None:
    """Length of a constant or packed vector; None for any other."""
    (maker,) = [n for n in nodes if n.name == name.partition(":")[0]] or [None]
    if maker is not None and maker.op == "Pack":
        return int(maker.attr["N"].i)
    if maker is not None and maker.op == "Const":
        return int(maker.attr["value"].tensor.tensor_shape.dim[0].size)
    return None
