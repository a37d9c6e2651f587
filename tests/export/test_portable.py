"""What runs on the exporting machine only never gets into an artefact (trap T7)."""

import keras
import pytest
from tensorflow.core.protobuf import saved_model_pb2

from tfnlp.errors import ExportError
from tfnlp.export.portable import check_portable, without_cudnn


def graph(folder, *, main=(), inside=()):
    """Writes a SavedModel with some operations, on top and inside a function."""
    saved = saved_model_pb2.SavedModel()
    definition = saved.meta_graphs.add().graph_def
    for op in main:
        definition.node.add(op=op)
    function = definition.library.function.add()
    for op in inside:
        function.node_def.add(op=op)
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())


@pytest.mark.parametrize(
    ("ops", "names"),
    [
        ({"main": ["MatMul", "CudnnRNNV3"]}, "CudnnRNNV3"),
        ({"inside": ["XlaLaunch", "Add", "CudnnRNN", "CudnnRNN"]}, "CudnnRNN, XlaLau"),
    ],
    ids=["on top", "inside a function"],
)
def test_operations_of_one_device_are_named(ops, names, tmp_path):
    graph(tmp_path, **ops)
    with pytest.raises(ExportError, match=f"Received: {names}"):
        check_portable(tmp_path)


def test_operations_of_any_device_pass(tmp_path):
    graph(tmp_path, main=["MatMul"], inside=["While", "StringLower"])
    check_portable(tmp_path)


def test_cudnn_is_off_inside_only():
    ids = keras.Input([None], dtype="int32")
    vectors = keras.layers.Embedding(4, 2)(ids)
    lstm, gru = keras.layers.LSTM(2), keras.layers.GRU(2, use_cudnn=True)
    both = keras.layers.Bidirectional(lstm)(vectors)
    model = keras.Model(ids, [both, gru(vectors)])
    inner = model.layers[2].forward_layer
    with without_cudnn(model):
        assert (inner.use_cudnn, gru.use_cudnn) == (False, False)
    assert (inner.use_cudnn, gru.use_cudnn) == ("auto", True)
