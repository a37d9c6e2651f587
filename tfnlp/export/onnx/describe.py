"""What an export report says of a model of ONNX."""

from collections import Counter
from pathlib import Path
from typing import Any

import onnx

from tfnlp.export.format_parity import describe_type


def described(file: Path) -> dict[str, Any]:
    """Size, opsets, operations, and what goes in and comes out."""
    model = onnx.load(str(file), load_external_data=False)
    counts = Counter(_operations(model.graph))
    return {
        "bytes": file.stat().st_size,
        "opsets": {o.domain or "ai.onnx": o.version for o in model.opset_import},
        "nodes": sum(counts.values()),
        "operations": dict(sorted(counts.items())),
        "inputs": {each.name: _kind(each) for each in model.graph.input},
        "outputs": {each.name: _kind(each) for each in model.graph.output},
    }


def _operations(graph: onnx.GraphProto) -> list[str]:
    """The operations of a graph, those inside loops and branches included."""
    found = []
    for node in graph.node:
        found.append(f"{node.domain}:{node.op_type}" if node.domain else node.op_type)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                found += _operations(attribute.g)
    return found


def _kind(value: onnx.ValueInfoProto) -> str:
    """Type and shape of a tensor, such as ``int32 [B, T]``."""
    kind = onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower()
    dims = value.type.tensor_type.shape.dim
    sizes = [d.dim_value if d.HasField("dim_value") else None for d in dims]
    return describe_type(kind, sizes)
