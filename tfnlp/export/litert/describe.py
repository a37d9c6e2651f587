"""Describes a LiteRT file for the export report."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tensorflow.lite.python import schema_py_generated as schema

from tfnlp.export.format_parity import describe_type

_TYPES = {code: name.lower() for name, code in vars(schema.TensorType).items()}
_OPERATIONS = {code: name for name, code in vars(schema.BuiltinOperator).items()}


def described(file: Path) -> dict[str, Any]:
    """Size, operations, bytes of weights by type, inputs and outputs."""
    model = schema.Model.GetRootAs(file.read_bytes())
    counts = Counter(_operations(model))
    signature, graph = model.SignatureDefs(0), model.Subgraphs(0)
    return {
        "bytes": file.stat().st_size,
        "nodes": sum(counts.values()),
        "operations": dict(sorted(counts.items())),
        "weights": _weights(model),
        "inputs": _named(graph, signature.Inputs, signature.InputsLength()),
        "outputs": _named(graph, signature.Outputs, signature.OutputsLength()),
    }


def _operations(model: schema.Model) -> Iterator[str]:
    """All operations, including those in loops and branches, and Flex ones."""
    for graph in map(model.Subgraphs, range(model.SubgraphsLength())):
        for node in map(graph.Operators, range(graph.OperatorsLength())):
            code = model.OperatorCodes(node.OpcodeIndex())
            own = code.CustomCode()
            yield own.decode() if own else _OPERATIONS[code.BuiltinCode()]


def _weights(model: schema.Model) -> dict[str, int]:
    """Bytes of constants by type."""
    found: Counter[str] = Counter()
    for graph in map(model.Subgraphs, range(model.SubgraphsLength())):
        for tensor in map(graph.Tensors, range(graph.TensorsLength())):
            size = model.Buffers(tensor.Buffer()).DataLength()
            found[_TYPES[tensor.Type()]] += size
    return {kind: size for kind, size in sorted(found.items()) if size}


def _named(graph: schema.SubGraph, get: Any, count: int) -> dict[str, str]:
    """Tensors of a signature by name, such as ``int32 [B, T]``."""
    found = {}
    for each in map(get, range(count)):
        tensor = graph.Tensors(each.TensorIndex())
        open_or_not = range(tensor.ShapeSignatureLength())
        shape = [
            tensor.ShapeSignature(axis) for axis in open_or_not
        ] or tensor.ShapeAsNumpy().tolist()
        sizes = [size if size >= 0 else None for size in shape]
        found[each.Name().decode()] = describe_type(_TYPES[tensor.Type()], sizes)
    return dict(sorted(found.items()))
