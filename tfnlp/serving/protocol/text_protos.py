"""TF Serving's configuration files in the text format of protocol buffers.

`tensorflow-serving-api` has the message of ``--model_config_file``; it lacks those of
batching, monitoring and TLS, which are declared here field by field as in
TF Serving (`session_bundle_config.proto`, `monitoring_config.proto` and
`ssl_config.proto`).
"""

from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)
from google.protobuf.message import Message

from tfnlp.errors import UsageError

_FIELD = descriptor_pb2.FieldDescriptorProto
_INT, _BOOL, _TEXT = (_FIELD.TYPE_INT64, _FIELD.TYPE_BOOL, _FIELD.TYPE_STRING)
_MESSAGES: dict[str, dict[str, tuple[int, Any]]] = {
    "BatchingParameters": {
        "max_batch_size": (1, ".google.protobuf.Int64Value"),
        "batch_timeout_micros": (2, ".google.protobuf.Int64Value"),
        "max_enqueued_batches": (3, ".google.protobuf.Int64Value"),
        "num_batch_threads": (4, ".google.protobuf.Int64Value"),
        "thread_pool_name": (5, ".google.protobuf.StringValue"),
        "allowed_batch_sizes": (6, [_INT]),
        "pad_variable_length_inputs": (7, _BOOL),
        "enable_large_batch_splitting": (8, ".google.protobuf.BoolValue"),
        "max_execution_batch_size": (9, ".google.protobuf.Int64Value"),
    },
    "PrometheusConfig": {"enable": (1, _BOOL), "path": (2, _TEXT)},
    "MonitoringConfig": {"prometheus_config": (1, ".tfnlp.serving.PrometheusConfig")},
    "SSLConfig": {
        "server_key": (1, _TEXT),
        "server_cert": (2, _TEXT),
        "custom_ca": (3, _TEXT),
        "client_verify": (4, _BOOL),
    },
}
"""Message → field → number and type; a list marks a repeated field."""


def message(name: str) -> Message:
    """An empty message: ``BatchingParameters``, ``MonitoringConfig``, ``SSLConfig``.

    Example:
    >>> text_format.Parse("client_verify: true", message("SSLConfig")).client_verify
    True
    """
    found = _pool().FindMessageTypeByName(f"tfnlp.serving.{name}")
    return message_factory.GetMessageClass(found)()


def read(file: str | Path, empty: Message) -> Message:
    """Parses a file in text format into a message.

    Raises:
        UsageError: there is no such file, or it holds something else.
    """
    try:
        return text_format.Parse(Path(file).read_text("utf-8"), empty)
    except (OSError, ValueError, text_format.ParseError) as error:
        raise UsageError(
            f"{file} must be a {empty.DESCRIPTOR.name} in the text format of protocol "
            f"buffers. Received: {error}. `tfnlp export` writes one to start from."
        ) from error


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(
        name="tfnlp/serving.proto",
        package="tfnlp.serving",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    for name, fields in _MESSAGES.items():
        described = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            described.field.append(_field(field, number, kind))
    pool.Add(file)
    return pool


def _field(name: str, number: int, kind: Any) -> descriptor_pb2.FieldDescriptorProto:
    field = _FIELD(name=name, number=number, label=_FIELD.LABEL_OPTIONAL)
    if isinstance(kind, list):
        field.label, kind = _FIELD.LABEL_REPEATED, kind[0]
    if isinstance(kind, str):
        field.type, field.type_name = _FIELD.TYPE_MESSAGE, kind
    else:
        field.type = kind
    return field
