"""Transports of a client: REST, gRPC, or the artefact in this process.

A transport reports the signatures of an artefact and sends one request, without
retries; failures are raised as `StatusError`.
"""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import meta_graph_pb2

from tfnlp.errors import RequestError, TfnlpError
from tfnlp.serving.client.address import Target
from tfnlp.serving.client.onnx_transport import Onnx, onnx_folder
from tfnlp.serving.client.predictor import Predictor, load
from tfnlp.serving.protocol import tensor_protos
from tfnlp.serving.protocol.json_tensors import array, plain
from tfnlp.serving.protocol.signatures import specs
from tfnlp.serving.protocol.status import CODES, HTTP, StatusError, invalid, name_of
from tfnlp.task import Arrays

Request = Mapping[str, tf.Tensor]
Definitions = dict[str, meta_graph_pb2.SignatureDef]
_CODE_OF_HTTP = {status: code for code, status in reversed(HTTP.items())}


class Transport(Protocol):
    """Sends requests to one artefact."""

    def definitions(self, timeout: float) -> Definitions:
        """Its SignatureDefs, by name."""

    def send(self, endpoint: str, request: Request, timeout: float) -> Arrays:
        """Sends one request; `timeout` is in seconds."""

    async def send_async(
        self, endpoint: str, request: Request, timeout: float
    ) -> Arrays:
        """Like `send`, without blocking the event loop."""

    def close(self) -> None:
        """Closes connections."""


class InProcess:
    """Runs an artefact that is loaded in this process.

    Args:
        path: of the artefact, or of one of its versions.
    """

    def __init__(self, path: Path):
        self.predictor: Predictor = load(path)

    def definitions(self, timeout: float) -> Definitions:
        """The SignatureDefs of saved_model.pb."""
        return self.predictor.definitions

    def send(self, endpoint: str, request: Request, timeout: float) -> Arrays:
        """Runs the graph."""
        try:
            return self.predictor.run(endpoint, request)
        except RequestError as error:
            raise invalid(str(error)) from error

    async def send_async(
        self, endpoint: str, request: Request, timeout: float
    ) -> Arrays:
        """Runs the graph in a thread."""
        return await asyncio.to_thread(self.send, endpoint, request, timeout)

    def close(self) -> None:
        """Does nothing: there is no connection."""


class Rest:
    """Sends requests to TF Serving's REST API.

    Args:
        target: address of the model.
        token: for ``Authorization: Bearer``, or "".
        root_certificates: PEM file of the certificate authority; None uses those that
            the system trusts.
    """

    def __init__(
        self, target: Target, *, token: str = "", root_certificates: Path | None = None
    ):
        import httpx  # of the extra `serve`

        self._url, self._httpx = target.url, httpx
        verify: Any = True
        if root_certificates is not None:
            verify = httpx.create_ssl_context(verify=str(root_certificates))
        self._settings: dict[str, Any] = {
            "headers": {"Authorization": f"Bearer {token}"} if token else {},
            "verify": verify,
        }
        self._client = httpx.Client(**self._settings)
        self._outputs: dict[str, dict[str, tf.TensorSpec]] = {}

    def definitions(self, timeout: float) -> Definitions:
        """The SignatureDefs that ``…/metadata`` returns."""
        metadata = self._read(self._get(f"{self._url}/metadata", timeout))
        try:
            signatures = metadata["metadata"]["signature_def"]["signature_def"]
            found = {
                name: json_format.ParseDict(
                    signature,
                    meta_graph_pb2.SignatureDef(),
                    ignore_unknown_fields=True,
                )
                for name, signature in signatures.items()
            }
        except (KeyError, TypeError, json_format.ParseError) as error:
            raise StatusError(
                "UNKNOWN", f"{self._url}/metadata returned no signatures: {error}"
            ) from error
        self._outputs = {name: specs(each.outputs) for name, each in found.items()}
        return found

    def send(self, endpoint: str, request: Request, timeout: float) -> Arrays:
        """Posts columns, which take fewer bytes than rows."""
        body = _body(endpoint, request)
        try:
            answer = self._client.post(
                f"{self._url}:predict", content=body, timeout=timeout
            )
        except self._httpx.HTTPError as error:
            raise self._failed(error) from error
        return self._columns(endpoint, self._read(answer))

    async def send_async(
        self, endpoint: str, request: Request, timeout: float
    ) -> Arrays:
        """Like `send`, with a connection of its own for each call."""
        body = _body(endpoint, request)
        async with self._httpx.AsyncClient(**self._settings) as client:
            try:
                answer = await client.post(
                    f"{self._url}:predict", content=body, timeout=timeout
                )
            except self._httpx.HTTPError as error:
                raise self._failed(error) from error
        return self._columns(endpoint, self._read(answer))

    def close(self) -> None:
        """Closes the connection pool."""
        self._client.close()

    def _get(self, url: str, timeout: float) -> Any:
        try:
            return self._client.get(url, timeout=timeout)
        except self._httpx.HTTPError as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> StatusError:
        late = isinstance(error, self._httpx.TimeoutException)
        code = "DEADLINE_EXCEEDED" if late else "UNAVAILABLE"
        return StatusError(code, f"{self._url}: {error or type(error).__name__}")

    def _read(self, answer: Any) -> dict[str, Any]:
        """The JSON object of a response; raises its error otherwise."""
        try:
            found = json.loads(answer.content)
        except ValueError:
            found = None
        if answer.status_code == HTTP["OK"] and isinstance(found, dict):
            return found
        reason = found.get("error") if isinstance(found, dict) else None
        code = _CODE_OF_HTTP.get(answer.status_code, "UNKNOWN")
        message = str(reason or f"{self._url}: HTTP {answer.status_code}")
        raise StatusError(code, message)

    def _columns(self, endpoint: str, body: dict[str, Any]) -> Arrays:
        outputs, found = self._outputs[endpoint], body.get("outputs")
        if len(outputs) == 1:
            found = {next(iter(outputs)): found}
        if not isinstance(found, dict) or found.keys() != outputs.keys():
            raise StatusError(
                "UNKNOWN", f"{self._url} answered without {list(outputs)}"
            )
        return {name: _array(found[name], spec) for name, spec in outputs.items()}


