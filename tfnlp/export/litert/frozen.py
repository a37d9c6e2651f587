"""A network as a graph without variables, spelled as LiteRT's converter reads it.

The converter leaves variables that a loop reads where the interpreter finds none, and
knows no slice with a new axis. Knows no file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import graph_pb2, node_def_pb2
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2,
)

_NEW_AXES = "new_axis_mask"
_PREFIX = "frozen_"


def frozen(
    function: Callable[..., Mapping[str, tf.Tensor]], specs: Sequence[tf.TensorSpec]
) -> Any:
    """A function of tensors, one argument each, with its variables as constants.

    Args:
        function: takes what `specs` describe, and returns tensors by name.
        specs: with names.
    """
    traced = tf.function(function, input_signature=list(specs), autograph=False)
    concrete = traced.get_concrete_function()
    names = sorted(concrete.structured_outputs)
    # Lowered control flow would be loops of several operations each.
    constant = convert_variables_to_constants_v2(concrete, lower_control_flow=False)
    graph = _renamed(_with_expanded_axes(constant.graph.as_graph_def()))
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


def _with_expanded_axes(graph: graph_pb2.GraphDef) -> graph_pb2.GraphDef:
    """Lets slices with new axes, such as ``[:, None]``, read a tensor that has them."""
    for nodes, inside in _bodies(graph):
        for node in [n for n in nodes if n.op == "StridedSlice"]:
            if node.attr[_NEW_AXES].i:
                _expand(node, nodes, ":output:0" if inside else "")
    return graph


def _renamed(graph: graph_pb2.GraphDef) -> graph_pb2.GraphDef:
    """Gives functions other names: those of the traced ones are taken."""
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


def _expand(node: node_def_pb2.NodeDef, nodes: Any, output: str) -> None:
    masks = {name: f"{name}_mask" for name in ("new_axis", "ellipsis", "begin", "end")}
    bits = {name: node.attr[mask].i for name, mask in masks.items()}
    size = _length(node.input[1], nodes)
    for axis in _axes(bits["new_axis"], bits["ellipsis"], size):
        constant = nodes.add(name=f"{node.name}/axis{axis}", op="Const")
        constant.attr["dtype"].type = tf.int32.as_datatype_enum
        constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(axis, tf.int32))
        wider = nodes.add(name=f"{node.name}/wider{axis}", op="ExpandDims")
        wider.input.extend([node.input[0], constant.name + output])
        wider.attr["T"].CopyFrom(node.attr["T"])
        wider.attr["Tdim"].type = tf.int32.as_datatype_enum
        node.input[0] = wider.name + output
    for name in ("begin", "end"):  # all of an axis that is there now
        node.attr[masks[name]].i = bits[name] | bits["new_axis"]
    node.attr[masks["new_axis"]].i = 0


def _axes(new: int, ellipsis: int, size: int) -> list[int]:
    """Where to expand, one after the other, before a slice of `size` parts is taken.

    Example:
    >>> _axes(0b001, 0, 2), _axes(0b1010, 0b0001, 4)  # [None, :], [..., None, 0, None]
    ([0], [-1, -3])
    """
    end = ellipsis.bit_length() - 1 if ellipsis else size
    places = [place for place in range(size) if new >> place & 1]
    before = [place for place in places if place < end]
    return before + [place - size for place in reversed(places) if place > end]


def _length(name: str, nodes: Any) -> int:
    """How many numbers a constant or packed vector has."""
    maker = next(node for node in nodes if node.name == name.partition(":")[0])
    if maker.op == "Pack":
        return int(maker.attr["N"].i)
    return int(maker.attr["value"].tensor.tensor_shape.dim[0].size)
