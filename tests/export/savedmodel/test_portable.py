"""Operations that not every machine and server has are refused: docs/traps.md#t7."""

import keras
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tfnlp.errors import ExportError
from tfnlp.export.savedmodel import server_ops
from tfnlp.export.savedmodel.portable import check_portable, without_cudnn


def write(folder, fill):
    """Writes a SavedModel with a graph that a function fills."""
    saved = saved_model_pb2.SavedModel()
    fill(saved.meta_graphs.add().graph_def)
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())


def graph(folder, *, main=(), inside=()):
    """Writes a SavedModel with some operations, on top and inside a function."""

    def fill(definition):
        for op in main:
            definition.node.add(op=op)
        function = definition.library.function.add()
        for op in inside:
            function.node_def.add(op=op)

    write(folder, fill)


@pytest.mark.parametrize(
    ("ops", "names"),
    [
        ({"main": ["MatMul", "CudnnRNNV3"]}, r"CudnnRNNV3 \(needs one kind of dev"),
        (
            {"inside": ["XlaLaunch", "Add", "XlaLaunch"]},
            r"XlaLaunch \(needs [a-z ]*\)\.",
        ),
        ({"main": ["_TPUReplicate"]}, r"_TPUReplicate \(needs one kind"),
        ({"inside": ["EagerPyFunc", "PyFunc"]}, r"EagerPyFunc \(calls .*, PyFunc \(ca"),
        ({"main": ["MyTokenize"]}, r"MyTokenize \(unknown to TF Serving\)"),
        ({"inside": ["DecodeJxl"]}, r"DecodeJxl \(unknown to TF Serving\)"),
        ({"main": ["TFText>Utf8Binarize"]}, r"TFText>Utf8Binarize \(unknown to"),
    ],
    ids=["cuDNN", "XLA", "TPU", "Python", "custom", "newer", "newer text"],
)
def test_operations_that_not_everything_runs_are_named(ops, names, tmp_path):
    graph(tmp_path, **ops)
    with pytest.raises(ExportError, match=f"2.19 and 2.20 know. Received: {names}"):
        check_portable(tmp_path)


def test_operations_of_any_machine_pass(tmp_path):
    text = ["WordpieceTokenizeWithOffsets", "TFText>FastSentencepieceTokenize"]
    graph(tmp_path, main=["MatMul", "VarHandleOp"], inside=["While", *text, "_Arg"])
    check_portable(tmp_path)


@pytest.mark.parametrize(
    ("op", "attribute", "kind"),
    [("TensorListGetItem", "Tshape", tf.int64), ("Range", "Tidx", tf.uint64)],
)
def test_attributes_and_types_that_servers_lack_are_named(
    op, attribute, kind, tmp_path
):
    def fill(definition):
        node = definition.node.add(op=op)
        node.attr[attribute].type = kind.as_datatype_enum

    write(tmp_path, fill)
    with pytest.raises(ExportError, match=rf"{op}\.{attribute} \(too new\)"):
        check_portable(tmp_path)


def test_older_types_of_the_same_attribute_pass(tmp_path):
    def fill(definition):
        definition.node.add(op="Range").attr["Tidx"].type = tf.int32.as_datatype_enum

    write(tmp_path, fill)
    check_portable(tmp_path)


def test_what_xla_must_compile_is_named(tmp_path):
    module = tf.Module()
    module.double = tf.function(lambda x: x * 2.0, jit_compile=True)
    module.serve = tf.function(module.double, input_signature=[tf.TensorSpec([])])
    tf.saved_model.save(module, str(tmp_path), signatures=module.serve)
    with pytest.raises(ExportError, match=r"Received: jit_compile \(needs XLA\)\."):
        check_portable(tmp_path)


def test_calls_of_python_are_named(tmp_path):
    module = tf.Module()
    module.serve = tf.function(
        lambda x: {"y": tf.numpy_function(str.upper, [x], tf.string)},
        input_signature=[tf.TensorSpec([], tf.string)],
    )
    tf.saved_model.save(module, str(tmp_path), signatures=module.serve)
    with pytest.raises(ExportError, match=r"PyFunc \(calls Python\)"):
        check_portable(tmp_path)


def test_operations_of_tensorflow_text_are_known_or_listed_as_newer():
    before = set(dir(tf.raw_ops))
    pytest.importorskip("tensorflow_text")
    from tensorflow.python.framework import op_def_registry

    for name in server_ops.TEXT_OPS:
        assert op_def_registry.get(name) is not None, name
        assert name not in before


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
