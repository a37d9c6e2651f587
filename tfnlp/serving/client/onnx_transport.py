"""Asks the ONNX form of an artefact: ONNX Runtime computes what Keras did."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from tfnlp.errors import ArtefactError, UsageError
from tfnlp.export.format_parity import arrays, matched, takes_a_function
from tfnlp.export.onnx.runtime import OnnxNetwork
from tfnlp.export.savedmodel.servable import function
from tfnlp.export.savedmodel.versions import versions
from tfnlp.saving import from_json
from tfnlp.serving.protocol.signatures import refused
from tfnlp.task import Columns, Endpoint
from tfnlp.text.optional_packages import register

NETWORK = "network.onnx"


def onnx_folder(path: Path) -> Path | None:
    """The folder with a `network.onnx` that a path means, or None.

    A path is the file itself, its folder, or ``saved_models/NAME/onnx`` for the newest.

    Raises:
        UsageError: it is another file of ONNX.
    """
    if path.name == NETWORK:
        return path.parent
    if path.suffix == ".onnx" and path.exists():
        raise UsageError(
            f"A client asks {NETWORK} and the text half of its task. Received: {path}. "
            f"Pass {str(path.parent)!r}; other runtimes ask {path.name} themselves, as "
            "docs/serving.md shows."
        )
    for folder in (path, *(path / str(n) for n in versions(path)[-1:])):
        if (folder / NETWORK).exists():
            return folder
    return None


class Onnx:
    """The text half of a task, and its network in ONNX Runtime.

    Args:
        folder: that `tfnlp export --format onnx` wrote.

    Raises:
        ArtefactError: a file is missing or damaged, or the task answers by more than
            one run of its network.
        UsageError: ONNX Runtime is not installed.
    """

    def __init__(self, folder: Path):
        try:
            text = (folder / "task.json").read_text("utf-8")
            fields = json.loads((folder / "export.json").read_bytes())["endpoints"]
            register(text)
            task = from_json(text)
        except (OSError, ValueError, TypeError, LookupError) as error:
            raise ArtefactError(
                f"{folder} must hold the task.json and export.json that belong to "
                f"{NETWORK}. Received: {error}. Run `tfnlp export --format onnx` again."
            ) from error
        if not takes_a_function(task):
            raise ArtefactError(
                "ONNX answers what takes one run of a network. Received: "
                f"{folder} of a {type(task).__name__}, whose texts are generated token "
                "by token. Ask the SavedModel."
            )
        network = OnnxNetwork(folder / NETWORK)
        self._endpoints = matched(task, fields)
        self._graphs = {
            name: function(endpoint, network).get_concrete_function()
            for name, endpoint in self._endpoints.items()
        }

    def definitions(self, seconds: float) -> dict[str, meta_graph_pb2.SignatureDef]:
        """The signatures of the SavedModel that the network was exported from."""
        return {
            name: _definition(endpoint, self._graphs[name].structured_outputs)
            for name, endpoint in self._endpoints.items()
        }

    def ask(
        self, endpoint: str, request: Mapping[str, tf.Tensor], seconds: float
    ) -> Columns:
        """Encodes, runs ONNX Runtime and decodes."""
        asked = self._endpoints[endpoint]
        rows = len(next(iter(request.values())))
        left_out = {
            name: tf.constant([value] * rows, asked.inputs[name].dtype)
            for name, value in asked.defaults.items()
        }
        try:
            return arrays(self._graphs[endpoint](**{**left_out, **request}))
        except tf.errors.OpError as error:
            raise refused(error) from error

    async def ask_async(
        self, endpoint: str, request: Mapping[str, tf.Tensor], seconds: float
    ) -> Columns:
        """The same in a thread."""
        return await asyncio.to_thread(self.ask, endpoint, request, seconds)

    def close(self) -> None:
        """Nothing is open."""


def _definition(
    endpoint: Endpoint, outputs: Mapping[str, tf.TensorSpec]
) -> meta_graph_pb2.SignatureDef:
    """What saved_model.pb would say of an endpoint."""
    found = meta_graph_pb2.SignatureDef()
    for infos, specs in ((found.inputs, endpoint.inputs), (found.outputs, outputs)):
        for name, spec in specs.items():
            infos[name].name = name
            infos[name].dtype = spec.dtype.as_datatype_enum
            infos[name].tensor_shape.CopyFrom(spec.shape.as_proto())
    for name, value in endpoint.defaults.items():
        dtype = endpoint.inputs[name].dtype
        found.defaults[name].CopyFrom(tf.make_tensor_proto([value], dtype))
    return found
