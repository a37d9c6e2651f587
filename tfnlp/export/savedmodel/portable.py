"""Keeps artefacts free of what only the exporting machine can run (trap T7).

Keras picks cuDNN for LSTM and GRU when a graph is traced on a machine with a GPU;
such a graph loads nowhere else. The layers are told not to while the signatures
are traced, and the finished graph is searched: for operations of one kind of device,
for Python, and for what TF Serving does not know.
"""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import keras
from tensorflow.core.protobuf import saved_model_pb2

from tfnlp.errors import ExportError
from tfnlp.export.savedmodel import server_ops

_DEVICES = ("Cudnn", "_Cudnn", "Xla", "_Xla", "TPU", "_TPU")
_PYTHON = ("PyFunc", "PyFuncStateless", "EagerPyFunc")
_COMPILED = "_XlaMustCompile"
"""What jit_compile=True leaves on a function; TF Serving is started without XLA."""


@contextlib.contextmanager
def without_cudnn(model: keras.Model) -> Iterator[None]:
    """Switches cuDNN off in every recurrent layer, and back to what it was."""
    layers = [layer for layer in _flat(model) if hasattr(layer, "use_cudnn")]
    before = [layer.use_cudnn for layer in layers]
    for layer in layers:
        layer.use_cudnn = False
    try:
        yield
    finally:
        for layer, choice in zip(layers, before, strict=True):
            layer.use_cudnn = choice


def check_portable(folder: Path) -> None:
    """Raises if a SavedModel holds what not every machine and server can run.

    Raises:
        ExportError: names what it is, and why.
    """
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((folder / "saved_model.pb").read_bytes())
    found = sorted({o for meta in saved.meta_graphs for o in _offences(meta.graph_def)})
    if found:
        raise ExportError(
            "An artefact may only hold operations that run on any machine and that "
            f"TF Serving 2.19 and 2.20 know. Received: {', '.join(found)}. Build the "
            "layers with use_cudnn=False and without jit_compile, and write the rest "
            "with operations of TensorFlow or tensorflow-text."
        )


def _offences(graph: Any) -> Iterator[str]:
    """What is wrong with the operations of a graph and of its functions."""
    yield from _of_nodes(graph.node)
    for function in graph.library.function:
        yield from _of_nodes(function.node_def)
        if _is_compiled(function):
            yield "jit_compile (needs XLA)"


def _of_nodes(nodes: Iterable[Any]) -> Iterator[str]:
    for node in nodes:
        if node.op.startswith(_DEVICES):
            yield f"{node.op} (needs one kind of device)"
        elif node.op in _PYTHON:
            yield f"{node.op} (calls Python)"
        elif not server_ops.is_known(node.op):
            yield f"{node.op} (unknown to TF Serving)"
        elif _is_compiled(node):
            yield "jit_compile (needs XLA)"
        else:
            yield from (f"{node.op}.{name} (too new)" for name in _newer(node))


def _newer(node: Any) -> Iterator[str]:
    """Attributes of a node that, or the types in them, are newer than the servers."""
    unknown = server_ops.NEWER_ATTRIBUTES.get(node.op, ())
    for name, value in node.attr.items():
        newer = server_ops.NEWER_TYPES.get((node.op, name))
        if name in unknown or (newer is not None and value.type == newer):
            yield name


def _is_compiled(thing: Any) -> bool:
    return _COMPILED in thing.attr and thing.attr[_COMPILED].b


def _flat(model: keras.Model) -> list[keras.Layer]:
    return list(model._flatten_layers())
