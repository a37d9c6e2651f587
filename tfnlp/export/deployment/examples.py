"""How to ask a served artefact: curl, REST by Python alone, gRPC; and a README.

Every example asks each signature with its own fields. REST of TF Serving wants all of
them; gRPC may leave out those that have a default.
"""

import json
import pprint
import shlex
from collections.abc import Mapping
from string import Template
from typing import Any

from tfnlp.export.deployment.server_flags import (
    BATCHING,
    GRPC,
    METRICS,
    MONITORING,
    REST,
)
from tfnlp.export.savedmodel.signatures import SignatureSummary
from tfnlp.export.savedmodel.warmup import SHORT, SIZES

Signatures = Mapping[str, SignatureSummary]

_CURL = """\
#!/usr/bin/env bash
# Asks $name by REST: bash curl.sh [http://localhost:$rest]
set -euo pipefail
model="$${1:-http://localhost:$rest}/v1/models/$name"

# which versions are served, and what they take and answer
curl --fail-with-body --silent --show-error "$$model"
curl --fail-with-body --silent --show-error "$$model/metadata"
$requests

# a version or a label: "$$model/versions/1:predict", "$$model/labels/stable:predict"
"""

_CURL_REQUEST = """
# $signature
curl --fail-with-body --silent --show-error "$$model:predict" \\
  --header 'Content-Type: application/json' \\
  --data $body"""

_REST = '''\
"""Asks $name by REST, with Python alone: python rest.py [http://localhost:$rest]"""

import json
import sys
import urllib.request

SERVER = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:$rest"
URL = f"{SERVER}/v1/models/$name:predict"  # or /versions/1:predict, /labels/stable:...

# signature -> rows
REQUESTS = $requests


def ask(signature, rows):
    """The answers, one a row."""
    body = json.dumps({"signature_name": signature, "instances": rows})
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(URL, body.encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)["predictions"]


for signature, rows in REQUESTS.items():
    for answer in ask(signature, rows):
        print(signature, json.dumps(answer, ensure_ascii=False))
'''

_GRPC = '''\
"""Asks $name by gRPC: python grpc_client.py [localhost:$grpc]

Needs TensorFlow and tensorflow-serving-api: pip install 'tfnlp[serve]'
"""

import sys

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

SERVER = sys.argv[1] if len(sys.argv) > 1 else "localhost:$grpc"

# signature -> field -> (values, one a row; type)
REQUESTS = $requests


def ask(service, signature, fields):
    """The answer: name -> array, whose first axis is the row."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "$name"  # .version_label = "stable" picks a label
    request.model_spec.signature_name = signature
    for field, (values, dtype) in fields.items():
        request.inputs[field].CopyFrom(tf.make_tensor_proto(values, dtype=dtype))
    outputs = service.Predict(request, timeout=30).outputs
    return {name: tf.make_ndarray(tensor) for name, tensor in sorted(outputs.items())}


with grpc.insecure_channel(SERVER) as channel:
    service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    for signature, fields in REQUESTS.items():
        print(signature, ask(service, signature, fields))
'''

_README = """\
# $name behind TF Serving

Written by tfnlp when a version is exported. A file that was edited since is left
alone; removing it brings the next one. All of it is explained in `docs/serving.md` of
tfnlp.

| File | What for |
|---|---|
| `../models.config` | versions and labels; `tfnlp promote` and `rollback` rewrite it |
| `$batching_file` | how requests are put together |
| `$monitoring_file` | numbers for Prometheus, at `:$rest$metrics` |
| `docker-compose.yaml` | this machine: `docker compose -f docker-compose.yaml up` |
| `kubernetes.yaml` | a cluster: `kubectl apply -f kubernetes.yaml` |
| `examples/` | `bash curl.sh`, `python rest.py`, `python grpc_client.py` |

## What it answers

$signatures

REST wants every field. gRPC may leave out those with a default$alone.

$batching

## In a cluster

The versions come from the volume that `kubernetes.yaml` claims, at `/models/$name`.
Copy them there with this folder, through a pod that mounts the claim and may write; a
new version first under another name, since a server looks at numbers only:

    kubectl cp saved_models/$name POD:/models/$name
    kubectl cp saved_models/$name/2 POD:/models/$name/.new-2
    kubectl exec POD -- mv /models/$name/.new-2 /models/$name/2
    kubectl cp saved_models/$name/models.config POD:/models/$name/models.config

gRPC keeps its connections, so one client talks to one pod: balance in the client, or by
a proxy that knows HTTP/2.
"""

