"""Converts JSON values to arrays and back, as TF Serving's REST API does.

Rules and messages are those of TF Serving (`util/json_tensor.cc`). Knows nothing of
requests: see `tfnlp.serving.protocol.rest_json`.
"""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.serving.protocol.status import StatusError, invalid

BYTES = "_bytes"
"""Suffix of outputs whose strings are binary, not text."""
MAX_DEPTH = 32
"""Maximum nesting depth of lists."""


def array(value: Any, dtype: tf.DType) -> np.ndarray:
    """Converts a value or nested lists to an array; strings become bytes.

    Raises:
        StatusError: lists differ in length or depth, or a value has the wrong type.

    Example:
    >>> array([[1, 2], [3, 4]], tf.int32).shape
    (2, 2)
    """
    shape = shape_of(value)
    flat: list[Any] = []
    fill(value, shape, converter(dtype), flat)
    return filled(flat, shape, dtype)


def filled(values: Sequence[Any], shape: Sequence[int], dtype: tf.DType) -> np.ndarray:
    """Converted values as an array; float32 overflow becomes infinity."""
    found = np.empty(len(values), dtype.as_numpy_dtype)
    with np.errstate(over="ignore"):
        found[:] = values
    return found.reshape(shape)


def plain(name: str, column: np.ndarray) -> Any:
    """Converts an output to JSON values: text, or ``{"b64": …}`` for binary strings.

    Numbers have the fewest digits that round-trip: 0.2 as float32 is 0.2, not
    0.20000000298.

    Example:
    >>> plain("image_bytes", np.array([b"a"], object))
    [{'b64': 'YQ=='}]
    """
    if column.dtype == object:
        return _strings(column.tolist(), binary=name.endswith(BYTES))
    if column.dtype.kind == "f" and column.dtype != np.float64:
        column = column.astype("U").astype(np.float64)
    return column.tolist()


def is_object(value: Any) -> bool:
    """Whether a value is an object other than ``{"b64": …}``."""
    return isinstance(value, dict) and not _is_binary(value)


def _is_binary(value: Any) -> bool:
    only = isinstance(value, dict) and value.keys() == {"b64"}
    return only and isinstance(value["b64"], str)


def shape_of(value: Any) -> tuple[int, ...]:
    """Shape of nested lists, taken from the first element of each.

    Raises:
        StatusError: they are nested deeper than `MAX_DEPTH`.
    """
    sizes = []
    while isinstance(value, list):
        sizes.append(len(value))
        if not value:
            break
        value = value[0]
    if len(sizes) > MAX_DEPTH:
        raise invalid(
            f"Lists are nested {len(sizes)} deep, at most {MAX_DEPTH} are allowed"
        )
    return tuple(sizes)


def fill(
    value: Any,
    shape: tuple[int, ...],
    convert: Callable[[Any], Any],
    flat: list[Any],
    level: int = 0,
) -> None:
    """Appends the converted values of nested lists to a flat list.

    Args:
        shape: required shape.
        level: nesting depth of the value.

    Raises:
        StatusError: the shape differs, or a value has the wrong type.
    """
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {shown(value)} found at incorrect level: {level + 1} "
                f"in the JSON DOM. Expected at level: {len(shape)}"
            )
        flat.append(convert(value))
        return
    if level >= len(shape):
        raise invalid(
            f"Encountered list at unexpected level: {level} expected < {len(shape)}"
        )
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    for each in value:
        fill(each, shape, convert, flat, level + 1)


def converter(dtype: tf.DType) -> Callable[[Any], Any]:
    """Returns the function that converts and checks one JSON value of a type.

    Raises:
        StatusError: JSON has no values of the type.
    """
    if dtype == tf.string:
        return text_bytes
    if dtype == tf.bool:
        return lambda value: _checked(value, isinstance(value, bool), dtype)
    if dtype.is_integer:
        low, high = dtype.min, dtype.max
        return lambda value: _checked(
            value, type(value) is int and low <= value <= high, dtype
        )
    if dtype in (tf.float32, tf.float64):
        return lambda value: _number(value, dtype)
    raise StatusError(
        "UNIMPLEMENTED", f"Conversion of JSON to type: {dtype.name} is not supported"
    )


def _checked(value: Any, fits: bool, dtype: tf.DType) -> Any:
    if not fits:
        raise invalid(
            f"JSON Value: {shown(value)} Type: {_kind(value)} "
            f"is not of expected type: {dtype.name}"
        )
    return value


def _number(value: Any, dtype: tf.DType) -> float:
    try:
        return float(_checked(value, type(value) in (int, float), dtype))
    except OverflowError:
        return _checked(value, False, dtype)


def text_bytes(value: Any) -> bytes:
    """The bytes of a text, or of an object ``{"b64": …}``.

    Raises:
        StatusError: it is neither.
    """
    if isinstance(value, str):
        return _encoded(value)
    if isinstance(value, dict):
        if not _is_binary(value):
            raise invalid(
                f"JSON Value: {shown(value)} not formatted correctly for base64 data"
            )
        return _decoded(value["b64"])
    return _checked(value, False, tf.string)


def _encoded(text: str) -> bytes:
    """Text as UTF-8; invalid bytes of the body are restored unchanged."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise invalid(
            "JSON Parse error: The surrogate pair in string is invalid."
        ) from error


def _decoded(text: str) -> bytes:
    """Decodes base64, with or without padding."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise invalid("Unable to base64 decode") from error


def _strings(value: Any, *, binary: bool) -> Any:
    if isinstance(value, list):
        return [_strings(each, binary=binary) for each in value]
    if binary:
        return {"b64": base64.b64encode(value).decode()}
    return value.decode("utf-8", "replace")


def _kind(value: Any) -> str:
    """The type name that RapidJSON uses."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    kinds = {str: "String", int: "Number", float: "Number", list: "Array"}
    return kinds.get(type(value), "Object")


def dims(shape: Sequence[int]) -> str:
    """A shape as TF Serving writes it: ``[2,3]``."""
    return f"[{','.join(map(str, shape))}]"


def shown(value: Any) -> str:
    """A value as JSON, truncated to 256 characters as in TF Serving."""
    shown = ""
    try:
        for part in json.JSONEncoder().iterencode(value):
            shown += part[: 256 - len(shown)]
            if len(shown) == 256:
                break
    except RecursionError:
        shown += "…"
    return shown
