"""Transport to the ONNX export of an artefact, run by ONNX Runtime."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from tfnlp.errors import ArtefactError, UsageError
from tfnlp.export import format_number
from tfnlp.export.format_parity import arrays, match_endpoints, needs_one_run
from tfnlp.export.onnx.runtime import OnnxNetwork
from tfnlp.export.savedmodel.servable import function
from tfnlp.export.savedmodel.versions import versions
from tfnlp.saving import from_json
from tfnlp.serving.protocol.signatures import status_error
from tfnlp.task import Arrays, Endpoint
from tfnlp.text.optional_packages import register

NETWORK = "network.onnx"


def onnx_folder(path: Path) -> Path | None:
    """Resolves a path to the folder that holds `network.onnx`, or None.

    A path is the file itself, its folder, or ``saved_models/NAME/onnx`` for the newest.

    Raises:
        UsageError: it is another ONNX file.
    """
    if path.name == NETWORK:
        return path.parent
    if path.suffix == ".onnx" and path.exists():
        raise UsageError(
            f"A client runs {NETWORK} and the text half of its task. "
            f"Received: {path}. Pass {str(path.parent)!r}; other runtimes run "
            f"{path.name} directly, as docs/serving.md shows."
        )
    for folder in (path, *(path / str(n) for n in versions(path)[-1:])):
        if (folder / NETWORK).exists():
            return folder
    return None


class Onnx:
    """Runs the text half of a task in TensorFlow and its network in ONNX Runtime.

    Args:
        folder: that `tfnlp export --format onnx` wrote.

    Raises:
        ArtefactError: a file is missing or damaged, or the task needs more than one
            run of its network per answer.
        UsageError: ONNX Runtime is not installed.
    """

    def __init__(self, folder: Path):
        format_number.read(folder)
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
        if not needs_one_run(task):
            raise ArtefactError(
                "ONNX serves tasks that need one run of the network. Received: "
                f"{folder} of a {type(task).__name__}, whose texts are generated token "
                "by token. Use the SavedModel."
            )
        network = OnnxNetwork(folder / NETWORK)
        self._endpoints = match_endpoints(task, fields)
        self._graphs = {
            name: function(endpoint, network).get_concrete_function()
            for name, endpoint in self._endpoints.items()
        }

    def definitions(self, timeout: float) -> dict[str, meta_graph_pb2.SignatureDef]:
        """The signatures of the SavedModel that the network was exported from."""
        return {
            name: _definition(endpoint, self._graphs[name].structured_outputs)
            for name, endpoint in self._endpoints.items()
        }

    def send(
        self, endpoint: str, request: Mapping[str, tf.Tensor], timeout: float
    ) -> Arrays:
        """Encodes, runs ONNX Runtime and decodes."""
        target = self._endpoints[endpoint]
        rows = len(next(iter(request.values())))
        left_out = {
            name: tf.constant([value] * rows, target.inputs[name].dtype)
            for name, value in target.defaults.items()
        }
        try:
            return arrays(self._graphs[endpoint](**{**left_out, **request}))
        except tf.errors.OpError as error:
            raise status_error(error) from error

    async def send_async(
        self, endpoint: str, request: Mapping[str, tf.Tensor], timeout: float
    ) -> Arrays:
        """The same in a thread."""
        return await asyncio.to_thread(self.send, endpoint, request, timeout)

    def close(self) -> None:
        """Does nothing: there is no connection."""


def _definition(
    endpoint: Endpoint, outputs: Mapping[str, tf.TensorSpec]
) -> meta_graph_pb2.SignatureDef:
    """The SignatureDef that saved_model.pb would hold for an endpoint."""
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
