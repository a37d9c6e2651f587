"""Requests as they arrive at a server, answered: bytes of JSON in, bytes out.

What REST and gRPC share: which version a request means, and what is said of models.
Everything here may block, and runs in a thread of its own for each request.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from tfnlp.serving.protocol import example_protos, rest_json
from tfnlp.serving.protocol.status import CODES, invalid
from tfnlp.serving.server.loaded_model import Served
from tfnlp.serving.server.model_manager import Models

METADATA = "signature_def"
"""The one kind of metadata that TF Serving tells."""


def answer(method: str, served: Served, body: bytes) -> bytes:
    """Answers the body of a request to ``predict``, ``classify`` or ``regress``.

    Raises:
        Refusal: the request does not fit, or the graph says no.
    """
    document = rest_json.parsed(body)
    name = rest_json.signature_name(document)
    if method == "predict":
        return _predicted(served, name, document)
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
    models: Models, name: str, *, version: int | None = None, label: str = ""
) -> get_model_status_pb2.GetModelStatusResponse:
    """How far the versions of a model are.

    Raises:
        Refusal: there is no such model, version or label.
    """
    response = get_model_status_pb2.GetModelStatusResponse()
    known = models.statuses(name, version=version, label=label)
    for number, state, refusal in known:
        each = response.model_version_status.add(version=number, state=state)
        if refusal is not None:
            each.status.error_code = CODES[refusal.code]
            each.status.error_message = refusal.message
        else:
            each.status.error_code = CODES["OK"]
    return response


def metadata(served: Served) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """What a version can be asked: its signatures."""
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = served.name
    response.model_spec.version.value = served.number
    response.metadata[METADATA].Pack(_definitions(served))
    return response


def status_json(response: get_model_status_pb2.GetModelStatusResponse) -> bytes:
    """`status` as REST tells it."""
    return rest_json.written(_dictionary(response))


def metadata_json(served: Served) -> bytes:
    """`metadata` as REST tells it."""
    spec = {"name": served.name, "signature_name": "", "version": str(served.number)}
    found = {METADATA: _dictionary(_definitions(served))}
    return rest_json.written({"model_spec": spec, "metadata": found})


def _predicted(served: Served, name: str, document: Mapping[str, Any]) -> bytes:
    signature = served.signature(name)
    if signature is None:
        raise invalid(
            f'Serving signature name: "{name or "serving_default"}" not found in '
            "signature def"
        )
    columns, by_row = rest_json.columns(document, signature.fields, signature.defaults)
    return rest_json.predictions(served.predict(name, columns), by_row=by_row)


def _definitions(served: Served) -> get_model_metadata_pb2.SignatureDefMap:
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
