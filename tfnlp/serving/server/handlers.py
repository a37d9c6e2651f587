"""Request handlers shared by REST and gRPC: predict, status and metadata.

All handlers may block; each request runs in a thread of its own.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from tfnlp.serving.protocol import example_protos, rest_json
from tfnlp.serving.protocol.status import CODES, invalid
from tfnlp.serving.server.loaded_model import LoadedModel
from tfnlp.serving.server.model_manager import ModelManager

METADATA = "signature_def"
"""The only metadata field that TF Serving supports."""


def answer(method: str, served: LoadedModel, body: bytes) -> bytes:
    """Handles the JSON body of a ``predict``, ``classify`` or ``regress`` request.

    Raises:
        StatusError: the request is invalid, or the graph rejects it.
    """
    document = rest_json.parsed(body)
    name = rest_json.signature_name(document)
    if method == "predict":
        return _predict(served, name, document)
    rows = example_protos.from_json(document)
    if method == "regress":
        return rest_json.written({"results": served.regress(name, rows)})
    return rest_json.written(
        {
            "results": [
                [[label.decode("utf-8", "replace"), score] for label, score in row]
                for row in served.classify(name, rows)
            ]
        }
    )


def status(
    models: ModelManager, name: str, *, version: int | None = None, label: str = ""
) -> get_model_status_pb2.GetModelStatusResponse:
    """Loading state of the versions of a model.

    Raises:
        StatusError: there is no such model, version or label.
    """
    response = get_model_status_pb2.GetModelStatusResponse()
    known = models.statuses(name, version=version, label=label)
    for number, state, error in known:
        each = response.model_version_status.add(version=number, state=state)
        if error is not None:
            each.status.error_code = CODES[error.code]
            each.status.error_message = error.message
        else:
            each.status.error_code = CODES["OK"]
    return response


def metadata(served: LoadedModel) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """The signatures of a version."""
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = served.name
    response.model_spec.version.value = served.number
    response.metadata[METADATA].Pack(_definitions(served))
    return response


def status_json(response: get_model_status_pb2.GetModelStatusResponse) -> bytes:
    """`status` in the JSON of REST."""
    return rest_json.written(_dictionary(response))


def metadata_json(served: LoadedModel) -> bytes:
    """`metadata` in the JSON of REST."""
    spec = {"name": served.name, "signature_name": "", "version": str(served.number)}
    found = {METADATA: _dictionary(_definitions(served))}
    return rest_json.written({"model_spec": spec, "metadata": found})


def _predict(served: LoadedModel, name: str, document: Mapping[str, Any]) -> bytes:
    signature = served.signature(name)
    if signature is None:
        raise invalid(
            f'Serving signature name: "{name or "serving_default"}" not found in '
            "signature def"
        )
    columns, by_row = rest_json.columns(document, signature.fields, signature.defaults)
    return rest_json.predictions(served.predict(name, columns), by_row=by_row)


def _definitions(served: LoadedModel) -> get_model_metadata_pb2.SignatureDefMap:
    found = get_model_metadata_pb2.SignatureDefMap()
    for name, definition in served.definitions.items():
        found.signature_def[name].CopyFrom(definition)
    return found


def _dictionary(message: Any) -> dict[str, Any]:
    return json_format.MessageToDict(
        message,
        always_print_fields_with_no_presence=True,
        preserving_proto_field_name=True,
    )
