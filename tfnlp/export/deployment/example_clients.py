"""Example clients of a served artefact: curl, REST in plain Python, gRPC; and a README.

Every example calls each signature with its own fields. TF Serving's REST API requires
all of them; gRPC requests may omit those with a default.
"""

import json
import pprint
import shlex
from collections.abc import Mapping
from typing import Any

from tfnlp.export.deployment.server_flags import (
    BATCHING,
    GRPC,
    METRICS,
    MONITORING,
    REST,
)
from tfnlp.export.deployment.template_files import fill
from tfnlp.export.savedmodel.signatures import SignatureSummary
from tfnlp.export.savedmodel.warmup import SHORT, SIZES

Signatures = Mapping[str, SignatureSummary]

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
        signatures: of the version.
        batching: whether dynamic batching is enabled.
    """
    return {
        "README.md": readme(name, signatures, batching=batching),
        "examples/curl.sh": curl(name, signatures),
        "examples/rest.py": rest(name, signatures),
        "examples/grpc_client.py": grpc_client(name, signatures),
    }


def rows(signature: SignatureSummary) -> list[Any]:
    """Two rows in the format of REST: plain values if there is one field.

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
    """A shell script with one request per signature."""
    requests = "\n".join(
        fill(
            "curl_request.sh",
            signature=each,
            body=_shell({"signature_name": each, "instances": rows(signature)}),
        ).removesuffix("\n")
        for each, signature in signatures.items()
    )
    return fill("curl.sh", name=name, rest=REST, requests=requests)


def rest(name: str, signatures: Signatures) -> str:
    """A Python script without dependencies."""
    requests = {each: rows(signature) for each, signature in signatures.items()}
    return fill("rest.py", name=name, rest=REST, requests=_python(requests))


def grpc_client(name: str, signatures: Signatures) -> str:
    """A Python script that needs tensorflow-serving-api."""
    requests = {
        each: {
            field: (values, signature.types()[field])
            for field, values in _columns(signature).items()
        }
        for each, signature in signatures.items()
    }
    return fill("grpc_client.py", name=name, grpc=GRPC, requests=_python(requests))


def readme(name: str, signatures: Signatures, *, batching: bool) -> str:
    """README: the files, and the signatures with their fields."""
    listed = [_listed(each, signature) for each, signature in signatures.items()]
    return fill(
        "README.md",
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
