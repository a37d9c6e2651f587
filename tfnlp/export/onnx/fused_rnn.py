"""Fused LSTM and GRU nodes of ONNX in place of the placeholders of recurrent layers.

Two directions of a bidirectional layer share one node.
"""

from typing import Any

import keras
import numpy as np
import onnx
from onnx import helper

from tfnlp.export.onnx.placeholders import Graph, Placeholders
from tfnlp.export.onnx.recurrent import ACTIVATIONS, Recurrent, functions

_LSTM_GATES = (0, 3, 1, 2)
"""Keras' gates i, f, c, o in the order of ONNX: i, o, f, c."""


def expand(graph: Graph, placeholders: Placeholders) -> None:
    """Replaces the placeholders of recurrent layers by LSTM and GRU nodes."""
    nodes = {
        node.name: (node, placeholders.calls[call])
        for node, call in graph.placeholders()
        if isinstance(placeholders.calls[call], Recurrent)
    }
    for node, call in list(nodes.values()):
        twin = _reversed_twin(graph, node, call, nodes)
        if twin is not None and node.name in nodes:
            del nodes[node.name], nodes[twin.name]
            _expand_both(graph, node, call, twin, placeholders)
    for node, call in nodes.values():
        _expand_one(graph, node, call)


def _expand_one(graph: Graph, node: onnx.NodeProto, call: Recurrent) -> None:
    vectors, *more = node.input
    lengths = _int32(graph, more.pop(0)) if call.masked else ""
    axis = graph.constant([0])
    states = [graph.node("Unsqueeze", state, axis) for state in more]
    outputs, *after = _fused(graph, vectors, [call], lengths, states)
    steps = graph.node("Squeeze", outputs, graph.constant([1]))  # [T, B, U]
    found = [_by_row(graph, steps), *(graph.node("Squeeze", a, axis) for a in after)]
    olds = list(node.output)
    graph.remove([node])
    graph.replace(olds, found)


def _reversed_twin(
    graph: Graph, node: onnx.NodeProto, call: Recurrent, nodes: dict[str, Any]
) -> onnx.NodeProto | None:
    """The mark that reads the same rows reversed, so that one node can do both."""
    if _is_stateful(graph, node, call):
        return None
    for other, its in nodes.values():
        turned = graph.producer(other.input[0])
        if (
            turned is not None
            and turned.op_type == "ReverseSequence"
            and turned.input[0] == node.input[0]
            and _same_kind(call, its)
            and not _is_stateful(graph, other, its)
            and all(_undoes(user, turned) for user in graph.users(other.output[0]))
        ):
            return other
    return None


def _is_stateful(graph: Graph, node: onnx.NodeProto, call: Recurrent) -> bool:
    """Whether more is at stake than states behind tokens that begin at zero."""
    return call.started or call.masked or any(map(graph.users, node.output[1:]))


def _same_kind(first: Recurrent, second: Recurrent) -> bool:
    return _kind(first.layer) == _kind(second.layer)


def _kind(layer: keras.layers.RNN) -> tuple[Any, ...]:
    """What layers must share that are to be two directions of one node."""
    resets = None if _is_lstm(layer) else layer.reset_after
    return _is_lstm(layer), layer.units, resets, *functions(layer)


def _is_lstm(layer: keras.layers.RNN) -> bool:
    return isinstance(layer, keras.layers.LSTM)


def _undoes(user: onnx.NodeProto, turned: onnx.NodeProto) -> bool:
    return user.op_type == "ReverseSequence" and user.input[1] == turned.input[1]


