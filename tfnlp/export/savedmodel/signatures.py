"""SavedModel signatures, read from `saved_model.pb` without loading the model.

The only reader of that file.
"""

from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from tfnlp.errors import ArtefactError

_PREDICT = "tensorflow/serving/predict"


class SignatureSummary(NamedTuple):
    """Inputs and outputs of a signature: name → type such as ``string [B]``."""

    inputs: dict[str, str]
    outputs: dict[str, str]
    defaults: dict[str, Any]
    """Optional fields of `inputs` → default value."""

    def types(self) -> dict[str, str]:
        """Field of `inputs` → type, without the shape."""
        return {name: kind.split()[0] for name, kind in self.inputs.items()}


def parse(folder: Path) -> saved_model_pb2.SavedModel:
    """Parses `saved_model.pb`.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString((folder / "saved_model.pb").read_bytes())
    except DecodeError as error:
        raise ValueError("saved_model.pb is damaged") from error
    return saved


def read_definitions(folder: Path) -> dict[str, meta_graph_pb2.SignatureDef]:
    """Reads the SignatureDefs of a SavedModel, by name.

    Raises:
        OSError: `saved_model.pb` cannot be read.
        ValueError: it is damaged, or has no graph for serving.
    """
    for graph in parse(folder).meta_graphs:
        if "serve" in graph.meta_info_def.tags:
            found = dict(graph.signature_def)
            found.pop("__saved_model_init_op", None)
            return found
    raise ValueError("saved_model.pb has no graph with the tag 'serve'")


def read(folder: Path) -> dict[str, SignatureSummary]:
    """Summarizes the signatures of a version, ``serving_default`` first.

    Raises:
        ArtefactError: the folder has no SavedModel, or a damaged one.
    """
    try:
        found = read_definitions(folder)
    except (OSError, ValueError) as error:
        raise ArtefactError(
            "A version is a folder with the file saved_model.pb. "
            f"Received: {folder}: {error}. Copy the whole folder again."
        ) from error
    named = {n: each for n, each in found.items() if each.method_name == _PREDICT}
    order = sorted(named, key=lambda name: (name != "serving_default", name))
    return {name: _summary(named[name]) for name in order}


def _summary(found: Any) -> SignatureSummary:
    return SignatureSummary(
        inputs={name: _kind(found.inputs[name]) for name in sorted(found.inputs)},
        outputs={name: _kind(found.outputs[name]) for name in sorted(found.outputs)},
        defaults={
            name: _value(found.defaults[name]) for name in sorted(found.defaults)
        },
    )


def _kind(info: Any) -> str:
    """Type and shape as text; B is the batch dimension."""
    sizes = [dim.size for dim in info.tensor_shape.dim]
    rest = ["?" if size < 0 else str(size) for size in sizes[1:]]
    shape = "[?]" if info.tensor_shape.unknown_rank else f"[{', '.join(['B', *rest])}]"
    return f"{tf.as_dtype(info.dtype).name} {shape}"


def _value(tensor: Any) -> Any:
    value = tf.make_ndarray(tensor).item()
    if isinstance(value, float):
        return float(f"{value:.7g}")  # 0.9, not its float32 digits
    return value.decode("utf-8") if isinstance(value, bytes) else value
