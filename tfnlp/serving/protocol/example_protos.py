"""`tf.train.Example` messages from the JSON of classify and regress requests.

Rules and messages are those of TF Serving (`util/json_tensor.cc`).
"""

from collections.abc import Mapping
from typing import Any

from tensorflow.core.example import example_pb2, feature_pb2

from tfnlp.serving.protocol.json_tensors import text_bytes
from tfnlp.serving.protocol.status import invalid


def from_json(document: Mapping[str, Any]) -> list[bytes]:
    """Parses the examples of a classify or regress request into serialized messages.

    Args:
        document: with ``examples``, a list of objects, and optionally ``context``, an
            object whose features are added to each of them.

    Raises:
        StatusError: a value is neither text, number, boolean, bytes nor a list of
            one of them.

    Example:
    >>> first, = from_json({"examples": [{"x": [1.5]}]})
    >>> example_pb2.Example.FromString(first).features.feature["x"].float_list.value
    [1.5]
    """
    context = _example(document["context"]) if "context" in document else b""
    examples = document.get("examples")
    if examples is None:
        raise invalid(
            "When method is classify, key 'examples' is expected and was not found"
        )
    if not isinstance(examples, list):
        raise invalid("Expecting 'examples' value to be an list/array")
    if not examples:
        raise invalid("'examples' value is an empty array")
    # Concatenated serialized messages are one merged message.
    return [context + _example(each) for each in examples]


def _example(value: Any) -> bytes:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {_kind(value)}")
    example = example_pb2.Example()
    for name, content in value.items():
        items = content if isinstance(content, list) else [content]
        feature = example.features.feature[_named(name)]
        for item in items:
            _add(feature, name, item)
    return example.SerializeToString()


def _named(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise invalid(f"Feature: {name!a} is no UTF-8") from error
    return name


def _add(feature: feature_pb2.Feature, name: str, item: Any) -> None:
    value: Any
    if isinstance(item, bool | int):
        if not -(2**63) <= item < 2**63:
            raise invalid(
                f"Feature: {name} has uint64_t element. Only int64_t is supported."
            )
        kind, value = "int64_list", int(item)
    elif isinstance(item, float):
        kind, value = "float_list", item
    elif isinstance(item, str) or (isinstance(item, dict) and "b64" in item):
        kind, value = "bytes_list", text_bytes(item)
    else:
        raise invalid(
            f"Feature: {name} has element with unexpected JSON type: {_kind(item)}"
        )
    if feature.WhichOneof("kind") not in (None, kind):
        raise invalid(
            f"Unexpected element type in feature: {name} expecting type: "
            f"{feature.WhichOneof('kind').removesuffix('_list')}"
        )
    getattr(feature, kind).value.append(value)


def _kind(value: Any) -> str:
    kinds = {type(None): "Null", list: "Array", dict: "Object", str: "String"}
    return kinds.get(type(value), "Number")
