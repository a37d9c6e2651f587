"""TF Serving's REST JSON: request and response bodies, to arrays and back.

Rules and messages are those of TF Serving (`util/json_tensor.cc`); the client and the
server share them. Three rules differ (docs/serving.md): fields with a default are
optional, an answer is always valid UTF-8, and a lone surrogate is rejected.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.serving.protocol.json_tensors import (
    array,
    converter,
    dims,
    fill,
    filled,
    is_object,
    plain,
    shape_of,
    shown,
)
from tfnlp.serving.protocol.status import StatusError, invalid
from tfnlp.task import Arrays

Fields = Mapping[str, tf.TensorSpec]


def parsed(body: bytes) -> dict[str, Any]:
    """Parses a body that must be a JSON object.

    Raises:
        StatusError: it is something else.

    Example:
    >>> parsed(b'{"instances": [NaN]}')
    {'instances': [nan]}
    """
    if not body.strip():
        raise invalid("JSON Parse error: The document is empty")
    try:
        document = json.loads(body.decode("utf-8", "surrogateescape"))
    except ValueError as error:
        raise invalid(f"JSON Parse error: {error}") from error
    except RecursionError as error:
        raise invalid("JSON Parse error: The document is too deep") from error
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {shown(document)} Is not object")
    return document


def signature_name(document: Mapping[str, Any]) -> str:
    """The signature name of a request, or "" for the default one.

    Raises:
        StatusError: the name is not a string.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {shown(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    return name


def columns(
    document: Mapping[str, Any], fields: Fields, optional: Iterable[str] = ()
) -> tuple[dict[str, np.ndarray], bool]:
    """Parses a predict request: arrays by field, and whether it was in row format.

    Args:
        document: with ``instances``, a list of rows, or ``inputs``, columns.
        fields: of the signature, by name.
        optional: fields that may be omitted.

    Raises:
        StatusError: the request does not match the fields.

    Example:
    >>> fields = {"text": tf.TensorSpec([None], tf.string)}
    >>> columns({"instances": ["fine", {"b64": "/w=="}]}, fields)
    ({'text': array([b'fine', b'\\xff'], dtype=object)}, True)
    """
    if "instances" in document and "inputs" in document:
        raise invalid(
            f"JSON Value: {shown(document)} Not formatted correctly expecting only "
            "one of 'inputs' or 'instances' keys to exist "
        )
    needed = fields.keys() - set(optional)
    if "instances" in document:
        return _from_rows(document, fields, needed), True
    if "inputs" in document:
        return _from_columns(document["inputs"], fields, needed), False
    raise invalid("Missing 'inputs' or 'instances' key")


def predictions(outputs: Arrays, *, by_row: bool) -> bytes:
    """Builds the body of a predict response.

    Args:
        outputs: name → array, strings as bytes.
        by_row: whether the request was in row format.

    Raises:
        StatusError: it was, and an output has no batch axis or another batch size.

    Example:
    >>> print(predictions({"score": np.float32([0.2, 3])}, by_row=True).decode())
    {"predictions": [0.2, 3.0]}
    >>> outputs = {"label": np.array([b"good"], object), "score": np.float32([0.2])}
    >>> print(predictions(outputs, by_row=True).decode())
    {"predictions": [{"label": "good", "score": 0.2}]}
    """
    if by_row:
        _check_rows(outputs)
    values = {name: plain(name, array) for name, array in outputs.items()}
    if len(values) == 1:
        found = next(iter(values.values()))
    elif by_row:
        rows = zip(*values.values(), strict=True)
        found = [dict(zip(values, row, strict=True)) for row in rows]
    else:
        found = values
    return written({"predictions" if by_row else "outputs": found})


def written(document: Any) -> bytes:
    """Serializes a document as JSON; NaN and Infinity as in TF Serving."""
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")


def _from_rows(
    document: Mapping[str, Any], fields: Fields, needed: set[str]
) -> dict[str, np.ndarray]:
    rows = document["instances"]
    if not isinstance(rows, list):
        raise invalid(
            f"JSON Value: {shown(document)} Expecting 'instances' to be an list/array"
        )
    if not rows:
        raise invalid(f"JSON Value: {shown(document)} No values in 'instances' array")
    if is_object(rows[0]):
        return _named_rows(rows, fields, needed)
    name = _only(needed, fields, "instances is a plain list, but expecting list of")
    for k, row in enumerate(rows):
        if is_object(row):
            raise invalid(
                f"Expecting value/list but got object at item {k} of input list"
            )
    return {name: _stacked(name, rows, fields[name].dtype, named=False)}


def _named_rows(
    rows: Sequence[Any], fields: Fields, needed: set[str]
) -> dict[str, np.ndarray]:
    names = rows[0].keys()
    for k, row in enumerate(rows):
        if not is_object(row):
            raise invalid(f"Expecting object but got list at item {k} of input list")
        for name in row:
            if name not in fields:
                raise invalid(
                    f"Failed to process element: {k} key: {name} of 'instances' list. "
                    f"Error: INVALID_ARGUMENT: JSON object: does not have named input: "
                    f"{name}"
                )
        if not needed <= row.keys() or row.keys() != names:
            raise invalid(
                f"Failed to process element: {k} of 'instances' list. JSON object: "
                f"{shown(row)} keys must be equal to: {','.join(sorted(fields))}"
            )
    return {
        name: _stacked(name, [row[name] for row in rows], fields[name].dtype)
        for name in names
    }


def _stacked(
    name: str, rows: Sequence[Any], dtype: tf.DType, *, named: bool = True
) -> np.ndarray:
    """Stacks the rows of one field, which must all have the shape of the first."""
    shape = shape_of(rows[0])
    convert = converter(dtype)
    flat: list[Any] = []
    for k, row in enumerate(rows):
        try:
            found = shape_of(row)
            if found != shape:
                raise invalid(f"Expecting shape {dims(shape)} but got: {dims(found)}")
            fill(row, shape, convert, flat)
        except StatusError as error:
            key = f" key: {name}" if named else ""
            raise invalid(
                f"Failed to process element: {k}{key} of 'instances' list. "
                f"Error: INVALID_ARGUMENT: {error.message}"
            ) from error
    return filled(flat, (len(rows), *shape), dtype)


def _from_columns(
    given: Any, fields: Fields, needed: set[str]
) -> dict[str, np.ndarray]:
    if not is_object(given):
        name = _only(
            needed, fields, "inputs is a plain value/list, but expecting an object as"
        )
        return {name: array(given, fields[name].dtype)}
    for name in sorted(needed):
        if name not in given:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {
        name: array(given[name], spec.dtype)
        for name, spec in fields.items()
        if name in given
    }


def _only(needed: set[str], fields: Fields, complaint: str) -> str:
    names = needed or fields.keys()
    if len(names) > 1:
        objects = "objects as multiple" if complaint.endswith("of") else "multiple"
        raise invalid(
            f"{complaint} {objects} input tensors required as per tensorinfo_map"
        )
    return next(iter(names))


def _check_rows(outputs: Arrays) -> None:
    count = None
    for name, column in outputs.items():
        if column.ndim == 0:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if count is not None and len(column) != count:
            raise invalid(
                f"Tensor name: {name} has inconsistent batch size: {len(column)} "
                f"expecting: {count}"
            )
        count = len(column)
