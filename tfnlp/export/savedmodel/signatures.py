"""What an artefact can be asked: the signatures of a SavedModel, read from its file.

Nothing is loaded but the file itself, so that this takes no time and no memory.
"""

from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from tfnlp.errors import ArtefactError

_PREDICT = "tensorflow/serving/predict"


class Signature(NamedTuple):
    """One way to ask: names and types of fields, types as in ``string [B]``."""

    inputs: dict[str, str]
    outputs: dict[str, str]
    defaults: dict[str, Any]
    """Fields of `inputs` that a gRPC request may leave out → what they are then."""

    def types(self) -> dict[str, str]:
        """Field of `inputs` → type, without a shape."""
        return {name: kind.split()[0] for name, kind in self.inputs.items()}


def read(folder: Path) -> dict[str, Signature]:
    """The signatures of a version, ``serving_default`` first, fields by name.

    Raises:
        ArtefactError: the folder has no SavedModel, or a damaged one.
    """
    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString((folder / "saved_model.pb").read_bytes())
        found = saved.meta_graphs[0].signature_def
    except (OSError, DecodeError, IndexError) as error:
        raise ArtefactError(
            "A version is a folder with the file saved_model.pb. "
            f"Received: {folder}: {error}. Copy the whole folder again."
        ) from error
    named = {n: each for n, each in found.items() if each.method_name == _PREDICT}
    order = sorted(named, key=lambda name: (name != "serving_default", name))
    return {name: _signature(named[name]) for name in order}


def _signature(found: Any) -> Signature:
    return Signature(
        inputs={name: _kind(found.inputs[name]) for name in sorted(found.inputs)},
        outputs={name: _kind(found.outputs[name]) for name in sorted(found.outputs)},
        defaults={
            name: _value(found.defaults[name]) for name in sorted(found.defaults)
        },
    )


def _kind(info: Any) -> str:
    """A type and a shape, in words: the first dimension is that of the rows."""
    sizes = [dim.size for dim in info.tensor_shape.dim]
    rest = ["?" if size < 0 else str(size) for size in sizes[1:]]
    shape = "[?]" if info.tensor_shape.unknown_rank else f"[{', '.join(['B', *rest])}]"
    return f"{tf.as_dtype(info.dtype).name} {shape}"


def _value(tensor: Any) -> Any:
    value = tf.make_ndarray(tensor).item()
    if isinstance(value, float):
        return float(f"{value:.7g}")  # 0.9, not what float32 makes of it
    return value.decode("utf-8") if isinstance(value, bytes) else value