_BATCHING = (
    f"Rows of several requests are put into one batch; a request has {SIZES[-1]} rows "
    "at most, and all its fields are of the same length."
)
_ALONE = (
    "Requests are not put into batches, since a field that is left out comes as one "
    "value, which TF Serving can put into a batch of single rows only. If all requests "
    "have one row or all fields, add `--enable_batching=true` and "
    f"`--batching_parameters_file=.../{BATCHING}`."
)


def files(name: str, signatures: Signatures, *, batching: bool) -> dict[str, str]:
    """Path → text of the examples and the README.

    Args:
        name: of the artefact.
        signatures: what it can be asked.
        batching: whether the server puts requests together.
    """
    return {
        "README.md": readme(name, signatures, batching=batching),
        "examples/curl.sh": curl(name, signatures),
        "examples/rest.py": rest(name, signatures),
        "examples/grpc_client.py": grpc_client(name, signatures),
    }


def rows(signature: SignatureSummary) -> list[Any]:
    """Two rows as REST takes them: plain values where there is one field.

    Example:
    >>> rows(SignatureSummary({"text": "string [B]"}, {}, {}))
    ['A good film.', 'She left New York on Monday.']
    """
    columns = _columns(signature)
    if len(columns) == 1:
        return next(iter(columns.values()))
    return [
        dict(zip(columns, values, strict=True))
        for values in zip(*columns.values(), strict=True)
    ]


def curl(name: str, signatures: Signatures) -> str:
    """A shell script with one request a signature."""
    requests = "\n".join(
        Template(_CURL_REQUEST).substitute(
            signature=each,
            body=_shell({"signature_name": each, "instances": rows(signature)}),
        )
        for each, signature in signatures.items()
    )
    return Template(_CURL).substitute(name=name, rest=REST, requests=requests)


def rest(name: str, signatures: Signatures) -> str:
    """A Python script that needs no package."""
    requests = {each: rows(signature) for each, signature in signatures.items()}
    return Template(_REST).substitute(name=name, rest=REST, requests=_python(requests))


def grpc_client(name: str, signatures: Signatures) -> str:
    """A Python script that needs tensorflow-serving-api."""
    requests = {
        each: {
            field: (values, signature.types()[field])
            for field, values in _columns(signature).items()
        }
        for each, signature in signatures.items()
    }
    return Template(_GRPC).substitute(name=name, grpc=GRPC, requests=_python(requests))


def readme(name: str, signatures: Signatures, *, batching: bool) -> str:
    """What each file is for, and what can be asked."""
    listed = [_listed(each, signature) for each, signature in signatures.items()]
    return Template(_README).substitute(
        name=name,
        rest=REST,
        metrics=METRICS,
        batching_file=BATCHING,
        monitoring_file=MONITORING,
        signatures="\n\n".join(listed),
        alone="" if batching else ", and then has one value for all rows",
        batching=_BATCHING if batching else _ALONE,
    )


def _columns(signature: SignatureSummary) -> dict[str, list[Any]]:
    """Two values for each field: its default, a text, or 0."""
    texts = list(SHORT[:2])
    return {
        field: [signature.defaults[field]] * 2
        if field in signature.defaults
        else (texts if kind == "string" else [0, 0])
        for field, kind in signature.types().items()
    }


def _listed(name: str, signature: SignatureSummary) -> str:
    lines = [f"`{name}`", "", "| Field | Type | Default |", "|---|---|---|"]
    for field, kind in signature.inputs.items():
        default = signature.defaults.get(field)
        shown = "" if default is None else f"`{json.dumps(default)}`"
        lines.append(f"| `{field}` | {kind} | {shown} |")
    lines += ["", "| Answer | Type |", "|---|---|"]
    lines += [f"| `{field}` | {kind} |" for field, kind in signature.outputs.items()]
    return "\n".join(lines)


def _shell(body: Any) -> str:
    return shlex.quote(json.dumps(body, ensure_ascii=False))


def _python(value: Any) -> str:
    return pprint.pformat(value, width=88, sort_dicts=False)
