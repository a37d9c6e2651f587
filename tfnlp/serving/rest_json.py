"""TF Serving's JSON: bodies of requests and answers, to arrays and back.

Rules and messages are those of TF Serving (`util/json_tensor.cc`); the client and the
server share them. Three things are more lenient or stricter, and docs/serving.md says
so: fields with a default may be left out, an answer is always valid UTF-8, and a lone
surrogate is refused.
"""

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfnlp.serving.refusals import Refusal, invalid
from tfnlp.task import Columns

Fields = Mapping[str, tf.TensorSpec]
BYTES = "_bytes"
"""How the name of an output ends whose strings are no text."""
MOST_LISTS = 32
"""Lists in one another, at most."""


def parsed(body: bytes) -> dict[str, Any]:
    """The object that a body holds.

    Raises:
        Refusal: it is none.

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
        raise invalid(f"JSON Value: {_shown(document)} Is not object")
    return document


def signature_name(document: Mapping[str, Any]) -> str:
    """The signature that a request names, or "" for the default one.

    Raises:
        Refusal: the name is no text.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {_shown(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    return name


def columns(
    document: Mapping[str, Any], fields: Fields, optional: Iterable[str] = ()
) -> tuple[dict[str, np.ndarray], bool]:
    """The tensors of a request to predict, and whether it came in rows.

    Args:
        document: with ``instances``, a list of rows, or ``inputs``, whole columns.
        fields: of the signature, by name.
        optional: fields that may be left out.

    Raises:
        Refusal: it does not fit the fields.

    Example:
    >>> fields = {"text": tf.TensorSpec([None], tf.string)}
    >>> columns({"instances": ["fine", {"b64": "/w=="}]}, fields)
    ({'text': array([b'fine', b'\\xff'], dtype=object)}, True)
    """
    if "instances" in document and "inputs" in document:
        raise invalid(
            f"JSON Value: {_shown(document)} Not formatted correctly expecting only "
            "one of 'inputs' or 'instances' keys to exist "
        )
    needed = fields.keys() - set(optional)
    if "instances" in document:
        return _from_rows(document, fields, needed), True
    if "inputs" in document:
        return _from_columns(document["inputs"], fields, needed), False
    raise invalid("Missing 'inputs' or 'instances' key")


def predictions(outputs: Columns, *, by_row: bool) -> bytes:
    """The answer to a request to predict.

    Args:
        outputs: name → array, strings as bytes.
        by_row: whether the request came in rows.

    Raises:
        Refusal: it came in rows, and an output has no rows or other ones.

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
    """A document as JSON; what is not a number is ``NaN``, as in TF Serving."""
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")


def array(value: Any, dtype: tf.DType) -> np.ndarray:
    """A value or nested lists as an array of their shape; strings become bytes.

    Raises:
        Refusal: lists differ in length or depth, or a value is of another type.

    Example:
    >>> array([[1, 2], [3, 4]], tf.int32).shape
    (2, 2)
    """
    shape = _shape(value)
    flat: list[Any] = []
    _fill(value, 0, shape, _converter(dtype), flat)
    found = np.empty(len(flat), dtype.as_numpy_dtype)
    found[:] = flat
    return found.reshape(shape)


def plain(name: str, column: np.ndarray) -> Any:
    """An output as JSON has it: text as text, bytes in an object ``{"b64": …}``.

    Numbers have the fewest digits that are read as the same number: 0.2 as float32 is
    0.2, and no 0.20000000298.

    Example:
    >>> plain("image_bytes", np.array([b"a"], object))
    [{'b64': 'YQ=='}]
    """
    if column.dtype == object:
        return _strings(column.tolist(), binary=name.endswith(BYTES))
    if column.dtype.kind == "f" and column.dtype != np.float64:
        column = column.astype("U").astype(np.float64)
    return column.tolist()


def _from_rows(
    document: Mapping[str, Any], fields: Fields, needed: set[str]
) -> dict[str, np.ndarray]:
    rows = document["instances"]
    if not isinstance(rows, list):
        raise invalid(
            f"JSON Value: {_shown(document)} Expecting 'instances' to be an list/array"
        )
    if not rows:
        raise invalid(f"JSON Value: {_shown(document)} No values in 'instances' array")
    if _is_object(rows[0]):
        return _named_rows(rows, fields, needed)
    name = _only(needed, fields, "instances is a plain list, but expecting list of")
    for k, row in enumerate(rows):
        if _is_object(row):
            raise invalid(
                f"Expecting value/list but got object at item {k} of input list"
            )
    return {name: _stacked(name, rows, fields[name].dtype, named=False)}


def _named_rows(
    rows: Sequence[Any], fields: Fields, needed: set[str]
) -> dict[str, np.ndarray]:
    names = rows[0].keys()
    for k, row in enumerate(rows):
        if not _is_object(row):
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
                f"{_shown(row)} keys must be equal to: {','.join(sorted(fields))}"
            )
    return {
        name: _stacked(name, [row[name] for row in rows], fields[name].dtype)
        for name in names
    }


def _stacked(
    name: str, rows: Sequence[Any], dtype: tf.DType, *, named: bool = True
) -> np.ndarray:
    """Rows of one field below one another: all of the shape of the first."""
    shape = _shape(rows[0])
    convert = _converter(dtype)
    flat: list[Any] = []
    for k, row in enumerate(rows):
        try:
            found = _shape(row)
            if found != shape:
                raise invalid(f"Expecting shape {_dims(shape)} but got: {_dims(found)}")
            _fill(row, 0, shape, convert, flat)
        except Refusal as error:
            key = f" key: {name}" if named else ""
            raise invalid(
                f"Failed to process element: {k}{key} of 'instances' list. "
                f"Error: INVALID_ARGUMENT: {error.message}"
            ) from error
    whole = np.empty(len(flat), dtype.as_numpy_dtype)
    whole[:] = flat
    return whole.reshape(len(rows), *shape)


def _from_columns(
    given: Any, fields: Fields, needed: set[str]
) -> dict[str, np.ndarray]:
    if not _is_object(given):
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


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not _is_binary(value)


def _is_binary(value: Any) -> bool:
    only = isinstance(value, dict) and value.keys() == {"b64"}
    return only and isinstance(value["b64"], str)


def _shape(value: Any) -> tuple[int, ...]:
    """Lengths of lists in lists, told by the first of each."""
    sizes = []
    while isinstance(value, list):
        sizes.append(len(value))
        if not value:
            break
        value = value[0]
    if len(sizes) > MOST_LISTS:
        raise invalid(f"Lists lie in one another {len(sizes)} deep: no tensor is so")
    return tuple(sizes)


def _fill(
    value: Any,
    level: int,
    shape: tuple[int, ...],
    convert: Callable[[Any], Any],
    flat: list[Any],
) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {_shown(value)} found at incorrect level: {level + 1} "
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
        _fill(each, level + 1, shape, convert, flat)


def _converter(dtype: tf.DType) -> Callable[[Any], Any]:
    """What turns one value of JSON into one of a type, or refuses it."""
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
    raise Refusal(
        "UNIMPLEMENTED", f"Conversion of JSON to type: {dtype.name} is not supported"
    )


def _checked(value: Any, fits: bool, dtype: tf.DType) -> Any:
    if not fits:
        raise invalid(
            f"JSON Value: {_shown(value)} Type: {_kind(value)} "
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
        Refusal: it is neither.
    """
    if isinstance(value, str):
        return _encoded(value)
    if isinstance(value, dict):
        if not _is_binary(value):
            raise invalid(
                f"JSON Value: {_shown(value)} not formatted correctly for base64 data"
            )
        return _decoded(value["b64"])
    return _checked(value, False, tf.string)


def _encoded(text: str) -> bytes:
    """Text as UTF-8; bytes of a body that were none come out as they went in."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise invalid(
            "JSON Parse error: The surrogate pair in string is invalid."
        ) from error


def _decoded(text: str) -> bytes:
    """Bytes out of base64, with or without its padding."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise invalid("Unable to base64 decode") from error


def _check_rows(outputs: Columns) -> None:
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


def _strings(value: Any, *, binary: bool) -> Any:
    if isinstance(value, list):
        return [_strings(each, binary=binary) for each in value]
    if binary:
        return {"b64": base64.b64encode(value).decode()}
    return value.decode("utf-8", "replace")


def _kind(value: Any) -> str:
    """What RapidJSON calls a value."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    kinds = {str: "String", int: "Number", float: "Number", list: "Array"}
    return kinds.get(type(value), "Object")


def _dims(shape: Sequence[int]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _shown(value: Any) -> str:
    """A value as JSON, cut after 256 characters as TF Serving does."""
    shown = ""
    try:
        for part in json.JSONEncoder().iterencode(value):
            shown += part[: 256 - len(shown)]
            if len(shown) == 256:
                break
    except RecursionError:
        shown += "…"
    return shown
