"""Placeholder nodes for calls that tf2onnx cannot convert; a builder of ONNX graphs.

tf2onnx writes loops for recurrent layers and knows no vectorizer. While a network is
traced, such calls add a placeholder to the graph. tf2onnx keeps placeholders as nodes
of the domain `tfnlp`, and then each is replaced by ONNX nodes. Knows no layer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

import numpy as np
import onnx
import tensorflow as tf
from onnx import helper, numpy_helper

DOMAIN = "tfnlp"
CONTRIB = "ai.onnx.contrib"
"""The domain of onnxruntime-extensions."""
_KIND = "TfnlpCall"  # not "Placeholder", which tf2onnx takes for an input


class Placeholders:
    """The calls of a traced graph that were replaced by placeholders, by number."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def add(
        self, call: Any, inputs: Sequence[tf.Tensor], specs: Sequence[tf.TensorSpec]
    ) -> list[tf.Tensor]:
        """Adds a placeholder for a call; returns its outputs, as `specs` say."""
        name = f"{DOMAIN}_{len(self.calls)}_"
        self.calls.append(call)
        types = [spec.dtype for spec in specs]
        outputs = tf.numpy_function(_uncallable, inputs, types, name=name)
        return [
            tf.ensure_shape(output, spec.shape)
            for output, spec in zip(tf.nest.flatten(outputs), specs, strict=True)
        ]


def _uncallable(*inputs: np.ndarray) -> Any:
    raise RuntimeError("Placeholders are for conversion only. They cannot be run.")


def handlers() -> dict[str, Any]:
    """Custom op handlers of tf2onnx: keep placeholders as nodes of our domain."""
    return {"PyFunc": (_keep, [])}


def _keep(context: Any, node: Any, name: str, options: Any) -> None:
    outputs = list(node.output)
    shapes = [context.get_shape(output) for output in outputs]
    types = [context.get_dtype(output) for output in outputs]
    number = int(node.name.rpartition(f"{DOMAIN}_")[2].partition("_")[0])
    inputs = list(node.input)
    context.remove_node(node.name)
    context.make_node(
        _KIND,
        inputs,
        name=node.name,
        outputs=outputs,
        shapes=shapes,
        dtypes=types,
        domain=DOMAIN,
        attr={"call": number},
        skip_conversion=True,
    )


