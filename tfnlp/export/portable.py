"""Keeps artefacts free of what only the exporting machine can run (trap T7).

Keras picks cuDNN for LSTM and GRU when a graph is traced on a machine with a GPU;
such a graph loads nowhere else. The layers are told not to while the signatures
are traced, and the finished graph is searched.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import keras
from tensorflow.core.protobuf import saved_model_pb2

from tfnlp.errors import ExportError

_BOUND_TO_A_DEVICE = ("Cudnn", "Xla")


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
    """Raises if a SavedModel holds an operation that needs the exporting device.

    Raises:
        ExportError: names the operations.
    """
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((folder / "saved_model.pb").read_bytes())
    graph = saved.meta_graphs[0].graph_def
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    bound = sorted({n.op for n in nodes if n.op.startswith(_BOUND_TO_A_DEVICE)})
    if bound:
        raise ExportError(
            "An artefact may only hold operations that run on any machine. "
            f"Received: {', '.join(bound)}. Build the layers with use_cudnn=False "
            "and without jit_compile."
        )


def _flat(model: keras.Model) -> list[keras.Layer]:
    return list(model._flatten_layers())
