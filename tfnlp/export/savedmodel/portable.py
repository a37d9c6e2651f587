"""Portability check: exported graphs must run on any machine and in TF Serving.

Keras selects cuDNN for LSTM and GRU when a graph is traced on a machine with a GPU;
such a graph loads nowhere else (docs/traps.md#t7). cuDNN is switched off while
signatures are traced, and the finished graph is searched for device-specific
operations, calls of Python, and operations that TF Serving lacks.
"""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import keras

from tfnlp.errors import ExportError
from tfnlp.export.savedmodel import server_ops, signatures

_DEVICES = ("Cudnn", "_Cudnn", "Xla", "_Xla", "TPU", "_TPU")
_PYTHON = ("PyFunc", "PyFuncStateless", "EagerPyFunc")
_COMPILED = "_XlaMustCompile"
"""Attribute that jit_compile=True sets; TF Serving runs without XLA."""


@contextlib.contextmanager
def without_cudnn(model: keras.Model) -> Iterator[None]:
    """Disables cuDNN in every recurrent layer, and restores the setting afterwards."""
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
    """Raises if a SavedModel holds operations that are not portable.

    Raises:
        ExportError: names the operations and the reasons.
    """
    saved = signatures.parse(folder)
    found = sorted({o for meta in saved.meta_graphs for o in _offences(meta.graph_def)})
    if found:
        raise ExportError(
            "An artefact may only hold operations that run on any machine and that "
            f"TF Serving 2.19 and 2.20 know. Received: {', '.join(found)}. Build the "
            "layers with use_cudnn=False and without jit_compile, and write the rest "
            "with operations of TensorFlow or tensorflow-text."
        )


def _offences(graph: Any) -> Iterator[str]:
    """Operations of a graph and its functions that are not portable, with reasons."""
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
    """Attributes of a node that the servers lack, or whose type they lack."""
    unknown = server_ops.NEWER_ATTRIBUTES.get(node.op, ())
    for name, value in node.attr.items():
        newer = server_ops.NEWER_TYPES.get((node.op, name))
        if name in unknown or (newer is not None and value.type == newer):
            yield name


def _is_compiled(thing: Any) -> bool:
    return _COMPILED in thing.attr and thing.attr[_COMPILED].b


def _flat(model: keras.Model) -> list[keras.Layer]:
    return list(model._flatten_layers())
