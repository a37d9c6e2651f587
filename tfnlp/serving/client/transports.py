"""How a request gets to a server: by REST, by gRPC, or to the artefact in this process.

A transport tells what may be asked and asks it, once; what fails is a `Refusal`.
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
from tfnlp.serving.protocol.status import CODES, HTTP, Refusal, invalid, name_of
from tfnlp.task import Columns

Request = Mapping[str, tf.Tensor]
Definitions = dict[str, meta_graph_pb2.SignatureDef]
_CODE_OF_HTTP = {status: code for code, status in reversed(HTTP.items())}


class Transport(Protocol):
    """Asks one artefact."""

    def definitions(self, seconds: float) -> Definitions:
        """Its signatures, by name."""

    def ask(self, endpoint: str, request: Request, seconds: float) -> Columns:
        """Answers one request, within a time."""

    async def ask_async(
        self, endpoint: str, request: Request, seconds: float
    ) -> Columns:
        """Answers one request without blocking others."""

    def close(self) -> None:
        """Lets connections go."""


class InProcess:
    """An artefact that is loaded here.

    Args:
        path: of the artefact, or of one of its versions.
    """

    def __init__(self, path: Path):
        self.predictor: Predictor = load(path)

    def definitions(self, seconds: float) -> Definitions:
        """What saved_model.pb says."""
        return self.predictor.definitions

    def ask(self, endpoint: str, request: Request, seconds: float) -> Columns:
        """Runs the graph."""
        try:
            return self.predictor.ask(endpoint, request)
        except RequestError as error:
            raise invalid(str(error)) from error

    async def ask_async(
        self, endpoint: str, request: Request, seconds: float
    ) -> Columns:
        """Runs the graph in a thread."""
        return await asyncio.to_thread(self.ask, endpoint, request, seconds)

    def close(self) -> None:
        """Nothing is open."""


class Rest:
    """A model behind TF Serving's REST interface.

    Args:
        target: where it is.
        token: for ``Authorization: Bearer``, or "".
        authority: PEM file of who signed its certificate; None trusts the system's.
    """

    def __init__(
        self, target: Target, *, token: str = "", authority: Path | None = None
    ):
        import httpx  # of the extra `serve`

        self._url, self._httpx = target.url, httpx
        verify: Any = True
        if authority is not None:
            verify = httpx.create_ssl_context(verify=str(authority))
        self._settings: dict[str, Any] = {
            "headers": {"Authorization": f"Bearer {token}"} if token else {},
            "verify": verify,
        }
        self._client = httpx.Client(**self._settings)
        self._outputs: dict[str, dict[str, tf.TensorSpec]] = {}

    def definitions(self, seconds: float) -> Definitions:
        """What the address ``…/metadata`` tells."""
        metadata = self._read(self._get(f"{self._url}/metadata", seconds))
        try:
            signatures = metadata["metadata"]["signature_def"]["signature_def"]
            found = {
                name: json_format.ParseDict(
                    told,
                    meta_graph_pb2.SignatureDef(),
                    ignore_unknown_fields=True,
                )
                for name, told in signatures.items()
            }
        except (KeyError, TypeError, json_format.ParseError) as error:
            raise Refusal(
                "UNKNOWN", f"{self._url}/metadata tells of no signatures: {error}"
            ) from error
        self._outputs = {name: specs(each.outputs) for name, each in found.items()}
        return found

    def ask(self, endpoint: str, request: Request, seconds: float) -> Columns:
        """Asks in columns, which hold as much in fewer bytes than rows."""
        body = _body(endpoint, request)
        try:
            answer = self._client.post(
                f"{self._url}:predict", content=body, timeout=seconds
            )
        except self._httpx.HTTPError as error:
            raise self._failed(error) from error
        return self._columns(endpoint, self._read(answer))

    async def ask_async(
        self, endpoint: str, request: Request, seconds: float
    ) -> Columns:
        """The same without blocking: each call has a connection of its own."""
        body = _body(endpoint, request)
        async with self._httpx.AsyncClient(**self._settings) as client:
            try:
                answer = await client.post(
                    f"{self._url}:predict", content=body, timeout=seconds
                )
            except self._httpx.HTTPError as error:
                raise self._failed(error) from error
        return self._columns(endpoint, self._read(answer))

    def close(self) -> None:
        """Closes connections that are kept."""
        self._client.close()

    def _get(self, url: str, seconds: float) -> Any:
        try:
            return self._client.get(url, timeout=seconds)
        except self._httpx.HTTPError as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> Refusal:
        late = isinstance(error, self._httpx.TimeoutException)
        code = "DEADLINE_EXCEEDED" if late else "UNAVAILABLE"
        return Refusal(code, f"{self._url}: {error or type(error).__name__}")

    def _read(self, answer: Any) -> dict[str, Any]:
        """The object that was answered, or what it says is wrong."""
        try:
            found = json.loads(answer.content)
        except ValueError:
            found = None
        if answer.status_code == HTTP["OK"] and isinstance(found, dict):
            return found
        told = found.get("error") if isinstance(found, dict) else None
        code = _CODE_OF_HTTP.get(answer.status_code, "UNKNOWN")
        raise Refusal(code, str(told or f"{self._url}: HTTP {answer.status_code}"))

    def _columns(self, endpoint: str, told: dict[str, Any]) -> Columns:
        outputs, found = self._outputs[endpoint], told.get("outputs")
        if len(outputs) == 1:
            found = {next(iter(outputs)): found}
        if not isinstance(found, dict) or found.keys() != outputs.keys():
            raise Refusal("UNKNOWN", f"{self._url} answered without {list(outputs)}")
        return {name: _array(found[name], spec) for name, spec in outputs.items()}


class Grpc:
    """A model behind TF Serving's gRPC interface; arguments as of `Rest`."""

    def __init__(
        self, target: Target, *, token: str = "", authority: Path | None = None
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
            roots = authority.read_bytes() if authority else None
            self._credentials = grpc.ssl_channel_credentials(roots)
        self._channel = self._open(grpc)
        self._stub = self._stub_of(self._channel)

    def definitions(self, seconds: float) -> Definitions:
        """What GetModelMetadata tells."""
        request = self._metadata.GetModelMetadataRequest(
            metadata_field=["signature_def"]
        )
        self._name(request.model_spec)
        answer = self._call(self._stub.GetModelMetadata, request, seconds)
        found = self._metadata.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(found)
        return dict(found.signature_def)

    def ask(self, endpoint: str, request: Request, seconds: float) -> Columns:
        """Asks Predict."""
        message = self._message(endpoint, request)
        return _arrays(self._call(self._stub.Predict, message, seconds))

    async def ask_async(
        self, endpoint: str, request: Request, seconds: float
    ) -> Columns:
        """Asks Predict without blocking: each call has a channel of its own."""
        message = self._message(endpoint, request)
        async with self._open(self._grpc.aio) as channel:
            try:
                answer = await self._stub_of(channel).Predict(
                    message, timeout=seconds, metadata=self._sent
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

    def _call(self, method: Any, message: Any, seconds: float) -> Any:
        try:
            return method(message, timeout=seconds, metadata=self._sent)
        except self._grpc.RpcError as error:
            raise self._failed(error) from error

    def _failed(self, error: Any) -> Refusal:
        code = name_of(error.code().value[0])
        return Refusal(code if code in CODES else "UNKNOWN", error.details() or code)


def open_transport(
    target: Target | Path, *, token: str = "", authority: Path | None = None
) -> Transport:
    """What asks a target.

    Raises:
        ArtefactError: a folder is no artefact.
        TfnlpError: the extra `serve` is not installed, or `onnx` for a network.onnx.
    """
    if isinstance(target, Path):
        folder = onnx_folder(target)
        return InProcess(target) if folder is None else Onnx(folder)
    kind = Rest if target.kind == "rest" else Grpc
    try:
        return kind(target, token=token, authority=authority)
    except ImportError as error:
        raise TfnlpError(
            f"Asking a server needs the extra `serve`. Received: {error}. "
            "Run `pip install 'tfnlp[serve]'`."
        ) from error


def _body(endpoint: str, request: Request) -> bytes:
    """A request in columns; all text goes as base64 that is no UTF-8."""
    inputs = {name: _told(column.numpy()) for name, column in request.items()}
    document = {"signature_name": endpoint, "inputs": inputs}
    return json.dumps(document).encode()


def _told(column: np.ndarray) -> Any:
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


def _array(told: Any, spec: tf.TensorSpec) -> np.ndarray:
    """A column as it left the graph; lists of no rows have the shape of the output."""
    found = array(told, spec.dtype)
    if not found.size and spec.shape.rank and found.ndim != spec.shape.rank:
        found = found.reshape([size or 0 for size in spec.shape])
    return found


def _arrays(answer: Any) -> Columns:
    return {
        name: tensor_protos.array(name, column)
        for name, column in answer.outputs.items()
    }