class Grpc:
    """Sends requests to TF Serving's gRPC API; arguments as in `Rest`."""

    def __init__(
        self, target: Target, *, token: str = "", root_certificates: Path | None = None
    ):
        import grpc  # of the extra `serve`
        from tensorflow_serving.apis import (
            get_model_metadata_pb2,
            predict_pb2,
            prediction_service_pb2_grpc,
        )

        self._target, self._grpc = target, grpc
        self._predict, self._metadata = predict_pb2, get_model_metadata_pb2
        self._stub_of = prediction_service_pb2_grpc.PredictionServiceStub
        self._sent = [("authorization", f"Bearer {token}")] if token else []
        self._options = [("grpc.max_receive_message_length", -1)]
        self._credentials = None
        if target.encrypted:
            roots = root_certificates.read_bytes() if root_certificates else None
            self._credentials = grpc.ssl_channel_credentials(roots)
        self._channel = self._open(grpc)
        self._stub = self._stub_of(self._channel)

    def definitions(self, timeout: float) -> Definitions:
        """The SignatureDefs that GetModelMetadata returns."""
        request = self._metadata.GetModelMetadataRequest(
            metadata_field=["signature_def"]
        )
        self._name(request.model_spec)
        answer = self._call(self._stub.GetModelMetadata, request, timeout)
        found = self._metadata.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(found)
        return dict(found.signature_def)

    def send(self, endpoint: str, request: Request, timeout: float) -> Arrays:
        """Calls Predict."""
        message = self._message(endpoint, request)
        return _arrays(self._call(self._stub.Predict, message, timeout))

    async def send_async(
        self, endpoint: str, request: Request, timeout: float
    ) -> Arrays:
        """Like `send`, with a channel of its own for each call."""
        message = self._message(endpoint, request)
        async with self._open(self._grpc.aio) as channel:
            try:
                answer = await self._stub_of(channel).Predict(
                    message, timeout=timeout, metadata=self._sent
                )
            except self._grpc.RpcError as error:
                raise self._failed(error) from error
        return _arrays(answer)

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    def _open(self, module: Any) -> Any:
        host, options = self._target.host, self._options
        if self._credentials is None:
            return module.insecure_channel(host, options=options)
        return module.secure_channel(host, self._credentials, options=options)

    def _name(self, spec: Any) -> None:
        spec.name, spec.version_label = self._target.name, self._target.label
        if self._target.version is not None and not self._target.label:
            spec.version.value = self._target.version

    def _message(self, endpoint: str, request: Request) -> Any:
        message = self._predict.PredictRequest()
        self._name(message.model_spec)
        message.model_spec.signature_name = endpoint
        for name, column in request.items():
            message.inputs[name].CopyFrom(tf.make_tensor_proto(column.numpy()))
        return message

    def _call(self, method: Any, message: Any, timeout: float) -> Any:
        try:
            return method(message, timeout=timeout, metadata=self._sent)
        except self._grpc.RpcError as error:
            raise self._failed(error) from error

    def _failed(self, error: Any) -> StatusError:
        code = name_of(error.code().value[0])
        return StatusError(
            code if code in CODES else "UNKNOWN", error.details() or code
        )


def open_transport(
    target: Target | Path, *, token: str = "", root_certificates: Path | None = None
) -> Transport:
    """Opens the transport for a target.

    Raises:
        ArtefactError: a folder is no artefact.
        TfnlpError: the extra `serve` is not installed, or `onnx` for a network.onnx.
    """
    if isinstance(target, Path):
        folder = onnx_folder(target)
        return InProcess(target) if folder is None else Onnx(folder)
    kind = Rest if target.kind == "rest" else Grpc
    try:
        return kind(target, token=token, root_certificates=root_certificates)
    except ImportError as error:
        raise TfnlpError(
            f"Connecting to a server needs the extra `serve`. Received: {error}. "
            "Run `pip install 'tfnlp[serve]'`."
        ) from error


def _body(endpoint: str, request: Request) -> bytes:
    """The JSON body of a request in columns; bytes that are not UTF-8 as base64."""
    inputs = {name: _json_column(column.numpy()) for name, column in request.items()}
    document = {"signature_name": endpoint, "inputs": inputs}
    return json.dumps(document).encode()


def _json_column(column: np.ndarray) -> Any:
    if column.dtype != object:
        return plain("", column)
    return [_text(value) for value in column.tolist()]


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return [_text(each) for each in value]
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return plain("_bytes", np.array(value, object))


def _array(values: Any, spec: tf.TensorSpec) -> np.ndarray:
    """A JSON column as an array; an empty one has the rank of the output."""
    found = array(values, spec.dtype)
    if not found.size and spec.shape.rank and found.ndim != spec.shape.rank:
        found = found.reshape([size or 0 for size in spec.shape])
    return found


def _arrays(answer: Any) -> Arrays:
    return {
        name: tensor_protos.array(name, column)
        for name, column in answer.outputs.items()
    }