class Graph:
    """A builder of an ONNX graph: adds nodes and constants, replaces placeholders."""

    def __init__(self, model: onnx.ModelProto):
        self.model, self.proto = model, model.graph
        self._names = 0
        self._constants: dict[Any, str] = {}

    def placeholders(self) -> list[tuple[onnx.NodeProto, int]]:
        """Every placeholder and the number of its call."""
        return [
            (node, helper.get_node_attr_value(node, "call"))
            for node in self.proto.node
            if node.domain == DOMAIN and node.op_type == _KIND
        ]

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Adds a node and returns the name of its only output."""
        return self.nodes(kind, *inputs, outputs=1, domain=domain, **attributes)[0]

    def nodes(
        self, kind: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Adds a node and returns the names of its outputs."""
        names = [self._name(kind) for _ in range(outputs)]
        node = helper.make_node(
            kind, inputs, names, name=names[0], domain=domain, **attributes
        )
        self.proto.node.append(node)
        return names

    def either(
        self, condition: str, yes: Callable[[], str], no: Callable[[], str]
    ) -> str:
        """Strings of one of two branches; each adds nodes and names the last one."""
        then, otherwise = self._branch(yes), self._branch(no)
        return self.node("If", condition, then_branch=then, else_branch=otherwise)

    def repeated(
        self,
        times: str,
        starts: Mapping[str, int],
        changed: Callable[..., Sequence[str]],
    ) -> list[str]:
        """Tensors that are changed a number of times.

        Args:
            times: int64 [].
            starts: the tensors to begin with, and their types.
            changed: adds nodes that make the next tensors of those so far.
        """
        number, going, *so_far = (self._name(kind) for kind in ("time", "on", *starts))
        first = len(self.proto.node)
        after = [self.node("Identity", each) for each in changed(*so_far)]
        goes_on = self.node("Identity", going)

        def tensor(name: str, kind: int, shape: list | None) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(name, kind, shape)

        kinds = starts.values()
        carried = [tensor(*each, None) for each in zip(so_far, kinds, strict=True)]
        found = [tensor(*each, None) for each in zip(after, kinds, strict=True)]
        bool_ = onnx.TensorProto.BOOL
        body = helper.make_graph(
            self._taken(first),
            self._name("body"),
            [
                tensor(number, onnx.TensorProto.INT64, []),
                tensor(going, bool_, []),
                *carried,
            ],
            [tensor(goes_on, bool_, []), *found],
        )
        return self.nodes("Loop", times, "", *starts, outputs=len(starts), body=body)

    def _branch(self, made: Callable[[], str]) -> onnx.GraphProto:
        first = len(self.proto.node)
        last = self.node("Identity", made())
        nodes = self._taken(first)
        output = helper.make_tensor_value_info(last, onnx.TensorProto.STRING, None)
        return helper.make_graph(nodes, self._name("branch"), [], [output])

    def _taken(self, first: int) -> list[onnx.NodeProto]:
        """The nodes behind a number, which are no longer of the graph itself."""
        nodes = list(self.proto.node)[first:]
        del self.proto.node[first:]
        return nodes

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        """Adds a constant, or finds the equal one, and returns its name.

        Args:
            dtype: of numbers; strings need none.
        """
        array = np.asarray(value)
        strings = array.dtype.kind in "UO"
        array = array.astype(object if strings else dtype)
        key = (str(array.dtype), array.shape, _content(array))
        if key not in self._constants:
            name = self._constants[key] = self._name("constant")
            self.proto.initializer.append(_tensor(array, name))
        return self._constants[key]

    def users(self, name: str) -> list[onnx.NodeProto]:
        """The nodes that read a tensor."""
        return [node for node in self.proto.node if name in node.input]

    def producer(self, name: str) -> onnx.NodeProto | None:
        """The node that writes a tensor; None for inputs and constants."""
        return next((node for node in self.proto.node if name in node.output), None)

    def replace(self, olds: Iterable[str], news: Iterable[str]) -> None:
        """Lets everything that read the old tensors read the new ones.

        Branches and loops are looked through, too.
        """
        renamed = dict(zip(olds, news, strict=True))
        _rename(self.proto.node, renamed)
        ends = {output.name for output in self.proto.output}
        for old in ends & renamed.keys():
            node = helper.make_node("Identity", [renamed[old]], [old], name=old)
            self.proto.node.append(node)

    def remove(self, nodes: Iterable[onnx.NodeProto]) -> None:
        """Takes nodes out of the graph."""
        for node in nodes:
            self.proto.node.remove(node)

    def drop_outputs(self, prefix: str) -> None:
        """Takes outputs away whose names begin so."""
        kept = [o for o in self.proto.output if not o.name.startswith(prefix)]
        del self.proto.output[:]
        self.proto.output.extend(kept)

    def finish(self, opsets: Mapping[str, int]) -> onnx.ModelProto:
        """Drops what nothing reads, sorts the nodes and states the opsets."""
        self._drop_unread()
        self._sort()
        del self.model.opset_import[:]
        self.model.opset_import.extend(
            helper.make_opsetid(domain, version) for domain, version in opsets.items()
        )
        return self.model

    def _drop_unread(self) -> None:
        wanted = {output.name for output in self.proto.output}
        makers = {name: node for node in self.proto.node for name in node.output}
        kept: dict[str, onnx.NodeProto] = {}
        found = list(wanted)
        while found:
            node = makers.get(found.pop())
            if node is not None and node.name not in kept:
                kept[node.name] = node
                found += reads(node)
        self.remove([n for n in self.proto.node if n.name not in kept])
        read = wanted.union(*map(reads, kept.values()))
        constants = [c for c in self.proto.initializer if c.name in read]
        del self.proto.initializer[:]
        self.proto.initializer.extend(constants)

    def _sort(self) -> None:
        makers = {name: node for node in self.proto.node for name in node.output}
        needs = {
            node.name: {makers[name].name for name in reads(node) if name in makers}
            for node in self.proto.node
        }
        by_name = {node.name: node for node in self.proto.node}
        ordered = [by_name[name] for name in TopologicalSorter(needs).static_order()]
        del self.proto.node[:]
        self.proto.node.extend(ordered)

    def _name(self, kind: str) -> str:
        self._names += 1
        return f"{DOMAIN}/{kind}_{self._names}"


def _rename(nodes: Iterable[onnx.NodeProto], renamed: Mapping[str, str]) -> None:
    for node in nodes:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g.node, renamed)


def reads(node: onnx.NodeProto) -> set[str]:
    """The tensors that a node reads, those of its branches and loops included."""
    found = set(node.input)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            found |= {name for inner in attribute.g.node for name in reads(inner)}
            found |= {output.name for output in attribute.g.output}
    return found - {""}


def _content(array: np.ndarray) -> Any:
    return tuple(array.ravel()) if array.dtype == object else array.tobytes()


def _tensor(array: np.ndarray, name: str) -> onnx.TensorProto:
    if array.dtype != object:
        return numpy_helper.from_array(np.array(array, order="C"), name)
    raw = [str(text).encode("utf-8") for text in array.ravel()]
    # Not by helper.make_tensor, which takes NULs away from the ends of strings.
    return onnx.TensorProto(
        name=name,
        data_type=onnx.TensorProto.STRING,
        dims=array.shape,
        string_data=raw,
    )
