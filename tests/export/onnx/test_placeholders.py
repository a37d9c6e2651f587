"""What replaces a mark is read wherever the mark was."""

import onnx
from onnx import TensorProto, helper

from tfnlp.export.onnx.placeholders import Graph


def test_a_branch_reads_what_a_mark_became():
    """A transformer cuts long rows into windows, in a branch that reads the mask."""
    info = helper.make_tensor_value_info
    branches = {
        name: helper.make_graph(
            [helper.make_node("Identity", ["old"], [name], name=name)],
            name,
            [],
            [info(name, TensorProto.FLOAT, None)],
        )
        for name in ("then_branch", "else_branch")
    }
    nodes = [
        helper.make_node("Exp", ["x"], ["old"], name="old"),
        helper.make_node("If", ["choice"], ["y"], name="chosen", **branches),
    ]
    inputs = [info("x", TensorProto.FLOAT, [1]), info("choice", TensorProto.BOOL, [])]
    outputs = [info("y", TensorProto.FLOAT, [1])]
    graph = Graph(helper.make_model(helper.make_graph(nodes, "g", inputs, outputs)))
    new = graph.node("Neg", "x")
    graph.replace(["old"], [new])
    model = graph.finish({"": 20})
    onnx.checker.check_model(model)
    assert {node.op_type for node in model.graph.node} == {"Neg", "If"}