def _expand_both(
    graph: Graph,
    node: onnx.NodeProto,
    call: Recurrent,
    twin: onnx.NodeProto,
    placeholders: Placeholders,
) -> None:
    """One node for two placeholders, in place of the two reversals as well."""
    turned = graph.producer(twin.input[0])
    backward = placeholders.calls[helper.get_node_attr_value(twin, "call")]
    lengths = _int32(graph, turned.input[1])  # type: ignore[union-attr]
    outputs, *_ = _fused(graph, node.input[0], [call, backward], lengths, [])
    steps = graph.node("Transpose", outputs, perm=[0, 2, 1, 3])  # [T, B, 2, U]
    width = 2 * call.layer.units
    steps = graph.node("Reshape", steps, graph.constant([0, 0, width]))
    both = _by_row(graph, steps)  # [B, T, 2 · U]
    ahead, back = graph.nodes("Split", both, outputs=2, axis=2, num_outputs=2)
    undone = graph.users(twin.output[0])
    turned_back = [user.output[0] for user in undone]
    joined = [
        user
        for user in graph.users(node.output[0])
        if user.op_type == "Concat"
        and len(user.input) == 2
        and user.input[0] == node.output[0]
        and user.input[1] in turned_back
        and helper.get_node_attr_value(user, "axis") in (2, -1)
    ]
    olds = [node.output[0], *turned_back, *(user.output[0] for user in joined)]
    graph.remove([node, twin, *undone, *joined])
    graph.replace(olds, [ahead, *[back] * len(undone), *[both] * len(joined)])


def _fused(
    graph: Graph, vectors: str, calls: list[Recurrent], lengths: str, states: list[str]
) -> list[str]:
    """Outputs [T, D, B, U] and last states [D, B, U] of D directions."""
    layer = calls[0].layer
    lstm = _is_lstm(layer)
    weights = [(_lstm_weights if lstm else _gru_weights)(c.layer) for c in calls]
    stacked = [np.stack(parts) for parts in zip(*weights, strict=True)]
    gate, inner = (ACTIVATIONS[function.__name__] for function in functions(layer))
    names = [gate, inner, inner] if lstm else [gate, inner]
    options: dict[str, Any] = (
        {} if lstm else {"linear_before_reset": int(layer.reset_after)}
    )
    return graph.nodes(
        "LSTM" if lstm else "GRU",
        graph.node("Transpose", vectors, perm=[1, 0, 2]),
        *(graph.constant(each, np.float32) for each in stacked),
        *([lengths, *states] if lengths or states else []),
        outputs=3 if lstm else 2,
        hidden_size=layer.units,
        direction="bidirectional" if len(calls) == 2 else "forward",
        activations=names * len(calls),
        **options,
    )


def _lstm_weights(layer: keras.layers.LSTM) -> tuple[np.ndarray, ...]:
    """Kernel [4U, E], recurrent kernel [4U, U] and biases [8U] as ONNX has them."""
    cell = layer.cell
    weights = (cell.kernel, cell.recurrent_kernel)
    kernels = [_gates(_array(each), _LSTM_GATES) for each in weights]
    bias = _array(cell.bias) if cell.use_bias else np.zeros(4 * layer.units)
    return *kernels, np.concatenate([_gates(bias, _LSTM_GATES), np.zeros_like(bias)])


def _gru_weights(layer: keras.layers.GRU) -> tuple[np.ndarray, ...]:
    """Kernel [3U, E], recurrent kernel [3U, U] and biases [6U]; gates z, r, h."""
    cell, count = layer.cell, 3 * layer.units
    kernels = [_array(each).T for each in (cell.kernel, cell.recurrent_kernel)]
    bias = np.zeros([2, count])
    if cell.use_bias:
        bias[: 2 if layer.reset_after else 1] = _array(cell.bias)
    return *kernels, bias.ravel()


def _gates(weights: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """Gates [..., 4U] in another order, and first: [4U, ...]."""
    parts = np.split(weights, 4, axis=-1)
    return np.concatenate([parts[place] for place in order], axis=-1).T


def _array(weight: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(weight), np.float32)


def _by_row(graph: Graph, steps: str) -> str:
    """Tokens [T, B, U] as rows [B, T, U]."""
    return graph.node("Transpose", steps, perm=[1, 0, 2])


def _int32(graph: Graph, lengths: str) -> str:
    return graph.node("Cast", lengths, to=onnx.TensorProto.INT32)
